/** How a cell imports: from the notebook's folder first, then from where srft is installed. */

import * as nodeModule from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { constants, Script } from "node:vm";
import * as hooks from "./module-hooks.ts";

type Namespace = Record<string, unknown>;
type Importer = (specifier: string, options?: ImportCallOptions) => Promise<Namespace>;

/** Imports for the cells of one notebook. */
export interface ModuleLoader {
  /**
   * Imports a module.
   *
   * @param required Names the cell reads; each must be exported.
   * @throws {Error} If there is no such module, with the remedy. @throws {SyntaxError} If a required name is missing.
   */
  load(specifier: string, options?: ImportCallOptions, required?: readonly string[]): Promise<Namespace>;
  /** What `import.meta` is in a cell. */
  readonly meta: { readonly url: string; readonly dirname: string; readonly filename: string };
  readonly require: NodeJS.Require;
}

/**
 * Makes the loader of one notebook.
 *
 * @param folder Absolute path of the notebook's folder.
 * @example
 * await createModuleLoader("/tmp").load("node:path", undefined, ["join"]);
 */
export function createModuleLoader(folder: string): ModuleLoader {
  const filename = join(folder, "cell.ts");
  const importModuleDynamically = constants.USE_MAIN_CONTEXT_DEFAULT_LOADER;
  const script = new Script("(specifier, options) => import(specifier, options)", {
    filename,
    importModuleDynamically,
  });
  const importer = script.runInThisContext() as Importer;
  let register = () => {
    registerHooks();
    register = () => {};
  };
  return {
    async load(specifier, options, required = []) {
      const name = String(specifier);
      if (!nodeModule.isBuiltin(name)) register();
      const module = await importer(name, options).catch((error: unknown) => {
        throw withRemedy(error, name, folder);
      });
      return withNames(module, required, name);
    },
    meta: { url: pathToFileURL(filename).href, dirname: folder, filename },
    require: nodeModule.createRequire(filename),
  };
}

/** `module.registerHooks` of Node 22.15 and later, which our types do not know yet. */
interface SyncHooks {
  registerHooks?: (hooks: object) => void;
}

function registerHooks() {
  const { registerHooks: registerSync } = nodeModule as unknown as SyncHooks;
  if (registerSync) registerSync({ resolve: hooks.resolveSync, load: hooks.load });
  else nodeModule.register(new URL("./module-hooks.js", import.meta.url));
}

function withRemedy(error: unknown, specifier: string, folder: string) {
  const { code, message = "" } = error as { code?: string; message?: string };
  const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
  if (code !== "ERR_MODULE_NOT_FOUND" || !message.includes(`'${name}'`)) return error;
  if (/^(\.{0,2}\/|file:|https?:)/.test(specifier)) return error;
  const text = `import: expected the package ${name} in ${folder} or above but found none; install it with: npm install ${name}`;
  return Object.assign(new Error(text), { code });
}

/** CommonJS modules may hide names in their default export; they count as exported. */
function withNames(module: Namespace, required: readonly string[], specifier: string): Namespace {
  const missing = required.filter((name) => !(name in module));
  if (missing.length === 0) return module;
  const inner = Object(module.default) as Namespace;
  const absent = missing.find((name) => !(name in inner));
  if (absent === undefined) return { ...module, ...Object.fromEntries(missing.map((name) => [name, inner[name]])) };
  throw new SyntaxError(`import: expected ${specifier} to export ${absent} but found ${listOf(Object.keys(module))}`);
}

function listOf(names: readonly string[]) {
  const shown = names.slice(0, 12).join(", ");
  return names.length > 12 ? `${shown} and ${names.length - 12} more` : shown || "no exports";
}
