/**
 * An entropy bonus that follows the entropy (Skywork-OR1, arXiv 2505.22312, section 3.2.4; TRL's `use_adaptive_entropy`):
 * the coefficient c grows by δ after a step whose entropy was at or below the target and shrinks by δ after the others;
 * the bonus is applied only while the entropy is at or below the target.
 */

export interface AdaptiveEntropyOptions {
  /** In nats. */
  readonly target: number;
  /** First coefficient. Default 0. */
  readonly initial?: number;
  /** δ > 0. Default 0.005. */
  readonly delta?: number;
  /** Default 0. */
  readonly least?: number;
  /** Default 1. */
  readonly most?: number;
}

/**
 * A controller: tell it the entropy of the last step, get the coefficient for the next.
 *
 * @returns A function with a memory; before the first step (no entropy) the bonus is `initial`.
 * @throws {RangeError} If δ is not positive or least > most.
 * @example
 * const bonus = adaptiveEntropy({ target: 0.2 });
 * train(policy, task, { steps: 100, objective: (_, last) => grpo({ entropyBonus: bonus(last?.entropy) }) });
 */
export function adaptiveEntropy(options: AdaptiveEntropyOptions): (entropy?: number) => number {
  const { target, initial = 0, delta = 0.005, least = 0, most = 1 } = options;
  if (!(delta > 0 && least <= initial && initial <= most && target >= 0)) {
    throw new RangeError(
      `adaptiveEntropy: expected target >= 0, delta > 0 and least <= initial <= most but found ${target}, ${delta} and ${least}, ${initial}, ${most}`,
    );
  }
  let coefficient = initial;
  return (entropy) => {
    if (entropy === undefined) return coefficient;
    const low = entropy <= target;
    coefficient = low ? Math.min(coefficient + delta, most) : Math.max(coefficient - delta, least);
    return low ? coefficient : 0;
  };
}
