/**
 * Advantages of tokens, [N]: what a rollout's tokens are reinforced by. Each estimator is a function of the batch.
 * Conventions (population or unbiased deviation, ε, equal rewards) are those of advantages.ts.
 */

import { type AdvantageOptions, advantages } from "../advantages.ts";
import type { Batch } from "../batch.ts";
import { referenceOf } from "./kl-estimators.ts";

/** Advantages of the tokens of `rows`, [N]; other tokens have 0 or a number nobody reads. */
export type TokenAdvantages = (batch: Batch, rows: readonly number[]) => Float64Array;

/** Which rows make the mean and deviation of a group: its rollouts, or its demonstrations too. */
export type GroupMembers = "rollouts" | "rollouts+demonstrations";

/**
 * Â = (R − mean) / std within the group (GRPO, arXiv 2402.03300); `std: "none"` is Dr. GRPO, arXiv 2503.20783.
 *
 * @example
 * groupRelative({ std: "none" })(batch, rows)[0]; // R − mean R of the first token's group
 */
export function groupRelative(options: AdvantageOptions & { readonly members?: GroupMembers } = {}): TokenAdvantages {
  return (batch) => perToken(batch, rowAdvantages(batch, options));
}

/**
 * The same, one a row, [B]. With members "rollouts" a demonstration has advantage 0.
 *
 * @example
 * rowAdvantages(batch, { std: "none", members: "rollouts+demonstrations" });
 */
export function rowAdvantages(
  batch: Batch,
  { members = "rollouts", ...options }: AdvantageOptions & { readonly members?: GroupMembers },
): Float64Array {
  if (members === "rollouts+demonstrations") return advantages(batch.rewards, batch.groups, options);
  return advantages(batch.rewards, rolloutGroups(batch), options);
}

/**
 * RLOO, arXiv 2402.14740: A_k = R_k − mean_{j≠k} R_j = K / (K − 1) · (R_k − mean R).
 *
 * @example
 * leaveOneOut(batch, rows)[0]; // 1 for a right rollout among wrong ones
 */
export function leaveOneOut(batch: Batch): Float64Array {
  const groups = rolloutGroups(batch);
  const sizes = new Map<number, number>();
  for (const group of groups) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  const centred = advantages(batch.rewards, groups, { std: "none" });
  return perToken(
    batch,
    centred.map((one, row) => {
      const size = sizes.get(groups[row]!)!;
      return groups[row]! < 0 ? 0 : (one * size) / (size - 1);
    }),
  );
}

export interface ReturnOptions {
  /** γ of the return Σ_s≥t γ^(s−t) r_s. Default 1. */
  readonly discount?: number;
  /** β: each token costs β (log π_old − log π_ref). Default 0. */
  readonly klCoefficient?: number;
  /** Subtracted from the reward first: nothing, or the mean of the group. Default "none". */
  readonly baseline?: "none" | "group";
  /** Added to the variance. Default 1e-8. */
  readonly epsilon?: number;
}

/**
 * REINFORCE++, arXiv 2501.03262: returns of tokens, then whitened over all rollout tokens of the batch that count
 * (mean 0, deviation 1; unbiased variance, ε added to it, as verl's `masked_whiten`). The reward comes with the last
 * token that counts.
 *
 * @throws {TypeError} If β > 0 and the batch has no referenceLogprobs.
 * @throws {RangeError} If fewer than two rollout tokens count.
 * @example
 * whitenedReturns("reinforce++")(batch, rows); // sums to 0 over the rollout tokens
 */
export function whitenedReturns(name: string, options: ReturnOptions = {}): TokenAdvantages {
  return (batch, rows) => whiten(batch, { name, rows, epsilon: options.epsilon ?? 1e-8 }, tokenReturns(batch, rows));
  function tokenReturns(batch: Batch, rows: readonly number[]) {
    const { discount = 1, klCoefficient = 0, baseline = "none" } = options;
    const rewards = baseline === "group" ? rowAdvantages(batch, { std: "none" }) : batch.rewards;
    const before = batch.oldLogprobs ?? batch.logprobs;
    const reference = klCoefficient > 0 ? referenceOf(name, batch) : before;
    const returns = new Float64Array(batch.logprobs.length);
    for (const row of rows) {
      let after = rewards[row]!;
      let weight = 1;
      for (let t = batch.offsets[row + 1]! - 1; t >= batch.offsets[row]!; t--) {
        if (batch.mask?.[t] === 0) continue;
        after = weight * after - klCoefficient * (before[t]! - reference[t]!);
        weight = discount;
        returns[t] = after;
      }
    }
    return returns;
  }
}

function whiten(
  batch: Batch,
  options: { name: string; rows: readonly number[]; epsilon: number },
  values: Float64Array,
) {
  const tokens = options.rows.flatMap((row) => countedTokens(batch, row));
  if (tokens.length < 2) {
    throw new RangeError(`${options.name}: expected at least 2 rollout tokens that count but found ${tokens.length}`);
  }
  const mean = tokens.reduce((sum, t) => sum + values[t]!, 0) / tokens.length;
  const variance = tokens.reduce((sum, t) => sum + (values[t]! - mean) ** 2, 0) / (tokens.length - 1);
  const equal = variance <= 1e-24 * Math.max(1, mean * mean);
  const whitened = new Float64Array(values.length);
  for (const t of tokens) whitened[t] = equal ? 0 : (values[t]! - mean) / Math.sqrt(variance + options.epsilon);
  return whitened;
}

/**
 * W-REINFORCE, arXiv 2506.01347: λ for a solved rollout (reward > 0), −1 for a failed one; no baseline.
 *
 * @example
 * signedRewards(0.1)(batch, rows)[0]; // 0.1 where the first row is solved
 */
export function signedRewards(positiveWeight: number): TokenAdvantages {
  return (batch) =>
    perToken(
      batch,
      Float64Array.from(batch.rewards, (reward) => (reward > 0 ? positiveWeight : -1)),
    );
}

/**
 * Gives each token its row's number, [B] to [N].
 *
 * @example
 * perToken({ offsets: Int32Array.of(0, 2, 3), logprobs }, [5, 7]); // [5, 5, 7]
 */
export function perToken({ offsets }: Pick<Batch, "offsets">, rows: ArrayLike<number>): Float64Array {
  const tokens = new Float64Array(offsets.at(-1)!);
  for (let row = 0; row < rows.length; row++) tokens.fill(rows[row]!, offsets[row], offsets[row + 1]);
  return tokens;
}

function rolloutGroups({ groups, sources }: Batch) {
  return groups.map((group, row) => (sources[row] === "rollout" ? group : -1));
}

function countedTokens({ offsets, mask }: Batch, row: number) {
  const tokens: number[] = [];
  for (let t = offsets[row]!; t < offsets[row + 1]!; t++) if (mask?.[t] !== 0) tokens.push(t);
  return tokens;
}
