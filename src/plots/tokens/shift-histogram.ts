/**
 * Histogram of how much each model changed the probability of the tokens of one set of texts (after SRFT, arXiv
 * 2506.19767, figure 2b, which does not say its measure; ours is on the axis).
 *
 * Shares of tokens on a log axis, since nearly all tokens of a sparse change lie in one bin. An empty bin is a gap.
 */

import type { ShiftColumns, TokenColumns } from "../../analysis/token-table.ts";
import { colorOf, createFigure, type Figure, literal } from "../figure.ts";
import type { Trace } from "../plotly/static-svg.ts";

export interface ShiftHistogramOptions {
  /** "deltaProb": P(y) − Q(y); "deltaLogprob": log P(y) − log Q(y), in nats. Default "deltaProb". */
  readonly measure?: "deltaProb" | "deltaLogprob";
  /** Odd, so that one bin is centred on 0. Default 41. */
  readonly bins?: number;
}

const measures = {
  deltaProb: {
    of: (model: ShiftColumns) => model.deltaProbs,
    limit: 1,
    label: "change of the token's probability, P − P<sub>base</sub>",
  },
  deltaLogprob: {
    of: (model: ShiftColumns) => model.deltaLogprobs,
    limit: 8,
    label: "change of the token's log-probability (nats); the outermost bins hold all beyond",
  },
} as const;

/**
 * Draws the histogram, a line a model.
 *
 * @throws {RangeError} If `bins` is not an odd integer >= 3.
 * @example
 * shiftHistogram(table, { measure: "deltaLogprob" });
 */
export function shiftHistogram(table: TokenColumns, options: ShiftHistogramOptions = {}): Figure {
  const { measure = "deltaProb", bins = 41 } = options;
  if (!(Number.isInteger(bins) && bins >= 3 && bins % 2 === 1)) {
    throw new RangeError(`shiftHistogram: expected an odd number of bins >= 3 but found ${bins}`);
  }
  const { of, limit, label } = measures[measure];
  const width = (2 * limit) / bins;
  const n = table.tokens.length;
  const counts = table.models.map((model) => countBins(of(model), { bins, limit }));
  const data = table.models.map(
    ({ name }, m): Trace => ({
      type: "scatter",
      mode: "lines+markers",
      marker: { size: 4 },
      name: literal(name),
      line: { shape: "hvh", color: colorOf(m), width: 2 },
      x: counts[m]!.map((_, bin) => round(-limit + (bin + 0.5) * width)),
      y: counts[m]!.map((count) => (count === 0 ? null : count / n)),
    }),
  );
  const still = table.models.map(({ name }, m) => `${name} ${((100 * counts[m]![(bins - 1) / 2]!) / n).toFixed(1)} %`);
  return createFigure({
    title: `How tuning changed the tokens of the ${table.source}`,
    caption: `n = ${n} tokens of ${table.prompts.length} texts; base: ${table.base.name}; bin width ${round(width)}`,
    summary: `Tokens of the ${table.source} within ±${round(width / 2)} of no change (${measure}): ${still.join(", ")}`,
    data,
    layout: {
      showlegend: true,
      xaxis: { title: { text: label }, range: [-limit, limit] },
      yaxis: { title: { text: "share of tokens" }, type: "log", dtick: "D2" },
    },
  });
}

/** Values beyond ±limit count in the outermost bins. */
function countBins(values: Float32Array, { bins, limit }: { bins: number; limit: number }): number[] {
  const counts = Array<number>(bins).fill(0);
  for (const value of values) {
    const bin = Math.floor(((value + limit) / (2 * limit)) * bins);
    counts[Math.min(Math.max(bin, 0), bins - 1)]!++;
  }
  return counts;
}

function round(value: number) {
  return Number(value.toPrecision(4));
}
