/**
 * Loader hooks of the user process: a package that the notebook's folder does not have is looked up beside srft
 * itself (so that `import "srft"` works everywhere), TypeScript files are compiled by oxc, also on Node 20, and a file
 * of the notebook's own is loaded anew after an edit. On Node 20 these run in Node's hooks thread.
 */

import { readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { transformSync } from "oxc-transform";

interface ResolveContext {
  readonly parentURL?: string;
}
interface Resolved {
  readonly url: string;
}
type NextResolve<Result> = (specifier: string, context: ResolveContext) => Result;

/** Where tslab is not installed, its public API is ours. */
const tslabModule = `data:text/javascript,${encodeURIComponent(
  "export const { display, newDisplay, versions } = globalThis.tslab; export default globalThis.tslab;",
)}`;

/** Where React is not installed, JSX makes elements of ours. */
const jsxModule = new URL("../display/jsx-runtime.js", import.meta.url).href;

const ownUrl = pathToFileURL(import.meta.filename).href;
const ownBuild = pathToFileURL(dirname(dirname(import.meta.dirname))).href;

/**
 * The resolve hook of `module.registerHooks`.
 *
 * @example
 * resolveSync("node:fs", {}, (url) => ({ url })); // { url: "node:fs", … }
 */
export function resolveSync(specifier: string, context: ResolveContext, next: NextResolve<Resolved>): Resolved {
  try {
    return fresh(next(specifier, context));
  } catch (error) {
    for (const attempt of alternatives(error, specifier, context)) {
      try {
        return fresh(next(...attempt));
      } catch {}
    }
    throw error;
  }
}

/**
 * The resolve hook of `module.register`.
 *
 * @example
 * await resolve("node:fs", {}, async (url) => ({ url })); // { url: "node:fs", … }
 */
export async function resolve(specifier: string, context: ResolveContext, next: NextResolve<Promise<Resolved>>) {
  try {
    return fresh(await next(specifier, context));
  } catch (error) {
    for (const attempt of alternatives(error, specifier, context)) {
      try {
        return fresh(await next(...attempt));
      } catch {}
    }
    throw error;
  }
}

/**
 * The load hook of both: compiles TypeScript, leaves everything else to Node.
 *
 * @example
 * load("node:fs", {}, (url) => url); // "node:fs"
 */
export function load<Result>(url: string, context: object, next: (url: string, context: object) => Result) {
  if (!/^file:.*\.[mc]?tsx?(\?|$)/.test(url)) return next(url, context);
  const path = fileURLToPath(url.replace(/\?.*$/, ""));
  return { format: "module", source: compileFile(path), shortCircuit: true };
}

/** Where else to look: beside srft for a package, under another extension for a file. */
function alternatives(error: unknown, specifier: string, context: ResolveContext): [string, ResolveContext][] {
  const code = (error as { code?: string }).code;
  if (code !== "ERR_MODULE_NOT_FOUND" && code !== "ERR_UNSUPPORTED_DIR_IMPORT") return [];
  if (specifier === "tslab") return [[tslabModule, context]];
  if (specifier === "react/jsx-runtime") return [[jsxModule, context]];
  if (!/^(\.{0,2}\/|file:)/.test(specifier)) return [[specifier, { ...context, parentURL: ownUrl }]];
  const stem = specifier.replace(/\.[mc]?js$/, "");
  return [`${stem}.ts`, `${stem}.mts`, `${stem}.js`, `${specifier}/index.ts`].map((other) => [other, context]);
}

/** A file outside any package carries its time of change, so that an edited one is another module. */
function fresh(resolved: Resolved): Resolved {
  const { url } = resolved;
  if (!url.startsWith("file:") || url.includes("/node_modules/") || url.startsWith(ownBuild) || url.includes("?"))
    return resolved;
  const changed = statSync(fileURLToPath(url), { throwIfNoEntry: false })?.mtimeMs;
  return changed === undefined ? resolved : { ...resolved, url: `${url}?v=${changed}` };
}

function compileFile(path: string) {
  const { code, map, errors } = transformSync(path, readFileSync(path, "utf8"), {
    sourcemap: true,
    sourceType: "module",
    target: "es2022",
    helpers: { mode: "External" },
  } as Parameters<typeof transformSync>[2]);
  const [error] = errors;
  if (error) throw new SyntaxError(`import: expected TypeScript in ${path} but found: ${error.message}`);
  const encoded = Buffer.from(JSON.stringify({ ...map, sources: [pathToFileURL(path).href] })).toString("base64");
  return `${code}\n//# sourceMappingURL=data:application/json;base64,${encoded}`;
}
