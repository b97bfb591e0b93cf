/** The rows for which conditions hold, a block at a time. */

import type { LongColumns, NumberArray } from "./long-columns.ts";
import type { Condition, Conditions } from "./query.ts";

const blockRows = 16_384;

/** Rows [first, end) of a segment, or, if there are conditions, those of them that are listed. */
export interface ChosenRows {
  readonly segment: number;
  readonly first: number;
  readonly end: number;
  readonly rows: Int32Array | undefined;
}

/** Yields all rows for which every condition holds; the list of rows is overwritten by the next block's. */
export function* chosenRows({ lengths, columns }: LongColumns, where: readonly Conditions[]): Generator<ChosenRows> {
  const tests = where.flatMap(Object.entries).map(([name, condition]) => {
    const { segments, labels } = columns.get(name)!;
    return { segments, holds: testOf(condition as Condition, labels) };
  });
  const buffer = new Int32Array(tests.length > 0 ? blockRows : 0);
  for (const [segment, length] of lengths.entries()) {
    for (let first = 0; first < length; first += blockRows) {
      const end = Math.min(first + blockRows, length);
      if (tests.length === 0) yield { segment, first, end, rows: undefined };
      else {
        const here = tests.map(({ segments, holds }) => ({ values: segments[segment]!, holds }));
        yield { segment, first, end, rows: chosen(here, { first, end, buffer }) };
      }
    }
  }
}

/** A column's values at the chosen rows: the column itself, or, of listed rows, a copy. */
export function valuesAt(values: NumberArray, { first, end, rows }: ChosenRows): NumberArray {
  if (!rows) return values.subarray(first, end);
  const copy = values.slice(0, rows.length);
  for (let i = 0; i < rows.length; i++) copy[i] = values[rows[i]!]!;
  return copy;
}

interface Test {
  readonly values: NumberArray;
  readonly holds: (value: number) => boolean;
}

function chosen(tests: readonly Test[], { first, end, buffer }: { first: number; end: number; buffer: Int32Array }) {
  let count = 0;
  for (let row = first; row < end; row++) buffer[count++] = row;
  for (const { values, holds } of tests) {
    let kept = 0;
    for (let i = 0; i < count; i++) if (holds(values[buffer[i]!]!)) buffer[kept++] = buffer[i]!;
    count = kept;
  }
  return buffer.subarray(0, count);
}

function testOf(condition: Condition, labels: readonly string[] | undefined): (value: number) => boolean {
  if (typeof condition === "string" || typeof condition === "number" || Array.isArray(condition)) {
    const wanted = new Set([condition].flat().map((value) => (labels ? labels.indexOf(String(value)) : Number(value))));
    return (value) => wanted.has(value);
  }
  const { from = -Infinity, below = Infinity } = condition as { from?: number; below?: number };
  return below === Infinity ? (value) => value >= from : (value) => value >= from && value < below;
}
