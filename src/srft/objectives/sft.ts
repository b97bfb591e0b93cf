/**
 * Supervised fine-tuning: L = E_(x,y)∈D [ −log π(y|x) ] (SRFT, arXiv 2506.19767, equation 1).
 *
 * The equation sums over the tokens of a sequence ("sequence-sum"); the default here is the mean over all
 * demonstration tokens, as SFT trainers have it. Rollouts in the batch get no gradient.
 */

import { type Batch, checkBatch, type Loss, type Objective, rowsOf } from "../batch.ts";
import { lossOf, tokenTerm } from "../losses/terms.ts";
import { type Reduction, tokenMean } from "../reduction.ts";

export interface SftOptions {
  /** Default "token-mean". */
  readonly reduction?: Reduction;
}

/**
 * Imitates the demonstrations.
 *
 * @returns An objective with the single term `sft`.
 * @example
 * sft().loss(batch).terms.sft; // mean negative log-likelihood of a demonstration token, in nats
 */
export function sft(options: SftOptions = {}): Objective {
  const { reduction = "token-mean" } = options;
  return {
    name: "sft",
    rollouts: false,
    demonstrations: "beside",
    loss: (batch) => sftLoss(batch, reduction),
  };
}

function sftLoss(batch: Batch, reduction: Reduction): Loss {
  checkBatch("sft", batch);
  const rows = rowsOf(batch, { source: "demonstration", required: "sft" });
  const term = tokenTerm(batch, { name: "sft", rows, reduction }, (t) => ({ value: -batch.logprobs[t]!, slope: -1 }));
  const metrics = { meanEntropy: tokenMean(batch, rows, (t) => batch.entropies[t]!), weights: { sft: 1, rl: 0 } };
  return lossOf(batch, { terms: [term], metrics });
}
