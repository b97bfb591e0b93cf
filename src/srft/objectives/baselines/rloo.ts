/**
 * REINFORCE leave-one-out (arXiv 2402.14740): each rollout's baseline is the mean reward of the others of its group.
 *
 *   L = −1/G Σ_k Â_k log π(y_k|x),   Â_k = R_k − 1/(K−1) Σ_j≠k R_j
 *
 * The paper's KL penalty lies in the reward; here it is a term of the loss (`kl`), as in TRL's other trainers.
 */

import type { Objective } from "../../batch.ts";
import { leaveOneOut } from "../../losses/advantage-estimators.ts";
import { type PolicyGradientOptions, policyGradient } from "../../losses/policy-gradient.ts";

/**
 * @returns By default with surrogate "logprob" and reduction "sequence-sum", as the paper writes it.
 * @throws {RangeError} If an option is out of range.
 * @example
 * rloo().loss(batch).gradients.logprobs[0]; // −Â / rows
 */
export function rloo(options: PolicyGradientOptions = {}): Objective {
  const defaults = { surrogate: "logprob", reduction: "sequence-sum" } as const;
  return policyGradient({ name: "rloo", advantages: leaveOneOut }, { ...defaults, ...options });
}
