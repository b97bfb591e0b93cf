/** Batches for the tests: the one recorded from PyTorch, and arbitrary ones. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import type { Batch, Source } from "../../src/srft/batch.ts";

export interface GoldenCase {
  readonly objective: "sft" | "grpo" | "srft";
  readonly options: object;
  readonly extras: string;
  readonly value: number;
  readonly terms: Record<string, number>;
  readonly logprobs: readonly number[];
  readonly entropies?: readonly number[];
  readonly logits: readonly (readonly number[])[];
}

export interface Golden {
  readonly batch: {
    readonly groups: readonly number[];
    readonly sources: readonly Source[];
    readonly rewards: readonly number[];
    readonly lengths: readonly number[];
    readonly logits: readonly (readonly number[])[];
    readonly oldLogits: readonly (readonly number[])[];
    readonly labels: readonly number[];
    readonly mask: readonly number[];
  };
  readonly cases: readonly GoldenCase[];
  readonly adamw: {
    readonly start: readonly number[];
    readonly sequences: readonly { prompt: number[]; completion: number[] }[];
    readonly settings: { learningRate: number; clipNorm: number; betas: [number, number]; weightDecay: number };
    readonly gradNorms: readonly number[];
    readonly end: readonly number[];
  };
  readonly sfc32: readonly { seed: number; words: readonly number[] }[];
}

export const golden: Golden = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../../test/golden/objectives.json"), "utf8"),
);

export const softmax = (logits: readonly number[]) => {
  const total = logits.reduce((sum, z) => sum + Math.exp(z), 0);
  return logits.map((z) => Math.exp(z) / total);
};

export const entropyOf = (p: readonly number[]) => p.reduce((sum, one) => sum - one * Math.log(one), 0);

export const offsetsOf = (lengths: readonly number[]) =>
  Int32Array.from([0, ...lengths].map((_, i) => lengths.slice(0, i).reduce((a, b) => a + b, 0)));

/** The batch the golden was made from; extras: "old", "mask". */
export function goldenBatch(extras = ""): Batch {
  const { groups, sources, rewards, lengths, logits, oldLogits, labels, mask } = golden.batch;
  const logprobsOf = (rows: typeof logits) => Float64Array.from(rows, (z, t) => Math.log(softmax(z)[labels[t]!]!));
  return {
    offsets: offsetsOf(lengths),
    sources,
    groups: Int32Array.from(groups),
    rewards: Float64Array.from(rewards),
    logprobs: logprobsOf(logits),
    entropies: Float64Array.from(logits, (z) => entropyOf(softmax(z))),
    ...(extras.includes("old") && { oldLogprobs: logprobsOf(oldLogits) }),
    ...(extras.includes("mask") && { mask: Uint8Array.from(mask) }),
  };
}

const numbers = (size: number, range: { min: number; max: number }) =>
  fc.array(fc.double({ ...range, noNaN: true }), { minLength: size, maxLength: size });

/** Two groups of three rollouts and a demonstration, and a demonstration in no group; rewards of the rollouts 0 or 1. */
export const arbitraryBatch: fc.Arbitrary<Batch> = fc
  .array(fc.integer({ min: 1, max: 4 }), { minLength: 9, maxLength: 9 })
  .chain((lengths) => {
    const tokens = lengths.reduce((a, b) => a + b, 0);
    const rewards = fc.array(fc.constantFrom(0, 1), { minLength: 6, maxLength: 6 });
    return fc.tuple(
      fc.constant(lengths),
      rewards,
      numbers(tokens, { min: -4, max: -0.05 }),
      numbers(tokens, { min: 0, max: 3 }),
    );
  })
  .map(([lengths, rewards, logprobs, entropies]) => ({
    offsets: offsetsOf(lengths),
    sources: Array.from({ length: 9 }, (_, row) => (row < 6 ? "rollout" : "demonstration")),
    groups: Int32Array.of(0, 0, 0, 1, 1, 1, 0, 1, -1),
    rewards: Float64Array.of(...rewards, 1, 1, 1),
    logprobs: Float64Array.from(logprobs),
    entropies: Float64Array.from(entropies),
  }));

/** Central differences of f at x, one an entry. */
export function centralDifferences(f: (x: Float64Array) => number, x: Float64Array, step = 1e-5): Float64Array {
  return x.map((_, i) => {
    const moved = (by: number) => f(x.map((one, j) => (i === j ? one + by : one)));
    return (moved(step) - moved(-step)) / (2 * step);
  });
}

export function worst(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  return Math.max(
    found.length === expected.length ? 0 : Infinity,
    ...Array.from(expected, (one, i) => Math.abs(found[i]! - one) / Math.max(1, Math.abs(one))),
  );
}
