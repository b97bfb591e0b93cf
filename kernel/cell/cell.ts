/**
 * Compiles the text of a cell, TypeScript with top-level await and imports, to a JavaScript script whose declarations
 * are global (see cell-rewrite.ts), and maps positions in a stack trace back to the cell. Pure: nothing runs here.
 */

import { SourceMap } from "node:module";
import { parseSync } from "oxc-parser";
import { transformSync } from "oxc-transform";
import { boundNames, type Node, type Rewrite, rewriteCell } from "./cell-rewrite.ts";
import { hasDecorators, lowerDecorators } from "./decorators.ts";
import { isParseable } from "./nesting.ts";
import { applyEdits, type EditedText, type EditOptions, offsetAt, positionAt } from "./text-edits.ts";

/** A cell ready to run. */
export interface CompiledCell {
  /** A script; its completion value is the cell's value, or a promise of `{ value }` when `isAsync`. */
  readonly code: string;
  readonly isAsync: boolean;
  /** False when the cell ends in a statement, whose completion value is not to be shown. */
  readonly hasValue: boolean;
  /** Names the cell declares at its top level, now properties of the global object. */
  readonly names: readonly string[];
  /** The cell's line (1-based) for a line (1-based) and column (0-based) of `code`; 0 in the wrapper around the cell. */
  originalLine(line: number, column: number): number;
}

/** Text that does not parse; `line` is 1-based, `column` 0-based in UTF-16 code units. */
export class CellSyntaxError extends SyntaxError {
  override readonly name = "SyntaxError";
  readonly line: number;
  readonly column: number;
  /** Something is missing at the end, so more lines could complete the cell. */
  readonly isIncomplete: boolean;

  constructor(message: string, position: { line: number; column: number; isIncomplete: boolean }) {
    super(message);
    this.line = position.line;
    this.column = position.column;
    this.isIncomplete = position.isIncomplete;
  }
}

/**
 * Compiles one cell.
 *
 * @throws {CellSyntaxError} If the text is not TypeScript.
 * @example
 * compileCell("const n: number = await 2; n * 2").isAsync; // true
 */
export function compileCell(source: string): CompiledCell {
  const plain = compilePlain(source);
  if (plain) return plain;
  const file = checkSyntax(source);
  try {
    return compile(file, source);
  } catch (error) {
    throw error instanceof RangeError && /call stack/.test(error.message) ? nestedTooDeeply() : error;
  }
}

/** With one of these a text may mean something else in TypeScript, or cannot run as it stands. */
const notPlain = /[<@%]|\b(?:const|let|var|class|import|export|await|using|accessor)\b/;

/** Most cells that ask for a value are JavaScript that can run as it stands: one parse in place of three. */
function compilePlain(source: string): CompiledCell | undefined {
  if (notPlain.test(source) || !isParseable(source)) return undefined;
  const { errors, program } = parseSync("cell.js", source, { ...parseOptions, lang: "js" });
  if (errors.length > 0) return undefined;
  const rewrite = rewriteCell(program.body as unknown as Node[], source);
  if (rewrite.isAsync || rewrite.edits.length > 0) return undefined;
  const edited = applyEdits(source, [], frame(rewrite));
  const lineOf = (offset: number) =>
    edited.isFrame(offset) ? 0 : positionAt(source, edited.originalOffset(offset)).line;
  return {
    code: edited.text,
    isAsync: false,
    hasValue: rewrite.hasValue,
    names: [...rewrite.names],
    originalLine: (line, column) => lineOf(offsetAt(edited.text, line, column)),
  };
}

function compile(file: "cell.ts" | "cell.tsx", source: string): CompiledCell {
  const { code: js, map } = toJavaScript(file, withoutMagic(source));
  let original: SourceMap | undefined;
  const { program } = parseSync("cell.js", js, { sourceType: "module", lang: "js" });
  const rewrite = rewriteCell(program.body as unknown as Node[], js, hiddenConstants(file, source, js));
  const edited = applyEdits(js, rewrite.edits, frame(rewrite));
  return {
    code: edited.text,
    isAsync: rewrite.isAsync,
    hasValue: rewrite.hasValue,
    names: [...rewrite.names],
    originalLine(line, column) {
      original ??= new SourceMap({ ...map(), file, sourceRoot: "", sourcesContent: [source] });
      return originalLine({ edited, js, original }, line, column);
    },
  };
}

/** A cell with a top-level `using` is compiled to a try statement in which every declaration is a `var`. */
function hiddenConstants(file: string, source: string, js: string): ReadonlySet<string> {
  if (!/^\tvar _usingCtx/m.test(js)) return new Set();
  const { program } = parseSync(file, withoutMagic(source), { sourceType: "module" });
  const declarations = (program.body as unknown as Node[]).filter(
    ({ kind }) => kind !== undefined && !/let|var/.test(kind),
  );
  return new Set(declarations.flatMap((node) => node.declarations.flatMap(({ id }: Node) => boundNames(id))));
}

