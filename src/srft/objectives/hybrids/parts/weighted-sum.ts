/**
 * What CHORD and SuperRL's mixture share: reinforcement and imitation at once, each times a number, token means of
 * rollouts and of demonstrations apart.
 *
 *   L = a L_RL + b L_SFT,   L_SFT = −mean_t φ_t log p_t
 */

import { type Batch, checkBatch, type Loss, type Objective, rowsOf } from "../../../batch.ts";
import { groupRelative } from "../../../losses/advantage-estimators.ts";
import { checkPolicyGradient, policyTerms } from "../../../losses/policy-gradient.ts";
import { lossOf, scaled, type Term, tokenTerm } from "../../../losses/terms.ts";
import { tokenMean } from "../../../reduction.ts";
import type { GrpoOptions } from "../../grpo.ts";

export interface WeightedSumParts {
  readonly name: string;
  /** a and b, ≥ 0. */
  readonly factors: { readonly rl: number; readonly sft: number };
  /** φ of a token, from its log-probability; a constant in the backward pass. */
  readonly weight: (logprob: number) => number;
  /** Summands that do not depend on the policy. */
  readonly constants?: readonly Term[];
}

/**
 * @returns An objective with the terms `policy` and `sft`, their factors included.
 * @throws {RangeError} If an option is out of range.
 * @example
 * weightedSum({ name: "half", factors: { rl: 0.5, sft: 0.5 }, weight: () => 1 }, {}).name; // "half"
 */
export function weightedSum(
  { name, factors, weight, constants = [] }: WeightedSumParts,
  given: GrpoOptions,
): Objective {
  const { std = "population", epsilon = 0, ...rest } = given;
  const options = { reduction: "token-mean", ...rest } as const;
  checkPolicyGradient(name, options);
  const loss = (batch: Batch): Loss => {
    checkBatch(name, batch);
    const rows = rowsOf(batch, { source: "rollout", required: name });
    const experts = rowsOf(batch, { source: "demonstration", required: name });
    const advantages = groupRelative({ std, epsilon })(batch, rows);
    const { terms, metrics } = policyTerms(batch, { name, rows, advantages, options });
    const imitation = tokenTerm(batch, { name: "sft", rows: experts, reduction: options.reduction }, (t) => {
      const slope = -weight(batch.logprobs[t]!);
      return { value: slope * batch.logprobs[t]!, slope };
    });
    const sft = factors.sft * tokenMean(batch, experts, (t) => weight(batch.logprobs[t]!));
    return lossOf(batch, {
      terms: [...terms.map((term) => scaled(term, factors.rl)), scaled(imitation, factors.sft), ...constants],
      metrics: { ...metrics, weights: { sft, rl: factors.rl } },
    });
  };
  return { name, rollouts: true, demonstrations: "beside", reference: options.kl !== undefined, loss };
}
