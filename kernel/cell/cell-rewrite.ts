/**
 * Turns the syntax tree of a cell (already JavaScript) into edits that make it a script whose declarations are
 * global. Every top-level binding becomes a `var` of the global object: V8 then runs a top-level loop at its usual
 * speed, closures see later assignments, and a name can be declared again. A cell that waits or imports is wrapped in
 * an async function with its `var`s outside.
 *
 * Departures from a module: an import is executed where it stands; a `const` is fixed once it has its value, so that
 * reading it earlier gives undefined.
 */

import type { Edit } from "./text-edits.ts";

/** The name of the object through which a compiled cell reaches the user process. */
export const runtimeName = "__srft";

/** A node of the ESTree; the parser's own types list every kind, we look at a few. */
// biome-ignore lint/suspicious/noExplicitAny: a generic walk over an untyped tree
export type Node = { type: string; start: number; end: number } & Record<string, any>;

/** What to do to a cell's text so that it can run as a script. */
export interface Rewrite {
  readonly edits: Edit[];
  /** Function declarations of an async cell, to be moved out of the wrapper. */
  readonly moved: [number, number][];
  /** Names the cell declares at its top level. */
  readonly names: Set<string>;
  /** The cell awaits or imports, so its value is a promise of `{ value }` or of nothing. */
  readonly isAsync: boolean;
  /** The last statement is an expression, the cell's value. */
  readonly hasValue: boolean;
}

interface Context extends Rewrite {
  readonly text: string;
  /** Names read somewhere in the cell; an imported name among them must exist. */
  readonly used: ReadonlySet<string>;
  /** Names of constants that were made `var` already. */
  readonly constants: ReadonlySet<string>;
}

/**
 * Plans the edits of one cell.
 *
 * @param body The program's statements, in order; offsets refer to `text`.
 * @param constants Top-level constants that stand in `body` as `var`, as those of a cell with `using` do.
 * @example
 * rewriteCell(parse("const a = 1; a").body, "const a = 1; a").hasValue; // true
 */
export function rewriteCell(body: readonly Node[], text: string, constants: ReadonlySet<string> = new Set()): Rewrite {
  const facts = survey(body);
  const last = lastStatement(body);
  const isAsync = facts.waits;
  const hasValue = last?.type === "ExpressionStatement" || isDefaultExpression(last);
  const { used } = facts;
  const context: Context = { edits: [], moved: [], names: new Set(), isAsync, hasValue, text, used, constants };
  for (const nested of facts.nestedVars) nestedVar(nested, context);
  for (const node of body) statement(node, node === last, context);
  if (last && isAsync && last.type === "ExpressionStatement" && !body.includes(last))
    returnValue(last.start, last.end, context);
  for (const node of facts.resumptions) resumption(node, context);
  for (const node of facts.dynamicImports)
    replace(context, node.start, node.start + "import".length, `${runtimeName}.load`);
  for (const node of facts.metas) replace(context, node.start, node.end, `${runtimeName}.meta`);
  return context;
}

/** A cell with a top-level `using` is compiled to a try statement around all of it; its last statement is within. */
function lastStatement(body: readonly Node[]): Node | undefined {
  const last = body.filter((node) => node.type !== "EmptyStatement").at(-1);
  const isUsing = last?.type === "TryStatement" && last.block.body[0]?.declarations?.[0]?.id.name === "_usingCtx";
  return isUsing ? lastStatement(last.block.body) : last;
}

function declare(node: Node, context: Context): string[] {
  const names = (node.declarations as Node[]).flatMap(({ id }) => boundNames(id));
  for (const name of names) context.names.add(name);
  return names;
}

/** From the end of their declaration on, names cannot be assigned. */
function fix({ end }: Node, names: readonly string[], context: Context) {
  if (names.length > 0) replace(context, end, end, ` ${runtimeName}.fix(${JSON.stringify(names)});`);
}

const isDefaultExpression = (node: Node | undefined) =>
  node?.type === "ExportDefaultDeclaration" && !/Function|Class/.test(node.declaration.type);

function replace(context: Context, start: number, end: number, text: string) {
  context.edits.push({ start, end, text });
}

