/** What `srft run` says while it runs, on stderr: one changing line on a terminal, a line a cell otherwise. */

import { joined, type Notebook, type NotebookCell } from "./notebook.ts";

/** The line that tells how far a run is. */
export interface ProgressLine {
  /** Code cell `index` (0-based) begins. */
  cell(index: number): void;
  /** Takes the changing line away, so that other text can be written. */
  clear(): void;
  end(code: number): void;
}

/**
 * Seconds each non-empty code cell took when the notebook was last executed, from its recorded times.
 *
 * @example
 * expectedDurations(readNotebook("out/01.ipynb")); // [0.2, 31.5, undefined]
 */
export function expectedDurations(notebook: Notebook): (number | undefined)[] {
  return notebook.cells
    .filter(({ cell_type, source }) => cell_type === "code" && joined(source).trim() !== "")
    .map(({ metadata }) => {
      const times = (metadata.execution ?? {}) as Record<string, unknown>;
      const start = Date.parse(String(times["iopub.execute_input"] ?? times["iopub.status.busy"]));
      const end = Date.parse(String(times["shell.execute_reply"] ?? times["iopub.status.idle"]));
      return end >= start ? (end - start) / 1000 : undefined;
    });
}

/**
 * Seconds that remain: what the unfinished cells took last time, or, without a record, as much a cell as so far.
 *
 * @param state Cells done, seconds since the start of the run and of the running cell.
 * @returns Undefined before there is anything to go by.
 * @example
 * remainingSeconds([2, 4, 6], { done: 1, elapsed: 3, inCell: 1 }); // 9
 */
export function remainingSeconds(
  durations: readonly (number | undefined)[],
  state: { readonly done: number; readonly elapsed: number; readonly inCell: number },
): number | undefined {
  const known = durations.filter((seconds) => seconds !== undefined);
  const rest = durations.slice(state.done);
  if (known.length > 0) {
    const mean = known.reduce((sum, seconds) => sum + seconds, 0) / known.length;
    const [current = 0, ...later] = rest.map((seconds) => seconds ?? mean);
    return Math.max(0, current - state.inCell) + later.reduce((sum, seconds) => sum + seconds, 0);
  }
  if (state.done === 0) return undefined;
  const mean = (state.elapsed - state.inCell) / state.done;
  return Math.max(0, mean - state.inCell) + mean * Math.max(0, rest.length - 1);
}

/**
 * Starts telling the progress of a run over these code cells.
 *
 * @example
 * const line = startProgress(notebook.cells, expectedDurations(notebook));
 * line.cell(0);
 * line.end(0);
 */
export function startProgress(
  cells: readonly NotebookCell[],
  durations: readonly (number | undefined)[],
): ProgressLine {
  const { stderr } = process;
  const start = performance.now();
  let current = 0;
  let cellStart = start;
  const line = () => {
    const now = performance.now();
    const elapsed = (now - start) / 1000;
    const left = remainingSeconds(durations, { done: current, elapsed, inCell: (now - cellStart) / 1000 });
    const eta = left === undefined ? "" : `  ETA ${clock(left)}`;
    return `cell ${current + 1}/${cells.length}  ${clock(elapsed)} elapsed${eta}  ${firstLine(cells[current])}`;
  };
  const draw = () => stderr.write(`\r\u001b[2K${line().slice(0, (stderr.columns || 80) - 1)}`);
  const clear = () => {
    if (stderr.isTTY) stderr.write("\r\u001b[2K");
  };
  const timer = stderr.isTTY ? setInterval(draw, 250) : undefined;
  return {
    cell(index) {
      current = index;
      cellStart = performance.now();
      if (stderr.isTTY) draw();
      else stderr.write(`${line()}\n`);
    },
    clear,
    end(code) {
      clearInterval(timer);
      clear();
      const what = code === 0 ? `${cells.length} cells done` : code === 130 ? "interrupted" : "stopped";
      stderr.write(`${what} in ${clock((performance.now() - start) / 1000)}\n`);
    },
  };
}

function firstLine(cell: NotebookCell | undefined) {
  const lines = cell ? joined(cell.source).split("\n") : [];
  return (lines.find((line) => line.trim() !== "") ?? "").trim().slice(0, 60);
}

function clock(seconds: number) {
  const whole = Math.round(seconds);
  return `${String(Math.floor(whole / 60)).padStart(2, "0")}:${String(whole % 60).padStart(2, "0")}`;
}
