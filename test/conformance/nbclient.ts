/** Executes a notebook by `srft run` and by Python's nbclient over our installed kernel, and compares the outputs. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { type CellOutput, joined, type MultilineText, type Notebook } from "../../kernel/notebook/notebook.ts";
import { mainFile } from "../kernel/client.ts";
import { missing, python } from "../python.ts";

const script = `
import sys, nbformat
from nbclient import NotebookClient
source, target, folder, ours = sys.argv[1:]
nbformat.validate(nbformat.read(ours, as_version=4))
notebook = nbformat.read(source, as_version=4)
NotebookClient(notebook, timeout=600, kernel_name="srft", resources={"metadata": {"path": folder}}).execute()
nbformat.write(notebook, target)
`;

/** Why nbclient cannot be used here, with the remedy, or undefined when it can. */
export const nbclientMissing = () => missing("nbclient, nbformat", "python3-nbclient");

export interface CompareOptions {
  /** Applied to every text before it is compared, to take out what differs from run to run. */
  readonly normalise?: (text: string) => string;
  /** Added to the environment of both. */
  readonly env?: Record<string, string>;
}

/**
 * Executes a notebook both ways.
 *
 * @returns Where the outputs differ, a line a cell; empty when they are equal.
 * @throws {Error} If either execution fails.
 */
export function compareWithNbclient(notebook: string, options: CompareOptions = {}): string[] {
  const { normalise = (text: string) => text } = options;
  const folder = mkdtempSync(join(tmpdir(), "srft-nbclient-"));
  try {
    const { ours, theirs } = executeBoth(resolve(notebook), folder, options.env ?? {});
    return ours.cells.flatMap((cell, index) => {
      const [a, b] = [cell, theirs.cells[index]!].map((one) => JSON.stringify(outputsOf(one, normalise), null, 1));
      return a === b ? [] : [`cell ${index + 1}: srft run ${a} nbclient ${b}`];
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function executeBoth(notebook: string, folder: string, extra: Record<string, string>) {
  const env = { ...process.env, SRFT_HISTORY: "", ...extra, JUPYTER_PATH: join(folder, "share", "jupyter") };
  const command = (program: string, args: string[]) => {
    const { status, stderr } = spawnSync(program, args, { encoding: "utf8", env, cwd: folder });
    if (status !== 0) throw new Error(`${program} ${args[0]} ended with ${status}: ${stderr.slice(-2000)}`);
  };
  const [ours, theirs] = [join(folder, "ours.ipynb"), join(folder, "theirs.ipynb")];
  command(process.execPath, [mainFile, "install", "--prefix", folder]);
  command(process.execPath, [mainFile, "run", notebook, "--out", ours]);
  command(python, ["-c", script, notebook, theirs, dirname(notebook), ours]);
  const read = (file: string) => JSON.parse(readFileSync(file, "utf8")) as Notebook;
  return { ours: read(ours), theirs: read(theirs) };
}

/** Count and outputs of a cell; adjacent pieces of a stream count as one, as front ends show them. */
function outputsOf(cell: Notebook["cells"][number], normalise: (text: string) => string) {
  const merged: CellOutput[] = [];
  for (const output of cell.outputs ?? []) {
    const last = merged.at(-1);
    if (output.output_type === "stream" && last?.output_type === "stream" && last.name === output.name)
      merged[merged.length - 1] = { ...last, text: joined(last.text) + joined(output.text) };
    else merged.push(output);
  }
  const whole = merged.map((output) =>
    sorted(output.output_type === "stream" ? { ...output, text: joined(output.text) } : output),
  );
  return JSON.parse(normalise(JSON.stringify({ count: cell.execution_count ?? null, outputs: whole }))) as object;
}

/** Objects with their keys in order and lists of lines joined. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value))
    return value.every((line) => typeof line === "string") ? joined(value as MultilineText) : value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
