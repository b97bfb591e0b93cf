/** What is measured of a kernel, the same for each, in its own language. */

import { readdirSync, readFileSync } from "node:fs";
import { streamText } from "../../kernel/client.ts";
import { type Kernel, openSession, type Session, within } from "./peers.ts";

/** Longest wait for one measurement, in seconds; tslab may never send idle. */
export const patience = 5;

/** A figure, or undefined where the kernel did not finish. */
export type Figure = number | undefined;

export interface Task {
  readonly name: string;
  readonly unit: "ms" | "MB" | "lines";
  /** Least ratio that is asked against ipykernel, by design; 0 where a row only reports. */
  readonly target: number;
  measure(session: Session, kernel: Kernel): Promise<Figure>;
}

const elapsed = async (work: () => Promise<unknown>): Promise<number> => {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
};

/** Milliseconds from a cell's request to its idle and reply. */
async function execute({ client }: Session, code: string): Promise<Figure> {
  client.heard.length = 0;
  return within(
    patience,
    elapsed(() => client.execute(code)),
  );
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;

/** Runs a cell so many times, one after the other, and gives the median. */
async function executeOften(session: Session, code: string, times: number): Promise<Figure> {
  const took: number[] = [];
  for (let time = 0; time < times; time++) {
    const one = await execute(session, code);
    if (one === undefined) return undefined;
    took.push(one);
  }
  return median(took);
}

const lineCount = 10_000;
const printing = {
  python: `for i in range(${lineCount}): print(i)`,
  typescript: `for (let i = 0; i < ${lineCount}; i++) console.log(i)`,
};
const looping = {
  python: "s = 0\nfor i in range(10000000): s += i & 3",
  typescript: "let s = 0; for (let i = 0; i < 1e7; i++) s += i & 3;",
};

/** Lines that have not arrived when the cell is idle, or seconds after a cell that never is. */
async function lostLines({ client }: Session, code: string): Promise<number> {
  client.heard.length = 0;
  const answer = await within(patience, client.execute(code));
  const iopub = answer?.iopub ?? client.heard;
  return lineCount - (streamText({ iopub } as Parameters<typeof streamText>[0]).match(/\n/g)?.length ?? 0);
}

/** A cell of 240 lines with types, generics and classes; each call has names of its own. */
function longCell(language: Kernel["language"], run: number): string {
  const blocks = Array.from({ length: 30 }, (_, n) =>
    language === "python" ? pythonBlock(`${n}_${run}`) : typescriptBlock(`${n}_${run}`),
  );
  return blocks.join("\n");
}

const typescriptBlock = (id: string) => `interface Point${id}<Value> { readonly value: Value; readonly label: string }
const points${id}: Point${id}<number>[] = [1, 2, 3].map((value) => ({ value, label: String(value) }));
function sum${id}<Item extends { value: number }>(items: readonly Item[]): number {
  return items.reduce((total, { value }) => total + value, 0);
}
const total${id}: number = sum${id}(points${id});
const byLabel${id} = new Map<string, Point${id}<number>>(points${id}.map((point) => [point.label, point]));
const found${id} = byLabel${id}.get("2")?.value ?? total${id};`;

const pythonBlock = (id: string) => `@dataclass
class Point${id}(Generic[Value]): value: Value; label: str
points${id}: list[Point${id}[int]] = [Point${id}(value, str(value)) for value in [1, 2, 3]]
def sum${id}(items: Iterable[Point${id}[int]]) -> int:
    return sum(item.value for item in items)
total${id}: int = sum${id}(points${id})
by_label${id}: dict[str, Point${id}[int]] = {point.label: point for point in points${id}}
found${id} = by_label${id}["2"].value if "2" in by_label${id} else total${id}`;

const prologue = {
  python: "from dataclasses import dataclass\nfrom typing import Generic, Iterable, TypeVar\nValue = TypeVar('Value')",
  typescript: "0",
};

let runs = 0;

async function executeLongCell(session: Session, { language }: Kernel, magic = ""): Promise<Figure> {
  await execute(session, prologue[language]);
  return execute(session, `${magic}${longCell(language, ++runs)}`);
}

/** Resident memory of a process and all it started, in MB. */
function resident(pid: number): number {
  const own = (Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * 4096) / 2 ** 20;
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean),
  );
  return children.reduce((sum, child) => sum + resident(Number(child)), own);
}

async function startAndEnd(kernel: Kernel, code?: string): Promise<Figure> {
  let session: Session | undefined;
  const took = await within(
    patience,
    elapsed(async () => {
      session = await openSession(kernel);
      if (code !== undefined) await session.client.ask("execute_request", { code, allow_stdin: false });
    }),
  );
  await session?.end();
  return took;
}

/** The tasks, in the order of the table; memory comes last, after all that work. */
export const tasks: readonly Task[] = [
  { name: "start to first reply", unit: "ms", target: 1 / 1.2, measure: (_, kernel) => startAndEnd(kernel) },
  {
    name: "start to first 1+1, %types warn",
    unit: "ms",
    target: 1 / 1.2,
    measure: (_, kernel) => startAndEnd(kernel, "1+1"),
  },
  {
    name: "1+1 to idle and reply, %types warn",
    unit: "ms",
    target: 0,
    measure: (session) => executeOften(session, "1+1", 40),
  },
  {
    name: "240 typed lines, %types off",
    unit: "ms",
    target: 0,
    measure: (session, kernel) => executeLongCell(session, kernel, kernel.name === "srft" ? "%types off\n" : ""),
  },
  {
    name: "240 typed lines, %types error, checked where the kernel can",
    unit: "ms",
    target: 0,
    async measure(session, kernel) {
      const took = await executeLongCell(session, kernel, kernel.name === "srft" ? "%types error\n" : "");
      if (kernel.name === "srft") await execute(session, "%types warn");
      return took;
    },
  },
  {
    name: "completion of rows., %types warn",
    unit: "ms",
    target: 0,
    async measure(session, { language }) {
      await execute(session, language === "python" ? "rows = [1]" : "const rows = [1];");
      const content = { code: "rows.", cursor_pos: 5 };
      return within(
        patience,
        elapsed(() => session.client.ask("complete_request", content)),
      );
    },
  },
  {
    name: "10,000 lines to idle, %types warn",
    unit: "ms",
    target: 0.5,
    measure: (session, { language }) => execute(session, printing[language]),
  },
  {
    name: "10,000 lines: not there at idle, %types warn",
    unit: "lines",
    target: 0,
    measure: (session, { language }) => lostLines(session, printing[language]),
  },
  {
    name: "loop of 1e7 turns, %types warn",
    unit: "ms",
    target: 0,
    measure: (session, { language }) => execute(session, looping[language]),
  },
  { name: "memory of all processes", unit: "MB", target: 0, measure: async ({ pid }) => resident(pid) },
];
