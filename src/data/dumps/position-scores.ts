/** What an engine says of tokens, position by position, and the same as the arrays that a token table takes. */

import type { TopLogprobs } from "../../srft/reader.ts";

/** What is said of one token. */
export interface PositionScores {
  readonly token: number;
  /** Nats. */
  readonly logprob: number;
  /** As the engine gives it; 0 where it gives none. */
  readonly rank: number;
  /** Tokens with their log-probs in descending order; the text's own may stand behind the k likeliest. */
  readonly top: readonly (readonly [id: number, logprob: number])[];
  /** How many of `top` certainly are the likeliest: less by one where the text's token may have been added. */
  readonly certain: number;
}

/** What is known of N tokens, packed. */
export interface TokenLogprobs extends TopLogprobs {
  readonly logprobs: Float32Array;
  readonly ranks: Int32Array;
  readonly topIds: Int32Array;
  readonly topLogprobs: Float32Array;
}

/**
 * Packs positions into arrays. A rank is counted in the list, equals sharing the best; beyond the list it is what the
 * engine says, or 0 for not known.
 *
 * @param topK k, if it is known from the request. Default: the most that is certain at every position.
 * @throws {RangeError} If a position has fewer than k tokens.
 * @example
 * const position = { token: 7, logprob: -2, rank: 0, top: [[5, -0.5], [7, -2]], certain: 2 } as const;
 * topLogprobsOf([position]).ranks; // Int32Array [2]
 */
export function topLogprobsOf(
  positions: readonly PositionScores[],
  { topK }: { readonly topK?: number } = {},
): TokenLogprobs {
  const k = topK ?? positions.reduce((least, { certain }) => Math.min(least, certain), Infinity);
  const width = Number.isFinite(k) ? k : 0;
  const n = positions.length;
  const [logprobs, ranks] = [new Float32Array(n), new Int32Array(n)];
  const [topIds, topLogprobs] = [new Int32Array(n * width), new Float32Array(n * width)];
  for (const [i, position] of positions.entries()) {
    if (position.top.length < width) {
      throw new RangeError(
        `topLogprobsOf: expected ${width} likeliest tokens at position ${i} but found ${position.top.length}`,
      );
    }
    logprobs[i] = position.logprob;
    ranks[i] = rankIn(position, width);
    for (let j = 0; j < width; j++) [topIds[i * width + j], topLogprobs[i * width + j]] = position.top[j]!;
  }
  return { logprobs, ranks, topK: width, topIds, topLogprobs };
}

function rankIn({ token, rank, top }: PositionScores, k: number): number {
  const list = top.slice(0, k);
  const own = list.find(([id]) => id === token);
  return own ? 1 + list.filter(([, logprob]) => logprob > own[1]).length : rank;
}

/** Tokens in descending order of their log-probs, of equals the smaller id first. */
export function descending<T extends readonly [id: number, logprob: number]>(entries: readonly T[]): T[] {
  return [...entries].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
}
