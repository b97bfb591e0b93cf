/**
 * The kernel beside ipykernel, tslab and Deno: one small client speaks to each over the same sockets, in turn, so that
 * a client's own cost is the same for all. Medians of rounds. A kernel that does not finish a task is started anew.
 */

import { spawnSync } from "node:child_process";
import { streamText } from "../../kernel/client.ts";
import { type BenchRow, timeRow } from "../row.ts";
import { suiteRows } from "./conformance.ts";
import { jupyterClientRows } from "./jupyter-client.ts";
import { type AbsentKernel, type Kernel, openSession, ours, peers, type Session } from "./peers.ts";
import { type Figure, patience, type Task, tasks } from "./tasks.ts";

const rounds = 5;

interface Measured {
  readonly kernel: Kernel;
  session: Session;
  readonly figures: number[];
  /** It did not finish the present task. */
  isStuck: boolean;
}

/** Rows of `npm run bench -- kernel`. */
export async function kernelRows(): Promise<BenchRow[]> {
  const others = peers();
  const kernels = [ours, ...others.filter((other): other is Kernel => "version" in other)];
  const running: Measured[] = [];
  for (const kernel of kernels) running.push({ kernel, session: await openWarm(kernel), figures: [], isStuck: false });
  const rows: BenchRow[] = [];
  for (const task of tasks) rows.push(...(await measure(task, running)));
  rows.push(await againstNode(running[0]!));
  for (const { session } of running) await session.end();
  rows.push(...jupyterClientRows());
  const absent = others.filter((other): other is AbsentKernel => "remedy" in other);
  return [...rows, ...suiteRows(kernels), ...absent.map(absentRow)];
}

/** A session whose first cells are done, and whose output is heard. */
async function openWarm(kernel: Kernel): Promise<Session> {
  const session = await openSession(kernel);
  await session.client.subscribed();
  await session.client.ask("execute_request", { code: "1", allow_stdin: false });
  return session;
}

async function measure(task: Task, running: readonly Measured[]): Promise<BenchRow[]> {
  for (const one of running) Object.assign(one, { figures: [], isStuck: false });
  for (let round = 0; round < rounds; round++)
    for (const one of running) if (!one.isStuck) await measureOnce(task, one);
  const [own, ...others] = running;
  return others.map((other) => compare(task, own!, other));
}

async function measureOnce(task: Task, one: Measured) {
  const figure: Figure = await task.measure(one.session, one.kernel).catch(() => undefined);
  if (figure !== undefined) return void one.figures.push(figure);
  one.isStuck = true;
  await one.session.end();
  one.session = await openWarm(one.kernel);
}

function compare(task: Task, own: Measured, other: Measured): BenchRow {
  const { name, version } = other.kernel;
  const target = name === "ipykernel" ? task.target : 0;
  const row = timeRow({
    name: `${task.name} (${name})`,
    ours: own.figures,
    peer: other.isStuck ? [1000 * patience] : other.figures,
    target,
    note: other.isStuck ? `${name} ${version} was not done after ${patience} s` : `${name} ${version}`,
  });
  if (task.unit !== "lines") return { ...row, unit: task.unit, ok: !own.isStuck && row.ok };
  return { ...row, unit: "lines", ratio: null, ok: row.ours === 0 };
}

/** A loop at the top of a cell against the same in a function of a script, by the clock that is in both. */
async function againstNode({ session }: Measured): Promise<BenchRow> {
  const loop =
    "const begun = performance.now(); let sum = 0; for (let i = 0; i < 1e7; i++) sum += i & 3; console.log(performance.now() - begun)";
  const times = { ours: [] as number[], peer: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    times.ours.push(Number(streamText(await session.client.execute(loop))));
    times.peer.push(Number(spawnSync(process.execPath, ["-e", `(() => { ${loop} })()`], { encoding: "utf8" }).stdout));
  }
  return timeRow({
    name: "loop of 1e7 turns at the top (node)",
    ...times,
    target: 0.5,
    note: "the same in a function",
  });
}

const absentRow = ({ name, remedy }: AbsentKernel): BenchRow => ({
  ...{ name: `${name} is not installed`, ours: 0, peer: null, unit: "ms", ratio: null, target: 0, ok: false },
  note: remedy,
});
