/**
 * Entropy against divergence as a histogram in two dimensions: is the change where the base hesitated, or where it was
 * sure? Bins of entropy are equal; of divergence, whose tail is heavy, they are equal in its logarithm, with one bin
 * below for what is too small to matter (0 included) and one above for the rest (Infinity included).
 */

import type { TokenColumns } from "../token-table.ts";
import { entropyColumn, measureColumn } from "./measures.ts";

export interface EntropyDivergenceOptions {
  /** Default "kl". */
  readonly measure?: "kl" | "reverseKl" | "js" | "tv";
  /** Number of bins of entropy. Default 20. */
  readonly entropyBins?: number;
  /** Number of bins of divergence between the limits. Default 20. */
  readonly divergenceBins?: number;
  /** Smallest and largest divergence of these, in the measure's unit. Default [1e-4, 10]. */
  readonly limits?: readonly [least: number, most: number];
}

export interface EntropyDivergence {
  readonly source: string;
  readonly measure: "kl" | "reverseKl" | "js" | "tv";
  /** Number of tokens, N. */
  readonly tokens: number;
  /** Of the base's entropy, ascending from 0, [entropyBins + 1] nats; the last edge is the largest entropy there is. */
  readonly entropyEdges: Float64Array;
  /** Ascending from 0 to Infinity, [divergenceBins + 3]; bin i holds edges[i] <= x < edges[i + 1]. */
  readonly divergenceEdges: Float64Array;
  /** Tokens in each cell, [entropyBins, divergenceBins + 2] row-major; their sum is N. */
  readonly models: readonly { readonly name: string; readonly counts: Int32Array }[];
}

/**
 * The histogram, for each model.
 *
 * @throws {RangeError} If a number of bins is not an integer >= 1, the limits are not 0 < least < most, a divergence is
 *   not known, or the table has texts of several sources.
 * @example
 * const { divergenceEdges, models } = entropyDivergence(table, { entropyBins: 2, divergenceBins: 2, limits: [0.01, 1] });
 * divergenceEdges; // Float64Array [0, 0.01, 0.1, 1, Infinity]
 * models[0].counts.length; // 8
 */
export function entropyDivergence(table: TokenColumns, options: EntropyDivergenceOptions = {}): EntropyDivergence {
  const { measure = "kl", entropyBins = 20, divergenceBins = 20, limits = [1e-4, 10] } = options;
  for (const [name, bins] of Object.entries({ entropyBins, divergenceBins })) {
    if (!(Number.isInteger(bins) && bins >= 1)) {
      throw new RangeError(`entropyDivergence: expected an integer ${name} >= 1 but found ${bins}`);
    }
  }
  const [least, most] = limits;
  if (!(least > 0 && most > least && most < Infinity)) {
    throw new RangeError(`entropyDivergence: expected limits 0 < least < most but found [${least}, ${most}]`);
  }
  const entropies = entropyColumn("entropyDivergence", table.base);
  const highest = entropies.reduce((top, entropy) => Math.max(top, entropy), 0) || 1;
  const divergenceEdges = logEdges(divergenceBins, { least, most });
  const models = table.models.map((model) => {
    const counts = new Int32Array(entropyBins * (divergenceBins + 2));
    for (const [row, value] of measureColumn("entropyDivergence", model, measure).entries()) {
      const bin = Math.min(Math.floor((entropies[row]! / highest) * entropyBins), entropyBins - 1);
      counts[bin * (divergenceBins + 2) + binOf(value, divergenceEdges)]!++;
    }
    return { name: model.name, counts };
  });
  const entropyEdges = Float64Array.from({ length: entropyBins + 1 }, (_, i) => (i / entropyBins) * highest);
  return { source: table.source, measure, tokens: entropies.length, entropyEdges, divergenceEdges, models };
}

function logEdges(bins: number, { least, most }: { least: number; most: number }): Float64Array {
  const between = Array.from({ length: bins - 1 }, (_, i) => least * (most / least) ** ((i + 1) / bins));
  return Float64Array.of(0, least, ...between, most, Infinity);
}

/** Index of the last edge that the value reaches; the last edge, Infinity, begins no bin. */
function binOf(value: number, edges: Float64Array): number {
  let bin = 0;
  while (bin < edges.length - 2 && value >= edges[bin + 1]!) bin++;
  return bin;
}
