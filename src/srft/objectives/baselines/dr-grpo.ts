/**
 * Dr. GRPO, "GRPO done right" (arXiv 2503.20783): no division by the deviation, which favours prompts that are nearly
 * always or nearly never solved, and none by the answer's length, which favours long wrong answers:
 *
 *   L = −1/(G · L_max) Σ_k Σ_t min( r Â , clip(r) Â ),   Â = R − mean R
 */

import type { Objective } from "../../batch.ts";
import { groupRelative } from "../../losses/advantage-estimators.ts";
import { type PolicyGradientOptions, policyGradient } from "../../losses/policy-gradient.ts";

export interface DrGrpoOptions extends Omit<PolicyGradientOptions, "reduction"> {
  /** L_max: the longest completion that is sampled, in tokens. */
  readonly maxTokens: number;
}

/**
 * @throws {RangeError} If an option is out of range; by its loss, if maxTokens is not a positive number.
 * @example
 * drGrpo({ maxTokens: 64 }).loss(batch).terms.policy;
 */
export function drGrpo({ maxTokens, ...options }: DrGrpoOptions): Objective {
  const reduction = { constant: maxTokens };
  return policyGradient({ name: "drGrpo", advantages: groupRelative({ std: "none" }) }, { ...options, reduction });
}
