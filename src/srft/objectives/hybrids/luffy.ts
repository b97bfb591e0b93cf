/**
 * LUFFY (arXiv 2504.14945; repository ElliottYan/LUFFY): off-policy guidance inside the group.
 *
 *   L = −1/Z ( Σ_rollouts Σ_t r Â + Σ_demonstrations Σ_t f(p) Â ),   f(p) = p / (p + γ), γ = 0.1
 *
 * Z is the number of all tokens, Â = R − mean R over the rollouts and the demonstration, no clip, behaviour policy of
 * the demonstration set to 1. The released code divides by a constant length instead (`reduction: { constant }`), takes
 * 7 rollouts and a demonstration (groupSize 7) and adds an entropy bonus of 0.001; none here unless asked for.
 */

import type { Objective } from "../../batch.ts";
import { checkShaping, type Shaping, shapedProbability } from "../../losses/shaping.ts";
import type { GrpoOptions } from "../grpo.ts";
import { mixedGroup } from "./parts/mixed-group.ts";

export interface LuffyOptions extends GrpoOptions {
  /** Default { gamma: 0.1 }. */
  readonly shaping?: Shaping;
}

/**
 * @returns An objective with the terms `policy` and `demonstration`; `std` is "none", the surrogate "ratio" by default.
 * @throws {RangeError} If an option is out of range.
 * @example
 * luffy().loss(batch).terms.demonstration; // −mean over all tokens of Â f(p)
 */
export function luffy({ shaping = { gamma: 0.1 }, ...options }: LuffyOptions = {}): Objective {
  checkShaping("luffy", shaping);
  return mixedGroup(
    {
      name: "luffy",
      demonstration:
        ({ logprobs }, { advantages }) =>
        (t) => {
          const { value, slope } = shapedProbability(logprobs[t]!, shaping);
          return { value: -advantages[t]! * value, slope: -advantages[t]! * slope };
        },
    },
    options,
  );
}
