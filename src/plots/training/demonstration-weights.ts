/**
 * How hard methods pull on a demonstration token, by its probability under the policy: the weight g(p) on −∇log p,
 * where SFT is the line at 1. The logarithmic axis gives rare tokens, which SFT forces and the others do not, their room.
 */

import { colorOf, createFigure, type Figure, literal } from "../figure.ts";
import type { Trace } from "../plotly/static-svg.ts";

export interface WeightCurves {
  /** p, ascending, in (0, 1]. */
  readonly probabilities: readonly number[];
  /** g at each p. */
  readonly curves: readonly { readonly name: string; readonly weights: readonly number[] }[];
}

/**
 * Draws a curve a method.
 *
 * @throws {RangeError} If a curve has not one weight a probability.
 * @example
 * demonstrationWeights({ probabilities: [0.01, 0.1, 1], curves: [{ name: "DFT", weights: [0.01, 0.1, 1] }] });
 */
export function demonstrationWeights({ probabilities, curves }: WeightCurves): Figure {
  for (const { name, weights } of curves) {
    if (weights.length !== probabilities.length) {
      throw new RangeError(
        `demonstrationWeights: expected ${probabilities.length} weights, one a probability, but found ${weights.length} of ${name}`,
      );
    }
  }
  const data = curves.map(
    ({ name, weights }, i): Trace => ({
      type: "scatter",
      mode: "lines",
      name: literal(name),
      line: { color: colorOf(i), width: 2, dash: i < 6 ? "solid" : "dash" },
      x: [...probabilities],
      y: [...weights],
      hovertemplate: "p = %{x:.3g}: g = %{y:.3g}",
    }),
  );
  const rarest = probabilities[0]!;
  return createFigure({
    title: "Weight on a demonstration token",
    caption: "g(p) on −∇log p, read off each objective's gradient; advantage 1, entropy 0, first update",
    summary: `Weight g on a demonstration token at p = ${Number(rarest.toPrecision(3))}: ${curves
      .map(({ name, weights }) => `${name} ${Number(weights[0]!.toPrecision(3))}`)
      .join(", ")}`,
    data,
    layout: {
      showlegend: true,
      xaxis: {
        title: { text: "probability of the token under the policy, p" },
        type: "log",
        dtick: 1,
        tickformat: ".1~r",
      },
      yaxis: { title: { text: "weight g(p)" }, rangemode: "tozero" },
    },
  });
}
