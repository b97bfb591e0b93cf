/**
 * How much of the change lies where there was a choice: the share of a divergence at the positions of highest entropy
 * ("forking tokens", arXiv 2506.01939: the top 20 %), beside as many positions drawn at random.
 *
 * The forks are exactly the ⌈share · N⌉ rows of highest entropy, of equals the earlier row, as in a table's summary. The
 * interval resamples prompts and leaves the forks those of the whole table; the control's band is over its draws.
 */

import { type Random, randomInteger } from "../../random.ts";
import type { TokenColumns } from "../token-table.ts";
import { entropyColumn, measureColumn, promptUnits, ratioWithInterval, type Unit } from "./measures.ts";
import { checkResampling, type Interval, mean, quantile, type ResampleOptions } from "./resample.ts";

export interface ForkingShareOptions extends ResampleOptions {
  /** Of the positions, in (0, 1]. Default 0.2. */
  readonly share?: number;
  /** Default "kl". */
  readonly measure?: "kl" | "reverseKl" | "js" | "tv";
  /** Whose entropy makes a position a fork. Default "base". */
  readonly entropy?: "base" | "model";
}

/** One model. */
export interface ForkingShare {
  readonly source: string;
  readonly model: string;
  /** Forks among all positions: ⌈share · N⌉ / N. */
  readonly positions: number;
  /** Smallest entropy of a fork, in nats. */
  readonly threshold: number;
  /** Share of the summed measure at the forks, in [0, 1], and its interval; null where the sum is 0. */
  readonly measured: number | null;
  readonly interval: Interval | null;
  /** The same at as many random positions: mean and middle band over `resamples` draws; null where the sum is 0. */
  readonly random: ({ readonly mean: number } & Interval) | null;
}

/**
 * The share of the change at forks, for each model.
 *
 * @throws {RangeError} If the share is out of range, a divergence is not known or infinite, or the table has texts of
 *   several sources.
 * @example
 * forkingShare(table, { measure: "js" }).map(({ model, measured, random }) => measured > random.high);
 * // for example [false, true]: SFT changed all positions alike, GRPO the forks
 */
export function forkingShare(table: TokenColumns, options: ForkingShareOptions = {}): ForkingShare[] {
  const { share = 0.2, measure = "kl", entropy = "base", ...resampling } = options;
  if (!(share > 0 && share <= 1)) {
    throw new RangeError(`forkingShare: expected a share in (0, 1] but found ${share}`);
  }
  const { confidence, resamples, random } = checkResampling("forkingShare", resampling);
  const units = promptUnits(table);
  return table.models.map((model) => {
    const values = finite(measureColumn("forkingShare", model, measure), { measure, model: model.name });
    const entropies = entropyColumn("forkingShare", entropy === "base" ? table.base : model);
    const forks = highestRows(entropies, share);
    const total = values.reduce((sum, value) => sum + value, 0);
    const shares = total > 0 ? sharesAt({ units, values, forks }, resampling) : undefined;
    const drawn = total > 0 ? randomShares({ values, total, count: forks.length, resamples, random }) : undefined;
    const tail = (1 - confidence) / 2;
    return {
      source: table.source,
      model: model.name,
      positions: forks.length / values.length,
      threshold: entropies[forks.at(-1)!]!,
      measured: shares?.value ?? null,
      interval: shares?.interval ?? null,
      random: drawn ? { mean: mean(drawn), low: quantile(drawn, tail), high: quantile(drawn, 1 - tail) } : null,
    };
  });
}

function highestRows(entropies: Float32Array, share: number): number[] {
  const rows = Array.from(entropies.keys()).sort((a, b) => entropies[b]! - entropies[a]! || a - b);
  return rows.slice(0, Math.ceil(share * entropies.length));
}

function sharesAt(
  { units, values, forks }: { units: readonly Unit[]; values: Float32Array; forks: readonly number[] },
  options: ResampleOptions,
) {
  const isFork = new Uint8Array(values.length);
  for (const row of forks) isFork[row] = 1;
  const sums = (weigh: (row: number) => number) => units.map((rows) => rows.reduce((sum, row) => sum + weigh(row), 0));
  const over = sums((row) => isFork[row]! * values[row]!);
  return ratioWithInterval({ over, under: sums((row) => values[row]!) }, options);
}

/** Shares of the total at `count` rows drawn without replacement, ascending. */
function randomShares(draws: {
  values: Float32Array;
  total: number;
  count: number;
  resamples: number;
  random: Random;
}): Float64Array {
  const { values, total, count, resamples, random } = draws;
  const pool = Float64Array.from(values);
  return Float64Array.from({ length: resamples }, () => {
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const j = i + randomInteger(random, pool.length - i);
      [pool[i], pool[j]] = [pool[j]!, pool[i]!];
      sum += pool[i]!;
    }
    return sum / total;
  }).sort();
}

function finite(values: Float32Array, { measure, model }: { measure: string; model: string }) {
  const row = values.findIndex((value) => !Number.isFinite(value));
  if (row < 0) return values;
  throw new RangeError(
    `forkingShare: expected a finite ${measure} of ${model} but found ${values[row]} at row ${row}: use "js" or "tv"`,
  );
}
