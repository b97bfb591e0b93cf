/** Compares a block of logits by the WASM kernels of token-stats: for large vocabularies, errors below 1e-5. */

import { divergenceStatistics } from "../../token-stats/divergence-statistics.ts";
import type { TokenThreads } from "../../token-stats/threads.ts";
import { type TokenStatistics, tokenStatistics } from "../../token-stats/token-statistics.ts";
import { rankOf } from "../divergences.ts";
import type { Block } from "./blocks.ts";
import { writeDeltas } from "./compare-exactly.ts";
import type { FullModel } from "./fill-columns.ts";

/** Writes the block's rows of every column. */
export async function compareWide({ logits, tokens, firstRow, base, models }: Block, threads: TokenThreads) {
  const vocabularySize = logits[0]!.length / tokens.length;
  const statisticsOf = (model: FullModel, m: number) =>
    named(model.name, firstRow, () =>
      tokenStatistics(logits[m]!, tokens, { vocabularySize, topK: Math.max(model.topK, 1), threads }),
    );
  const ofBase = await statisticsOf(base, 0);
  writeModel(base, ofBase, firstRow);
  for (const [m, model] of models.entries()) {
    const own = await statisticsOf(model, m + 1);
    writeModel(model, own, firstRow);
    const { kl, reverseKl, js, tv } = await divergenceStatistics(logits[m + 1]!, logits[0]!, {
      vocabularySize,
      threads,
    });
    model.kl.set(kl, firstRow);
    model.reverseKl.set(reverseKl, firstRow);
    model.js.set(js, firstRow);
    model.tv.set(tv, firstRow);
    for (let t = 0; t < tokens.length; t++) {
      writeDeltas(model, firstRow + t, [own.logprobs[t]!, ofBase.logprobs[t]!]);
      model.baseRanks[firstRow + t] = baseRank(own.argmax[t]!, {
        argmax: ofBase.argmax[t]!,
        logits: () => logits[0]!.subarray(t * vocabularySize, (t + 1) * vocabularySize),
      });
    }
  }
}

/** Most first choices agree, so that few rows are gone through again. */
const baseRank = (token: number, base: { argmax: number; logits: () => Float32Array }) =>
  token === base.argmax ? 1 : rankOf(base.logits(), token);

function writeModel(model: FullModel, statistics: TokenStatistics, firstRow: number) {
  model.logprobs.set(statistics.logprobs, firstRow);
  model.entropies.set(statistics.entropies, firstRow);
  model.ranks.set(statistics.ranks, firstRow);
  model.greedyTokens.set(statistics.argmax, firstRow);
  if (model.topK === 0) return;
  model.topIds.set(statistics.topIds, firstRow * model.topK);
  model.topLogprobs.set(statistics.topLogprobs, firstRow * model.topK);
}

async function named<T>(name: string, firstRow: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new RangeError(`tokenShift: ${name}, rows from ${firstRow}: ${(cause as Error).message}`, { cause });
  }
}
