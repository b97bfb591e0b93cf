/**
 * CISPO (MiniMax-M1, arXiv 2506.13585, equations 4 and 5): the clip acts on the importance weight, not on the update,
 * so that no token loses its gradient.
 *
 *   L = −1/Σ|y_k| Σ_k Σ_t sg( clip(r, 1 − ε_low, 1 + ε_high) ) Â_k log π(y_t)
 *
 * The default range [1, 4] bounds the weight by 0 and 5: TRL's `epsilon_high = 5` in `loss_type="cispo"`.
 */

import type { Objective } from "../../batch.ts";
import { groupRelative } from "../../losses/advantage-estimators.ts";
import { policyGradient } from "../../losses/policy-gradient.ts";
import type { GrpoOptions } from "../grpo.ts";

/**
 * @throws {RangeError} If an option is out of range.
 * @example
 * cispo({ clipRange: [1, 1] }).loss({ ...batch, oldLogprobs }); // no weight above 2
 */
export function cispo({ std = "population", epsilon = 0, ...options }: Omit<GrpoOptions, "surrogate"> = {}): Objective {
  const defaults = { clipRange: [1, 4], reduction: "token-mean" } as const;
  return policyGradient(
    { name: "cispo", advantages: groupRelative({ std, epsilon }) },
    { ...defaults, ...options, surrogate: "clipped-weight" },
  );
}
