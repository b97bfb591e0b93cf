/**
 * Columns of a token table by name, for the views, which are all of one source and of the whole vocabulary: averages
 * over texts of several sources mean nothing, and where only a top-k list is known there are bounds and no number.
 * Rows of one prompt belong together: what is resampled is prompts.
 */

import type { ShiftColumns, TokenColumns } from "../token-table.ts";
import { type Interval, type ResampleOptions, resampleInterval } from "./resample.ts";

/** kl, reverseKl, js: nats; tv, deltaProb: probability; deltaLogprob: nats. All against the base. */
export type ShiftMeasure = "kl" | "reverseKl" | "js" | "tv" | "deltaProb" | "deltaLogprob";

const columns = {
  kl: ({ kl }: ShiftColumns) => kl,
  reverseKl: ({ reverseKl }: ShiftColumns) => reverseKl,
  js: ({ js }: ShiftColumns) => js,
  tv: ({ tv }: ShiftColumns) => tv,
  deltaProb: ({ deltaProbs }: ShiftColumns) => deltaProbs,
  deltaLogprob: ({ deltaLogprobs }: ShiftColumns) => deltaLogprobs,
} as const;

/**
 * The column of a measure, [N].
 *
 * @param name Of the function in whose name errors are thrown.
 * @throws {TypeError} If there is no such measure.
 * @throws {RangeError} If a number is NaN: not known, as where a model's coverage is "top-k".
 * @example
 * measureColumn("forkingShare", table.models[0], "kl").length === table.tokens.length; // true
 */
export function measureColumn(name: string, model: ShiftColumns, measure: ShiftMeasure): Float32Array {
  const column = columns[measure]?.(model);
  if (!column) {
    const choices = Object.keys(columns).join(", ");
    throw new TypeError(`${name}: expected a measure ${choices} but found ${JSON.stringify(measure)}`);
  }
  return known(name, column, { what: measure, model: model.name });
}

/**
 * Entropies of the base or of a model, [N] nats, all known.
 *
 * @throws {RangeError} If a number is NaN.
 * @example
 * entropyColumn("forkingShare", table.base).length === table.tokens.length; // true
 */
export function entropyColumn(
  name: string,
  model: { readonly name: string; readonly entropies: Float32Array },
): Float32Array {
  return known(name, model.entropies, { what: "entropy", model: model.name });
}

/** Rows that are resampled together. */
export type Unit = readonly number[];

/**
 * Rows of the table, prompt by prompt, in order of each prompt's first text.
 *
 * @throws {RangeError} If the table has texts of several sources.
 * @example
 * promptUnits(table).flat().length === table.tokens.length; // true
 */
export function promptUnits(table: TokenColumns): Unit[] {
  void table.source; // throws for several sources
  const units = new Map<string, number[]>();
  for (const [s, prompt] of table.prompts.entries()) {
    const key = prompt.join(" ");
    if (!units.has(key)) units.set(key, []);
    for (let row = table.offsets[s]!; row < table.offsets[s + 1]!; row++) units.get(key)!.push(row);
  }
  return [...units.values()];
}

/** Sum and number, or part and whole, of each unit. */
export interface UnitRatios {
  readonly over: ArrayLike<number>;
  readonly under: ArrayLike<number>;
}

/**
 * Σ over / Σ under with its interval over the units; NaN where Σ under is 0.
 *
 * @example
 * ratioWithInterval({ over: [1, 1], under: [2, 2] }, {}); // { value: 0.5, interval: { low: 0.5, high: 0.5 } }
 */
export function ratioWithInterval(
  { over, under }: UnitRatios,
  options: ResampleOptions,
): { readonly value: number; readonly interval: Interval } {
  const ratio = (units: ArrayLike<number>) => {
    let [above, below] = [0, 0];
    for (let i = 0; i < units.length; i++) {
      above += over[units[i]!]!;
      below += under[units[i]!]!;
    }
    return below === 0 ? Number.NaN : above / below;
  };
  const all = Int32Array.from({ length: over.length }, (_, unit) => unit);
  return { value: ratio(all), interval: resampleInterval(over.length, ratio, options) };
}

function known(name: string, column: Float32Array, { what, model }: { what: string; model: string }) {
  const row = column.findIndex(Number.isNaN);
  if (row < 0) return column;
  throw new RangeError(
    `${name}: expected the ${what} of ${model} at every token but found NaN at row ${row}: ` +
      "where only the likeliest tokens are known there are bounds and no number",
  );
}
