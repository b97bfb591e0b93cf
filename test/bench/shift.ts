/**
 * What tuning changed, token by token, and what a swapped token causes:
 *
 *     npm run bench -- shift [--seeds 3] [--steps 100] [--methods SFT,GRPO,SRFT] [--seconds 3600] [--write]
 *
 * Bases: the foreign and the in-support checkpoint. SFT, GRPO (reward minus the group's mean) and SRFT, each with 16
 * prompts × 8 rollouts and 32 demonstrations a step where it has them; AdamW, the same number of updates for all,
 * learning rates as in shift/experiment.ts. Seeds are gone through one after another, so that a run that ends at
 * --seconds has whole seeds and says how many. A row is ok when all its numbers are finite; whether a claim holds is in
 * the table and no error.
 * --write appends the tables to test/bench/RESULTS.md.
 */

import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { arithmeticTask } from "../../src/data/arithmetic-task.ts";
import type { BenchRow } from "./row.ts";
import { claims } from "./shift/claims.ts";
import { accuracyAt, type Base, fullSize, type Method, type Outcome, runExperiment } from "./shift/experiment.ts";

const bases: readonly Base[] = ["foreign", "in-support"];
const methods: readonly Method[] = ["SFT", "GRPO", "SRFT"];

const option = (flags: readonly string[], name: string, fallback: number) =>
  flags.includes(name) ? Number(flags[flags.indexOf(name) + 1]) : fallback;

/** Runs all, and prints the tables as they grow. */
export async function shiftRows(flags: readonly string[]): Promise<BenchRow[]> {
  const [most, steps] = [option(flags, "--seeds", 3), option(flags, "--steps", fullSize.steps)];
  const seconds = option(flags, "--seconds", 3600);
  const named = flags.includes("--methods") ? flags[flags.indexOf("--methods") + 1]!.split(",") : methods;
  const chosen = methods.filter((method) => named.includes(method));
  const task = arithmeticTask({ seed: 7 });
  const outcomes: Outcome[] = [];
  const begin = performance.now();
  let seeds = 0;
  while (seeds < most) {
    const seed = ++seeds;
    for (const base of bases) {
      for (const method of chosen) {
        outcomes.push(await runExperiment({ base, method, seed, task, size: { ...fullSize, steps } }));
        console.error(`seed ${seed}  ${base}  ${method}  ${outcomes.at(-1)!.seconds.toFixed(0)} s`);
      }
    }
    const elapsed = (performance.now() - begin) / 1000;
    if (elapsed * (1 + 1 / seeds) > seconds) break;
  }
  const minutes = (performance.now() - begin) / 60_000;
  const command = `npm run bench -- shift --seeds ${seeds} --steps ${steps} --methods ${chosen.join(",")} --write`;
  const text = report(outcomes, { command, seeds, steps, minutes });
  console.error(text);
  if (flags.includes("--write")) await appendFile(join(import.meta.dirname, "../../../test/bench/RESULTS.md"), text);
  return eachPair(outcomes).map(({ base, method, all }) => rowOf(`${base}: ${method}`, all));
}

function eachPair(outcomes: readonly Outcome[]) {
  return bases
    .flatMap((base) =>
      methods.map((method) => ({
        base,
        method,
        all: outcomes.filter((one) => one.base === base && one.method === method),
      })),
    )
    .filter(({ all }) => all.length > 0);
}

function rowOf(name: string, all: readonly Outcome[]): BenchRow {
  const numbers = all.flatMap(({ own, common, id, cross }) => [
    ...Object.values(own),
    ...Object.values(common),
    id,
    ...cross.map(({ accuracy }) => accuracy),
  ]);
  const note = `greedy ${spread(all, ({ id }) => id)}, KL ${spread(all, ({ own }) => own.kl)} on its own text`;
  const ours = Number(mean(all.map(({ own }) => own.shifted)).toFixed(3));
  const ok = numbers.every(Number.isFinite);
  return { name, ours, peer: null, unit: "share of positions shifted", ratio: null, target: 0, ok, note };
}

