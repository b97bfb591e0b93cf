/**
 * Supervised fine-tuning: L = E_(x,y)∈D [ −log π(y|x) ] (SRFT, arXiv 2506.19767, equation 1).
 *
 * The equation sums over the tokens of a sequence ("sequence-sum"); the default here is the mean over all
 * demonstration tokens, as SFT trainers have it. Rollouts in the batch get no gradient.
 */

import { type Batch, checkBatch, type Loss, type Objective, rowsOf } from "../batch.ts";
import { entropyTerm, lossOf, tokenTerm } from "../losses/terms.ts";
import { type Reduction, tokenMean } from "../reduction.ts";

export interface SftOptions {
  /** Default "token-mean". */
  readonly reduction?: Reduction;
  /** c >= 0 of − c · E[H], the mean over the demonstrations' tokens (ReLIFT has 0.001). Default 0. */
  readonly entropyBonus?: number;
}

/**
 * Imitates the demonstrations.
 *
 * @returns An objective with the term `sft` and, where asked, `entropyBonus`.
 * @throws {RangeError} If the entropy bonus is negative or not finite.
 * @example
 * sft().loss(batch).terms.sft; // mean negative log-likelihood of a demonstration token, in nats
 */
export function sft(options: SftOptions = {}): Objective {
  const { reduction = "token-mean", entropyBonus = 0 } = options;
  if (!(entropyBonus >= 0 && entropyBonus < Infinity)) {
    throw new RangeError(`sft: expected a finite entropyBonus >= 0 but found ${entropyBonus}`);
  }
  return {
    name: "sft",
    rollouts: false,
    demonstrations: "beside",
    loss: (batch) => sftLoss(batch, { reduction, entropyBonus }),
  };
}

function sftLoss(batch: Batch, { reduction, entropyBonus }: Required<SftOptions>): Loss {
  checkBatch("sft", batch);
  const rows = rowsOf(batch, { source: "demonstration", required: "sft" });
  const term = tokenTerm(batch, { name: "sft", rows, reduction }, (t) => ({ value: -batch.logprobs[t]!, slope: -1 }));
  const bonus = entropyTerm(batch, { name: "entropyBonus", rows, reduction }, entropyBonus);
  const metrics = { meanEntropy: tokenMean(batch, rows, (t) => batch.entropies[t]!), weights: { sft: 1, rl: 0 } };
  return lossOf(batch, { terms: entropyBonus > 0 ? [term, bonus] : [term], metrics });
}
