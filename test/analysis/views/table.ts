/** Token tables with the numbers that a test writes down. */

import { createTokenTable, type ShiftColumns, type TokenTable } from "../../../src/analysis/token-table.ts";

export interface Written {
  /** Completion ids, text by text. */
  readonly texts: readonly (readonly number[])[];
  /** Default: a different one for each text. */
  readonly prompts?: readonly (readonly number[])[];
  readonly sources?: readonly string[];
  readonly sourceIds?: Int32Array;
  readonly vocabulary?: readonly string[];
  readonly baseEntropies?: readonly number[];
  /** One model for each, its columns over all tokens. */
  readonly models: readonly Partial<Record<Column, readonly number[]>>[];
}

type Column = "kl" | "reverseKl" | "js" | "tv" | "deltaProbs" | "deltaLogprobs" | "baseRanks" | "entropies";

export function writtenTable(written: Written): TokenTable {
  const { texts, prompts = texts.map((_, s) => [s]), vocabulary, models } = written;
  const tokens = Int32Array.from(texts.flat());
  const floats = (values: readonly number[] = Array(tokens.length).fill(0)) => Float32Array.from(values);
  const model = (name: string, own: Written["models"][number]): ShiftColumns => ({
    ...{ name, ranks: new Int32Array(tokens.length), greedyTokens: new Int32Array(tokens.length), logprobs: floats() },
    ...{ entropies: floats(own.entropies), kl: floats(own.kl), reverseKl: floats(own.reverseKl), js: floats(own.js) },
    ...{ tv: floats(own.tv), deltaProbs: floats(own.deltaProbs), deltaLogprobs: floats(own.deltaLogprobs) },
    baseRanks: Int32Array.from(own.baseRanks ?? Array(tokens.length).fill(1)),
  });
  return createTokenTable({
    source: "demonstrations",
    ...(written.sources && { sources: written.sources }),
    ...(written.sourceIds && { sourceIds: written.sourceIds }),
    prompts: prompts.map((prompt) => Int32Array.from(prompt)),
    offsets: Int32Array.from([0, ...texts.map((_, s) => texts.slice(0, s + 1).flat().length)]),
    sequences: Int32Array.from(texts.flatMap((text, s) => text.map(() => s))),
    positions: Int32Array.from(texts.flatMap((text) => text.map((_, t) => t))),
    tokens,
    base: model("base", { entropies: written.baseEntropies ?? Array(tokens.length).fill(0) }),
    models: models.map((own, i) => model(`model ${i + 1}`, own)),
    decode: (id) => vocabulary?.[id] ?? `#${id}`,
  });
}

/** Two sources, which no view may mix. */
export const mixedTable = () =>
  writtenTable({
    texts: [[0], [0]],
    sources: ["base rollouts", "demonstrations"],
    sourceIds: Int32Array.of(0, 1),
    models: [{}],
  });

export const near = (found: number, expected: number, within = 1e-6) => Math.abs(found - expected) <= within;
