/** Our kernel as an outside client finds it: installed in a folder of its own, by the Python that SRFT_PYTHON names. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mainFile } from "../kernel/client.ts";
import { python } from "../python.ts";

export interface Installed {
  /** A folder to work in. */
  readonly folder: string;
  /** The environment in which Jupyter finds the kernel. */
  readonly env: NodeJS.ProcessEnv;
  /** Runs Python there and gives what it said. */
  python(args: readonly string[], input?: string): { readonly status: number | null; stdout: string; stderr: string };
}

/** Installs the kernel, does the work, and removes everything. */
export function withInstalledKernel<Result>(work: (installed: Installed) => Result): Result {
  const folder = mkdtempSync(join(tmpdir(), "srft-installed-"));
  const env = {
    ...process.env,
    JUPYTER_PATH: join(folder, "share", "jupyter"),
    SRFT_HISTORY: join(folder, "history"),
    PYTHONWARNINGS: "ignore",
  };
  try {
    spawnSync(process.execPath, [mainFile, "install", "--prefix", folder], { env });
    return work({
      folder,
      env,
      python: (args, input = "") =>
        spawnSync(python, args, { cwd: folder, env, input, encoding: "utf8", timeout: 120_000 }),
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
