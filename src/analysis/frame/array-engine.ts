/** Answers a frame's questions from typed arrays, in blocks of rows that stay in the processor's cache. */

import { type ChosenRows, chosenRows, valuesAt } from "./chosen-rows.ts";
import { groupCodes } from "./group-codes.ts";
import type { LongColumns, NumberArray } from "./long-columns.ts";
import {
  ascending,
  type Conditions,
  type FrameEngine,
  type FrameRow,
  type Summary,
  type SummaryQuery,
  type TopQuery,
} from "./query.ts";

/** An engine over columns in memory. */
export function createArrayEngine(table: LongColumns): FrameEngine {
  const single = [...table.columns].filter(([, { width = 1 }]) => width === 1);
  return {
    engine: "arrays",
    names: single.map(([name]) => name),
    labelNames: single.filter(([, { labels }]) => labels).map(([name]) => name),
    count: async (where) => countRows(table, where),
    summarise: async (query) => summarise(table, query),
    top: async (query) => top(table, query),
    close: async () => {},
  };
}

function countRows(table: LongColumns, where: readonly Conditions[]) {
  let count = 0;
  for (const { rows, first, end } of chosenRows(table, where)) count += rows ? rows.length : end - first;
  return count;
}

/** Sums and extremes of one column by group. */
interface Accumulator {
  readonly values: (segment: number) => NumberArray;
  readonly sums: Float64Array;
  readonly least: Float64Array;
  readonly most: Float64Array;
  readonly needsExtremes: boolean;
}

function summarise(table: LongColumns, { where, by, summaries }: SummaryQuery): FrameRow[] {
  const groups = groupCodes(table, by);
  const counts = new Float64Array(groups.size);
  const accumulators = accumulatorsOf(table, { summaries, size: groups.size });
  for (const chosen of chosenRows(table, where)) {
    const codes = groups.codes(chosen);
    const length = codes.length;
    for (let i = 0; i < length; i++) counts[codes[i]!]!++;
    for (const accumulator of accumulators.values()) accumulate(accumulator, chosen, codes);
  }
  const found: FrameRow[] = [];
  for (const [code, count] of counts.entries()) {
    if (count === 0) continue;
    const entries = Object.entries(summaries).map(([name, summary]) => [
      name,
      summaryValue(summary, { accumulators, code, count }),
    ]);
    found.push({ ...groups.keys(code), ...Object.fromEntries(entries) });
  }
  return found.sort((a, b) => by.reduce((order, name) => order || ascending(a[name]!, b[name]!), 0));
}

function accumulatorsOf(
  table: LongColumns,
  { summaries, size }: { summaries: SummaryQuery["summaries"]; size: number },
) {
  const accumulators = new Map<string, Accumulator>();
  for (const summary of Object.values(summaries)) {
    if (summary === "count") continue;
    const [operation, name] = summary;
    const needsExtremes =
      operation === "min" || operation === "max" || (accumulators.get(name)?.needsExtremes ?? false);
    accumulators.set(name, {
      values: (segment) => table.columns.get(name)!.segments[segment]!,
      sums: new Float64Array(size),
      least: new Float64Array(size).fill(Infinity),
      most: new Float64Array(size).fill(-Infinity),
      needsExtremes,
    });
  }
  return accumulators;
}

/** `codes`: the group of each chosen row. */
function accumulate({ values, sums, least, most, needsExtremes }: Accumulator, chosen: ChosenRows, codes: Int32Array) {
  const column = valuesAt(values(chosen.segment), chosen);
  for (let i = 0; i < codes.length; i++) sums[codes[i]!]! += column[i]!;
  if (!needsExtremes) return;
  for (let i = 0; i < codes.length; i++) {
    const [code, value] = [codes[i]!, column[i]!];
    if (value < least[code]!) least[code] = value;
    if (!(value <= most[code]!)) most[code] = value; // NaN stays
  }
}

function summaryValue(
  summary: Summary,
  { accumulators, code, count }: { accumulators: ReadonlyMap<string, Accumulator>; code: number; count: number },
): number {
  if (summary === "count") return count;
  const [operation, name] = summary;
  const { sums, least, most } = accumulators.get(name)!;
  switch (operation) {
    case "sum":
      return sums[code]!;
    case "mean":
      return sums[code]! / count;
    case "min":
      return least[code] === Infinity && Number.isNaN(most[code]!) ? Number.NaN : least[code]!;
    case "max":
      return most[code]!;
    default:
      return operation satisfies never;
  }
}

/** The best so far in order; most rows are turned away by one comparison. */
function top(table: LongColumns, { where, count, by, order, columns }: TopQuery): FrameRow[] {
  const sign = order === "largest" ? 1 : -1;
  const best: { segment: number; row: number; value: number }[] = [];
  let bar = -Infinity;
  for (const chosen of chosenRows(table, where)) {
    const values = valuesAt(table.columns.get(by)!.segments[chosen.segment]!, chosen);
    const isFull = () => best.length === count;
    for (let i = candidate(values, { from: 0, sign, bar, isFull: isFull() }); i < values.length; ) {
      const value = sign * values[i]!;
      const place = best.findLastIndex((other) => other.value >= value) + 1;
      best.splice(place, 0, { segment: chosen.segment, row: chosen.rows ? chosen.rows[i]! : chosen.first + i, value });
      if (best.length > count) best.pop();
      if (isFull()) bar = best[count - 1]!.value;
      i = candidate(values, { from: i + 1, sign, bar, isFull: isFull() });
    }
  }
  return best.map(({ segment, row }) => rowAt(table, { segment, row, columns }));
}

/** The next value that is among the best so far. */
function candidate(
  values: NumberArray,
  { from, sign, bar, isFull }: { from: number; sign: number; bar: number; isFull: boolean },
) {
  let i = from;
  if (isFull) while (i < values.length && !(sign * values[i]! > bar)) i++;
  else while (i < values.length && Number.isNaN(values[i]!)) i++;
  return i;
}

function rowAt(
  { columns: all }: LongColumns,
  at: { segment: number; row: number; columns: readonly string[] },
): FrameRow {
  return Object.fromEntries(
    at.columns.map((name) => {
      const { segments, labels } = all.get(name)!;
      const value = segments[at.segment]![at.row]!;
      return [name, labels ? labels[value]! : value];
    }),
  );
}
