/**
 * Unified fine-tuning (arXiv 2505.16984; repository liumy2010/UFT): every rollout of a prompt begins with a hint, the
 * first part of the demonstration, which shrinks during training; the hint's tokens are imitated a little.
 *
 *   L = L_GRPO(continuations) + β · NLL(hint tokens, token mean),   β = 0.001
 *
 * The hint's length is `train`'s `prefixShare`; the paper's is `hintShare`. The paper also has KL 0.001 (`kl`) to the base.
 */

import { type Batch, checkBatch, type Objective, rowsOf } from "../../batch.ts";
import { groupRelative } from "../../losses/advantage-estimators.ts";
import { checkPolicyGradient, policyTerms } from "../../losses/policy-gradient.ts";
import { lossOf, tokenTerm } from "../../losses/terms.ts";
import type { GrpoOptions } from "../grpo.ts";
import { prefixTokens } from "./prefix-rft.ts";

export interface UftOptions extends GrpoOptions {
  /** β ≥ 0. Default 0.001. */
  readonly hintScale?: number;
}

/**
 * @returns An objective with the terms `policy`, `hint` and, where asked, `kl` and `entropyBonus`.
 * @throws {RangeError} If an option is out of range.
 * @throws {TypeError} By its loss, if the batch does not say how long the hints are.
 * @example
 * train(policy, task, { objective: uft(), steps: 500, prefixShare: hintShare({ hintSteps: 300 }) });
 */
export function uft({ hintScale = 0.001, std = "population", epsilon = 0, ...options }: UftOptions = {}): Objective {
  checkPolicyGradient("uft", options);
  if (!(hintScale >= 0 && hintScale < Infinity)) {
    throw new RangeError(`uft: expected a finite hintScale >= 0 but found ${hintScale}`);
  }
  const loss = (batch: Batch) => {
    checkBatch("uft", batch);
    const { continuation, hint } = maskedParts(batch);
    const rows = rowsOf(continuation, { source: "rollout", required: "uft" });
    const advantages = groupRelative({ std, epsilon })(batch, rows);
    const { terms, metrics } = policyTerms(continuation, { name: "uft", rows, advantages, options });
    const hinted = rowsOf(hint, { source: "rollout" });
    const imitation = tokenTerm(hint, { name: "hint", rows: hinted, reduction: "token-mean" }, (t) => ({
      value: -hintScale * batch.logprobs[t]!,
      slope: -hintScale,
    }));
    const weights = { sft: hinted.length > 0 ? hintScale : 0, rl: 1 };
    return lossOf(batch, { terms: [terms[0]!, imitation, ...terms.slice(1)], metrics: { ...metrics, weights } });
  };
  return {
    ...{ name: "uft", rollouts: true, demonstrations: "none", prefixed: "all" },
    reference: options.kl !== undefined,
    loss,
  };
}

function maskedParts(batch: Batch) {
  const hint = new Uint8Array(batch.logprobs.length);
  for (const [row, source] of batch.sources.entries()) {
    if (source === "rollout") for (const t of prefixTokens("uft", batch, row)) hint[t] = 1;
  }
  const rest = hint.map((one, t) => (one === 1 || batch.mask?.[t] === 0 ? 0 : 1));
  return { continuation: { ...batch, mask: rest }, hint: { ...batch, mask: hint } };
}
