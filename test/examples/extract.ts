/** Reads the doc comments of source files: which exported functions there are, and the code of each example. */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Comment, type Program, parseSync, type Statement } from "oxc-parser";

export const root = join(import.meta.dirname, "../../..");

/** Code to execute, and where it stands. */
export interface Example {
  readonly file: string;
  readonly line: number;
  /** What the doc comment belongs to. */
  readonly name: string;
  readonly code: string;
}

export interface ExportedFunction {
  readonly file: string;
  readonly name: string;
  readonly hasExample: boolean;
}

/** Its files are AssemblyScript, which asc compiles; none of their functions is exported to the user. */
const assemblyScript = "src/token-stats/kernel/";

/** Its files run in JupyterLab; test/browser/jupyter sees them at work. */
const frontEnd = "kernel/labextension/";

/** The TypeScript files below a folder of the repository, with paths from its root. */
export function sourceFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"))
    .map((file) => join(folder, file).replaceAll("\\", "/"))
    .filter((file) => !file.startsWith(assemblyScript) && !file.startsWith(frontEnd))
    .sort();
}

function parse(file: string) {
  const text = readFileSync(join(root, file), "utf8");
  const { program, comments, errors } = parseSync(file, text);
  if (errors.length > 0) throw new SyntaxError(`${file}: ${errors[0]!.message}`);
  return { text, program, comments: comments.filter(isDoc) };
}

const isDoc = ({ type, value }: Comment) => type === "Block" && value.startsWith("*");

/** The examples in the doc comments of a file. */
export function examplesOf(file: string): Example[] {
  const { text, comments } = parse(file);
  return comments.flatMap(({ value, start, end }) => {
    const at = value.search(/@example\b/);
    if (at < 0) return [];
    const line = text.slice(0, start + 2 + at).split("\n").length;
    const declared = text.slice(end, end + 200).match(/\b(?:function\*?|class|const) (\w+)|^\s*(?:async )?(\w+)\(/);
    return [{ file, line, name: declared?.[1] ?? declared?.[2] ?? "a value", code: codeAt(value, at) }];
  });
}

/** What follows @example, up to the next tag, without the asterisks. */
function codeAt(comment: string, at: number) {
  const lines = comment.slice(at + "@example".length).split("\n");
  const unstarred = lines.map((line) => line.replace(/^\s*\* ?/, ""));
  const next = unstarred.findIndex((line) => /^@\w/.test(line));
  return unstarred
    .slice(0, next < 0 ? undefined : next)
    .join("\n")
    .trim();
}

/** The functions that a file exports. */
export function exportedFunctions(file: string): ExportedFunction[] {
  const { text, program, comments } = parse(file);
  const functions = program.body.flatMap((statement) => {
    const name = functionName(statement);
    if (!name) return [];
    const doc = comments.findLast(({ end }) => end <= statement.start);
    const isOwn = doc !== undefined && text.slice(doc.end, statement.start).trim() === "";
    return [{ file, name, hasExample: isOwn && /@example\b/.test(doc.value) }];
  });
  const documented = new Set(functions.filter(({ hasExample }) => hasExample).map(({ name }) => name));
  const names = [...new Set(functions.map(({ name }) => name))];
  return names.map((name) => ({ file, name, hasExample: documented.has(name) }));
}

function functionName(statement: Statement) {
  if (statement.type !== "ExportNamedDeclaration") return undefined;
  const { declaration } = statement;
  const isFunction = declaration?.type === "FunctionDeclaration" || declaration?.type === "TSDeclareFunction";
  return isFunction ? declaration.id?.name : undefined;
}

/** The functions that a file and the files it exports from make public. */
export function publicFunctions(file: string): ExportedFunction[] {
  const { program } = parse(file);
  const reached = reexports(program, file).flatMap(({ target, names }) =>
    publicFunctions(target).filter(({ name }) => names === "all" || names.includes(name)),
  );
  return [...exportedFunctions(file), ...reached];
}

interface Reexport {
  readonly target: string;
  readonly names: "all" | readonly string[];
}

function reexports({ body }: Program, file: string): Reexport[] {
  return body.flatMap((statement): Reexport[] => {
    const isStar = statement.type === "ExportAllDeclaration";
    if (!(isStar || statement.type === "ExportNamedDeclaration") || !statement.source) return [];
    const target = join(dirname(file), statement.source.value).replaceAll("\\", "/");
    if (isStar) return [{ target, names: "all" }];
    return [{ target, names: statement.specifiers.map(({ local }) => ("name" in local ? local.name : local.value)) }];
  });
}
