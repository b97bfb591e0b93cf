/**
 * What an objective sees and what it returns. A batch is a list of rows (completions) over packed tokens: row i owns
 * the tokens from offsets[i] to offsets[i + 1]. No model, no text: numbers only, so a loss is a pure function.
 */

import type { Sequence, TokenGradients } from "./policy.ts";

/** Where a completion comes from: the policy itself, or an expert. */
export type Source = "rollout" | "demonstration";

export type Values = Float32Array | Float64Array;

/** B rows, N tokens. */
export interface Batch {
  /** Where each row begins, [B + 1]; the last entry is N. */
  readonly offsets: Int32Array;
  /** [B]. */
  readonly sources: readonly Source[];
  /** Rows with the same number answer the same prompt, [B]; −1 = in no group (a demonstration for the SFT term only). */
  readonly groups: Int32Array;
  /** [B], finite. */
  readonly rewards: Values;
  /** log π(y_t | x, y_<t) under the policy being trained, [N] nats, ≤ 0. */
  readonly logprobs: Values;
  /** Entropy of the distribution each token was drawn from, [N] nats, ≥ 0. */
  readonly entropies: Values;
  /** The same log-probabilities before this batch's first update, [N]; without them every ratio is 1. */
  readonly oldLogprobs?: Values;
  /** The log-probabilities under a reference policy that does not change, [N] nats; what KL terms need. */
  readonly referenceLogprobs?: Values;
  /** How many of a rollout's first tokens an expert wrote (a hybrid rollout or a hint), [B]. Default: none. */
  readonly prefixLengths?: Int32Array;
  /** 1 = the token counts, [N]. Default: all count. */
  readonly mask?: Uint8Array;
}

/** Numbers worth plotting that are no loss. */
export interface Metrics {
  /** Mean token entropy of the rollouts, or of the demonstrations where there is no rollout, in nats. */
  readonly meanEntropy: number;
  /** Mean weight of the imitation term and of the positive rollouts. */
  readonly weights: { readonly sft: number; readonly rl: number };
  /** π / π_old over the rollout tokens (1 on the first update). */
  readonly meanRatio?: number;
  readonly maxRatio?: number;
  /** Share of rollout tokens whose gradient the clip removes. */
  readonly clippedShare?: number;
}

export interface Loss {
  /** To be minimised; the sum of the terms. */
  readonly value: number;
  /** ∂value/∂logprobs and, with an entropy bonus, ∂value/∂entropies. */
  readonly gradients: TokenGradients;
  /** The value of each named term, its weights included. */
  readonly terms: Readonly<Record<string, number>>;
  /** L2 norm of each term's own gradient, and its share in the sum of these norms. */
  readonly termGradients?: Readonly<Record<string, { readonly norm: number; readonly share: number }>>;
  readonly metrics: Metrics;
}

/** A training objective: what data it needs, and its loss. */
export interface Objective {
  readonly name: string;
  /** Whether it needs completions sampled from the policy. */
  readonly rollouts: boolean;
  /** Whether it needs demonstrations, and whether these enter the mean and deviation of their prompt's group. */
  readonly demonstrations: "none" | "inside" | "beside";
  /** Whether it needs referenceLogprobs. Default: no. */
  readonly reference?: boolean;
  /** Whether the last rollout of each group, or all, begin with a part of the demonstration. Default: none. */
  readonly prefixed?: "last" | "all";
  /**
   * A pure function of the batch.
   *
   * @throws {RangeError} If the batch is malformed (the message names the row) or no token counts.
   */
  loss(batch: Batch): Loss;
}

/** How far above 0 a log-probability, or below 0 an entropy, may lie by float32 rounding, in nats. */
const rounding = 1e-4;

/**
 * Checks a batch once, at the door of an objective.
 *
 * @param name The objective, for the message.
 * @throws {RangeError} If lengths disagree, a row is empty, or a number is out of its range; names the row.
 * @example
 * checkBatch("sft", batch); // nothing, or the first thing that is wrong with the batch
 */
export function checkBatch(name: string, batch: Batch): void {
  checkLengths(name, batch);
  for (let row = 0; row < batch.sources.length; row++) checkRow(name, batch, row);
}

function checkLengths(name: string, batch: Batch) {
  const rows = batch.sources.length;
  const tokens = batch.offsets.at(-1) ?? 0;
  const expected = { offsets: rows + 1, groups: rows, rewards: rows, prefixLengths: rows };
  const perToken = {
    ...{ logprobs: tokens, entropies: tokens, oldLogprobs: tokens },
    ...{ referenceLogprobs: tokens, mask: tokens },
  };
  for (const [field, length] of Object.entries({ ...expected, ...perToken }) as [keyof Batch, number][]) {
    const found = batch[field]?.length;
    if (found !== undefined && found !== length) {
      const unit = field in perToken ? "tokens" : `rows${field === "offsets" ? " + 1" : ""}`;
      throw new RangeError(`${name}: expected ${field} of length ${length} (the number of ${unit}) but found ${found}`);
    }
  }
  if (batch.offsets[0] !== 0) {
    throw new RangeError(`${name}: expected offsets to begin with 0 but found ${batch.offsets[0]}`);
  }
}