interface JavaScript {
  readonly code: string;
  /** Its source map, made when a stack trace asks for it: it costs more than the code. */
  map(): SourceMapContent;
}

type SourceMapContent = ConstructorParameters<typeof SourceMap>[0];

/** oxc leaves standard decorators as they are, and V8 cannot run them: such a cell goes to TypeScript itself. */
function toJavaScript(file: "cell.ts" | "cell.tsx", source: string): JavaScript {
  if (/(^|[^\w"'`/])@[\p{ID_Start}$_(]/u.test(source) && hasDecorators(file, source))
    return lowered(lowerDecorators(file, source));
  const { code, errors } = transformSync(file, source, transformOptions);
  if (errors.length > 0) throw syntaxError(source, inCodeUnits(source, errors[0]!));
  const map = () => transformSync(file, source, { ...transformOptions, sourcemap: true }).map as SourceMapContent;
  return { code, map };
}

const lowered = ({ code, map }: ReturnType<typeof lowerDecorators>): JavaScript => ({
  code,
  map: () => map as SourceMapContent,
});

/**
 * A first line such as `%types off` is for the kernel; in the script it is blank.
 *
 * @example
 * withoutMagic("%types off\n1"); // "\n1"
 */
export const withoutMagic = (source: string): string =>
  source.replace(/^%types[ \t]+(?:error|warn|off)[ \t]*(?=\n|$)/, "");

/**
 * Checks the text of a cell without compiling it.
 *
 * @returns The file name whose dialect it is written in: `cell.ts`, or `cell.tsx` where only that parses.
 * @throws {CellSyntaxError} If it is neither.
 * @example
 * checkSyntax("const b = <b>bold</b>;"); // "cell.tsx"
 */
export function checkSyntax(text: string): "cell.ts" | "cell.tsx" {
  const source = withoutMagic(text);
  if (!isParseable(source)) throw nestedTooDeeply();
  const [error] = parseErrors(source, "cell.ts");
  if (!error) return "cell.ts";
  if (parseErrors(source, "cell.tsx").length === 0) return "cell.tsx";
  throw syntaxError(source, error);
}

const nestedTooDeeply = () =>
  new CellSyntaxError("the cell is nested too deeply to be parsed", { line: 1, column: 0, isIncomplete: false });

const parseErrors = (source: string, file: string) => parseSync(file, source, parseOptions).errors;

const parseOptions = { sourceType: "module", showSemanticErrors: true } as const;

const transformOptions = {
  sourceType: "module",
  target: "es2022",
  typescript: { onlyRemoveTypeImports: true },
  helpers: { mode: "External" },
} as Parameters<typeof transformSync>[2];

/** Moved functions stand behind the wrapper: a declaration's completion value is empty, the promise remains. */
function frame({ isAsync, names, moved }: Rewrite): EditOptions {
  if (!isAsync) return { head: '"use strict";' };
  const variables = names.size > 0 ? `var ${[...names].join(", ")};` : "";
  return { head: `"use strict";${variables}(async () => {`, moved, tail: "\n})();" };
}

interface Origin {
  readonly edited: EditedText;
  readonly js: string;
  readonly original: SourceMap;
}

function originalLine({ edited, js, original }: Origin, line: number, column: number) {
  const offset = offsetAt(edited.text, line, column);
  if (edited.isFrame(offset)) return 0;
  const place = positionAt(js, edited.originalOffset(offset));
  const entry = original.findEntry(place.line - 1, place.column);
  return "originalLine" in entry ? entry.originalLine + 1 : 0; // before all that is mapped: a compiler's own function
}

interface ParseError {
  readonly message: string;
  readonly labels: readonly { readonly start: number; readonly end: number }[];
}

/** The transformer counts UTF-8 bytes where the parser counts code units. */
function inCodeUnits(source: string, { message, labels }: ParseError): ParseError {
  const units = (bytes: number) => Buffer.from(source).subarray(0, bytes).toString().length;
  return { message, labels: labels.map(({ start, end }) => ({ start: units(start), end: units(end) })) };
}

function syntaxError(source: string, { message, labels }: ParseError) {
  const at = labels.at(-1)?.start ?? 0;
  const isOpen = /found `?EOF|Unterminated multiline|Unexpected end/.test(message) || source[at] === "`";
  const isIncomplete = isOpen || at >= source.trimEnd().length;
  return new CellSyntaxError(message, { ...positionAt(source, at), isIncomplete });
}