function statement(node: Node, isLast: boolean, context: Context) {
  if (node.type === "ImportDeclaration") importDeclaration(node, context);
  else if (node.type.startsWith("Export")) exportDeclaration(node, isLast, context);
  else if (node.type === "VariableDeclaration") variableDeclaration(node, context);
  else if (node.type === "FunctionDeclaration") functionDeclaration(node, context);
  else if (node.type === "ClassDeclaration") classDeclaration(node, context);
  else if (node.type === "ExpressionStatement" && isLast && context.isAsync) returnValue(node.start, node.end, context);
}

function functionDeclaration(node: Node, context: Context) {
  context.names.add(node.id.name);
  if (context.isAsync) context.moved.push([node.start, node.end]);
}

function classDeclaration(node: Node, context: Context) {
  context.names.add(node.id.name);
  replace(context, node.start, node.start, `${context.isAsync ? "" : "var "}${node.id.name} = `);
  replace(context, node.end, node.end, ";");
}

function returnValue(start: number, end: number, context: Context) {
  const semicolon = context.text[end - 1] === ";" ? 1 : 0;
  replace(context, start, start, "return { value: (");
  replace(context, end - semicolon, end, "\n) };");
}

function exportDeclaration(node: Node, isLast: boolean, context: Context) {
  if (node.type === "ExportDefaultDeclaration" && isDefaultExpression(node)) {
    replace(context, node.start, node.declaration.start, "");
    if (isLast && context.isAsync) returnValue(node.declaration.start, node.end, context);
    return;
  }
  if (node.declaration?.id !== null && node.declaration) {
    replace(context, node.start, node.declaration.start, "");
    return statement(node.declaration, false, context);
  }
  const load = node.source ? `await ${runtimeName}.load(${JSON.stringify(node.source.value)});` : "";
  replace(context, node.start, node.end, load);
}

function importDeclaration(node: Node, context: Context) {
  const picks: string[] = [];
  const required: string[] = [];
  let target = "";
  for (const specifier of node.specifiers as Node[]) {
    const local: string = specifier.local.name;
    context.names.add(local);
    if (specifier.type === "ImportNamespaceSpecifier") {
      target = `${local} = `;
      continue;
    }
    const imported: string = specifier.imported?.name ?? specifier.imported?.value ?? "default";
    picks.push(`${JSON.stringify(imported)}: ${local}`);
    if (context.used.has(local)) required.push(imported);
  }
  const attributes = (node.attributes as Node[]).map((entry) => [entry.key.name ?? entry.key.value, entry.value.value]);
  const options = attributes.length > 0 ? `, { with: ${JSON.stringify(Object.fromEntries(attributes))} }` : "";
  const load = `await ${runtimeName}.load(${JSON.stringify(node.source.value)}${options || ", undefined"}, ${JSON.stringify(required)})`;
  const pattern = picks.length > 0 ? `{ ${picks.join(", ")} } = ` : "";
  const locals = (node.specifiers as Node[]).map(({ local }) => local.name as string);
  const fixed = locals.length > 0 ? ` ${runtimeName}.fix(${JSON.stringify(locals)});` : "";
  replace(context, node.start, node.end, `(${pattern}${target}${load});${fixed}`);
}

function variableDeclaration(node: Node, context: Context) {
  for (const declarator of node.declarations as Node[]) {
    freshEnum(declarator, context);
    if (!declarator.init && node.kind === "let") replace(context, declarator.end, declarator.end, " = void 0");
  }
  const names = declare(node, context);
  const keywordEnd = node.start + node.kind.length;
  if (context.isAsync) {
    const semicolon = context.text[node.end - 1] === ";" ? 1 : 0;
    replace(context, node.start, keywordEnd, "(");
    replace(context, node.end - semicolon, node.end, ");");
  } else replace(context, node.start, keywordEnd, "var".padEnd(node.kind.length));
  if (node.kind === "const") fix(node, names, context);
}

/** An enum compiles to a call on `E || {}`; the first of a cell must not keep the members of an earlier cell's E. */
function freshEnum({ id, init }: Node, context: Context) {
  const start = init?.type === "CallExpression" ? init.arguments.at(-1) : undefined;
  if (start?.type !== "LogicalExpression" || start.left.name !== id.name || context.names.has(id.name)) return;
  replace(context, start.left.start, start.right.start, "");
}

