/**
 * Prefix-RFT (arXiv 2507.01679; repository ZeroYuHuang/prefix_rft): one rollout of each group continues a prefix of the
 * demonstration. All tokens have the clipped surrogate with Â of the whole hybrid, but of the prefix tokens only the
 * 20 % of highest entropy (over all prefix tokens of the batch) are trained; the others keep their place in the mean.
 *
 * The share of the demonstration is `train`'s `prefixShare`; the paper's is `cosinePrefix`. Â has no deviation.
 */

import type { Batch, Objective } from "../../batch.ts";
import { perToken, rowAdvantages } from "../../losses/advantage-estimators.ts";
import { highEntropy } from "../../losses/high-entropy.ts";
import { policyGradient } from "../../losses/policy-gradient.ts";
import type { GrpoOptions } from "../grpo.ts";

export interface PrefixRftOptions extends GrpoOptions {
  /** Share of prefix tokens that are trained, in (0, 1]. Default 0.2. */
  readonly prefixEntropyShare?: number;
}

/**
 * @throws {RangeError} If an option is out of range.
 * @throws {TypeError} By its loss, if the batch does not say how long the prefixes are.
 * @example
 * train(policy, task, { objective: prefixRft(), steps: 100, prefixShare: cosinePrefix({ steps: 100 }) });
 */
export function prefixRft(given: PrefixRftOptions = {}): Objective {
  const { prefixEntropyShare = 0.2, std = "none", epsilon = 0, ...options } = given;
  if (!(prefixEntropyShare > 0 && prefixEntropyShare <= 1)) {
    throw new RangeError(`prefixRft: expected a prefixEntropyShare in (0, 1] but found ${prefixEntropyShare}`);
  }
  const masked = (batch: Batch, rows: readonly number[]) => {
    const advantages = perToken(batch, rowAdvantages(batch, { std, epsilon }));
    const tokens = rows.flatMap((row) => prefixTokens("prefixRft", batch, row));
    const trained = highEntropy(batch, { tokens, share: prefixEntropyShare });
    for (const t of tokens) if (trained[t] === 0) advantages[t] = 0;
    return advantages;
  };
  const objective = policyGradient({ name: "prefixRft", advantages: masked }, { reduction: "token-mean", ...options });
  return { ...objective, prefixed: "last" };
}

/**
 * The tokens of a row that an expert wrote and that count.
 *
 * @throws {TypeError} If the batch does not say how long the prefixes are.
 * @example
 * prefixTokens("uft", { ...batch, prefixLengths: Int32Array.of(2) }, 0); // [0, 1]
 */
export function prefixTokens(name: string, { offsets, mask, prefixLengths }: Batch, row: number): number[] {
  if (!prefixLengths) {
    throw new TypeError(
      `${name}: expected prefixLengths but found none; give train a prefixShare, as in { prefixShare: cosinePrefix({ steps }) }`,
    );
  }
  const tokens = Array.from({ length: prefixLengths[row]! }, (_, i) => offsets[row]! + i);
  return tokens.filter((t) => mask?.[t] !== 0);
}
