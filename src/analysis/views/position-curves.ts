/**
 * Where in the completion the change lies (after URIAL, arXiv 2312.01552, figure 4): the mean of a measure by position,
 * counted in tokens or as a share of the completion's length, with intervals over prompts.
 */

import { categoryOf } from "../category.ts";
import type { ShiftColumns, TokenColumns } from "../token-table.ts";
import { measureColumn, promptUnits, ratioWithInterval, type ShiftMeasure, type Unit } from "./measures.ts";
import { checkResampling, type Interval, type ResampleOptions } from "./resample.ts";

export interface PositionCurveData {
  readonly source: string;
  readonly measure: ShiftMeasure | "shiftedShare";
  readonly points: readonly PositionPoint[];
}

/** One model at one place. */
export interface PositionPoint {
  readonly model: string;
  /** Tokens from the beginning of the completion, from 0; or, of shares, the middle of the bin, in (0, 1). */
  readonly at: number;
  readonly tokens: number;
  /** Of the measure, in its unit. */
  readonly mean: number;
  readonly interval: Interval;
}

export interface PositionCurveDataOptions extends ResampleOptions {
  /** "shiftedShare" is the share of tokens whose base rank is > 3. Default "kl". */
  readonly measure?: ShiftMeasure | "shiftedShare";
  /** "tokens", or the number of bins in which the length of each completion is divided. Default "tokens". */
  readonly by?: "tokens" | number;
  /** Fewest tokens a point may stand for; others are left out. Default 1. */
  readonly minTokens?: number;
}

/**
 * The mean by position, model by model, positions ascending.
 *
 * @throws {RangeError} If a number of bins or of tokens is not an integer >= 1, a measure is not known, or the table has
 *   texts of several sources.
 * @example
 * positionCurves(table, { measure: "js", by: 4 }).points.map(({ model, at }) => `${model} ${at}`).slice(0, 4);
 * // ["sft 0.125", "sft 0.375", "sft 0.625", "sft 0.875"]
 */
export function positionCurves(table: TokenColumns, options: PositionCurveDataOptions = {}): PositionCurveData {
  const { measure = "kl", by = "tokens", minTokens = 1, ...resampling } = options;
  checkResampling("positionCurves", resampling);
  for (const [name, count] of Object.entries({ by, minTokens })) {
    if (count !== "tokens" && !(Number.isInteger(count) && (count as number) >= 1)) {
      throw new RangeError(`positionCurves: expected an integer ${name} >= 1 but found ${count}`);
    }
  }
  const units = promptUnits(table);
  const places = placesOf(table, by);
  const last = places.reduce((most, place) => Math.max(most, place), -1);
  const points = table.models.flatMap((model) => {
    const values = valuesOf(model, measure);
    return Array.from({ length: last + 1 }, (_, place) => place).flatMap((place) => {
      const { over, under } = sumsAt({ units, places, values }, place);
      const tokens = under.reduce((sum, count) => sum + count, 0);
      if (tokens < minTokens) return [];
      const { value, interval } = ratioWithInterval({ over, under }, resampling);
      const at = by === "tokens" ? place : (place + 0.5) / by;
      return [{ model: model.name, at, tokens, mean: value, interval }];
    });
  });
  return { source: table.source, measure, points };
}

/** Index of the place of each row. */
function placesOf({ offsets, sequences, positions }: TokenColumns, by: "tokens" | number): Int32Array {
  if (by === "tokens") return positions;
  return positions.map((position, row) => {
    const length = offsets[sequences[row]! + 1]! - offsets[sequences[row]!]!;
    return Math.floor((position * by) / length);
  });
}

function valuesOf(model: ShiftColumns, measure: ShiftMeasure | "shiftedShare"): ArrayLike<number> {
  if (measure !== "shiftedShare") return measureColumn("positionCurves", model, measure);
  return Array.from(model.baseRanks, (rank) => (categoryOf(rank) === "shifted" ? 1 : 0));
}

interface Rows {
  readonly units: readonly Unit[];
  readonly places: Int32Array;
  readonly values: ArrayLike<number>;
}

/** Sum of the values and number of rows at a place, unit by unit. */
function sumsAt({ units, places, values }: Rows, place: number) {
  const [over, under] = [new Float64Array(units.length), new Float64Array(units.length)];
  for (const [i, rows] of units.entries()) {
    for (const row of rows) {
      if (places[row] !== place) continue;
      over[i]! += values[row]!;
      under[i]!++;
    }
  }
  return { over, under };
}
