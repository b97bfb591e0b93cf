/**
 * Group sequence policy optimisation (arXiv 2507.18071, equations 5–7): the ratio, and the clip, of whole sequences.
 *
 *   L = −1/G Σ_k min( s_k Â_k , clip(s_k, 1 − ε_low, 1 + ε_high) Â_k ),   s_k = exp( 1/|y_k| Σ_t log(π / π_old) )
 *
 * The default range is the paper's [3e-4, 4e-4]: mean log-ratios are far smaller than those of single tokens.
 */

import type { Objective } from "../../batch.ts";
import { groupRelative } from "../../losses/advantage-estimators.ts";
import { policyGradient } from "../../losses/policy-gradient.ts";
import type { GrpoOptions } from "../grpo.ts";

/**
 * @throws {RangeError} If an option is out of range.
 * @example
 * gspo().loss({ ...batch, oldLogprobs }).metrics.clippedShare; // share of tokens in clipped sequences
 */
export function gspo({ std = "population", epsilon = 0, ...options }: Omit<GrpoOptions, "ratioOver"> = {}): Objective {
  const defaults = { clipRange: [3e-4, 4e-4], reduction: "sequence-mean" } as const;
  return policyGradient(
    { name: "gspo", advantages: groupRelative({ std, epsilon }) },
    { ...defaults, ...options, ratioOver: "sequence" },
  );
}
