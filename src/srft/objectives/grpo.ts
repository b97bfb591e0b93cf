/**
 * Group relative policy optimisation (arXiv 2402.03300; SRFT, arXiv 2506.19767, equations 2 and 3):
 *
 *   L = −1/G Σ_k 1/|y_k| Σ_t min( r_kt Â_k , clip(r_kt, 1 − ε_low, 1 + ε_high) Â_k ),   r = π / π_old
 *
 * Without `oldLogprobs` (the first update of a batch) r = 1 and the gradient is that of −Â log π.
 * SRFT's paper does not print ε (0.2 here, as in PPO), nor which deviation divides ("population" here), and has no KL
 * term; nor have we unless `kl` asks for one (2402.03300 has k3). Options make the relatives: see baselines/.
 * Demonstrations in the batch get no gradient and do not enter the groups.
 */

import type { Deviation } from "../advantages.ts";
import type { Objective } from "../batch.ts";
import { groupRelative } from "../losses/advantage-estimators.ts";
import { type PolicyGradientOptions, policyGradient } from "../losses/policy-gradient.ts";

export interface GrpoOptions extends PolicyGradientOptions {
  /** Default "population". */
  readonly std?: Deviation;
  /** Added to the deviation. Default 0. */
  readonly epsilon?: number;
}

/**
 * Reinforces rollouts that beat the mean of their group.
 *
 * @returns An objective with the term `policy` and, where asked, `kl` and `entropyBonus`.
 * @throws {RangeError} If the clip range is not two numbers ≥ 0, the lower one ≤ 1, or another option is out of range.
 * @example
 * grpo({ std: "none" }).loss(batch).metrics.clippedShare; // 0: the first update of a batch clips nothing
 */
export function grpo({ std = "population", epsilon = 0, ...options }: GrpoOptions = {}): Objective {
  return policyGradient({ name: "grpo", advantages: groupRelative({ std, epsilon }) }, options);
}
