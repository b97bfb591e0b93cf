/**
 * Standard decorators: no released V8 runs them, and oxc lowers only the older kind, so a cell that has some is
 * compiled by TypeScript's own compiler, where that is installed.
 */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseSync, Visitor } from "oxc-parser";

/**
 * Says whether a cell has decorators, not only an `@` in a text or a comment.
 *
 * @example
 * hasDecorators("cell.ts", "@sealed class A {}"); // true
 */
export function hasDecorators(file: string, source: string): boolean {
  let found = false;
  const { program } = parseSync(file, source, { sourceType: "module" });
  new Visitor({
    Decorator() {
      found = true;
    },
  }).visit(program);
  return found;
}

/**
 * Compiles a cell with TypeScript.
 *
 * @throws {TypeError} If TypeScript is not installed or refuses the cell.
 * @example
 * lowerDecorators("cell.ts", "@sealed class A {}").code.includes("@sealed"); // false
 */
export function lowerDecorators(file: string, source: string): { readonly code: string; readonly map: object } {
  const compiler = compilerPath();
  if (!compiler)
    throw new TypeError(
      "compileCell: expected TypeScript 7 beside srft for standard decorators but found none; install it with: npm install typescript@7",
    );
  const folder = mkdtempSync(join(tmpdir(), "srft-decorators-"));
  try {
    writeFileSync(join(folder, file), source);
    const { stderr } = spawnSync(compiler, [...options, file], { cwd: folder, encoding: "utf8" });
    return readOutput(join(folder, "out"), stderr);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** No types, no library: the missing globals it complains of do not matter to what it writes. */
const options =
  "--noCheck --noResolve --noLib --target es2022 --module esnext --moduleDetection force --verbatimModuleSyntax false --jsx react --sourceMap --outDir out".split(
    " ",
  );

function readOutput(folder: string, complaint: string) {
  try {
    const code = readFileSync(join(folder, "cell.js"), "utf8");
    const map = JSON.parse(readFileSync(join(folder, "cell.js.map"), "utf8")) as object;
    return { code: code.replace(/^export \{\};$|^\/\/# sourceMappingURL=.*$/gm, ""), map };
  } catch (error) {
    throw new TypeError(`compileCell: expected TypeScript to compile the decorators but found ${complaint || error}`);
  }
}

/** The native compiler of TypeScript 7, a package of its own for each platform. */
function compilerPath(): string | undefined {
  try {
    const typescript = createRequire(import.meta.url).resolve("typescript/package.json");
    const platform = `@typescript/typescript-${process.platform}-${process.arch}/package.json`;
    const folder = dirname(createRequire(typescript).resolve(platform));
    return join(folder, "lib", process.platform === "win32" ? "tsc.exe" : "tsc");
  } catch {
    return undefined;
  }
}
