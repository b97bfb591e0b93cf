/** The paper's notebooks: which there are, what a run of one depends on, and what its outputs claim. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { joined, type Notebook, readNotebook } from "../../kernel/notebook/notebook.ts";
import { claimsMime, type JudgedClaim } from "../../src/reproduction/claims.ts";

export const root = join(import.meta.dirname, "../../..");
export const notebooks = join(root, "notebooks");

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

/** A notebook with the outputs of its one clean run, as committed. */
export function committed(name: string): Reproduced {
  return reproduced(name, join(notebooks, name));
}

/** A notebook by its name, with the outputs in a file. */
export function reproduced(name: string, file: string): Reproduced {
  const notebook = readNotebook(file);
  return { name, notebook, claims: claimsOf(notebook) };
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
  hash.update(JSON.stringify(Object.entries(parametersOf(environment))));
  return hash.digest("hex").slice(0, 16);
}

/** The environment's parameters, by name: those that change numbers. */
export function parametersOf(environment: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  const parameters = Object.entries(environment).filter(([name]) =>
    /^SRFT_(DEVICE|FULL|MODEL|PROBLEMS|STEPS)$/.test(name),
  );
  return Object.fromEntries(parameters.sort()) as Record<string, string>;
}

/** The code of a notebook, cell by cell. */
export function codeOf({ cells }: Notebook): readonly string[] {
  return cells.filter(({ cell_type }) => cell_type === "code").map(({ source }) => joined(source));
}

function libraryFiles(): string[] {
  const built = join(root, "dist", "src");
  const code = readdirSync(built, { recursive: true, encoding: "utf8" }).filter((name) => /\.(js|wasm)$/.test(name));
  return [...code.map((name) => join(built, name)), join(notebooks, "data", "published.json")].sort();
}
