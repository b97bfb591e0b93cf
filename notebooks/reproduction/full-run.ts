/**
 * The long runs (SRFT_FULL=1: five seeds, 300 steps) take hours, so what they came to is committed: a small file a
 * notebook in notebooks/data/full, written from the executed notebook with what tells where it comes from. A notebook
 * that trains nothing has no long run.
 */

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { type Notebook, readNotebook, writeAtomically } from "../../kernel/notebook/notebook.ts";
import type { JudgedClaim } from "../../src/reproduction/claims.ts";
import { claimsOf, codeOf, notebooks, parametersOf, root } from "./executed.ts";

export interface FullRun {
  /** The file's name. */
  readonly notebook: string;
  readonly claims: readonly JudgedClaim[];
  readonly provenance: Provenance;
}

export interface Provenance {
  readonly package: string;
  /** The hash of library, notebook and parameters under which `npm run reproduce` keeps the executed notebook. */
  readonly key: string;
  /** The hash of the notebook's code: where the committed notebook has another, the file is stale. */
  readonly code: string;
  readonly node: string;
  readonly onnxruntime: string;
  /** Of the last cell. */
  readonly date: string;
  readonly seeds: readonly number[];
  readonly steps: number;
  /** From the first cell to the last, without trainings that another notebook had made. */
  readonly wallSeconds: number;
  readonly cores: number;
  /** The environment's SRFT_*. */
  readonly parameters: Readonly<Record<string, string>>;
}

const folder = join(notebooks, "data", "full");

/** What a run says of itself in the executed notebook's metadata. */
export type MadeWith = Pick<Provenance, "package" | "node" | "onnxruntime" | "cores" | "parameters">;

/** This process: versions, cores and the parameters SRFT_* that change numbers. */
export function madeHere(environment: NodeJS.ProcessEnv = process.env): MadeWith {
  const { name, version, dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return {
    package: `${name} ${version}`,
    node: process.version,
    onnxruntime: dependencies["onnxruntime-node"] as string,
    cores: availableParallelism(),
    parameters: parametersOf(environment),
  };
}

/**
 * What an executed notebook came to; undefined where it is no long run: its claims are over other seeds than
 * SRFT_FULL=1 gives, or it trains nothing.
 *
 * @param file Its name ends in the key: NN-name-0123456789abcdef.ipynb.
 * @param unsaid What it was made with, if it does not say so itself. Default: this process.
 */
export function fullRunOf(file: string, unsaid: MadeWith = madeHere()): FullRun | undefined {
  const [, name, key] = /^(.*)-([0-9a-f]{16})\.ipynb$/.exec(basename(file)) ?? [];
  if (!name || !key) throw new RangeError(`fullRunOf: expected NAME-KEY.ipynb but found ${basename(file)}`);
  const notebook = readNotebook(file);
  const made = (notebook.metadata.srft as MadeWith | undefined) ?? unsaid;
  const [size, claims] = [sizeOf(notebook, made), claimsOf(notebook)];
  const most = Math.max(0, ...claims.map(({ found }) => found?.n ?? 0));
  if (most !== size?.seeds.length) return undefined;
  const provenance = { ...made, key, code: codeHash(notebook), ...times(notebook), ...size };
  return { notebook: `${name}.ipynb`, claims, provenance };
}

/** The long runs that are committed, by notebook. */
export function fullRuns(): ReadonlyMap<string, FullRun> {
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".json")) : [];
  const runs = files.sort().map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as FullRun);
  return new Map(runs.map((run) => [run.notebook, run]));
}

/** Writes the file of a long run and returns its path. */
export function writeFullRun(run: FullRun, to: string = folder): string {
  mkdirSync(to, { recursive: true });
  const path = join(to, run.notebook.replace(/\.ipynb$/, ".json"));
  writeAtomically(path, `${JSON.stringify(run, null, 2)}\n`);
  return path;
}

/** The newest long run of a notebook among the executed ones in a folder. */
export function lastFullRun(name: string, within: string): FullRun | undefined {
  const stem = name.replace(/\.ipynb$/, "-");
  const files = readdirSync(within).filter((file) => file.startsWith(stem) && /-[0-9a-f]{16}\.ipynb$/.test(file));
  const paths = files.map((file) => join(within, file)).sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  for (const path of paths) {
    const run = fullRunOf(path);
    if (run) return run;
  }
  return undefined;
}

/** The hash of a notebook's code, without its text. */
export function codeHash(notebook: Notebook): string {
  return createHash("sha256").update(codeOf(notebook).join("\n\n")).digest("hex").slice(0, 16);
}

/** "5 seeds, 300 steps". */
export function sizeText({ provenance: { seeds, steps } }: FullRun): string {
  return `${seeds.length} seeds, ${steps} steps`;
}

/** What SRFT_FULL=1 means in a notebook's cell of parameters. */
function sizeOf(notebook: Notebook, { parameters }: MadeWith) {
  const code = codeOf(notebook).join("\n");
  const [, steps] = /full \? (\d+) :/.exec(code) ?? [];
  const [, seeds] = /full \? (\[[\d, ]+\]) :/.exec(code) ?? [];
  if (!steps || !seeds) return undefined;
  return { seeds: JSON.parse(seeds) as number[], steps: Number(parameters.SRFT_STEPS ?? steps) };
}

function times({ cells }: Notebook) {
  const all = cells.flatMap(({ metadata }) => Object.values((metadata.execution as Record<string, string>) ?? {}));
  const stamps = all.map((time) => Date.parse(time));
  const [first, last] = [Math.min(...stamps), Math.max(...stamps)];
  return { date: new Date(last).toISOString().slice(0, 10), wallSeconds: Math.round((last - first) / 1000) };
}
