/** The Python that has the outside checks and the peers, and what it lacks. */

import { spawnSync } from "node:child_process";

export const python = process.env.SRFT_PYTHON ?? "python3";

/** Why a Python cannot use some modules, with Debian's remedy if there is one, or undefined when it can. */
export function missing(modules: string, debian: string, runner = python): string | undefined {
  const { status, stderr, error } = spawnSync(runner, ["-c", `import ${modules}`], { encoding: "utf8" });
  if (status === 0) return undefined;
  const reason = `${runner}: ${error?.message ?? stderr.trim().split("\n").at(-1)}`;
  return debian === "" ? reason : `${reason}; install it with: apt-get install ${debian}`;
}
