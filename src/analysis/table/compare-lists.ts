/**
 * Compares models of which only the likeliest tokens are known: intervals in place of divergences, and the class where the
 * lists decide it.
 */

import type { Reader, TopLogprobs } from "../../srft/reader.ts";
import {
  type DivergenceBounds,
  divergenceBounds,
  entropyBounds,
  type PartialDistribution,
} from "../evidence/bounds.ts";
import type { Bounds, ModelColumns, ShiftColumns } from "../token-table.ts";
import { writeDeltas } from "./compare-exactly.ts";
import type { FullModel, FullShift } from "./fill-columns.ts";
import type { Text } from "./texts.ts";

export interface ListOptions {
  readonly vocabularySize: number;
  /** Largest error of a log-prob, nats. */
  readonly tolerance: number;
}

/** Reads the lists of some texts into a model's columns. */
export async function readLists(
  reader: Reader,
  {
    texts,
    firstRow,
    tokens,
    model,
  }: { texts: readonly Text[]; firstRow: number; tokens: Int32Array; model: FullModel },
) {
  const lists = await reader.topLogprobs!(texts, { topK: model.topK });
  checkLists(lists, { name: model.name, topK: model.topK, tokens: tokens.length });
  const { topK } = model;
  model.logprobs.set(Array.from(lists.logprobs), firstRow);
  model.topIds.set(Array.from(lists.topIds), firstRow * topK);
  model.topLogprobs.set(Array.from(lists.topLogprobs), firstRow * topK);
  for (const [t, token] of tokens.entries()) {
    const row = firstRow + t;
    model.greedyTokens[row] = topK > 0 ? model.topIds[row * topK]! : -1;
    model.ranks[row] = lists.ranks?.[t] ?? rankInList(model, row, token);
    model.entropies[row] = Number.NaN;
  }
}

function checkLists(lists: TopLogprobs, { name, topK, tokens }: { name: string; topK: number; tokens: number }) {
  if (lists.topK !== topK) {
    throw new RangeError(
      `tokenShift: expected lists of ${topK} from ${name} but found ${lists.topK}: give topK: ${lists.topK}`,
    );
  }
  const lengths = { logprobs: tokens, topIds: tokens * topK, topLogprobs: tokens * topK };
  for (const [column, length] of Object.entries(lengths)) {
    const found = lists[column as keyof typeof lengths].length;
    if (found === length) continue;
    throw new TypeError(
      `tokenShift: expected ${length} ${column} of ${name}, [${tokens}, ${topK}], but found ${found}`,
    );
  }
}

/** 1 + how many of the list are likelier; 0 beyond the list. */
function rankInList({ topK = 0, topIds, topLogprobs }: ModelColumns, row: number, token: number) {
  const ids = topIds!.subarray(row * topK, row * topK + topK);
  const place = ids.indexOf(token);
  if (place < 0) return 0;
  const logprobs = topLogprobs!.subarray(row * topK, row * topK + topK);
  return 1 + logprobs.filter((logprob) => logprob > logprobs[place]!).length;
}

/** What a model's columns say of the distribution at a row: its list and the text's token. */
export function partialAt(model: ModelColumns, row: number, token: number): PartialDistribution {
  const { topK = 0, topIds, topLogprobs } = model;
  const ids = topIds ? Array.from(topIds.subarray(row * topK, row * topK + topK)) : [];
  const logprobs = topLogprobs ? Array.from(topLogprobs.subarray(row * topK, row * topK + topK)) : [];
  const cap = topK > 0 ? logprobs[topK - 1]! : 0;
  return ids.includes(token)
    ? { ids, logprobs, cap }
    : { ids: [...ids, token], logprobs: [...logprobs, model.logprobs[row]!], cap };
}

/** The interval of every entropy. */
export function entropyIntervals(model: FullModel, tokens: Int32Array, options: ListOptions): Bounds {
  const bounds = intervals(tokens.length);
  for (const [row, token] of tokens.entries()) {
    const [lower, upper] = named(model.name, row, () => entropyBounds(partialAt(model, row, token), options));
    write(bounds, row, [lower, upper]);
  }
  return bounds;
}

/** Deltas, base ranks and the intervals of every divergence; the divergences themselves are NaN. */
export function compareLists(
  model: FullShift,
  base: FullModel,
  { tokens, ...options }: ListOptions & { readonly tokens: Int32Array },
): Required<ShiftColumns>["bounds"] {
  const n = tokens.length;
  const bounds = { kl: intervals(n), reverseKl: intervals(n), js: intervals(n), tv: intervals(n) };
  for (const column of [model.kl, model.reverseKl, model.js, model.tv]) column.fill(Number.NaN);
  for (const [row, token] of tokens.entries()) {
    writeDeltas(model, row, [model.logprobs[row]!, base.logprobs[row]!]);
    model.baseRanks[row] = baseRank(base, row, model.greedyTokens[row]!);
    const [p, q] = [partialAt(model, row, token), partialAt(base, row, token)];
    const at = named(model.name, row, () => divergenceBounds(p, q, options));
    for (const measure of ["kl", "reverseKl", "js", "tv"] as const satisfies (keyof DivergenceBounds)[]) {
      write(bounds[measure], row, at[measure]);
    }
  }
  return bounds;
}

/** Beyond a list of three or more the class is certain; beyond a shorter one the rank is not known, 0. */
function baseRank(base: FullModel, row: number, token: number) {
  const rank = rankInList(base, row, token);
  return rank === 0 && token >= 0 && base.topK >= 3 ? base.topK + 1 : rank;
}

const intervals = (n: number) => ({ lower: new Float32Array(n), upper: new Float32Array(n) });

/** Rounds outwards, so that float32 ends still hold the interval. */
function write({ lower, upper }: ReturnType<typeof intervals>, row: number, [least, most]: readonly [number, number]) {
  lower[row] = least - Math.abs(least) * 2 ** -24;
  upper[row] = most + Math.abs(most) * 2 ** -24;
}

function named<T>(name: string, row: number, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new RangeError(`tokenShift: ${name}, row ${row}: ${(cause as Error).message}`, { cause });
  }
}
