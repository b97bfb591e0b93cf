/**
 * REINFORCE++ (arXiv 2501.03262): PPO's clip without a critic; the returns of all tokens are whitened over the batch,
 * not over the group, and the KL penalty is part of each token's reward.
 *
 *   r_t = 1[t = T] R − β (log π_old − log π_ref)_t,   Â_t = whiten( Σ_s≥t γ^(s−t) r_s )
 *
 * baseline "group" (REINFORCE++-baseline) subtracts the group's mean reward first. As in verl's
 * `compute_reinforce_plus_plus_outcome_advantage` and `…_baseline_…`; token mean.
 */

import type { Objective } from "../../batch.ts";
import { type ReturnOptions, whitenedReturns } from "../../losses/advantage-estimators.ts";
import { type PolicyGradientOptions, policyGradient } from "../../losses/policy-gradient.ts";

export interface ReinforcePlusPlusOptions extends PolicyGradientOptions, ReturnOptions {}

/**
 * @throws {RangeError} If an option is out of range.
 * @throws {TypeError} By its loss, if klCoefficient > 0 and the batch has no referenceLogprobs.
 * @example
 * reinforcePlusPlus({ baseline: "group" }).loss(batch).terms.policy;
 */
export function reinforcePlusPlus(options: ReinforcePlusPlusOptions = {}): Objective {
  const { discount = 1, klCoefficient = 0, baseline = "none", epsilon = 1e-8, ...rest } = options;
  const name = "reinforcePlusPlus";
  if (!(discount >= 0 && discount <= 1 && klCoefficient >= 0 && klCoefficient < Infinity && epsilon >= 0)) {
    throw new RangeError(
      `${name}: expected discount in [0, 1], klCoefficient >= 0 and epsilon >= 0 but found ${discount}, ${klCoefficient}, ${epsilon}`,
    );
  }
  const estimator = whitenedReturns(name, { discount, klCoefficient, baseline, epsilon });
  const objective = policyGradient({ name, advantages: estimator }, { reduction: "token-mean", ...rest });
  return { ...objective, reference: objective.reference === true || klCoefficient > 0 };
}
