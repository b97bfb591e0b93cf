/**
 * Runs the notebooks of the paper one after another and writes one report with an index of all claims:
 *
 *     npm run reproduce [-- 02 08]               only notebooks whose names begin so
 *     SRFT_FULL=1 npm run reproduce              five seeds, 300 steps: hours
 *     npm run reproduce -- --full-data[=FOLDER]  no run: notebooks/data/full from the long runs in out/reproduce or FOLDER
 *     npm run reproduce -- --readme              no run: README's table and pictures from the committed notebooks
 *
 * A notebook is run again only if its code, the library, the published numbers or the environment's parameters (SRFT_*)
 * changed; its trainings are kept apart (out/runs; SRFT_OUT names another folder than out), so that a changed cell re-runs
 * only the trainings it touches. Killed, it goes on with the first notebook that is not finished. Exit code 1: a cell or a
 * check failed.
 */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import {
  formatNotebook,
  type Notebook,
  type NotebookCell,
  readNotebook,
  writeAtomically,
} from "../kernel/notebook/notebook.ts";
import { htmlReport } from "../kernel/notebook/report.ts";
import { notebookKey, notebooks, paperNotebooks, type Reproduced, reproduced, root } from "./reproduction/executed.ts";
import { type FullRun, fullRuns, lastFullRun, madeHere, writeFullRun } from "./reproduction/full-run.ts";
import { readmeFiles } from "./reproduction/readme.ts";
import { fullRunText, indexTable } from "./reproduction/verdict-tables.ts";

const out = process.env.SRFT_OUT ?? join(root, "out");
const executed = join(out, "reproduce");

const say = (text: string) => process.stderr.write(`${text}\n`);

function execute(name: string, target: string): boolean {
  const temporary = `${target}.running.ipynb`;
  const main = join(root, "dist", "kernel", "main.js");
  const env = { SRFT_RUNS: join(out, "runs"), ...process.env };
  const { status } = spawnSync(process.execPath, [main, "run", join(notebooks, name), "--out", temporary], {
    stdio: "inherit",
    env,
  });
  if (status !== 0) return false;
  const notebook = readNotebook(temporary);
  const metadata = { ...notebook.metadata, srft: madeHere() };
  writeAtomically(target, formatNotebook({ ...notebook, metadata }));
  rmSync(temporary);
  return true;
}

/** A notebook's results: found, or made now. */
function reproduce(name: string, at: string): Reproduced | undefined {
  const target = join(executed, `${name.replace(/\.ipynb$/, "")}-${notebookKey(join(notebooks, name))}.ipynb`);
  const isKept = existsSync(target);
  say(`${at} ${name}${isKept ? ": unchanged, kept" : ""}`);
  if (!isKept && !execute(name, target)) return undefined;
  return reproduced(name, target);
}

/** One notebook of all, an index before them, and after each what its long run came to. */
export function together(all: readonly Reproduced[], full: ReadonlyMap<string, FullRun>): Notebook {
  const counts = new Map<string, number>();
  for (const { verdict } of all.flatMap(({ claims }) => claims)) counts.set(verdict, 1 + (counts.get(verdict) ?? 0));
  const summary = [...counts].map(([verdict, count]) => `${count} ${verdict}`).join(", ");
  const text = `# SRFT, figure by figure: ours beside theirs\n\n${summary}. The rule is that of verdict.ts: a claim is *reproduced* if the whole 95 % interval over the seeds lies where the claim says, *partly* if only the mean does.\n\n${indexTable(all, full)}\n`;
  const cells = all.flatMap((one) => {
    const long = full.get(one.name);
    return long ? [...one.notebook.cells, textCell(fullRunText(one, long))] : one.notebook.cells;
  });
  const { metadata } = all[0]!.notebook;
  return {
    ...all[0]!.notebook,
    metadata: { ...metadata, title: "SRFT reproduced" },
    cells: [textCell(text), ...cells],
  };
}

const textCell = (source: string) => ({ cell_type: "markdown", source, metadata: {} }) as NotebookCell;

function runAll(names: readonly string[]): number {
  mkdirSync(executed, { recursive: true });
  const begin = performance.now();
  const all = names.map((name, i) => reproduce(name, `[${i + 1}/${names.length}, ${minutes(begin)}]`));
  const done = all.filter((one) => one !== undefined);
  if (done.length > 0) {
    const report = join(out, "reproduce.html");
    writeAtomically(report, htmlReport(together(done, fullRuns()), { name: "SRFT reproduced" }));
    const size = (statSync(report).size / 2 ** 20).toFixed(1);
    say(`wrote ${relative(process.cwd(), report)} (${size} MB), ${minutes(begin)}`);
  }
  const failed = names.filter((_, i) => all[i] === undefined);
  for (const name of failed)
    say(
      `FAILED ${name}: open it in ${relative(process.cwd(), executed)}, or run: npx srft run notebooks/${name} --verbose`,
    );
  return failed.length > 0 ? 1 : 0;
}

function writeFullData(names: readonly string[], folder: string): number {
  for (const name of names) {
    const run = lastFullRun(name, folder);
    say(
      run ? `wrote ${relative(process.cwd(), writeFullRun(run))}` : `${name}: no long run in ${folder}, left as it is`,
    );
  }
  return 0;
}

async function writeReadme(): Promise<number> {
  for (const [path, text] of await readmeFiles()) {
    writeAtomically(join(root, path), text);
    say(`wrote ${path}`);
  }
  return 0;
}

const minutes = (begin: number) => `${((performance.now() - begin) / 60_000).toFixed(1)} min`;

async function main(given: readonly string[]): Promise<number> {
  const options = given.filter((word) => word.startsWith("--"));
  const unknown = options.find((option) => !/^--(readme|full-data(=.+)?)$/.test(option));
  if (unknown) throw new TypeError(`reproduce: expected --readme or --full-data[=FOLDER] but found ${unknown}`);
  const prefixes = given.filter((word) => !word.startsWith("--"));
  const names = paperNotebooks(prefixes);
  if (names.length === 0)
    throw new TypeError(`reproduce: expected notebooks that begin with ${prefixes.join(", ")} but found none`);
  const data = options.find((option) => option.startsWith("--full-data"));
  if (data) writeFullData(names, data.split("=")[1] ?? executed);
  if (options.includes("--readme")) await writeReadme();
  return options.length > 0 ? 0 : runAll(names);
}

if (import.meta.filename === process.argv[1]) process.exitCode = await main(process.argv.slice(2));
