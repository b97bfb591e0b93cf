/**
 * W-REINFORCE (arXiv 2506.01347): reinforcement by failures, with little weight on successes, keeps the policy diverse.
 *
 *   L = λ L_PSR + L_NSR,   L_PSR = −E_solved[ log π ],   L_NSR = E_failed[ log π ],   λ = 0.1
 *
 * A rollout is solved when its reward is > 0. λ = 0 is negative-sample reinforcement alone, λ = 1 plain REINFORCE.
 * SRFT's self-rollout terms are this with λ = 0.1 exp(H). Beware: log π of failures has no lower bound.
 */

import type { Objective } from "../../batch.ts";
import { signedRewards } from "../../losses/advantage-estimators.ts";
import { type PolicyGradientOptions, policyGradient } from "../../losses/policy-gradient.ts";

export interface WReinforceOptions extends PolicyGradientOptions {
  /** λ ≥ 0. Default 0.1. */
  readonly positiveWeight?: number;
}

/**
 * @returns By default with surrogate "logprob" and reduction "token-mean".
 * @throws {RangeError} If an option is out of range.
 * @example
 * wReinforce({ positiveWeight: 0 }).loss(batch).gradients.logprobs; // ≥ 0 everywhere
 */
export function wReinforce({ positiveWeight = 0.1, ...options }: WReinforceOptions = {}): Objective {
  if (!(positiveWeight >= 0 && positiveWeight < Infinity)) {
    throw new RangeError(`wReinforce: expected a finite positiveWeight >= 0 but found ${positiveWeight}`);
  }
  const defaults = { surrogate: "logprob", reduction: "token-mean" } as const;
  return policyGradient({ name: "wReinforce", advantages: signedRewards(positiveWeight) }, { ...defaults, ...options });
}
