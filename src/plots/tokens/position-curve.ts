/**
 * Where in the completion the change lies: a divergence from the base by position, a line a model (after URIAL, arXiv
 * 2312.01552, figure 4).
 *
 * A point is the mean over the texts that reach the position; points that fewer than `minTexts` reach are left out, and
 * the caption says so. An infinite mean is a gap.
 */

import type { ShiftColumns, TokenColumns } from "../../analysis/token-table.ts";
import { colorOf, createFigure, type Figure, literal } from "../figure.ts";
import type { Trace } from "../plotly/static-svg.ts";

export interface PositionCurveOptions {
  /** Default "kl", KL(model‖base). */
  readonly measure?: "kl" | "reverseKl" | "js" | "tv";
  /** Fewest texts a point may stand for. Default 1. */
  readonly minTexts?: number;
}

const labels = {
  kl: "mean KL(model‖base) (nats)",
  reverseKl: "mean KL(base‖model) (nats)",
  js: "mean Jensen–Shannon divergence (nats)",
  tv: "mean total variation",
} as const;

/**
 * Draws the mean divergence by position.
 *
 * @throws {RangeError} If no position is reached by `minTexts` texts.
 * @example
 * positionCurve(table, { measure: "js", minTexts: 10 });
 */
export function positionCurve(table: TokenColumns, options: PositionCurveOptions = {}): Figure {
  const { measure = "kl", minTexts = 1 } = options;
  const texts = countTexts(table.positions);
  const shown = texts.filter((count) => count >= minTexts).length;
  if (shown === 0) {
    throw new RangeError(`positionCurve: expected a position that ${minTexts} texts reach but the most is ${texts[0]}`);
  }
  const means = table.models.map((model) => meansByPosition(model[measure], { table, shown }));
  const data = table.models.map(
    ({ name }, m): Trace => ({
      type: "scatter",
      mode: "lines+markers",
      name: literal(name),
      line: { color: colorOf(m), width: 2 },
      x: means[m]!.map((_, position) => position),
      y: means[m]!.map((mean) => (Number.isFinite(mean) ? mean : null)),
      customdata: texts.slice(0, shown),
      hovertemplate: "position %{x}: %{y:.4g} (%{customdata} texts)",
    }),
  );
  return createFigure({
    title: `Divergence from ${table.base.name} by position, on ${table.source}`,
    caption: `${table.prompts.length} texts; the last position shown is reached by ${texts[shown - 1]}`,
    summary: `${labels[measure]} at the first position of the ${table.source}: ${firstMeans(table.models, means)}`,
    data,
    layout: {
      showlegend: true,
      xaxis: { title: { text: "position in the completion (tokens)" } },
      yaxis: { title: { text: labels[measure] }, rangemode: "tozero" },
    },
  });
}

/** Texts that reach each position; never ascending. */
function countTexts(positions: Int32Array): number[] {
  const counts: number[] = [];
  for (const position of positions) counts[position] = (counts[position] ?? 0) + 1;
  return counts;
}

function meansByPosition(values: Float32Array, { table, shown }: { table: TokenColumns; shown: number }): number[] {
  const sums = Array<number>(shown).fill(0);
  const counts = Array<number>(shown).fill(0);
  for (const [row, position] of table.positions.entries()) {
    if (position >= shown) continue;
    sums[position]! += values[row]!;
    counts[position]!++;
  }
  return sums.map((sum, position) => sum / counts[position]!);
}

function firstMeans(models: readonly ShiftColumns[], means: readonly (readonly number[])[]) {
  return models.map(({ name }, m) => `${name} ${means[m]![0]!.toPrecision(3)}`).join(", ");
}