function nestedVar(nested: NestedVar, context: Context) {
  const names = declare(nested.node, context);
  if (context.isAsync) localVar(nested, context);
  if (!nested.inHead)
    fix(
      nested.node,
      names.filter((name) => context.constants.has(name)),
      context,
    );
}

/** A `var` below the top level of an async cell: without its keyword it assigns the hoisted global. */
function localVar({ node, inHead }: NestedVar, context: Context) {
  const keywordEnd = node.start + "var".length;
  if (inHead) return replace(context, node.start, keywordEnd, "");
  const semicolon = context.text[node.end - 1] === ";" ? 1 : 0;
  replace(context, node.start, keywordEnd, "(");
  replace(context, node.end - semicolon, node.end, ");");
}

/** After every await the cell asks whether it was interrupted meanwhile; the throw runs its finally blocks. */
function resumption(node: Node, context: Context) {
  if (node.type === "AwaitExpression") {
    replace(context, node.start, node.start, `${runtimeName}.resume(`);
    replace(context, node.end, node.end, ")");
  } else if (node.body.type === "BlockStatement") {
    replace(context, node.body.start + 1, node.body.start + 1, ` ${runtimeName}.resume();`);
  } else {
    replace(context, node.body.start, node.body.start, `{ ${runtimeName}.resume(); `);
    replace(context, node.body.end, node.body.end, " }");
  }
}

interface NestedVar {
  readonly node: Node;
  /** It stands in the head of a for statement. */
  readonly inHead: boolean;
}

/** Everything one walk over the tree has to find. */
function survey(body: readonly Node[]) {
  const facts = {
    waits: body.some((node) => /^(Import|ExportAll)Declaration$/.test(node.type) || node.source),
    used: new Set<string>(),
    nestedVars: [] as NestedVar[],
    resumptions: [] as Node[],
    dynamicImports: [] as Node[],
    metas: [] as Node[],
  };
  const visit = (node: Node, depth: number, inFunction: boolean, parent: Node | undefined): void => {
    const isAwait = node.type === "AwaitExpression" || (node.type === "ForOfStatement" && node.await);
    if (isAwait) {
      facts.resumptions.push(node);
      facts.waits ||= !inFunction;
    }
    if (node.type === "ImportExpression") facts.dynamicImports.push(node);
    if (node.type === "MetaProperty" && node.meta.name === "import") facts.metas.push(node);
    if (node.type === "Identifier" && isRead(node, parent)) facts.used.add(node.name);
    if (node.type === "VariableDeclaration" && node.kind === "var" && depth > 1 && !inFunction)
      facts.nestedVars.push({ node, inHead: /^For/.test(parent!.type) && parent!.body !== node });
    if (node.type === "ImportDeclaration") return;
    const within = inFunction || /Function/.test(node.type);
    for (const child of children(node)) visit(child, depth + 1, within, node);
  };
  for (const node of body) visit(node, node.type.startsWith("Export") ? 0 : 1, false, undefined);
  return facts;
}

function isRead(node: Node, parent: Node | undefined) {
  if (parent?.type === "MemberExpression") return parent.object === node || parent.computed;
  if (parent?.type === "Property") return parent.value === node || parent.computed || parent.shorthand;
  return true;
}

function children(node: Node): Node[] {
  return Object.values(node)
    .flat()
    .filter((value) => typeof value?.type === "string" && typeof value.start === "number");
}

/**
 * The names that a binding pattern declares.
 *
 * @example
 * boundNames({ type: "Identifier", name: "a", start: 0, end: 1 }); // ["a"]
 */
export function boundNames(pattern: Node): string[] {
  switch (pattern.type) {
    case "Identifier":
      return [pattern.name];
    case "ObjectPattern":
      return pattern.properties.flatMap((property: Node) => boundNames(property.value ?? property.argument));
    case "ArrayPattern":
      return pattern.elements.flatMap((element: Node | null) => (element ? boundNames(element) : []));
    case "AssignmentPattern":
      return boundNames(pattern.left);
    case "RestElement":
      return boundNames(pattern.argument);
    default:
      throw new TypeError(`boundNames: expected a binding pattern but found ${pattern.type}`);
  }
}
