/**
 * Importance-weighted SFT (arXiv 2507.12856; repository emmyqin/iw_sft): imitation as a bound on a sparse-reward return.
 *
 *   over "sequence"   w = clamp( exp( τ · mean_t(log π − log π_ref) ), 0, 16 )
 *   over "token"      w = clamp( π / π_ref, 0.2, 1.8 )
 *   L = −sg(w) log π
 *
 * The clamps are the method's own. The reference is the policy before training.
 */

import type { Batch, Objective } from "../../batch.ts";
import { referenceOf } from "../../losses/kl-estimators.ts";
import { tokenMean } from "../../reduction.ts";
import { type ImitationOptions, imitation } from "./imitation.ts";

export interface IwSftOptions extends ImitationOptions {
  /** Default "sequence". */
  readonly over?: "sequence" | "token";
  /** τ of the sequence weight, ≥ 0. Default 1. */
  readonly temperature?: number;
  /** Least and largest weight. Default [0, 16] over sequences, [0.2, 1.8] over tokens. */
  readonly range?: readonly [least: number, most: number];
}

/**
 * @returns An objective with the single term `sft`; needs a reference policy.
 * @throws {RangeError} If the temperature is negative or the range descends.
 * @throws {TypeError} By its loss, if the batch has no referenceLogprobs.
 * @example
 * iwSft().loss({ ...batch, referenceLogprobs: batch.logprobs }).metrics.weights.sft; // 1: the policy is its reference
 */
export function iwSft(options: IwSftOptions = {}): Objective {
  const { over = "sequence", temperature = 1, range = over === "sequence" ? [0, 16] : [0.2, 1.8], ...rest } = options;
  if (!(temperature >= 0 && temperature < Infinity && range[0] >= 0 && range[1] >= range[0])) {
    throw new RangeError(
      `iwSft: expected temperature >= 0 and a range 0 <= least <= most but found ${temperature}, [${range}]`,
    );
  }
  const clamp = (weight: number) => Math.min(Math.max(weight, range[0]), range[1]);
  const weightsOf = (batch: Batch) => {
    const reference = referenceOf("iwSft", batch);
    const gap = (t: number) => batch.logprobs[t]! - reference[t]!;
    if (over === "token") return (t: number) => clamp(Math.exp(gap(t)));
    const rows = new Map<number, number>();
    return (_: number, row: number) => {
      if (!rows.has(row)) rows.set(row, clamp(Math.exp(temperature * tokenMean(batch, [row], gap))));
      return rows.get(row)!;
    };
  };
  const tokenLoss = (batch: Batch) => {
    const weightOf = weightsOf(batch);
    return (t: number, row: number) => {
      const weight = weightOf(t, row);
      return { value: -weight * batch.logprobs[t]!, slope: -weight };
    };
  };
  return imitation({ name: "iwSft", reference: true, tokenLoss }, rest);
}
