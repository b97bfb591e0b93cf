/**
 * From losses of tokens to one number. With ℓ_t the loss of token t, n_i the tokens of row i that count, R the rows:
 *
 *   "token-mean"     Σ_i Σ_t ℓ_t / Σ_i n_i                long answers weigh more (DAPO, arXiv 2503.14476)
 *   "sequence-mean"  Σ_i (Σ_t ℓ_t / n_i) / R              the 1/|y| of GRPO, arXiv 2402.03300
 *   "sequence-sum"   Σ_i Σ_t ℓ_t / R                      E[log π(y|x)] as equations write it
 *   { constant: L }  Σ_i Σ_t ℓ_t / (R · L)                Dr. GRPO, arXiv 2503.20783; L = longest completion, in tokens
 *
 * Rows without a token that counts are not in R.
 */

import { type Batch, countTokens } from "./batch.ts";

export type Reduction = "token-mean" | "sequence-mean" | "sequence-sum" | { readonly constant: number };

export interface ReduceOptions {
  /** Rows the mean runs over; each has a token that counts. */
  readonly rows: readonly number[];
  readonly reduction: Reduction;
  /** ∂loss/∂ℓ-argument is added here, [N]. */
  readonly gradient?: Float64Array;
}

/** The loss of one token and its derivative with respect to the token's log-probability (or entropy). */
export type TokenLoss = (token: number, row: number) => { readonly value: number; readonly slope: number };

/**
 * Reduces a loss given token by token, and adds its derivative to `gradient`.
 *
 * @returns The reduced loss; 0 where there are no rows.
 * @throws {RangeError} If the constant of the reduction is not a positive number.
 * @example
 * const negativeLogLikelihood = (t) => ({ value: -batch.logprobs[t], slope: -1 });
 * reduce(batch, { rows: [0, 1], reduction: "token-mean" }, negativeLogLikelihood); // mean −log π a token
 */
export function reduce(batch: Pick<Batch, "offsets" | "mask">, options: ReduceOptions, tokenLoss: TokenLoss): number {
  const { rows, gradient } = options;
  const weightOf = rowWeights(batch, options);
  let total = 0;
  for (const row of rows) {
    const weight = weightOf(row);
    for (let t = batch.offsets[row]!; t < batch.offsets[row + 1]!; t++) {
      if (batch.mask?.[t] === 0) continue;
      const { value, slope } = tokenLoss(t, row);
      total += weight * value;
      if (gradient) gradient[t]! += weight * slope;
    }
  }
  return total;
}

/**
 * Mean of a number over the tokens of some rows that count; 0 where there are no rows.
 *
 * @example
 * tokenMean(batch, [0, 1], (t) => batch.entropies[t]); // mean token entropy, in nats
 */
export function tokenMean(
  batch: Pick<Batch, "offsets" | "mask">,
  rows: readonly number[],
  value: (token: number, row: number) => number,
): number {
  return reduce(batch, { rows, reduction: "token-mean" }, (t, row) => ({ value: value(t, row), slope: 0 }));
}

/**
 * Mean and largest ratio over the tokens that count.
 *
 * @example
 * ratioMetrics(batch, rows, tokenRatios("grpo", batch, rows)); // { meanRatio: 1, maxRatio: 1 }: the first update
 */
export function ratioMetrics(batch: Pick<Batch, "offsets" | "mask">, rows: readonly number[], ratios: Float64Array) {
  let maxRatio = 0;
  const meanRatio = tokenMean(batch, rows, (t) => {
    maxRatio = Math.max(maxRatio, ratios[t]!);
    return ratios[t]!;
  });
  return { meanRatio, maxRatio };
}

function rowWeights(batch: Pick<Batch, "offsets" | "mask">, { rows, reduction }: ReduceOptions) {
  if (typeof reduction === "object") {
    const weight = 1 / (rows.length * checkConstant(reduction.constant));
    return () => weight;
  }
  switch (reduction) {
    case "token-mean": {
      const weight = 1 / rows.reduce((sum, row) => sum + countTokens(batch, row), 0);
      return () => weight;
    }
    case "sequence-mean":
      return (row: number) => 1 / (rows.length * countTokens(batch, row));
    case "sequence-sum":
      return () => 1 / rows.length;
    default:
      throw new TypeError(`reduce: expected a reduction but found ${reduction satisfies never}`);
  }
}

function checkConstant(constant: number) {
  if (!(constant > 0 && constant < Infinity)) {
    throw new RangeError(`reduce: expected a positive constant length but found ${constant}`);
  }
  return constant;
}
