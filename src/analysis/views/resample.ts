/**
 * Percentile intervals by the bootstrap (Efron 1979): units are drawn with replacement, and the interval holds the
 * middle share of the statistic's values. A unit is what is independent: a prompt, not one of its tokens; of a series,
 * whose neighbours resemble each other, a block (Politis and Romano 1992, circular blocks).
 */

import { createRandom, type Random, randomInteger } from "../../random.ts";

export interface ResampleOptions {
  /** Of the interval, in (0, 1). Default 0.95. */
  readonly confidence?: number;
  /** Draws, >= 1. Default 1000. */
  readonly resamples?: number;
  /** Of createRandom. Default 0. */
  readonly seed?: number;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * An interval for a statistic of n units.
 *
 * @param statistic Of the units at these indices, which repeat; NaN where they have none, and such draws are left out.
 * @returns NaN for both ends if no draw has the statistic.
 * @throws {RangeError} If an option is out of range.
 * @example
 * resampleInterval(3, (units) => mean(units.map((unit) => [4, 4, 4][unit]))); // { low: 4, high: 4 }
 */
export function resampleInterval(
  units: number,
  statistic: (units: Int32Array) => number,
  options: ResampleOptions & { readonly blockLength?: number } = {},
): Interval {
  const { confidence, resamples, random } = checkResampling("resampleInterval", options);
  const { blockLength = 1 } = options;
  const values: number[] = [];
  const drawn = new Int32Array(units);
  for (let draw = 0; draw < resamples; draw++) {
    drawUnits(drawn, { blockLength, random });
    const value = statistic(drawn);
    if (!Number.isNaN(value)) values.push(value);
  }
  const sorted = Float64Array.from(values).sort();
  return { low: quantile(sorted, (1 - confidence) / 2), high: quantile(sorted, (1 + confidence) / 2) };
}

/**
 * Checks the options of an interval at the door of the function that is named, and fills in the defaults.
 *
 * @throws {RangeError} If an option is out of range.
 * @example
 * checkResampling("budgetCurve", {}).confidence; // 0.95
 */
export function checkResampling(
  name: string,
  { confidence = 0.95, resamples = 1000, seed = 0 }: ResampleOptions,
): { readonly confidence: number; readonly resamples: number; readonly random: Random } {
  if (!(confidence > 0 && confidence < 1)) {
    throw new RangeError(`${name}: expected a confidence in (0, 1) but found ${confidence}`);
  }
  if (!(Number.isInteger(resamples) && resamples >= 1)) {
    throw new RangeError(`${name}: expected an integer number of resamples >= 1 but found ${resamples}`);
  }
  return { confidence, resamples, random: createRandom(seed) };
}

/**
 * Quantile with linear interpolation, as numpy's default; NaN of nothing.
 *
 * @param sorted Ascending.
 * @example
 * quantile([1, 2, 3, 4], 0.5); // 2.5
 */
export function quantile(sorted: ArrayLike<number>, at: number): number {
  if (sorted.length === 0) return Number.NaN;
  const place = at * (sorted.length - 1);
  const low = Math.floor(place);
  const high = Math.min(low + 1, sorted.length - 1);
  if (sorted[low] === sorted[high]) return sorted[low]!;
  return sorted[low]! + (place - low) * (sorted[high]! - sorted[low]!);
}

/**
 * Arithmetic mean; NaN of nothing.
 *
 * @example
 * mean([1, 2, 6]); // 3
 */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

function drawUnits(drawn: Int32Array, { blockLength, random }: { blockLength: number; random: Random }) {
  const n = drawn.length;
  for (let i = 0; i < n; i += blockLength) {
    const start = randomInteger(random, n);
    for (let j = 0; j < blockLength && i + j < n; j++) drawn[i + j] = (start + j) % n;
  }
}
