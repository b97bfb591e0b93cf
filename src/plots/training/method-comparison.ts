/**
 * Methods side by side: a measure of each with its interval, and each seed's own value, so that two methods whose
 * intervals overlap are not read as first and second.
 */

import { createFigure, type Figure, ink, literal, palette } from "../figure.ts";
import type { Trace } from "../plotly/static-svg.ts";

/** One method on one measure. */
export interface MethodScore {
  readonly method: string;
  /** What was measured, such as "accuracy, in distribution"; the methods of one measure share an axis. */
  readonly measure: string;
  readonly mean: number;
  readonly interval: { readonly low: number; readonly high: number };
  /** Each seed's value. */
  readonly seeds?: readonly number[];
}

export interface MethodComparisonOptions {
  /** Default "Methods compared". */
  readonly title?: string;
  /** What n, the interval and the seeds are, such as "3 seeds, 300 problems; 95 % bootstrap intervals". */
  readonly caption: string;
  /** Unit of the axis. Default "share solved". */
  readonly unit?: string;
}

/**
 * Draws a point with its interval for each method, a panel a measure.
 *
 * @throws {RangeError} If there are no scores, or an interval does not hold its mean.
 * @example
 * methodComparison([{ method: "SRFT", measure: "accuracy", mean: 0.9, interval: { low: 0.8, high: 0.95 } }], { caption: "3 seeds" });
 */
export function methodComparison(scores: readonly MethodScore[], options: MethodComparisonOptions): Figure {
  const { title = "Methods compared", caption, unit = "share solved" } = options;
  checkScores(scores);
  const measures = [...new Set(scores.map(({ measure }) => measure))];
  const methods = [...new Set(scores.map(({ method }) => method))];
  const data = measures.flatMap((measure, panel) =>
    panelTraces(
      scores.filter((score) => score.measure === measure),
      panel,
    ),
  );
  return createFigure({
    title,
    caption,
    summary: `${title} (${unit}; ${caption}): ${scores.map(spoken).join("; ")}`,
    data,
    layout: {
      ...panelAxes(measures, { unit, methods }),
      height: 150 + 34 * methods.length,
      margin: { l: 20 + 7.5 * Math.max(...methods.map((name) => name.length)), r: 20, t: 92, b: 56 },
      showlegend: false,
      annotations: measures.map((measure, panel) => ({
        text: literal(measure),
        xref: `${axisName("x", panel)} domain` as "paper",
        yref: "paper",
        x: 0,
        xanchor: "left",
        y: 1,
        yanchor: "bottom",
        showarrow: false,
        font: { size: 12, color: ink },
      })),
    },
  });
}

function checkScores(scores: readonly MethodScore[]) {
  if (scores.length === 0) throw new RangeError("methodComparison: expected at least one score but found none");
  for (const { method, mean, interval } of scores) {
    if (interval.low <= mean && mean <= interval.high) continue;
    throw new RangeError(
      `methodComparison: expected the mean ${mean} of ${method} in its interval but found [${interval.low}, ${interval.high}]`,
    );
  }
}

function panelTraces(scores: readonly MethodScore[], panel: number): Trace[] {
  const place: Trace = { type: "scatter", mode: "markers", xaxis: axisName("x", panel), yaxis: axisName("y", panel) };
  const points: Trace = {
    ...place,
    name: "mean",
    y: scores.map(({ method }) => literal(method)),
    x: scores.map(({ mean }) => mean),
    marker: { color: palette[0], size: 10 },
    error_x: {
      type: "data",
      symmetric: false,
      array: scores.map(({ mean, interval }) => interval.high - mean),
      arrayminus: scores.map(({ mean, interval }) => mean - interval.low),
      color: palette[0],
      thickness: 2,
      width: 5,
    },
    hovertemplate: "%{y}: %{x:.3g}<extra></extra>",
  };
  const seeds = scores.flatMap(({ method, seeds = [] }) => seeds.map((value) => ({ method, value })));
  if (seeds.length === 0) return [points];
  const each: Trace = {
    ...place,
    name: "one seed",
    y: seeds.map(({ method }) => literal(method)),
    x: seeds.map(({ value }) => value),
    marker: { color: palette[1], size: 11, symbol: "line-ns-open", line: { width: 2, color: palette[1] } },
    hovertemplate: "%{y}, one seed: %{x:.3g}<extra></extra>",
  };
  return [points, each];
}

function panelAxes(measures: readonly string[], { unit, methods }: { unit: string; methods: readonly string[] }) {
  const gap = 0.06;
  const width = (1 - gap * (measures.length - 1)) / measures.length;
  const axes = measures.map((_, panel) => {
    const start = panel * (width + gap);
    const suffix = panel === 0 ? "" : String(panel + 1);
    const categories = { type: "category", categoryorder: "array", categoryarray: methods.map(literal).reverse() };
    return {
      [`xaxis${suffix}`]: { domain: [start, start + width], anchor: axisName("y", panel), title: { text: unit } },
      [`yaxis${suffix}`]: {
        ...categories,
        anchor: axisName("x", panel),
        showticklabels: panel === 0,
        range: [-0.6, methods.length - 0.4],
      },
    };
  });
  return Object.assign({}, ...axes) as Record<string, object>;
}

function axisName(letter: "x" | "y", panel: number) {
  return panel === 0 ? letter : `${letter}${panel + 1}`;
}

function spoken({ method, measure, mean, interval }: MethodScore) {
  const short = (value: number) => String(Number(value.toPrecision(3)));
  return `${method}, ${measure}: ${short(mean)} [${short(interval.low)}, ${short(interval.high)}]`;
}
