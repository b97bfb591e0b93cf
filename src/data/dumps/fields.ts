/** The fields of parsed JSON and Parquet rows, checked: what is not as expected is named by its path. */

import { shown } from "../files/rows.ts";

/** A field that does not hold what was expected. */
export class WrongField extends TypeError {
  /** Path of the field, such as `choices[0].token_ids`. */
  readonly field: string;
  readonly problem: string;

  constructor(field: string, problem: string) {
    super(`${problem} in ${field}`);
    this.name = "WrongField";
    this.field = field;
    this.problem = problem;
  }
}

export type Fields = Readonly<Record<string, unknown>>;

const wrong = (field: string, wanted: string, value: unknown) =>
  new WrongField(field, `expected ${wanted} but found ${shown(value)}`);

export function recordIn(value: unknown, field: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw wrong(field, "an object", value);
}

export function arrayIn(value: unknown, field: string): ArrayLike<unknown> {
  if (Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView))) {
    return value as unknown as ArrayLike<unknown>;
  }
  throw wrong(field, "an array", value);
}

export function textIn(value: unknown, field: string): string {
  if (typeof value === "string") return value;
  throw wrong(field, "text", value);
}

/** A number; text and int64 that stand for a number count as one, NaN and null do not. */
export function numberIn(value: unknown, field: string): number {
  const number = typeof value === "bigint" || typeof value === "string" ? Number(value) : value;
  if (typeof number === "number" && !Number.isNaN(number) && value !== "") return number;
  throw wrong(field, "a number", value);
}

/** As `numberIn`, or undefined where nothing stands. */
export const numberOrNothing = (value: unknown, field: string): number | undefined =>
  value === undefined || value === null ? undefined : numberIn(value, field);

/** Token ids from numbers or from int64. */
export function idsIn(value: unknown, field: string): Int32Array {
  const list = arrayIn(value, field);
  const ids = new Int32Array(list.length);
  for (let i = 0; i < list.length; i++) ids[i] = idIn(list[i], `${field}[${i}]`);
  return ids;
}

export function idIn(value: unknown, field: string): number {
  const id = typeof value === "bigint" ? Number(value) : value;
  if (typeof id === "number" && Number.isInteger(id) && id >= 0 && id < 2 ** 31) return id;
  throw wrong(field, "a token id in [0, 2^31)", value);
}

/** Numbers, one a token; null where nothing is known becomes NaN only if `nulls` are allowed. */
export function numbersIn(
  value: unknown,
  field: string,
  { length, nulls = "refuse" }: { readonly length: number; readonly nulls?: "refuse" | "NaN" },
): Float32Array {
  const list = arrayIn(value, field);
  if (list.length !== length) {
    throw new WrongField(field, `expected ${length} numbers, one a token, but found ${list.length}`);
  }
  const numbers = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    const unknown = nulls === "NaN" && (list[i] === null || list[i] === undefined);
    numbers[i] = unknown ? Number.NaN : numberIn(list[i], `${field}[${i}]`);
  }
  return numbers;
}

/** int64 as numbers where that is exact, else as text; deep. */
export function withoutBigInts(value: unknown): unknown {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (Array.isArray(value)) return value.map(withoutBigInts);
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value) || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, withoutBigInts(entry)]));
}
