/**
 * What HPT and SuperRL share: each prompt is either imitated or reinforced, by how its rollouts did. Denominators are
 * those of all prompts, so the loss is the mean of a prompt's loss, whichever it was. Demonstrations in no group get
 * no gradient: no rollouts say whether they are needed.
 */

import { type Batch, checkBatch, type Objective, rowsOf } from "../../../batch.ts";
import { perToken, rowAdvantages } from "../../../losses/advantage-estimators.ts";
import { checkPolicyGradient, policyTerms } from "../../../losses/policy-gradient.ts";
import { lossOf, tokenTerm } from "../../../losses/terms.ts";
import type { GrpoOptions } from "../../grpo.ts";

export interface GateParts {
  readonly name: string;
  /** Whether a prompt is imitated, given the rewards of its rollouts. */
  readonly imitates: (rewards: readonly number[]) => boolean;
  /** Factor of the imitation term, ≥ 0. */
  readonly sftScale: number;
}

/**
 * @returns An objective with the terms `policy`, `sft` and, where asked, `kl` and `entropyBonus`; `weights.sft` is the
 *   share of prompts that were imitated, `weights.rl` of those reinforced.
 * @throws {RangeError} If an option is out of range.
 * @example
 * gate({ name: "superRl", imitates: (rewards) => rewards.every((one) => one <= 0), sftScale: 1 }, {});
 */
export function gate({ name, imitates, sftScale }: GateParts, given: GrpoOptions): Objective {
  const { std = "none", epsilon = 0, ...rest } = given;
  const options = { reduction: "token-mean", ...rest } as const;
  checkPolicyGradient(name, options);
  if (!(sftScale >= 0 && sftScale < Infinity)) {
    throw new RangeError(`${name}: expected a finite sftScale >= 0 but found ${sftScale}`);
  }
  const loss = (batch: Batch) => {
    checkBatch(name, batch);
    const rows = rowsOf(batch, { source: "rollout", required: name });
    const experts = rowsOf(batch, { source: "demonstration", required: name }).filter((row) => batch.groups[row]! >= 0);
    const { imitated, groups } = sortGroups(batch, imitates);
    const byRow = rowAdvantages(batch, { std, epsilon }).map((one, row) =>
      imitated.has(batch.groups[row]!) ? 0 : one,
    );
    const { terms, metrics } = policyTerms(batch, { name, rows, advantages: perToken(batch, byRow), options });
    const imitation = tokenTerm(batch, { name: "sft", rows: experts, reduction: options.reduction }, (t, row) => {
      const slope = imitated.has(batch.groups[row]!) ? -sftScale : 0;
      return { value: slope * batch.logprobs[t]!, slope };
    });
    const share = imitated.size / groups;
    const weights = { sft: share * sftScale, rl: 1 - share };
    return lossOf(batch, { terms: [terms[0]!, imitation, ...terms.slice(1)], metrics: { ...metrics, weights } });
  };
  return { name, rollouts: true, demonstrations: "beside", reference: options.kl !== undefined, loss };
}

/** By the rewards of all rollouts, also of those whose tokens are masked. */
function sortGroups({ sources, groups, rewards }: Batch, imitates: GateParts["imitates"]) {
  const byGroup = new Map<number, number[]>();
  for (const [row, source] of sources.entries()) {
    if (source !== "rollout") continue;
    const group = byGroup.get(groups[row]!);
    if (group) group.push(rewards[row]!);
    else byGroup.set(groups[row]!, [rewards[row]!]);
  }
  const imitated = new Set([...byGroup].flatMap(([group, values]) => (imitates(values) ? [group] : [])));
  return { imitated, groups: byGroup.size };
}
