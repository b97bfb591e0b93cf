/** A scorer that gives each token of a text the log-prob that is written down for it. */

import type { Scorer } from "../../../src/analysis/maps/dynamics-map.ts";

/** Probabilities of the tokens 0, 1, 2, … wherever they stand. */
export function unigram(probabilities: readonly number[]): Scorer {
  return {
    score: async (sequences) => {
      const tokens = sequences.flatMap(({ completion }) => Array.from(completion));
      const offsets = new Int32Array(sequences.length + 1);
      for (const [i, { completion }] of sequences.entries()) offsets[i + 1] = offsets[i]! + completion.length;
      const logprobs = Float32Array.from(tokens, (id) => Math.log(probabilities[id]!));
      return { logprobs, entropies: new Float32Array(tokens.length), offsets };
    },
  };
}

export const near = (found: number, expected: number, within = 1e-6) => Math.abs(found - expected) <= within;
