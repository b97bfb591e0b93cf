/**
 * Runs the notebooks of the paper one after another and writes one report with an index of all claims:
 *
 *     npm run reproduce [-- 02 08]        only notebooks whose names begin so
 *     npm run reproduce -- --readme       prints the table of verdicts as Markdown, from what was run
 *
 * A notebook is run again only if its code, the library, the published numbers or the environment's parameters (SRFT_*)
 * changed; its trainings are kept apart (out/runs), so that a changed cell re-runs only the trainings it touches. Killed,
 * it goes on with the first notebook that is not finished. Exit code 1: a cell or a check failed.
 */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import {
  joined,
  type Notebook,
  type NotebookCell,
  readNotebook,
  writeAtomically,
} from "../kernel/notebook/notebook.ts";
import { htmlReport } from "../kernel/notebook/report.ts";
import { claimsMime, type JudgedClaim } from "../src/reproduction/claims.ts";

const root = join(import.meta.dirname, "../..");
const notebooks = join(root, "notebooks");
const out = join(root, "out", "reproduce");

/** What a notebook came to. */
export interface Reproduced {
  /** The file's name. */
  readonly name: string;
  readonly notebook: Notebook;
  readonly claims: readonly JudgedClaim[];
}

/** The paper's notebooks, in order. */
export function paperNotebooks(only: readonly string[] = []): string[] {
  const all = readdirSync(notebooks).filter((name) => /^0[2-9].*\.ipynb$/.test(name));
  return all.sort().filter((name) => only.length === 0 || only.some((prefix) => name.startsWith(prefix)));
}

/** The claims that a notebook's outputs hold. */
export function claimsOf(notebook: Notebook): readonly JudgedClaim[] {
  const bundles = notebook.cells.flatMap(({ outputs = [] }) =>
    outputs.map((output) => ("data" in output ? output.data[claimsMime] : undefined)),
  );
  return bundles.flatMap((bundle) => (bundle as { claims?: readonly JudgedClaim[] } | undefined)?.claims ?? []);
}

/** The hash of all that a notebook's outputs depend on. */
export function notebookKey(file: string, environment: NodeJS.ProcessEnv = process.env): string {
  const hash = createHash("sha256");
  for (const { cell_type, source } of readNotebook(file).cells) hash.update(`${cell_type}\n${joined(source)}\n`);
  for (const path of libraryFiles()) hash.update(relative(root, path)).update(readFileSync(path));
  const parameters = Object.entries(environment).filter(([name]) => /^SRFT_(?!PYTHON$|RUNS$)/.test(name));
  hash.update(JSON.stringify(parameters.sort()));
  return hash.digest("hex").slice(0, 16);
}

function libraryFiles(): string[] {
  const built = join(root, "dist", "src");
  const code = readdirSync(built, { recursive: true, encoding: "utf8" }).filter((name) => /\.(js|wasm)$/.test(name));
  return [...code.map((name) => join(built, name)), join(notebooks, "data", "published.json")].sort();
}

/** Claim · paper · independent · ours · verdict, as Markdown. */
export function indexTable(all: readonly Reproduced[]): string {
  const rows = all.flatMap(({ name, claims }) =>
    claims.map(({ claim, paper, independent = "not found", measure, found, verdict }) => {
      const ours = found ? `${measure}: ${number(found.mean)} [${number(found.low)}, ${number(found.high)}]` : "–";
      return `| ${name.slice(0, 2)} | ${[claim, paper, independent, ours].map(inCell).join(" | ")} | **${verdict}** |`;
    }),
  );
  const head = [
    "| | claim | paper | independent | ours: mean over seeds, 95 % | verdict |",
    "| --- | --- | --- | --- | --- | --- |",
  ];
  return [...head, ...rows].join("\n");
}

