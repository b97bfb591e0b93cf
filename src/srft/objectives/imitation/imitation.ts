/**
 * What the variants of supervised fine-tuning share: one term over the demonstrations, given token by token.
 */

import { type Batch, checkBatch, type Objective, rowsOf } from "../../batch.ts";
import { lossOf, type Term, tokenTerm } from "../../losses/terms.ts";
import { type Reduction, type TokenLoss, tokenMean } from "../../reduction.ts";

export interface ImitationOptions {
  /** Default "token-mean". */
  readonly reduction?: Reduction;
}

export interface ImitationParts {
  readonly name: string;
  /** Default: no reference policy. */
  readonly reference?: boolean;
  /** The loss of each token; `rows` are the demonstrations. */
  readonly tokenLoss: (batch: Batch, rows: readonly number[]) => TokenLoss;
  /** Terms besides `sft`. */
  readonly more?: (batch: Batch, rows: readonly number[], reduction: Reduction) => Term[];
}

/**
 * An objective over demonstrations alone.
 *
 * @example
 * imitation({ name: "sft", tokenLoss: ({ logprobs }) => (t) => ({ value: -logprobs[t], slope: -1 }) }, {});
 */
export function imitation({ name, reference, tokenLoss, more }: ImitationParts, options: ImitationOptions): Objective {
  const { reduction = "token-mean" } = options;
  return {
    name,
    rollouts: false,
    demonstrations: "beside",
    reference: reference === true,
    loss: (batch) => {
      checkBatch(name, batch);
      const rows = rowsOf(batch, { source: "demonstration", required: name });
      const lossAt = tokenLoss(batch, rows);
      const terms = [
        tokenTerm(batch, { name: "sft", rows, reduction }, lossAt),
        ...(more?.(batch, rows, reduction) ?? []),
      ];
      const meanEntropy = tokenMean(batch, rows, (t) => batch.entropies[t]!);
      const weight = tokenMean(batch, rows, (t, row) => -lossAt(t, row).slope);
      return lossOf(batch, { terms, metrics: { meanEntropy, weights: { sft: weight, rl: 0 } } });
    },
  };
}
