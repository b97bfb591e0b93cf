/**
 * The entropy law of reinforcement, R = −a e^H + b (arXiv 2505.22617): as entropy H is spent, reward R rises towards
 * b − a, what is left to gain when the policy has no choice any more. Least squares in e^H.
 *
 * A run's records resemble their neighbours, so the intervals resample blocks of them (circular, of ⌈n^(1/3)⌉ records
 * where no length is given), not single records. Where the entropy hardly moves there is nothing to fit; the intervals
 * say so by their width. a < 0 means that reward fell with entropy: the law does not hold there.
 */

import { checkResampling, type Interval, type ResampleOptions, resampleInterval } from "./resample.ts";

/** One record of a run; a `StepRecord` is one, and those without a reward are left out. */
export interface EntropyReward {
  /** Mean token entropy, in nats. */
  readonly entropy: number;
  /** Mean reward; undefined where there were no rollouts. */
  readonly reward?: number | undefined;
}

export interface EntropyFitOptions extends ResampleOptions {
  /** Fewest records, >= 3. Default 20. */
  readonly minRecords?: number;
  /** Records that are resampled together. Default ⌈n^(1/3)⌉. */
  readonly blockLength?: number;
}

export interface EntropyFit {
  readonly a: number;
  readonly b: number;
  /** b − a, the reward at entropy 0. */
  readonly ceiling: number;
  readonly intervals: Readonly<Record<"a" | "b" | "ceiling", Interval>>;
  /** 1 − residual / total sum of squares; 1 where the rewards are equal and fitted. */
  readonly rSquared: number;
  /** Root mean square of the residuals, in units of the reward. */
  readonly residual: number;
  /** Records that were fitted. */
  readonly records: number;
  /** Smallest and largest entropy among them, in nats: beyond it the law is extrapolated. */
  readonly entropyRange: readonly [least: number, most: number];
}

/**
 * Fits the law to the records of a run.
 *
 * @throws {RangeError} If there are fewer records with a reward than `minRecords`, a number is not finite, an entropy is
 *   negative, all entropies are equal, or an option is out of range.
 * @example
 * const run = Array.from({ length: 20 }, (_, i) => ({ entropy: i / 20, reward: 1 - 0.2 * Math.exp(i / 20) }));
 * const { a, b, rSquared } = entropyFit(run);
 * [a, b, rSquared].map((value) => value.toFixed(6)); // ["0.200000", "1.000000", "1.000000"]
 */
export function entropyFit(records: readonly EntropyReward[], options: EntropyFitOptions = {}): EntropyFit {
  const { minRecords = 20, ...resampling } = options;
  checkResampling("entropyFit", resampling);
  const rewarded = records.flatMap(({ entropy, reward }) => (reward === undefined ? [] : [{ entropy, reward }]));
  checkRecords(rewarded, minRecords);
  const { blockLength = Math.ceil(rewarded.length ** (1 / 3)) } = options;
  if (!(Number.isInteger(blockLength) && blockLength >= 1)) {
    throw new RangeError(`entropyFit: expected an integer blockLength >= 1 but found ${blockLength}`);
  }
  const x = rewarded.map(({ entropy }) => Math.exp(entropy));
  const y = rewarded.map(({ reward }) => reward);
  const every = Int32Array.from(x, (_, i) => i);
  const { a, b } = leastSquares({ x, y }, every);
  const interval = (of: (line: Line) => number) =>
    resampleInterval(x.length, (drawn) => of(leastSquares({ x, y }, drawn)), { ...resampling, blockLength });
  const entropies = rewarded.map(({ entropy }) => entropy);
  return {
    ...{ a, b, ceiling: b - a },
    intervals: { a: interval((line) => line.a), b: interval((line) => line.b), ceiling: interval(({ a, b }) => b - a) },
    ...goodness({ x, y }, { a, b }),
    records: x.length,
    entropyRange: [Math.min(...entropies), Math.max(...entropies)],
  };
}

interface Line {
  readonly a: number;
  readonly b: number;
}

interface Points {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** y = −a x + b through the points at these indices; NaN where their x are equal. */
function leastSquares({ x, y }: Points, indices: Int32Array): Line {
  const n = indices.length;
  const meanOf = (values: readonly number[]) => indices.reduce((sum, i) => sum + values[i]!, 0) / n;
  const [middleX, middleY] = [meanOf(x), meanOf(y)];
  let [squares, products] = [0, 0];
  for (const i of indices) {
    squares += (x[i]! - middleX) ** 2;
    products += (x[i]! - middleX) * (y[i]! - middleY);
  }
  const a = squares > 0 ? -products / squares : Number.NaN;
  return { a, b: middleY + a * middleX };
}

function goodness({ x, y }: Points, { a, b }: Line) {
  const middle = y.reduce((sum, value) => sum + value, 0) / y.length;
  const rest = y.reduce((sum, value, i) => sum + (value - (b - a * x[i]!)) ** 2, 0);
  const total = y.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  return { rSquared: total > 0 ? 1 - rest / total : 1, residual: Math.sqrt(rest / y.length) };
}

function checkRecords(records: readonly { readonly entropy: number; readonly reward: number }[], minRecords: number) {
  if (!(Number.isInteger(minRecords) && minRecords >= 3)) {
    throw new RangeError(`entropyFit: expected an integer minRecords >= 3 but found ${minRecords}`);
  }
  if (records.length < minRecords) {
    throw new RangeError(
      `entropyFit: expected at least ${minRecords} records with a reward but found ${records.length}: train longer`,
    );
  }
  for (const [i, { entropy, reward }] of records.entries()) {
    if (Number.isFinite(reward) && entropy >= 0 && entropy < Infinity) continue;
    throw new RangeError(
      `entropyFit: expected a finite reward and an entropy >= 0 but found ${reward} and ${entropy} in record ${i} of those with a reward`,
    );
  }
  if (records.every(({ entropy }) => entropy === records[0]!.entropy)) {
    throw new RangeError(`entropyFit: expected entropies that differ but found only ${records[0]!.entropy}`);
  }
}
