/**
 * Cross-sampling: how well one model answers when at most k of its tokens are replaced by another model's (after arXiv
 * 2603.22446). The faster the curve rises or falls, the fewer tokens the difference between the two models is.
 */

import { colorOf, createFigure, type Figure, literal } from "../figure.ts";
import type { Trace } from "../static-svg.ts";

/** One point of one curve. */
export interface SwapPoint {
  /** Who writes, and whose tokens come in, such as "base, with tokens of grpo"; points of one name are one curve. */
  readonly curve: string;
  /** Most swaps a completion; 0 is the writer alone, Infinity no limit. */
  readonly budget: number;
  /** Share solved, in [0, 1]. */
  readonly accuracy: number;
  readonly interval: { readonly low: number; readonly high: number };
  /** Mean number of swaps a completion. */
  readonly swaps: number;
}

export interface SwapCurveOptions {
  /** n, seeds, where swaps happen, and what the interval is; plain text. */
  readonly caption: string;
}

/**
 * Draws the accuracy by the number of swaps that are allowed, with its intervals, a curve a direction.
 *
 * @throws {RangeError} If there are no points, a budget is not >= 0, or a curve has one budget twice.
 * @example
 * swapCurve([{ curve: "base, with tokens of grpo", budget: 0, accuracy: 0.5, interval: { low: 0.4, high: 0.6 }, swaps: 0 }], { caption: "400 prompts" });
 */
export function swapCurve(points: readonly SwapPoint[], { caption }: SwapCurveOptions): Figure {
  checkPoints(points);
  const budgets = [...new Set(points.map(({ budget }) => budget))].sort((a, b) => a - b);
  const names = [...new Set(points.map(({ curve }) => curve))];
  const curves = names.map((name) =>
    points.filter(({ curve }) => curve === name).toSorted((a, b) => a.budget - b.budget),
  );
  return createFigure({
    title: "Cross-sampling: how few tokens make the difference",
    caption,
    summary: `Cross-sampling (${caption}): ${curves.map(spoken).join("; ")}`,
    data: curves.map((curve, c) => curveTrace(curve, { color: colorOf(c), at: (budget) => budgets.indexOf(budget) })),
    layout: {
      showlegend: true,
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
      margin: { l: 70, r: 20, t: 92, b: 60 },
      xaxis: {
        title: { text: "most tokens replaced in an answer" },
        tickvals: budgets.map((_, i) => i),
        ticktext: budgets.map((budget) => (budget === Infinity ? "no limit" : String(budget))),
      },
      yaxis: { title: { text: "share solved" }, range: [0, 1] },
    },
  });
}

function checkPoints(points: readonly SwapPoint[]) {
  if (points.length === 0) throw new RangeError("swapCurve: expected at least one point but found none");
  const seen = new Set<string>();
  for (const { curve, budget } of points) {
    if (!(budget >= 0)) throw new RangeError(`swapCurve: expected a budget >= 0 but found ${budget} of ${curve}`);
    const key = JSON.stringify([curve, String(budget)]);
    if (seen.has(key))
      throw new RangeError(`swapCurve: expected each budget once but found ${budget} twice in ${curve}`);
    seen.add(key);
  }
}

function curveTrace(curve: readonly SwapPoint[], { color, at }: { color: string; at(budget: number): number }): Trace {
  return {
    type: "scatter",
    mode: "lines+markers",
    name: literal(curve[0]!.curve),
    line: { color, width: 2 },
    marker: { size: 7 },
    x: curve.map(({ budget }) => at(budget)),
    y: curve.map(({ accuracy }) => accuracy),
    customdata: curve.map(({ swaps }) => swaps),
    error_y: {
      type: "data",
      symmetric: false,
      array: curve.map(({ accuracy, interval }) => interval.high - accuracy),
      arrayminus: curve.map(({ accuracy, interval }) => accuracy - interval.low),
      color,
      thickness: 1.5,
      width: 4,
    },
    hovertemplate: "%{y:.3f} with %{customdata:.2f} swaps a completion",
  };
}

function spoken(curve: readonly SwapPoint[]) {
  const values = curve.map(({ budget, accuracy }) => {
    return `${budget === Infinity ? "no limit" : budget}: ${Number(accuracy.toFixed(3))}`;
  });
  return `${curve[0]!.curve} ${values.join(", ")}`;
}
