/**
 * Updates from a part of the tokens: the high-entropy minority (arXiv 2506.01939), whose entropy is in the upper share
 * of the batch; as its counter-test those in the lower share; or the tokens that the policy was not sure of (SRFT, arXiv
 * 2506.19767, appendix A.2). The denominators stay those of all tokens, as in the first paper and in TRL.
 *
 * The threshold is the (1 − share) quantile with linear interpolation, as torch.quantile; tokens at it belong.
 */

import type { Batch } from "../batch.ts";

/**
 * Which tokens belong to the upper share, [N]: 1 or 0.
 *
 * @param tokens The tokens that are compared.
 * @param share In (0, 1].
 * @throws {RangeError} If the share is out of range.
 * @example
 * highEntropy({ entropies: [0.1, 0.9, 0.2, 0.3, 0.4] }, { tokens: [0, 1, 2, 3, 4], share: 0.2 }); // [0, 1, 0, 0, 0]
 */
export function highEntropy(
  { entropies }: Pick<Batch, "entropies"> | { readonly entropies: readonly number[] },
  { tokens, share }: { readonly tokens: readonly number[]; readonly share: number },
): Uint8Array {
  if (!(share > 0 && share <= 1)) throw new RangeError(`highEntropy: expected a share in (0, 1] but found ${share}`);
  const belongs = new Uint8Array(entropies.length);
  if (tokens.length === 0) return belongs;
  const threshold = quantile(
    tokens.map((t) => entropies[t]!),
    1 - share,
  );
  for (const t of tokens) if (entropies[t]! >= threshold) belongs[t] = 1;
  return belongs;
}

/** Which tokens take part. */
export interface TrainedTokensOptions {
  readonly entropyShare?: number;
  readonly entropyEnd?: "highest" | "lowest";
  readonly largestProbability?: number;
}

/**
 * The tokens that take part in the update, [N]: 1 or 0; undefined where all do.
 *
 * @param tokens The tokens that are compared.
 * @throws {RangeError} If the share is out of range.
 * @example
 * const pair = { logprobs: [Math.log(0.9), Math.log(0.2)], entropies: [0.1, 0.8] };
 * trainedTokens(pair, [0, 1], { largestProbability: 0.5 }); // [0, 1]
 */
export function trainedTokens(
  batch:
    | Pick<Batch, "entropies" | "logprobs">
    | { readonly entropies: readonly number[]; readonly logprobs: readonly number[] },
  tokens: readonly number[],
  { entropyShare = 1, entropyEnd = "highest", largestProbability = 1 }: TrainedTokensOptions,
): Uint8Array | undefined {
  if (entropyShare === 1 && largestProbability === 1) return undefined;
  const { entropies, logprobs } = batch;
  const compared = entropyEnd === "highest" ? entropies : Float64Array.from(entropies, (entropy) => -entropy);
  const belongs = highEntropy({ entropies: compared as Float64Array }, { tokens, share: entropyShare });
  const largest = Math.log(largestProbability);
  for (const t of tokens) if (logprobs[t]! > largest) belongs[t] = 0;
  return belongs;
}

function quantile(values: readonly number[], at: number) {
  const sorted = Float64Array.from(values).sort();
  const place = at * (sorted.length - 1);
  const low = Math.floor(place);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low]! + (place - low) * (sorted[high]! - sorted[low]!);
}
