/**
 * RL-PLUS (arXiv 2508.00222; repository YihongDong/RL-PLUS): multiple importance sampling for the expert's tokens and
 * an advantage that favours what the policy would not have said.
 *
 *   r^m = 2π / (π_ω + π_old),   π_ω = ½ π_old + ½ U          the unknown teacher; the code sets U = 1, and so do we
 *   Â^c = Â (1 − sg π)^γ,       γ = 0.5
 *   L   = −1/Z ( Σ_rollouts r Â + Σ_demonstrations r^m Â^c )
 *
 * On a batch's first update π_old = π and r^m = 4p / (3p + 1) ≤ 1. No clip, no deviation in Â.
 */

import type { Objective } from "../../batch.ts";
import type { GrpoOptions } from "../grpo.ts";
import { mixedGroup } from "./parts/mixed-group.ts";

export interface RlPlusOptions extends GrpoOptions {
  /** γ ≥ 0. Default 0.5. */
  readonly exploration?: number;
  /** U > 0: 1 as in the code, or 1/V, a uniform teacher. Default 1. */
  readonly uniform?: number;
}

/**
 * @returns An objective with the terms `policy` and `demonstration`.
 * @throws {RangeError} If an option is out of range.
 * @example
 * rlPlus({ exploration: 0 }).loss(batch).terms.demonstration; // without the exploration-based advantage
 */
export function rlPlus({ exploration = 0.5, uniform = 1, ...options }: RlPlusOptions = {}): Objective {
  if (!(exploration >= 0 && exploration < Infinity && uniform > 0 && uniform < Infinity)) {
    throw new RangeError(`rlPlus: expected exploration >= 0 and uniform > 0 but found ${exploration} and ${uniform}`);
  }
  return mixedGroup(
    {
      name: "rlPlus",
      demonstration: ({ logprobs, oldLogprobs = logprobs }, { advantages }) => {
        return (t) => {
          const [p, old] = [Math.exp(logprobs[t]!), Math.exp(oldLogprobs[t]!)];
          const ratio = (2 * p) / (0.5 * (old + uniform) + old);
          // float32 log-probabilities may lie a rounding above 0
          const advantage = advantages[t]! * Math.max(1 - p, 0) ** exploration;
          return { value: -advantage * ratio, slope: -advantage * ratio };
        };
      },
    },
    options,
  );
}