function checkRow(name: string, batch: Batch, row: number) {
  const where = `row ${row} (${batch.sources[row]})`;
  const fail = (expected: string, found: unknown) => {
    throw new RangeError(`${name}: expected ${expected} but found ${found} in ${where}`);
  };
  const [begin, end] = [batch.offsets[row]!, batch.offsets[row + 1]!];
  if (end <= begin) fail("at least one token", end - begin);
  if (!Number.isFinite(batch.rewards[row])) fail("a finite reward", batch.rewards[row]);
  if (batch.sources[row] === "rollout" && batch.groups[row]! < 0) fail("a group for a rollout", batch.groups[row]);
  const prefix = batch.prefixLengths?.[row] ?? 0;
  if (!(prefix >= 0 && prefix <= end - begin)) fail(`a prefix of 0 to ${end - begin} tokens`, prefix);
  for (let t = begin; t < end; t++) {
    checkLogprob(batch.logprobs[t]!, fail);
    if (batch.referenceLogprobs) checkLogprob(batch.referenceLogprobs[t]!, fail);
    if (batch.oldLogprobs && batch.sources[row] === "rollout") checkLogprob(batch.oldLogprobs[t]!, fail);
    const entropy = batch.entropies[t]!;
    if (!(entropy >= -rounding && entropy < Infinity)) fail("finite entropies >= 0", entropy);
  }
}

function checkLogprob(logprob: number, fail: (expected: string, found: unknown) => void) {
  if (!(logprob <= rounding && logprob > -Infinity)) fail("finite log-probabilities <= 0", logprob);
}

/**
 * The rows of one source that have a token that counts.
 *
 * @throws {RangeError} If `required` and there is none.
 * @example
 * rowsOf(batch, { source: "demonstration" }); // [8, 17, 26]
 */
export function rowsOf(batch: Batch, options: { source: Source; required?: string }): number[] {
  const { source, required } = options;
  const rows: number[] = [];
  for (let row = 0; row < batch.sources.length; row++) {
    if (batch.sources[row] === source && countTokens(batch, row) > 0) rows.push(row);
  }
  if (required && rows.length === 0) {
    throw new RangeError(`${required}: expected at least one ${source} token that counts but found none`);
  }
  return rows;
}

/**
 * How many tokens of a row count.
 *
 * @example
 * countTokens({ offsets: Int32Array.of(0, 3), mask: Uint8Array.of(1, 0, 1) }, 0); // 2
 */
export function countTokens({ offsets, mask }: Pick<Batch, "offsets" | "mask">, row: number): number {
  const [begin, end] = [offsets[row]!, offsets[row + 1]!];
  if (!mask) return end - begin;
  let count = 0;
  for (let t = begin; t < end; t++) count += mask[t]!;
  return count;
}

/**
 * π / π_old of the tokens of some rows, 1 where there are no old log-probabilities, [N].
 *
 * @param name The objective, for the message.
 * @throws {RangeError} If a ratio overflows; names the row.
 * @example
 * tokenRatios("grpo", batch, [0])[0]; // exp(logprobs[0] − oldLogprobs[0])
 */
export function tokenRatios(name: string, batch: Batch, rows: readonly number[]): Float64Array {
  const ratios = new Float64Array(batch.logprobs.length).fill(1);
  const { logprobs, oldLogprobs, offsets } = batch;
  if (!oldLogprobs) return ratios;
  for (const row of rows) {
    for (let t = offsets[row]!; t < offsets[row + 1]!; t++) {
      const ratio = Math.exp(logprobs[t]! - oldLogprobs[t]!);
      if (!(ratio < Infinity)) {
        throw new RangeError(
          `${name}: expected a finite ratio but found exp(${logprobs[t]! - oldLogprobs[t]!}) in row ${row}`,
        );
      }
      ratios[t] = ratio;
    }
  }
  return ratios;
}

/**
 * Leaves out the rows that a backward pass would add nothing for: every gradient 0, as in a group of equal rewards.
 * Where that is all rows, the first is kept, so that there is a gradient, 0, to step with.
 *
 * @param offsets Where each sequence begins, [rows + 1].
 * @example
 * nonzeroRows([a, b], { offsets: Int32Array.of(0, 1, 2), gradients: { logprobs: Float32Array.of(0, -1) } });
 * // { sequences: [b], gradients: { logprobs: Float32Array [-1] } }
 */
export function nonzeroRows(
  sequences: readonly Sequence[],
  { offsets, gradients }: { offsets: Int32Array; gradients: TokenGradients },
): { sequences: readonly Sequence[]; gradients: TokenGradients } {
  const { logprobs, entropies } = gradients;
  const within = (array: Float32Array, row: number) => array.subarray(offsets[row], offsets[row + 1]);
  const counts = (row: number) =>
    [logprobs, entropies].some((array) => array && within(array, row).some((slope) => slope !== 0));
  const nonzero = sequences.flatMap((_, row) => (counts(row) ? [row] : []));
  const rows = nonzero.length > 0 ? nonzero : [0];
  if (rows.length === sequences.length) return { sequences, gradients };
  const keep = (array: Float32Array) => Float32Array.from(rows.flatMap((row) => [...within(array, row)]));
  return {
    sequences: rows.map((row) => sequences[row]!),
    gradients: { logprobs: keep(logprobs), ...(entropies && { entropies: keep(entropies) }) },
  };
}
