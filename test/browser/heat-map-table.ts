/** Token tables for the heat map's browser tests and benchmark: made of a seed, read by no model. */

import { createTokenTable, type ShiftColumns, type TokenTable } from "../../src/analysis/token-table.ts";
import { createRandom } from "../../src/random.ts";

export interface HeatTableOptions {
  /** Texts of tokens; ids are indices. */
  readonly texts: readonly string[];
  readonly models: readonly string[];
  readonly base?: string;
  readonly source?: string;
  /** Tokens of each sequence; the first are all ids in turn, the others random. */
  readonly lengths: readonly number[];
  readonly topK?: number;
}

/** A table in which about 40 % of the tokens moved. */
export function heatTable({ texts, models, lengths, ...rest }: HeatTableOptions): TokenTable {
  const { base = "base", source = "base rollouts", topK = 3 } = rest;
  const random = createRandom(7);
  const n = lengths.reduce((sum, length) => sum + length, 0);
  const float = (of: () => number, size = n) => Float32Array.from({ length: size }, of);
  const id = () => Math.floor(texts.length * random());
  const reading = (name: string): ShiftColumns => ({
    name,
    logprobs: float(() => -3 * random()),
    entropies: float(() => 3 * random()),
    ranks: Int32Array.from({ length: n }, () => 1 + Math.floor(4 * random())),
    greedyTokens: Int32Array.from({ length: n }, id),
    topK,
    topIds: Int32Array.from({ length: n * topK }, id),
    topLogprobs: float(() => -4 * random(), n * topK),
    deltaLogprobs: float(() => (random() < 0.4 ? 8 * (random() - 0.5) : 0)),
    deltaProbs: float(() => random() - 0.5),
    kl: float(() => 3 * random() ** 3),
    reverseKl: float(random),
    js: float(random),
    tv: float(random),
    baseRanks: Int32Array.from({ length: n }, () => (random() < 0.6 ? 1 : 2 + Math.floor(4 * random()))),
  });
  const starts = lengths.map((_, s) => lengths.slice(0, s).reduce((sum, length) => sum + length, 0));
  const sequences = Int32Array.from(lengths.flatMap((length, s) => Array<number>(length).fill(s)));
  return createTokenTable({
    source,
    prompts: lengths.map((_, s) => Int32Array.of(s % texts.length)),
    offsets: Int32Array.of(...starts, n),
    sequences,
    positions: sequences.map((s, row) => row - starts[s]!),
    tokens: Int32Array.from({ length: n }, (_, row) => (row < texts.length ? row : id())),
    advantages: float(() => random() - 0.5),
    base: reading(base),
    models: models.map(reading),
    decode: (token) => texts[token]!,
  });
}
