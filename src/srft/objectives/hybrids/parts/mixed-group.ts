/**
 * What LUFFY and RL-PLUS share: rollouts and demonstrations in one group, advantages over both, and one denominator
 * for the tokens of both. Demonstrations in no group get no gradient.
 */

import { type Batch, checkBatch, type Objective, rowsOf } from "../../../batch.ts";
import { perToken, rowAdvantages } from "../../../losses/advantage-estimators.ts";
import { checkPolicyGradient, policyTerms } from "../../../losses/policy-gradient.ts";
import { lossOf, tokenTerm } from "../../../losses/terms.ts";
import type { TokenLoss } from "../../../reduction.ts";
import type { GrpoOptions } from "../../grpo.ts";

export interface MixedGroupParts {
  readonly name: string;
  /** The loss of each demonstration token, given Â of the tokens, [N]. */
  readonly demonstration: (batch: Batch, inputs: { advantages: Float64Array; rows: readonly number[] }) => TokenLoss;
}

/**
 * @returns An objective with the terms `policy`, `demonstration` and, where asked, `kl` and `entropyBonus`.
 * @throws {RangeError} If an option is out of range.
 * @example
 * mixedGroup({ name: "luffy", demonstration: () => () => ({ value: 0, slope: 0 }) }, {}); // rollouts only
 */
export function mixedGroup({ name, demonstration }: MixedGroupParts, given: GrpoOptions): Objective {
  const { std = "none", epsilon = 0, ...rest } = given;
  const options = { surrogate: "ratio", reduction: "token-mean", ...rest } as const;
  checkPolicyGradient(name, options);
  const loss = (batch: Batch) => {
    checkBatch(name, batch);
    const rows = rowsOf(batch, { source: "rollout", required: name });
    const experts = rowsOf(batch, { source: "demonstration", required: name }).filter((row) => batch.groups[row]! >= 0);
    const advantages = perToken(batch, rowAdvantages(batch, { std, epsilon, members: "rollouts+demonstrations" }));
    const ofRollouts = advantages.slice();
    for (const row of experts) ofRollouts.fill(0, batch.offsets[row], batch.offsets[row + 1]);
    const over = [...rows, ...experts];
    const { terms, metrics } = policyTerms(batch, { name, rows, over, advantages: ofRollouts, options });
    const expert = demonstration(batch, { advantages, rows: experts });
    const none = { value: 0, slope: 0 };
    const imitation = tokenTerm(batch, { name: "demonstration", rows: over, reduction: options.reduction }, (t, row) =>
      batch.sources[row] === "demonstration" ? expert(t, row) : none,
    );
    return lossOf(batch, { terms: [terms[0]!, imitation, ...terms.slice(1)], metrics });
  };
  return { name, rollouts: true, demonstrations: "inside", reference: options.kl !== undefined, loss };
}
