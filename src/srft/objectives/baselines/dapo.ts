/**
 * DAPO (arXiv 2503.14476): GRPO with four changes.
 *
 *   clip-higher        clip(r, 1 − 0.2, 1 + 0.28)
 *   token mean         1 / Σ_k |y_k| instead of 1/G Σ_k 1/|y_k|
 *   overlong shaping   R + penalty(|y|): 0 up to L_max − L_buffer, then falling linearly to −1 at L_max (equation 13)
 *   dynamic sampling   prompts whose rollouts are all right or all wrong are replaced: `train`'s `dynamicSampling`
 */

import { advantages } from "../../advantages.ts";
import type { Batch, Objective } from "../../batch.ts";
import { perToken } from "../../losses/advantage-estimators.ts";
import { policyGradient } from "../../losses/policy-gradient.ts";
import type { GrpoOptions } from "../grpo.ts";

export interface OverlongOptions {
  /** L_max, in tokens. */
  readonly maxTokens: number;
  /** L_buffer: the last so many of them cost, in [1, maxTokens]. */
  readonly buffer: number;
}

export interface DapoOptions extends GrpoOptions {
  /** Default: no shaping. */
  readonly overlong?: OverlongOptions;
}

/**
 * @throws {RangeError} If an option is out of range.
 * @example
 * dapo({ overlong: { maxTokens: 64, buffer: 16 } }).loss(batch).metrics.clippedShare; // 0: the first update clips nothing
 */
export function dapo({ std = "population", epsilon = 0, overlong, ...options }: DapoOptions = {}): Objective {
  if (overlong) overlongPenalty(0, overlong);
  const shaped = (batch: Batch) => {
    const groups = batch.groups.map((group, row) => (batch.sources[row] === "rollout" ? group : -1));
    return perToken(batch, advantages(shapedRewards(batch, overlong), groups, { std, epsilon }));
  };
  return policyGradient(
    { name: "dapo", advantages: shaped },
    { clipRange: [0.2, 0.28], reduction: "token-mean", ...options },
  );
}

function shapedRewards({ rewards, offsets }: Batch, overlong: OverlongOptions | undefined) {
  if (!overlong) return rewards;
  return rewards.map((reward, row) => reward + overlongPenalty(offsets[row + 1]! - offsets[row]!, overlong));
}

/**
 * What a completion's length costs (DAPO, equation 13).
 *
 * @param length In tokens.
 * @returns In [−1, 0].
 * @throws {RangeError} Unless 1 ≤ buffer ≤ maxTokens.
 * @example
 * overlongPenalty(12, { maxTokens: 16, buffer: 8 }); // −0.5
 */
export function overlongPenalty(length: number, { maxTokens, buffer }: OverlongOptions): number {
  if (!(buffer >= 1 && buffer <= maxTokens && maxTokens < Infinity)) {
    throw new RangeError(
      `overlongPenalty: expected a buffer in [1, maxTokens] but found ${buffer} and maxTokens ${maxTokens}`,
    );
  }
  return Math.max(-1, Math.min(0, (maxTokens - buffer - length) / buffer));
}
