/**
 * Makes the kernel known to Jupyter and VS Code: a kernelspec in one of Jupyter's data folders, without Python. Beside it
 * lies the extension with which JupyterLab and Notebook 7 draw what the kernel sends.
 */

import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { writeAtomically } from "./notebook/notebook.ts";

/** The kernel's name in notebooks. */
export const kernelName = "srft";

/** Where to install: the user's data folder, the active environment, or below a folder. */
export type Target =
  | { readonly kind: "user" }
  | { readonly kind: "sys-prefix" }
  | { readonly kind: "prefix"; readonly folder: string };

/** The part of the machine that decides where data folders are. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** This machine. */
export const thisMachine = (): Machine => ({ platform: process.platform, home: homedir(), env: process.env });

/**
 * Jupyter's data folder of the user, by Jupyter's rules for each system.
 *
 * @example
 * userDataFolder({ platform: "linux", home: "/home/ada", env: {} }); // "/home/ada/.local/share/jupyter"
 */
export function userDataFolder({ platform, home, env }: Machine): string {
  if (env.JUPYTER_DATA_DIR) return env.JUPYTER_DATA_DIR;
  if (platform === "darwin") return join(home, "Library", "Jupyter");
  if (platform === "win32") return env.APPDATA ? join(env.APPDATA, "jupyter") : join(home, ".jupyter", "data");
  return join(env.XDG_DATA_HOME || join(home, ".local", "share"), "jupyter");
}

/**
 * The data folder of a target.
 *
 * @throws {TypeError} If `sys-prefix` is asked for outside an environment.
 * @example
 * dataFolder({ kind: "prefix", folder: "/usr/local" }); // "/usr/local/share/jupyter"
 */
export function dataFolder(target: Target, machine = thisMachine()): string {
  switch (target.kind) {
    case "user":
      return userDataFolder(machine);
    case "prefix":
      return join(resolve(target.folder), "share", "jupyter");
    case "sys-prefix": {
      const prefix = machine.env.VIRTUAL_ENV || machine.env.CONDA_PREFIX;
      if (prefix) return join(prefix, "share", "jupyter");
      throw new TypeError(
        "install: expected an active environment (VIRTUAL_ENV or CONDA_PREFIX) for --sys-prefix but found none; activate one, or use --prefix DIR",
      );
    }
    default:
      return target satisfies never;
  }
}

/** The folder that holds our kernelspec below a data folder. */
export const specFolder = (data: string) => join(data, "kernels", kernelName);

/** What kernel.json says: this Node, this file. */
export const kernelSpec = () => ({
  argv: [process.execPath, fileURLToPath(new URL("./main.js", import.meta.url)), "kernel", "{connection_file}"],
  display_name: "TypeScript (srft)",
  language: "typescript",
  interrupt_mode: "message",
  metadata: { debugger: false },
});

/**
 * Installs the kernelspec, over an older one if there is one.
 *
 * @returns The folder it lies in. @throws {Error} If the folder cannot be written.
 * @example
 * installKernel({ kind: "user" });
 */
export function installKernel(target: Target): string {
  const folder = specFolder(dataFolder(target));
  mkdirSync(folder, { recursive: true });
  cpSync(new URL("../../kernel/assets/logo-svg.svg", import.meta.url), join(folder, "logo-svg.svg"));
  writeAtomically(join(folder, "kernel.json"), `${JSON.stringify(kernelSpec(), null, 2)}\n`);
  return folder;
}

/**
 * Removes the kernelspec.
 *
 * @returns The folder it lay in, or undefined where there was none.
 * @example
 * uninstallKernel({ kind: "user" });
 */
export function uninstallKernel(target: Target): string | undefined {
  const folder = specFolder(dataFolder(target));
  if (!existsSync(folder)) return undefined;
  rmSync(folder, { recursive: true });
  return folder;
}

/** The extension as `npm run build` makes it. */
const builtExtension = fileURLToPath(new URL("./labextension/built", import.meta.url));

/** The folder that holds our extension of JupyterLab below a data folder. */
export const extensionFolder = (data: string) => join(data, "labextensions", kernelName);

/**
 * Installs the extension of JupyterLab and Notebook 7, in place of an older one if there is one.
 *
 * @returns The folder it lies in. @throws {TypeError} If it has not been built. @throws {Error} If the folder cannot be
 *   written.
 * @example
 * installExtension({ kind: "user" });
 */
export function installExtension(target: Target): string {
  if (!existsSync(join(builtExtension, "package.json")))
    throw new TypeError(
      `install: expected the built extension in ${builtExtension} but found none; run: npm run build`,
    );
  const folder = extensionFolder(dataFolder(target));
  rmSync(folder, { recursive: true, force: true });
  cpSync(builtExtension, folder, { recursive: true });
  return folder;
}

/**
 * Removes the extension.
 *
 * @returns The folder it lay in, or undefined where there was none.
 * @example
 * uninstallExtension({ kind: "user" });
 */
export function uninstallExtension(target: Target): string | undefined {
  const folder = extensionFolder(dataFolder(target));
  if (!existsSync(folder)) return undefined;
  rmSync(folder, { recursive: true });
  return folder;
}

/**
 * Whether an installed extension is the one of this package, file by file: the names of its files tell their content.
 *
 * @example
 * isCurrentExtension("/no such folder"); // false
 */
export function isCurrentExtension(folder: string): boolean {
  const [installed, built] = [folder, builtExtension].map((place) => join(place, "package.json"));
  if (!existsSync(installed!) || !existsSync(built!)) return false;
  return readFileSync(installed!, "utf8") === readFileSync(built!, "utf8");
}

/**
 * Folders in which Jupyter looks for kernels that exist here, the first wins.
 *
 * @example
 * knownDataFolders({ platform: "linux", home: "/home/ada", env: {} })[0]; // "/home/ada/.local/share/jupyter"
 */
export function knownDataFolders(machine = thisMachine()): string[] {
  const { env } = machine;
  const environments = [env.VIRTUAL_ENV, env.CONDA_PREFIX].filter((prefix) => prefix !== undefined && prefix !== "");
  const shared =
    machine.platform === "win32"
      ? [join(env.PROGRAMDATA ?? "C:\\ProgramData", "jupyter")]
      : ["/usr/local/share/jupyter", "/usr/share/jupyter"];
  return [
    ...(env.JUPYTER_PATH ?? "").split(delimiter).filter((path) => path !== ""),
    userDataFolder(machine),
    ...environments.map((prefix) => join(prefix!, "share", "jupyter")),
    ...shared,
  ];
}
