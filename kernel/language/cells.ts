/**
 * The cells of a notebook as modules: each committed cell is a virtual file that exports what it declares and imports
 * what it mentions from the newest cell that declared it. A name can so be declared again with another type, an old
 * cell keeps the types it saw, and checking a cell costs the same however many cells there are.
 *
 * Departures from one long file: a function does not see what later cells declare; the narrowed type of a `let` is
 * carried from cell to cell, but `let x;` without a type or value is `any` in later cells.
 */

import { parseSync } from "oxc-parser";
import { checkSyntax } from "../cell/cell.ts";
import type { Node } from "../cell/cell-rewrite.ts";
import { isParseable } from "../cell/nesting.ts";
import { type CellHistory, hiddenPrefix, isVariable, type Kind, prelude } from "./scope.ts";

/** Longer cells are not checked; what they declare has the type `any`. UTF-16 code units. */
const longestCell = 100_000;
const mostCells = 200;
const mostText = 500_000;

/** A cell between what it imports and what it exports. */
export interface CellFile {
  readonly name: string;
  readonly text: string;
  /** Where the cell's own text begins. */
  readonly start: number;
}

/**
 * Says whether a text is short and flat enough for the type checker.
 *
 * @example
 * isCheckable("(".repeat(5000)); // false
 */
export const isCheckable = (source: string): boolean => source.length <= longestCell && isFlat(source);

/** Parsers are recursive: deep nesting ends their process. */
const isFlat = (source: string) => hasFewBrackets(source) && isParseable(source);

