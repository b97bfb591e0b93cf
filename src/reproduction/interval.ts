/**
 * What a few seeds say: mean, deviation and the interval of Student's t. With three seeds the interval is 2.5 standard
 * deviations to each side, and it should be: three runs are few. Two methods with the same seeds are compared in pairs.
 *
 *   mean ± t(0.975, n − 1) · s / √n,   s with n − 1
 */

/** An interval of 95 % for a mean. */
export interface Interval {
  readonly mean: number;
  /** Deviation of the values, n − 1; 0 where n is 1. */
  readonly sd: number;
  readonly low: number;
  readonly high: number;
  /** How many values. */
  readonly n: number;
}

/** t(0.975) for 1 to 30 degrees of freedom. */
const quantiles = [
  12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.306, 2.2622, 2.2281, 2.201, 2.1788, 2.1604, 2.1448, 2.1314,
  2.1199, 2.1098, 2.1009, 2.093, 2.086, 2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423,
];

/**
 * The interval of a mean; of one value it is unbounded.
 *
 * @param values Finite, one a seed.
 * @throws {RangeError} If there is no value, more than 31, or one that is not finite.
 * @example
 * meanInterval([1, 2, 3]); // { mean: 2, sd: 1, low: −0.484…, high: 4.484…, n: 3 }
 */
export function meanInterval(values: readonly number[]): Interval {
  if (values.length < 1 || values.length > 31) {
    throw new RangeError(`meanInterval: expected 1 to 31 values but found ${values.length}`);
  }
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new RangeError(`meanInterval: expected finite values but found ${values[bad]} at ${bad}`);
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  if (n === 1) return { mean, sd: 0, low: -Infinity, high: Infinity, n };
  const sd = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1));
  const half = (quantiles[n - 2]! * sd) / Math.sqrt(n);
  return { mean, sd, low: mean - half, high: mean + half, n };
}

/**
 * The interval of a − b, seed by seed.
 *
 * @throws {RangeError} If the lengths differ, or as `meanInterval`.
 * @example
 * pairedInterval([3, 4, 5], [1, 2, 3]).mean; // 2, and the interval has no width
 */
export function pairedInterval(a: readonly number[], b: readonly number[]): Interval {
  if (a.length !== b.length) {
    throw new RangeError(`pairedInterval: expected as many values of both but found ${a.length} and ${b.length}`);
  }
  return meanInterval(a.map((value, i) => value - b[i]!));
}
