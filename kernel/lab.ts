/** `srft lab`: JupyterLab on the notebooks, where Jupyter is installed. */

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { findOnPath } from "./doctor.ts";
import {
  extensionFolder,
  installExtension,
  installKernel,
  isCurrentExtension,
  knownDataFolders,
  specFolder,
} from "./install.ts";

/**
 * Starts JupyterLab on `notebooks/` of the current folder, or on the package's own notebooks.
 *
 * @param args Further arguments for jupyter lab.
 * @returns Its exit code; 1, with advice on stderr, where there is no Jupyter.
 * @example
 * await runLab(["--no-browser"]);
 */
export async function runLab(args: readonly string[]): Promise<number> {
  const jupyter = findOnPath("jupyter");
  if (!jupyter) {
    process.stderr.write(
      "srft lab: expected jupyter on PATH but found none; install it with: pip install jupyterlab\n" +
        "VS Code needs no Jupyter server: open a notebook there and choose the kernel TypeScript (srft), after: npx srft install\n",
    );
    return 1;
  }
  const folders = knownDataFolders();
  if (!folders.some((folder) => existsSync(specFolder(folder)))) installKernel({ kind: "user" });
  const extension = folders.map(extensionFolder).find((folder) => existsSync(folder));
  if (!extension || !isCurrentExtension(extension)) installExtension({ kind: "user" });
  const own = fileURLToPath(new URL("../../notebooks", import.meta.url));
  const folder = existsSync("notebooks") ? "notebooks" : own;
  const child = spawn(jupyter, ["lab", `--notebook-dir=${folder}`, ...args], { stdio: "inherit" });
  process.on("SIGINT", () => {}); // Jupyter hears it too, and asks before it ends
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => resolve(code ?? 1));
  });
}
