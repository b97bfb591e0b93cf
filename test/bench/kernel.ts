/**
 * The kernel, through our tests' small front end, beside its peers through jupyter_client, whose own cost is in their
 * times: ipykernel (SRFT_PYTHON with ipykernel), and tslab and Deno where they are installed. Medians of rounds in turn.
 */

import { spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { type Client, startClient } from "../kernel/client.ts";
import { type BenchRow, timeRow } from "./row.ts";

const python = process.env.SRFT_PYTHON ?? "python3";
const rounds = 5;

/** What a peer measures: the same tasks in its own language, a number of milliseconds (or MB) each. */
const peerScript = `
import sys, json, time, jupyter_client, os
from jupyter_client.manager import start_new_kernel
name = sys.argv[1]
python = name == "python3"
codes = {
  "one": "1+1",
  "lines": "for i in range(10000): print(i)" if python else "for (let i = 0; i < 10000; i++) console.log(i)",
  "loop": "s = 0\\nfor i in range(10000000): s += i & 3" if python else "var s = 0; for (let i = 0; i < 1e7; i++) s += i & 3",
}
def start():
    begin = time.perf_counter()
    manager, client = start_new_kernel(kernel_name=name, startup_timeout=60)
    return manager, client, 1000 * (time.perf_counter() - begin)
manager, client, _ = start()
client.execute_interactive("rows = [1]" if python else "var rows = [1]", output_hook=lambda m: None)
def execute(code, times=1):
    begin = time.perf_counter()
    for _ in range(times): client.execute_interactive(code, output_hook=lambda m: None, timeout=120)
    return 1000 * (time.perf_counter() - begin) / times
def complete():
    begin = time.perf_counter()
    client.complete("rows.", reply=True, timeout=60)
    return 1000 * (time.perf_counter() - begin)
def resident(pid):
    total = int(open(f"/proc/{pid}/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    return total + sum(resident(c) for t in os.listdir(f"/proc/{pid}/task") for c in open(f"/proc/{pid}/task/{t}/children").read().split())
print(json.dumps("ready"), flush=True)
for line in sys.stdin:
    task = json.loads(line)
    if task == "start":
        other, channel, took = start()
        channel.stop_channels(); other.shutdown_kernel(now=True)
    elif task == "complete": took = complete()
    elif task == "rss": took = resident(manager.provisioner.pid)
    else: took = execute(codes[task], 20 if task == "one" else 1)
    print(json.dumps(took), flush=True)
client.stop_channels(); manager.shutdown_kernel(now=True)
`;

const tasks = ["start", "one", "lines", "loop", "complete", "rss"] as const;
type Task = (typeof tasks)[number];

interface Subject {
  measure(task: Task): Promise<number>;
  end(): Promise<void>;
}

const elapsed = async (work: () => Promise<unknown>) => {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
};

/** Resident memory of a process and all it started, in MB. */
function resident(pid: number): number {
  const own = (Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * 4096) / 2 ** 20;
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean),
  );
  return children.reduce((sum, child) => sum + resident(Number(child)), own);
}

async function oneAfterAnother(client: Client, count: number) {
  for (let cell = 0; cell < count; cell++) await client.execute("1+1");
}

async function ourselves(): Promise<Subject> {
  const client = await startClient();
  await client.execute("const rows = [1]");
  return {
    async measure(task) {
      client.heard.length = 0;
      switch (task) {
        case "start": {
          let other: Client | undefined;
          const took = await elapsed(async () => {
            other = await startClient();
          });
          await other?.close();
          return took;
        }
        case "one":
          return (await elapsed(() => oneAfterAnother(client, 20))) / 20;
        case "lines":
          return elapsed(() => client.execute("for (let i = 0; i < 10000; i++) console.log(i)"));
        case "loop":
          return elapsed(() => client.execute("let s = 0; for (let i = 0; i < 1e7; i++) s += i & 3;"));
        case "complete":
          return elapsed(() => client.request("complete_request", { code: "rows.", cursor_pos: 5 }));
        case "rss":
          return resident(client.process.pid!);
        default:
          return task satisfies never;
      }
    },
    end: () => client.close(),
  };
}

/** A peer by its kernelspec; undefined where it is not installed. */
async function peer(kernel: string): Promise<Subject | undefined> {
  const child = spawn(python, ["-c", peerScript, kernel], { stdio: ["pipe", "pipe", "ignore"] });
  child.on("error", () => {});
  const ended = new Promise((resolve) => child.once("close", resolve));
  child.stdin.on("error", () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  if ((await lines.next()).done) return undefined;
  return {
    async measure(task) {
      child.stdin.write(`${JSON.stringify(task)}\n`);
      return Number((await lines.next()).value);
    },
    async end() {
      child.stdin.end();
      await ended;
    },
  };
}

/** The loop of 1e7 turns as a script of its own, by Node's own clock. */
function plainLoop(): number {
  const script =
    "const b = performance.now(); (() => { let s = 0; for (let i = 0; i < 1e7; i++) s += i & 3 })(); console.log(performance.now() - b)";
  return Number(spawnSync(process.execPath, ["-e", script], { encoding: "utf8" }).stdout);
}

/** Least ratios to ipykernel that are asked of ours. */
const targets: Readonly<Record<Task, number>> = { start: 0.8, one: 2, lines: 0.5, loop: 5, complete: 1, rss: 0.2 };

const labels: Readonly<Record<Task, string>> = {
  start: "start to first answer",
  one: "1+1, request to idle",
  lines: "10,000 lines to idle",
  loop: "loop of 1e7 turns",
  complete: "completion of rows.",
  rss: "memory of all processes, MB",
};

/** Rows of `npm run bench -- kernel`. */
export async function kernelRows(): Promise<BenchRow[]> {
  const ours = await ourselves();
  const rows: BenchRow[] = [];
  for (const [kernel, name] of [
    ["python3", "ipykernel"],
    ["tslab", "tslab"],
    ["deno", "deno"],
  ] as const) {
    const other = await peer(kernel);
    if (other || name === "ipykernel") rows.push(...(await compare(ours, other, name)));
    else rows.push(absent(name));
    await other?.end();
  }
  rows.push(await againstNode(ours));
  await ours.end();
  return rows;
}

async function compare(ours: Subject, other: Subject | undefined, name: string): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const task of tasks) {
    const times = { ours: [] as number[], peer: [] as number[] };
    for (let round = 0; round < rounds; round++) {
      times.ours.push(await ours.measure(task));
      if (other) times.peer.push(await other.measure(task));
    }
    const note = other ? `peer ${name}` : `peer ${name} is not installed`;
    const row = timeRow({ name: `${labels[task]} (${name})`, ...times, target: targets[task], note });
    rows.push(task === "rss" ? { ...row, unit: "MB" } : row);
  }
  return rows;
}

/** tslab and Deno are measured where they are installed; a row without its peer is not ok. */
const absent = (name: string): BenchRow => ({
  ...{ name: `${name} is not installed`, ours: 0, peer: null, unit: "ms", ratio: null, target: 0, ok: false },
  note: `a kernelspec ${name} that SRFT_PYTHON knows is measured`,
});

async function againstNode(ours: Subject): Promise<BenchRow> {
  const times = { ours: [] as number[], peer: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    times.ours.push(await ours.measure("loop"));
    times.peer.push(plainLoop());
  }
  return timeRow({
    name: "loop of 1e7 turns (node)",
    ...times,
    target: 0.3,
    note: "peer a plain script, in a function",
  });
}
