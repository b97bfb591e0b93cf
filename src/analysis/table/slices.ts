/** Part of a token table without a copy: subarrays of every column. */

import type { Bounds, ModelColumns, ShiftColumns, TokenColumns } from "../token-table.ts";

/** The rows of one source; the sequences' numbers begin at 0 again, which is the one column that is copied. */
export function rowsOfSource(columns: Required<TokenColumns>, source: string): Required<TokenColumns> {
  const id = columns.sources.indexOf(source);
  if (id < 0) {
    throw new RangeError(`TokenTable.of: expected one of ${columns.sources.join(", ")} but found ${source}`);
  }
  const first = columns.sourceIds.filter((other) => other < id).length;
  const end = columns.sourceIds.filter((other) => other <= id).length;
  const { offsets } = columns;
  const cut = cutAt(offsets[first]!, offsets[end]!);
  return {
    ...columns,
    source,
    sources: [source],
    sourceIds: new Int32Array(end - first),
    prompts: columns.prompts.slice(first, end),
    offsets: offsets.slice(first, end + 1).map((offset) => offset - offsets[first]!),
    sequences: cut(columns.sequences).map((sequence) => sequence - first),
    positions: cut(columns.positions),
    tokens: cut(columns.tokens),
    roles: cut(columns.roles),
    rewards: columns.rewards.subarray(first, end),
    advantages: cut(columns.advantages),
    behaviorLogprobs: cut(columns.behaviorLogprobs),
    base: modelRows(columns.base, cut),
    models: columns.models.map((model) => shiftRows(model, cut)),
  };
}

/** Rows [first, end) of a column of `width` entries a row. */
type Cut = <T extends Float32Array | Int32Array | Uint8Array>(column: T, width?: number) => T;

const cutAt =
  (first: number, end: number): Cut =>
  (column, width = 1) =>
    column.subarray(first * width, end * width) as typeof column;

function modelRows(model: ModelColumns, cut: Cut): ModelColumns {
  const { topK = 0, topIds, topLogprobs, entropyBounds } = model;
  return {
    ...model,
    logprobs: cut(model.logprobs),
    entropies: cut(model.entropies),
    ranks: cut(model.ranks),
    greedyTokens: cut(model.greedyTokens),
    ...(topIds && { topIds: cut(topIds, topK) }),
    ...(topLogprobs && { topLogprobs: cut(topLogprobs, topK) }),
    ...(entropyBounds && { entropyBounds: boundRows(entropyBounds, cut) }),
  };
}

function shiftRows(model: ShiftColumns, cut: Cut): ShiftColumns {
  const { bounds } = model;
  return {
    ...modelRows(model, cut),
    deltaLogprobs: cut(model.deltaLogprobs),
    deltaProbs: cut(model.deltaProbs),
    kl: cut(model.kl),
    reverseKl: cut(model.reverseKl),
    js: cut(model.js),
    tv: cut(model.tv),
    baseRanks: cut(model.baseRanks),
    ...(bounds && {
      bounds: {
        kl: boundRows(bounds.kl, cut),
        reverseKl: boundRows(bounds.reverseKl, cut),
        js: boundRows(bounds.js, cut),
        tv: boundRows(bounds.tv, cut),
      },
    }),
  };
}

const boundRows = ({ lower, upper }: Bounds, cut: Cut): Bounds => ({ lower: cut(lower), upper: cut(upper) });