function hasFewBrackets(source: string) {
  let depth = 0;
  for (const [bracket] of source.matchAll(/[()[\]{}<>]/g)) {
    depth += /[([{<]/.test(bracket) ? 1 : depth > 0 ? -1 : 0;
    if (depth > 1000) return false;
  }
  return true;
}

/**
 * The file in which a cell is checked.
 *
 * @param options `mentions: "all"` brings every name of the history into scope, as completion needs it; a cell that is
 *   `kept` imports what it mentions from the cells that declared it.
 * @throws {CellSyntaxError} If `dialect` is not given and the text is not TypeScript.
 * @example
 * const history = { files: new Map(), declared: new Map(), typing: "strict" };
 * cellFile("1 + 1", history, { name: "cell" }).start; // 109
 */
export function cellFile(
  source: string,
  history: CellHistory,
  options: {
    readonly name: string;
    readonly mentions?: "all";
    readonly dialect?: "cell.ts" | "cell.tsx";
    readonly use?: "kept";
  },
): CellFile {
  const dialect = options.dialect ?? checkSyntax(source);
  const { names, text } = readCell(source, dialect);
  const wanted = options.mentions ? [...history.declared.keys()] : mentioned(source);
  const imports = prelude(
    wanted.filter((name) => !names.has(name)),
    source,
    { history, isKept: options.use === "kept" },
  );
  const head = `export {};${imports}globalThis;\n`;
  return {
    name: `${options.name}${dialect.slice("cell".length)}`,
    text: `${head}${text}\n;`,
    start: head.length,
  };
}

/**
 * Takes an executed cell into the history.
 *
 * @param id Number of the cell, never used before.
 * @example
 * const history = { files: new Map(), declared: new Map(), typing: "strict" };
 * commitCell("const n = 1", 1, history);
 * history.declared.get("n")?.kind; // "fixed"
 */
export function commitCell(source: string, id: number, history: CellHistory): void {
  if (!isFlat(source)) return;
  const dialect = checkSyntax(source);
  const { names } = readCell(source, dialect);
  const { name, text } = cellFile(source, history, { name: `${hiddenPrefix}${id}`, dialect, use: "kept" });
  const isOpaque = !isCheckable(source);
  const carried = mentioned(source).filter((known) => !names.has(known) && isVariable(history.declared.get(known)));
  for (const known of carried) if (!isOpaque) history.declared.get(known)!.state = name;
  for (const [known, kind] of names) {
    history.declared.delete(known);
    history.declared.set(known, { kind: isOpaque ? "opaque" : kind, file: name, state: name });
  }
  if (!isOpaque) history.files.set(name, `${text}${footer(names, carried)}`);
  trim(history);
}

const mentioned = (source: string) => [...new Set(source.match(/[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*/gu))];

function trim({ files, declared }: CellHistory) {
  let size = [...files.values()].reduce((sum, text) => sum + text.length, 0);
  for (const [file, text] of files) {
    if (files.size <= mostCells && size <= mostText) return;
    files.delete(file);
    size -= text.length;
    for (const [name, entry] of declared)
      if (entry.file === file || entry.state === file) declared.set(name, { ...entry, kind: "opaque" });
  }
}

function footer(names: ReadonlyMap<string, Kind>, carried: readonly string[]) {
  const plain = [...names].filter(([, kind]) => kind !== "evolving").map(([name]) => name);
  const moving = [...names].filter(([, kind]) => kind !== "fixed").map(([name]) => name);
  const states = [...moving, ...carried].map((name) => `export const ${hiddenPrefix}${name} = ${name};`);
  return `\nexport { ${plain.join(", ")} };${states.join("")}`;
}

/** What a cell declares at its top level, and its text without `export`, everything still in its place. */
function readCell(source: string, dialect: string) {
  const { program } = parseSync(dialect, source, { sourceType: "module" });
  const names = new Map<string, Kind>();
  let text = source;
  const blank = (start: number, end: number) => {
    text = text.slice(0, start) + " ".repeat(end - start) + text.slice(end);
  };
  for (const node of program.body as unknown as Node[]) {
    const inner = node.declaration as Node | null | undefined;
    if (node.type.startsWith("Export")) {
      if (inner?.id || node.type === "ExportDefaultDeclaration") blank(node.start, inner!.start);
      else if (inner?.type === "VariableDeclaration") blank(node.start, inner.start);
      else if (!node.source) blank(node.start, node.end);
    }
    declaredNames(inner ?? node, names);
  }
  return { names, text };
}

function declaredNames(node: Node, names: Map<string, Kind>) {
  if (node.type === "ImportDeclaration")
    for (const { local } of node.specifiers as Node[]) names.set(local.name, "fixed");
  else if (node.type === "VariableDeclaration") variables(node, names);
  else if (isDeclaration(node) && node.id?.type === "Identifier") names.set(node.id.name, "fixed");
  else nestedVariables(node, names);
}

const isDeclaration = ({ type }: Node) => /^(Function|Class|TS\w*)Declaration$|^TSDeclareFunction$/.test(type);

function variables(node: Node, names: Map<string, Kind>) {
  for (const { id, init } of node.declarations as Node[]) {
    const isEvolving = !id.typeAnnotation && init?.type === "ArrayExpression" && init.elements.length === 0;
    const kind = /let|var/.test(node.kind)
      ? id.typeAnnotation
        ? "variable"
        : "loose"
      : isEvolving
        ? "evolving"
        : "fixed";
    for (const name of boundNames(id)) names.set(name, kind);
  }
}

/** A `var` in a block or a loop is a variable of the notebook too. */
function nestedVariables(node: unknown, names: Map<string, Kind>): void {
  if (node === null || typeof node !== "object") return;
  const { type, kind } = node as Node;
  if (/Function|^Class/.test(type)) return;
  if (type === "VariableDeclaration" && kind === "var") variables(node as Node, names);
  for (const child of Object.values(node)) nestedVariables(child, names);
}

function boundNames(pattern: Node | null): string[] {
  if (pattern === null) return [];
  if (pattern.type === "Identifier") return [pattern.name];
  if (pattern.type === "ObjectPattern")
    return pattern.properties.flatMap((property: Node) => boundNames(property.value ?? property.argument));
  if (pattern.type === "ArrayPattern") return pattern.elements.flatMap(boundNames);
  return boundNames(pattern.left ?? pattern.argument);
}
