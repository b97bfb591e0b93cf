/** What the view asks of a heat map: values, words and which checkpoints are shown. */

import type { Category } from "../../../analysis/category.ts";
import { categoryOf } from "../../../analysis/category.ts";
import type { HeatMeasure, Scale } from "../colors.ts";
import type { Column, HeatMap } from "./read-payload.ts";

/** What the reader has chosen. */
export interface Choice {
  measure: HeatMeasure;
  /** Index into the steps of the heat map. */
  step: number;
  readonly classes: Set<Category>;
  /** Names of the models not shown. */
  readonly hidden: Set<string>;
}

/** The value that a measure gives a token; for a class the base rank of the model's first choice. */
export function measureOf(
  map: HeatMap,
  column: Column,
  { measure, row }: { measure: HeatMeasure; row: number },
): number {
  switch (measure) {
    case "deltaLogprob":
      return column.deltaLogprobs[row]!;
    case "kl":
      return column.kl[row]!;
    case "class":
      return column.baseRanks[row]!;
    case "entropy":
      return column.entropies[row]!;
    case "advantage":
      return map.advantages?.[row] ?? Number.NaN;
    default:
      return measure satisfies never;
  }
}

/** The class of a model's token; of what is not known, none. */
export function classOf(column: Column, row: number): Category | undefined {
  const rank = column.baseRanks[row]!;
  return Number.isNaN(rank) ? undefined : categoryOf(rank);
}

/** A measure with the value at which its colour is strongest. */
export function scaleOf(map: HeatMap, measure: HeatMeasure): Scale {
  return { measure, limit: measure === "class" ? 1 : map.limits[measure] };
}

/** All steps of which there are checkpoints, ascending. */
export function stepsOf({ columns }: HeatMap): number[] {
  const steps = columns.flatMap(({ step }) => (step === undefined ? [] : [step]));
  return [...new Set(steps)].sort((a, b) => a - b);
}

/**
 * The columns shown: of the checkpoints of one name the last that is not after the chosen step, or, where all are later,
 * the first.
 */
export function shownColumns(map: HeatMap, choice: Choice): Column[] {
  const now = stepsOf(map)[choice.step] ?? 0;
  const names = [...new Set(map.columns.map(({ name, isBase }) => `${isBase ? "base" : "model"} ${name}`))];
  return names.flatMap((key) => {
    const group = map.columns.filter(({ name, isBase }) => key === `${isBase ? "base" : "model"} ${name}`);
    const sorted = group.toSorted((a, b) => (a.step ?? 0) - (b.step ?? 0));
    const column = sorted.findLast(({ step }) => (step ?? 0) <= now) ?? sorted[0]!;
    return choice.hidden.has(keyOf(column)) ? [] : [column];
  });
}

/** What tells the columns of one name from the others; the base may have a model's name. */
export function keyOf({ name, isBase }: Column): string {
  return `${isBase ? "base" : "model"} ${name}`;
}

/** A column's name with its step. */
export function labelOf({ name, step }: Column): string {
  return step === undefined ? name : `${name}, step ${step}`;
}

/** A number with three digits; "∞" and "unknown" in words. */
export function shortNumber(value: number): string {
  if (Number.isNaN(value)) return "unknown";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  return value === 0 ? "0" : Number(value.toPrecision(3)).toString().replace("-", "−");
}