function report(
  outcomes: readonly Outcome[],
  run: { command: string; seeds: number; steps: number; minutes: number },
): string {
  const seeds = `${run.seeds} seed${run.seeds === 1 ? "" : "s"}`;
  return [
    "",
    `## What tuning changed: ${run.steps} steps from two bases, ${seeds}`,
    "",
    `\`${run.command}\`, ${run.minutes.toFixed(1)} minutes; seeds 1 to ${run.seeds}, mean ± sd (n − 1) over seeds, Node ${process.versions.node}. ${fullSize.problems} problems are read and evaluated, ${fullSize.swapped} × ${fullSize.samples} completions swapped. Learning rates: foreign SFT 5e-4, GRPO 1.5e-4, SRFT 2e-4; in support 2e-4. Shift is on the tuned policy's own greedy completions, where not said otherwise.`,
    "",
    ...shiftTable(outcomes),
    "",
    "Swapping tokens where JS > 0.1, sampled at temperature 1: accuracy of the writer alone, with at most 1 and 2 tokens of the other, and without limit (swaps a completion; share of its tokens). The last column has as many as 1 token at a random position.",
    "",
    ...crossTable(outcomes),
    "",
    "What a study of the same lab in another engine found (one seed, checkpoints of its own), and whether it comes out here:",
    "",
    ...claimTable(outcomes),
    "",
  ].join("\n");
}

function shiftTable(outcomes: readonly Outcome[]): string[] {
  const columns: Record<string, (outcome: Outcome) => number> = {
    "greedy, id": ({ id }) => id,
    "greedy, ×": ({ oodOp }) => oodOp,
    length: ({ length }) => length,
    unshifted: ({ own }) => own.unshifted,
    marginal: ({ own }) => own.marginal,
    shifted: ({ own }) => own.shifted,
    "shifted, base's text": ({ common }) => common.shifted,
    "KL, nats": ({ own }) => own.kl,
    "TV > 0.1": ({ own }) => own.moved,
    "KL at top 20 % entropy": ({ own }) => own.forks,
    "the same, base's text": ({ common }) => common.forks,
    "KL(expert‖·)": ({ fromExpert }) => fromExpert,
    "KL(base‖·)": ({ fromBase }) => fromBase,
  };
  const rows = eachPair(outcomes).map(({ base, method, all }) => [
    `${base}: ${method}`,
    ...Object.values(columns).map((of) => spread(all, of)),
  ]);
  const alone = bases.map((base) => {
    const one = outcomes.find((outcome) => outcome.base === base)!;
    return [`${base}: base`, one.baseId.toFixed(2), one.baseOodOp.toFixed(2), ...Array(11).fill("–")];
  });
  return markdown(["", ...Object.keys(columns)], [...alone, ...rows]);
}

function crossTable(outcomes: readonly Outcome[]): string[] {
  const header = ["writer + tokens of", "alone", "1 token", "2 tokens", "no limit", "tokens; share", "1 at random"];
  const rows = eachPair(outcomes).flatMap(({ base, method, all }) =>
    (["a", "b"] as const).map((writer) => {
      const at = (budget: number) => spread(all, ({ cross }) => accuracyAt(cross, writer, budget));
      const free = all.map(({ cross }) => cross.find((one) => one.writer === writer && one.budget === Infinity)!);
      const [swaps, share] = [mean(free.map((one) => one.swaps)), mean(free.map((one) => one.swappedShare))];
      const control = spread(all, ({ control }) => accuracyAt(control, writer, 1));
      const who = writer === "a" ? `base + ${method}` : `${method} + base`;
      const used = `${swaps.toFixed(1)}; ${share.toFixed(2)}`;
      return [`${base}: ${who}`, at(0), at(1), at(2), at(Infinity), used, control];
    }),
  );
  return markdown(header, rows);
}

function claimTable(outcomes: readonly Outcome[]): string[] {
  const rows = claims.flatMap(({ text, base, method, found, of, holds }) => {
    const values = outcomes.filter((one) => one.base === base && one.method === method).map(of);
    if (values.length === 0) return [];
    const got = values[0]!.map((_, i) => mean(values.map((value) => value[i]!)).toFixed(2)).join(" → ");
    const held = values.filter(holds).length;
    return [[`${base}: ${text}`, found, got, held === values.length ? "yes" : `in ${held} of ${values.length} seeds`]];
  });
  return markdown(["claim", "found there", "here", "holds"], rows);
}

function markdown(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)];
}

function spread(all: readonly Outcome[], of: (outcome: Outcome) => number): string {
  const values = all.map(of);
  const centre = mean(values);
  if (values.length < 2) return centre.toFixed(2);
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return `${centre.toFixed(2)} ± ${Math.sqrt(squares / (values.length - 1)).toFixed(2)}`;
}

const mean = (values: readonly number[]) => values.reduce((sum, one) => sum + one, 0) / values.length;
