/** Numbers the groups that rows fall into: labels and small ranges of integers by arithmetic, all else by a map. */

import { type ChosenRows, valuesAt } from "./chosen-rows.ts";
import type { LongColumn, LongColumns, NumberArray } from "./long-columns.ts";
import type { FrameRow } from "./query.ts";

const mostGroups = 2 ** 20;

export interface GroupCodes {
  /** Groups there may be. */
  readonly size: number;
  /** The group of each row; overwritten by the next call. */
  codes(rows: ChosenRows): Int32Array;
  /** The values that a group's rows share. */
  keys(code: number): FrameRow;
}

/** One grouping column: rows' numbers in [0, size), and what they stand for. */
interface Digit {
  readonly name: string;
  readonly column: LongColumn;
  readonly size: number;
  /** The number of a value: value − least, or as listed. */
  readonly number: number | ReadonlyMap<number, number>;
  readonly value: (number: number) => string | number;
}

/** Makes the numbering for some columns. */
export function groupCodes(table: LongColumns, by: readonly string[]): GroupCodes {
  const digits = by.map((name) => digitOf(name, table.columns.get(name)!));
  const size = digits.reduce((product, digit) => product * digit.size, 1);
  if (size > mostGroups) {
    throw new RangeError(
      `TokenFrame.group: expected at most ${mostGroups} groups but ${by.join(", ")} may have ${size}: ` +
        'filter first, or open the frame with engine: "duckdb"',
    );
  }
  let buffer = new Int32Array(0);
  return {
    size,
    codes(chosen) {
      const length = chosen.rows ? chosen.rows.length : chosen.end - chosen.first;
      if (buffer.length < length) buffer = new Int32Array(length);
      const codes = buffer.subarray(0, length).fill(0);
      for (const digit of digits) addDigit(codes, digit, valuesAt(digit.column.segments[chosen.segment]!, chosen));
      return codes;
    },
    keys(code) {
      const entries: [string, string | number][] = [];
      for (const { name, size, value } of digits.toReversed()) {
        entries.unshift([name, value(code % size)]);
        code = Math.floor(code / size);
      }
      return Object.fromEntries(entries);
    },
  };
}

function addDigit(codes: Int32Array, { size, number }: Digit, values: NumberArray) {
  if (typeof number === "number") {
    for (let i = 0; i < codes.length; i++) codes[i] = codes[i]! * size + values[i]! - number;
  } else {
    for (let i = 0; i < codes.length; i++) codes[i] = codes[i]! * size + number.get(values[i]!)!;
  }
}

function digitOf(name: string, column: LongColumn): Digit {
  const { labels } = column;
  if (labels) return { name, column, size: labels.length, number: 0, value: (number) => labels[number]! };
  const range = integerRange(column);
  if (range) {
    const { least, size } = range;
    return { name, column, size, number: least, value: (number) => number + least };
  }
  const values = distinct(name, column);
  const numbers = new Map(values.map((value, number) => [value, number]));
  return {
    name,
    column,
    size: values.length,
    number: numbers,
    value: (number) => values[number]!,
  };
}

function integerRange({ segments }: LongColumn) {
  let [least, most] = [Infinity, -Infinity];
  for (const values of segments) {
    if (values instanceof Float32Array || values instanceof Float64Array) return undefined;
    for (let i = 0; i < values.length; i++) {
      if (values[i]! < least) least = values[i]!;
      if (values[i]! > most) most = values[i]!;
    }
  }
  return most - least < mostGroups ? { least, size: Math.max(most - least + 1, 1) } : undefined;
}

function distinct(name: string, { segments }: LongColumn): number[] {
  const values = new Set<number>();
  for (const segment of segments) {
    for (const value of segment) values.add(value);
    if (values.size > mostGroups)
      throw new RangeError(`TokenFrame.group: expected at most ${mostGroups} values of ${name}`);
  }
  return [...values];
}
