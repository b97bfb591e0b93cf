/** Headless execution of a notebook: `srft run`. The same executor as behind the sockets, without the sockets. */

import { basename, dirname, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { startExecutor } from "../executor/executor.ts";
import { languageInfo } from "../protocol/messages.ts";
import {
  type CellOutput,
  checkWritable,
  formatNotebook,
  joined,
  type Notebook,
  type NotebookCell,
  readNotebook,
  writeAtomically,
} from "./notebook.ts";
import { createOutputs } from "./outputs.ts";
import { expectedDurations, startProgress } from "./progress.ts";

/** What `srft run` takes. */
export interface RunOptions {
  /** Where the executed notebook goes; `out/NAME.ipynb` without. */
  readonly out?: string;
  /** Write it over the input. */
  readonly inplace?: true;
  /** Where the HTML report goes; none without. */
  readonly html?: string;
  /** Longest time for one cell, in seconds. */
  readonly timeout?: number;
  /** Print the cells' streams as they come. */
  readonly verbose?: true;
}

/** 0 done, 1 a cell failed, 130 interrupted. */
export type RunCode = 0 | 1 | 130;

/** What is still free to write to after an interrupt, in milliseconds, before the user process is killed. */
const patience = 2000;

/**
 * Executes a notebook, cell by cell, and writes it, also when a cell fails or somebody presses Ctrl-C.
 *
 * @returns The exit code. @throws {TypeError | SyntaxError} If the notebook or an output path cannot be used.
 * @example
 * await runNotebook("notebooks/01.ipynb", { html: "out/01.html" });
 */
export async function runNotebook(path: string, options: RunOptions = {}): Promise<RunCode> {
  const notebook = readNotebook(path);
  const out = options.inplace ? path : (options.out ?? join("out", basename(path)));
  if (!options.inplace && resolve(out) === resolve(path))
    throw new TypeError(`run: expected an output other than the input ${path}; use --inplace to write over it`);
  const files = options.html === undefined ? [out] : [out, options.html];
  files.forEach(checkWritable);
  const report = options.html === undefined ? undefined : await import("./report.ts");
  const durations = expectedDurations(notebook);
  clear(notebook);
  const code = await executeCells(notebook, { ...options, folder: dirname(resolve(path)), durations });
  writeAtomically(out, formatNotebook(notebook));
  if (report) writeAtomically(options.html!, report.htmlReport(notebook, { name: basename(path, ".ipynb") }));
  for (const file of files) process.stderr.write(`wrote ${file}\n`);
  printTerminalCells(notebook);
  return code;
}

/** Old outputs beside new ones would look like one run. */
function clear(notebook: Notebook) {
  notebook.metadata.language_info = languageInfo;
  notebook.metadata.kernelspec ??= {
    name: "srft",
    display_name: "TypeScript (srft)",
    language: "typescript",
  } as object;
  for (const cell of notebook.cells) {
    if (cell.cell_type !== "code") continue;
    cell.outputs = [];
    cell.execution_count = null;
    delete cell.metadata.execution;
  }
}

interface Session extends RunOptions {
  readonly folder: string;
  /** Seconds each code cell took last time, where known. */
  readonly durations: readonly (number | undefined)[];
}

async function executeCells(notebook: Notebook, session: Session): Promise<RunCode> {
  const cells = notebook.cells.filter(({ cell_type, source }) => cell_type === "code" && joined(source).trim() !== "");
  const outputs = createOutputs();
  const executor = startExecutor({
    folder: session.folder,
    onOutput(output) {
      outputs.add(output);
      if (session.verbose && output.op === "stream") process[output.name].write(output.text);
    },
  });
  const progress = startProgress(cells, session.durations);
  const stops = watchSignals(executor);
  let code: RunCode = 0;
  for (const [index, cell] of cells.entries()) {
    progress.cell(index);
    const failed = await executeCell(cell, { executor, outputs, index, timeout: session.timeout });
    if (stops.signal) code = 130;
    else if (failed && !hasTag(cell, "raises-exception")) code = 1;
    if (code !== 0) {
      progress.clear();
      if (failed) process.stderr.write(`${failureText(cell, index, cells.length)}\n`);
      break;
    }
  }
  await executor.close();
  stops.end();
  outputs.finish();
  progress.end(code);
  return code;
}

interface CellRun {
  readonly executor: ReturnType<typeof startExecutor>;
  readonly outputs: ReturnType<typeof createOutputs>;
  readonly index: number;
  readonly timeout: number | undefined;
}

/** Runs one cell into its outputs; says whether it failed. */
async function executeCell(cell: NotebookCell, { executor, outputs, index, timeout }: CellRun) {
  const count = index + 1;
  const list: CellOutput[] = [];
  cell.outputs = list;
  cell.execution_count = count;
  outputs.open(count, list);
  const started = new Date().toISOString();
  const watch = new AbortController();
  const late = timeout === undefined ? undefined : stopLate(executor, timeout, watch.signal);
  const { data, error } = await executor.run(count, { source: joined(cell.source), count });
  watch.abort();
  const failure = (await late) ? timedOut(timeout!) : error;
  if (failure) list.push({ output_type: "error", ...failure, traceback: [...failure.traceback] });
  else if (data) list.push({ output_type: "execute_result", data, metadata: {}, execution_count: count });
  const ended = new Date().toISOString();
  cell.metadata.execution = {
    "iopub.status.busy": started,
    "iopub.execute_input": started,
    "shell.execute_reply": ended,
    "iopub.status.idle": ended,
  };
  return failure !== undefined;
}

/** Interrupts a cell after its time, and kills its process if that does not help; true when it came to that. */
async function stopLate(executor: CellRun["executor"], seconds: number, signal: AbortSignal) {
  try {
    await delay(seconds * 1000, undefined, { signal });
  } catch {
    return false;
  }
  executor.interrupt();
  await delay(patience, undefined, { signal }).then(executor.kill, () => {});
  return true;
}

function timedOut(seconds: number) {
  const evalue = `the cell took longer than ${seconds} s`;
  return { ename: "TimeoutError", evalue, traceback: [`TimeoutError: ${evalue}`] };
}

/** The first signal interrupts the cell, the second one, or stubbornness, kills its process. */
function watchSignals(executor: CellRun["executor"]) {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  let timer: NodeJS.Timeout | undefined;
  const state = {
    signal: undefined as NodeJS.Signals | undefined,
    end() {
      clearTimeout(timer);
      for (const signal of signals) process.off(signal, stop);
    },
  };
  const stop = (signal: NodeJS.Signals) => {
    if (state.signal) executor.kill();
    else executor.interrupt();
    state.signal = signal;
    timer ??= setTimeout(executor.kill, patience);
  };
  for (const signal of signals) process.on(signal, stop);
  return state;
}

function failureText(cell: NotebookCell, index: number, total: number) {
  const error = cell.outputs?.find((output) => output.output_type === "error");
  const text = (error?.traceback ?? []).join("\n");
  return `cell ${index + 1}/${total} failed\n${process.stderr.isTTY ? text : withoutAnsi(text)}`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character of ANSI sequences
const withoutAnsi = (text: string) => text.replace(/\u001b\[[0-9;]*m/g, "");

const hasTag = (cell: NotebookCell, tag: string) =>
  Array.isArray(cell.metadata.tags) && cell.metadata.tags.includes(tag);

/** What cells tagged "terminal" printed is the run's answer. */
function printTerminalCells(notebook: Notebook) {
  for (const cell of notebook.cells.filter((candidate) => hasTag(candidate, "terminal")))
    for (const output of cell.outputs ?? [])
      if (output.output_type === "stream" && output.name === "stdout") process.stdout.write(joined(output.text));
}
