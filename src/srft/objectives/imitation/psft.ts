/**
 * Proximal SFT (arXiv 2508.17784): PPO's clipped surrogate with advantage 1 on demonstration tokens,
 *
 *   L = −min( r, clip(r, 1 − 0.2, 1 + 0.28) ),   r = π / π_old
 *
 * π_old is the policy before the batch's first update, so it differs from SFT only where a batch is used for several
 * updates (`train`'s epochs or miniBatches): a token whose probability has grown by 1.28 stops pulling. With advantage
 * 1 the lower bound and PPO's dual clip never act.
 */

import { type Objective, tokenRatios } from "../../batch.ts";
import { clippedSurrogate } from "../../losses/policy-gradient.ts";
import { type ImitationOptions, imitation } from "./imitation.ts";

export interface PsftOptions extends ImitationOptions {
  /** Default [0.2, 0.28]. */
  readonly clipRange?: readonly [low: number, high: number];
}

/**
 * @returns An objective with the single term `sft`, which is −1 on the first update.
 * @throws {RangeError} If the clip range is not two numbers ≥ 0, the lower one ≤ 1; by its loss, if a ratio overflows.
 * @example
 * psft().loss(batch).gradients.logprobs[0]; // −1 / number of demonstration tokens, as in SFT
 */
export function psft({ clipRange = [0.2, 0.28], ...options }: PsftOptions = {}): Objective {
  const [low, high] = clipRange;
  if (!(low >= 0 && low <= 1 && high >= 0)) {
    throw new RangeError(`psft: expected a clipRange [low in [0, 1], high >= 0] but found [${low}, ${high}]`);
  }
  return imitation(
    {
      name: "psft",
      tokenLoss: (batch, rows) => {
        const ratios = tokenRatios("psft", batch, rows);
        return (t) => {
          const { objective, slope } = clippedSurrogate({ ratio: ratios[t]!, advantage: 1, clipRange });
          return { value: -objective, slope: -slope };
        };
      },
    },
    options,
  );
}
