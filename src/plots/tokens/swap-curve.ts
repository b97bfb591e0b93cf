/**
 * Cross-sampling: how well one model answers when at most k of its tokens are replaced by another model's (after arXiv
 * 2603.22446). The faster the curve rises or falls, the fewer tokens the difference between the two models is.
 */

import type { BudgetPoint } from "../../analysis/cross-sampling/budget-curve.ts";
import { colorOf, createFigure, type Figure, literal } from "../figure.ts";
import type { Trace } from "../plotly/static-svg.ts";

/** One point of one curve; `budgetCurve` gives both curves of two models. A budget of Infinity is no limit. */
export type SwapPoint = Pick<BudgetPoint, "writer" | "budget" | "accuracy" | "interval" | "swaps">;

export interface SwapCurveOptions {
  /** n, seeds, where swaps happen, and what the interval is; plain text. */
  readonly caption: string;
  /** What the two models are called. */
  readonly names: Readonly<Record<"a" | "b", string>>;
}

/**
 * Draws the accuracy by the number of swaps that are allowed, with its intervals, a curve a direction.
 *
 * @throws {RangeError} If there are no points, a budget is not >= 0, or a curve has one budget twice.
 * @example
 * const alone = { writer: "a", budget: 0, accuracy: 0.5, interval: { low: 0.4, high: 0.6 }, swaps: 0 };
 * swapCurve([alone], { caption: "400 prompts", names: { a: "base", b: "grpo" } });
 */
export function swapCurve(points: readonly SwapPoint[], { caption, names }: SwapCurveOptions): Figure {
  checkPoints(points);
  const budgets = [...new Set(points.map(({ budget }) => budget))].sort((a, b) => a - b);
  const curves = (["a", "b"] as const)
    .map((writer) => ({ writer, name: `${names[writer]}, with tokens of ${names[writer === "a" ? "b" : "a"]}` }))
    .map(({ writer, name }) => ({ name, points: sortedPoints(points, writer) }))
    .filter((curve) => curve.points.length > 0);
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

interface Curve {
  readonly name: string;
  readonly points: readonly SwapPoint[];
}

const sortedPoints = (points: readonly SwapPoint[], writer: "a" | "b") =>
  points.filter((point) => point.writer === writer).toSorted((a, b) => a.budget - b.budget);

function checkPoints(points: readonly SwapPoint[]) {
  if (points.length === 0) throw new RangeError("swapCurve: expected at least one point but found none");
  const seen = new Set<string>();
  for (const { writer, budget } of points) {
    if (!(budget >= 0)) throw new RangeError(`swapCurve: expected a budget >= 0 but found ${budget} of ${writer}`);
    const key = `${writer} ${budget}`;
    if (seen.has(key))
      throw new RangeError(`swapCurve: expected each budget once but found ${budget} twice for ${writer}`);
    seen.add(key);
  }
}

function curveTrace({ name, points }: Curve, { color, at }: { color: string; at(budget: number): number }): Trace {
  return {
    type: "scatter",
    mode: "lines+markers",
    name: literal(name),
    line: { color, width: 2 },
    marker: { size: 7 },
    x: points.map(({ budget }) => at(budget)),
    y: points.map(({ accuracy }) => accuracy),
    customdata: points.map(({ swaps }) => swaps),
    error_y: {
      type: "data",
      symmetric: false,
      array: points.map(({ accuracy, interval }) => interval.high - accuracy),
      arrayminus: points.map(({ accuracy, interval }) => accuracy - interval.low),
      color,
      thickness: 1.5,
      width: 4,
    },
    hovertemplate: "%{y:.3f} with %{customdata:.2f} swaps a completion",
  };
}

function spoken({ name, points }: Curve) {
  const values = points.map(({ budget, accuracy }) => {
    return `${budget === Infinity ? "no limit" : budget}: ${Number(accuracy.toFixed(3))}`;
  });
  return `${name} ${values.join(", ")}`;
}
