/**
 * CHORD (arXiv 2508.11408): imitation as an auxiliary loss whose weight is controlled, in all and token by token.
 *
 *   L = (1 − μ) L_GRPO + μ L_SFT,   L_SFT = −mean_t φ_t log p_t
 *
 *   CHORD-μ   φ = 1, μ falls 0.9 → 0.05 in 200 steps: objective: (step) => chord({ mu: mu(step), weight: "one" })
 *             with mu = cosineSchedule({ from: 0.9, to: 0.05, steps: 200 })
 *   CHORD-φ   φ = sg( p (1 − p) ), μ = 0.1: neither what is known nor what is impossible pulls (the default)
 *
 * weight "probability" is the importance weight sg(p), which the paper shows to collapse the entropy. Token means of
 * rollouts and of demonstrations apart; clip 0.2; the demonstrations are beside the group.
 */

import type { Objective } from "../../batch.ts";
import type { GrpoOptions } from "../grpo.ts";
import { weightedSum } from "./parts/weighted-sum.ts";

export interface ChordOptions extends GrpoOptions {
  /** μ in [0, 1]. Default 0.1. */
  readonly mu?: number;
  /** φ. Default "phi". */
  readonly weight?: "phi" | "one" | "probability";
}

const weights = {
  phi: (p: number) => p * (1 - p),
  one: () => 1,
  probability: (p: number) => p,
} as const;

/**
 * @returns An objective with the terms `policy` and `sft`, their weights 1 − μ and μ included.
 * @throws {RangeError} If μ is outside [0, 1] or another option is out of range.
 * @example
 * chord({ mu: 0.9, weight: "one" }).loss(batch).terms.sft; // 0.9 · mean negative log-likelihood
 */
export function chord(given: ChordOptions = {}): Objective {
  const { mu = 0.1, weight = "phi", ...options } = given;
  if (!(mu >= 0 && mu <= 1)) throw new RangeError(`chord: expected mu in [0, 1] but found ${mu}`);
  const phi = (logprob: number) => weights[weight](Math.exp(Math.min(logprob, 0)));
  return weightedSum({ name: "chord", factors: { rl: 1 - mu, sft: mu }, weight: phi }, options);
}
