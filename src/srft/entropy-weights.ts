/**
 * SRFT's weights from the policy's entropy H (arXiv 2506.19767, equations 8 and 12):
 *
 *   w_SFT = 0.5 · sg(exp(−H))   imitation counts where the policy is sure of itself
 *   w_RL  = 0.1 · sg(exp(+H))   positive samples count where it is not
 *
 * sg = stop-gradient: both are constants in the backward pass. exp(H) is the effective number of choices.
 * The released training code is reported to use exp(+H) in w_SFT as well; `sftSign: 1` is that form.
 */

export interface EntropyWeightOptions {
  /** Default 0.5. */
  readonly sftScale?: number;
  /** Default 0.1. */
  readonly rlScale?: number;
  /** Sign of the exponent of w_SFT: −1 as in the paper, +1 as reported of the released code. Default −1. */
  readonly sftSign?: -1 | 1;
}

/**
 * Weights the SFT and the RL terms by the policy's entropy.
 *
 * @param entropy H in nats, finite, ≥ 0.
 * @returns `sft` in (0, sftScale] (with sftSign 1: ≥ sftScale) and `rl` ≥ rlScale; constants in the backward pass.
 * @throws {RangeError} If the entropy is negative or not finite.
 * @see SRFT, arXiv 2506.19767, equations 8 and 12.
 * @example
 * entropyWeights(0); // { sft: 0.5, rl: 0.1 }
 */
export function entropyWeights(entropy: number, options: EntropyWeightOptions = {}) {
  const { sftScale = 0.5, rlScale = 0.1, sftSign = -1 } = options;
  if (!(entropy >= 0 && entropy < Infinity)) {
    throw new RangeError(`entropyWeights: expected a finite entropy >= 0 but found ${entropy}`);
  }
  return { sft: sftScale * Math.exp(sftSign * entropy), rl: rlScale * Math.exp(entropy) };
}