/** The same without the paper's words: what README shows. */
export function verdictTable(all: readonly Reproduced[]): string {
  const rows = all.flatMap(({ name, claims }) =>
    claims.map(({ claim, found, verdict }) => {
      const ours = found ? `${number(found.mean)} [${number(found.low)}, ${number(found.high)}]` : "–";
      return `| [${name.slice(0, 2)}](notebooks/${name}) | ${inCell(claim)} | ${ours} | ${verdict} |`;
    }),
  );
  return ["| | claim | ours, 95 % | verdict |", "| --- | --- | ---: | --- |", ...rows].join("\n");
}

const inCell = (text: string) => text.replace(/[|\n]/g, " ").replace(/</g, "&lt;");

const number = (value: number | null) =>
  value === null || !Number.isFinite(value) ? "∞" : `${Number(value.toPrecision(3))}`;

function execute(name: string, target: string): boolean {
  const temporary = `${target}.running.ipynb`;
  const main = join(root, "dist", "kernel", "main.js");
  const env = { SRFT_RUNS: join(root, "out", "runs"), ...process.env };
  const { status } = spawnSync(process.execPath, [main, "run", join(notebooks, name), "--out", temporary], {
    stdio: "inherit",
    env,
  });
  if (status !== 0) return false;
  renameSync(temporary, target);
  return true;
}

/** A notebook's results: found, or made now. */
function reproduce(name: string, at: string): Reproduced | undefined {
  const target = join(out, `${name.replace(/\.ipynb$/, "")}-${notebookKey(join(notebooks, name))}.ipynb`);
  const isKept = existsSync(target);
  process.stderr.write(`${at} ${name}${isKept ? ": unchanged, kept" : ""}\n`);
  if (!isKept && !execute(name, target)) return undefined;
  const notebook = readNotebook(target);
  return { name, notebook, claims: claimsOf(notebook) };
}

/** One notebook of all, an index before them. */
function together(all: readonly Reproduced[]): Notebook {
  const counts = new Map<string, number>();
  for (const { verdict } of all.flatMap(({ claims }) => claims)) counts.set(verdict, 1 + (counts.get(verdict) ?? 0));
  const summary = [...counts].map(([verdict, count]) => `${count} ${verdict}`).join(", ");
  const text = `# SRFT, figure by figure: ours beside theirs\n\n${summary}. The rule is that of verdict.ts: a claim is *reproduced* if the whole 95 % interval over the seeds lies where the claim says, *partly* if only the mean does.\n\n${indexTable(all)}\n`;
  const index = { cell_type: "markdown", source: text, metadata: {} } as NotebookCell;
  return {
    ...all[0]!.notebook,
    metadata: { ...all[0]!.notebook.metadata, title: "SRFT reproduced" },
    cells: [index, ...all.flatMap(({ notebook }) => notebook.cells)],
  };
}

function main(given: readonly string[]): number {
  const names = paperNotebooks(given.filter((word) => !word.startsWith("--")));
  if (names.length === 0)
    throw new TypeError(
      `reproduce: expected notebooks that begin with ${given.join(", ")} but found none in notebooks/`,
    );
  mkdirSync(out, { recursive: true });
  const begin = performance.now();
  const all = names.map((name, i) => reproduce(name, `[${i + 1}/${names.length}, ${minutes(begin)}]`));
  const done = all.filter((one) => one !== undefined);
  if (given.includes("--readme")) process.stdout.write(`${verdictTable(done)}\n`);
  if (done.length > 0) {
    const report = join(root, "out", "reproduce.html");
    writeAtomically(report, htmlReport(together(done), { name: "SRFT reproduced" }));
    process.stderr.write(
      `wrote ${relative(process.cwd(), report)} (${(statSync(report).size / 2 ** 20).toFixed(1)} MB), ${minutes(begin)}\n`,
    );
  }
  const failed = names.filter((_, i) => all[i] === undefined);
  for (const name of failed)
    process.stderr.write(
      `FAILED ${name}: open it in out/reproduce, or run: npx srft run notebooks/${name} --verbose\n`,
    );
  return failed.length > 0 ? 1 : 0;
}

const minutes = (begin: number) => `${((performance.now() - begin) / 60_000).toFixed(1)} min`;

if (import.meta.filename === process.argv[1]) process.exitCode = main(process.argv.slice(2));
