/**
 * What a comparison shows where nothing changed: one model scored twice, with another batch size or by another engine.
 * Kernels round differently by batch shape and number format, up to 0.1–0.3 nats on single tokens in bfloat16, and a change
 * that small says nothing of fine-tuning.
 */

import type { Reader } from "../../srft/reader.ts";
import { type TokenShiftOptions, tokenShift } from "../token-shift.ts";

/** Quantiles over tokens of |Δ log-prob| and of KL between two scorings of one model, nats. */
export interface NoiseFloor {
  readonly tokens: number;
  readonly deltaLogprob: NoiseQuantiles;
  /** null where only bounds of KL are known. */
  readonly kl: NoiseQuantiles | null;
  /** Share of tokens whose first choice changed. */
  readonly firstChoiceChanged: number;
}

export interface NoiseQuantiles {
  readonly median: number;
  readonly p95: number;
  readonly largest: number;
}

/**
 * Scores texts twice with one model.
 *
 * @param again The same weights by another engine; default the same reader.
 * @param options Texts as for `tokenShift`; the second scoring has one text a block, so that batch shapes differ.
 * @throws As `tokenShift`.
 * @example
 * (await noiseFloor(base, { on: texts, source: "demonstrations" })).deltaLogprob.largest < 1e-4; // true
 */
export async function noiseFloor(
  reader: Reader,
  options: Pick<TokenShiftOptions, "on" | "source" | "topK" | "tolerance"> & { readonly again?: Reader },
): Promise<NoiseFloor> {
  const { again = reader, ...rest } = options;
  const table = await tokenShift([reader, oneByOne(again)], rest);
  const model = table.models[0]!;
  const deltas = model.deltaLogprobs.map(Math.abs);
  const changed = model.greedyTokens.filter((token, row) => token !== table.base.greedyTokens[row]).length;
  return {
    tokens: deltas.length,
    deltaLogprob: quantilesOf(deltas),
    kl: model.kl.some(Number.isNaN) ? null : quantilesOf(model.kl),
    firstChoiceChanged: changed / deltas.length,
  };
}

/** The same reader, asked for one text at a time. */
function oneByOne(reader: Reader): Reader {
  const { logits, topLogprobs, vocabularySize, contextLength, provenance } = reader;
  const shape = { vocabularySize, contextLength, ...(provenance && { provenance }) };
  if (reader.logitBlocks) {
    const blocks = reader.logitBlocks.bind(reader);
    return { ...shape, logitBlocks: (texts, options) => eachOf(texts, (text) => blocks([text], options)) };
  }
  if (!logits) return { ...shape, ...(topLogprobs && { topLogprobs: topLogprobs.bind(reader) }) };
  const whole = logits.bind(reader);
  return {
    ...shape,
    logitBlocks: (texts) =>
      eachOf(texts, async function* (text) {
        yield await whole([text]);
      }),
  };
}

async function* eachOf<T>(
  texts: readonly T[],
  blocksOf: (text: T) => AsyncIterable<Float32Array> | Iterable<Float32Array>,
) {
  for (const text of texts) yield* blocksOf(text);
}

function quantilesOf(values: Float32Array): NoiseQuantiles {
  const sorted = values.toSorted();
  const at = (share: number) => sorted[Math.min(Math.floor(share * sorted.length), sorted.length - 1)]!;
  return { median: at(0.5), p95: at(0.95), largest: sorted.at(-1)! };
}
