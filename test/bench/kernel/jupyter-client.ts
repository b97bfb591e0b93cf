/**
 * `1+1` as a front end asks it: through jupyter_client, which nbclient and Jupyter's servers use, ours and ipykernel in
 * turn. The client is the same for both; its own cost is in both times.
 */

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mainFile } from "../../kernel/client.ts";
import { python } from "../../python.ts";
import { type BenchRow, timeRow } from "../row.ts";

const script = join(import.meta.dirname, "../../../../test/bench/kernel/one_plus_one.py");

type Figures = Readonly<
  Record<"srft" | "python3", { readonly reply: readonly number[]; readonly idle: readonly number[] }>
>;

/** Two rows, without a peer where Python lacks jupyter_client or ipykernel. */
export function jupyterClientRows(): BenchRow[] {
  const prefix = mkdtempSync(join(tmpdir(), "srft-bench-"));
  execFileSync(process.execPath, [mainFile, "install", "--prefix", prefix], { stdio: "ignore" });
  const env = { ...process.env, JUPYTER_PATH: join(prefix, "share/jupyter"), PYTHONWARNINGS: "ignore" };
  const { status, stdout, stderr } = spawnSync(python, [script, "srft", "python3"], {
    env,
    encoding: "utf8",
  });
  rmSync(prefix, { recursive: true, force: true });
  const figures = status === 0 ? (JSON.parse(stdout.trim().split("\n").at(-1)!) as Figures) : undefined;
  const note = figures ? "%types warn" : (stderr.trim().split("\n").at(-1) ?? "no jupyter_client");
  return (["reply", "idle"] as const).map((what) => {
    const [ours, peer] = [figures?.srft[what] ?? [Number.NaN], figures?.python3[what] ?? []];
    return timeRow({ name: `1+1 to ${what}, through jupyter_client (ipykernel)`, ours, peer, target: 4, note });
  });
}
