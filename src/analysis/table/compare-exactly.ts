/** Compares a block of logits row by row in float64: for small vocabularies, where threads would cost more than they save. */

import { divergences, entropy, logSoftmax, rankOf, topK } from "../divergences.ts";
import type { Block } from "./blocks.ts";
import type { FullModel, FullShift } from "./fill-columns.ts";

/** Writes the block's rows of every column. */
export function compareExactly({ logits, tokens, firstRow, base, models }: Block) {
  const vocabularySize = logits[0]!.length / tokens.length;
  const [logP, logQ] = [new Float64Array(vocabularySize), new Float64Array(vocabularySize)];
  for (const [t, token] of tokens.entries()) {
    const row = firstRow + t;
    const rowOf = (all: Float32Array) => all.subarray(t * vocabularySize, (t + 1) * vocabularySize);
    const baseLogits = rowOf(logits[0]!);
    writeModel(base, { row, token, logits: baseLogits, logprobs: logQ });
    for (const [m, model] of models.entries()) {
      writeModel(model, { row, token, logits: rowOf(logits[m + 1]!), logprobs: logP });
      writeShift(model, { row, token, logP, logQ, baseLogits });
    }
  }
}

/** Fills `logprobs` with the row's log softmax and writes what the model says by itself. */
function writeModel(
  model: FullModel,
  at: { row: number; token: number; logits: Float32Array; logprobs: Float64Array },
) {
  const { row, token, logits } = at;
  const logprobs = namedLogSoftmax(model.name, at);
  model.logprobs[row] = logprobs[token]!;
  model.entropies[row] = entropy(logprobs);
  model.ranks[row] = rankOf(logits, token);
  const likeliest = topK(logits, Math.max(model.topK, 1));
  model.greedyTokens[row] = likeliest[0]!;
  for (let k = 0; k < model.topK; k++) {
    model.topIds[row * model.topK + k] = likeliest[k]!;
    model.topLogprobs[row * model.topK + k] = logprobs[likeliest[k]!]!;
  }
}

function writeShift(
  model: FullShift,
  at: { row: number; token: number; logP: Float64Array; logQ: Float64Array; baseLogits: Float32Array },
) {
  const { row, logP, logQ } = at;
  writeDeltas(model, row, [logP[at.token]!, logQ[at.token]!]);
  const { kl, reverseKl, js, tv } = divergences(logP, logQ);
  model.kl[row] = kl;
  model.reverseKl[row] = reverseKl;
  model.js[row] = js;
  model.tv[row] = tv;
  model.baseRanks[row] = rankOf(at.baseLogits, model.greedyTokens[row]!);
}

/** Changes of the text's token, from both log-probs. */
export function writeDeltas(
  model: Pick<FullShift, "deltaLogprobs" | "deltaProbs">,
  row: number,
  [logprob, baseLogprob]: readonly [number, number],
) {
  model.deltaLogprobs[row] = logprob === baseLogprob ? 0 : logprob - baseLogprob;
  model.deltaProbs[row] = Math.exp(logprob) - Math.exp(baseLogprob);
}

function namedLogSoftmax(
  name: string,
  { row, logits, logprobs }: { row: number; logits: Float32Array; logprobs: Float64Array },
) {
  try {
    return logSoftmax(logits, logprobs);
  } catch (cause) {
    throw new RangeError(`tokenShift: ${name}, row ${row}: ${(cause as Error).message}`, { cause });
  }
}
