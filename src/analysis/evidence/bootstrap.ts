/**
 * Confidence intervals of a token table's numbers by the cluster bootstrap: tokens of one prompt depend on each other, so
 * whole prompts are drawn with replacement, with all their texts and tokens (Cameron, Gelbach and Miller 2008; the percentile
 * interval of Efron). Intervals over tokens would be far too narrow.
 *
 * The statistic is a ratio of sums, such as a mean over tokens: drawn prompts bring their sums, so that a draw costs as many
 * additions as there are prompts. Seeded: the same random numbers, the same interval.
 */

import type { Random } from "../../random.ts";
import { categoryOf } from "../category.ts";
import type { ShiftColumns, TokenColumns } from "../token-table.ts";

/** A number with its interval. */
export interface Estimate {
  readonly value: number;
  /** [lower, upper]. */
  readonly interval: readonly [number, number];
  /** Prompts that were drawn from. */
  readonly prompts: number;
}

/** A column to average, or "shifted", the share of shifted tokens. */
export type TokenMeasure =
  | "kl"
  | "reverseKl"
  | "js"
  | "tv"
  | "deltaLogprobs"
  | "deltaProbs"
  | "entropies"
  | "logprobs"
  | "shifted";

export interface BootstrapOptions {
  readonly measure: TokenMeasure;
  readonly random: Random;
  /** Default 2000. */
  readonly draws?: number;
  /** In (0, 1). Default 0.95. */
  readonly confidence?: number;
}

/**
 * A model's mean over the tokens of one source with its interval over prompts.
 *
 * @throws {RangeError} If the table is of several sources or has fewer than two prompts, the model is not in it, a value is
 *   not known, or an option is out of range.
 * @example
 * const { value, interval } = bootstrapMean(table, "sft", { measure: "kl", random: createRandom(7) });
 * interval[0] <= value && value <= interval[1]; // true
 */
export function bootstrapMean(table: TokenColumns, model: string, options: BootstrapOptions): Estimate {
  const { measure, random, draws = 2000, confidence = 0.95 } = options;
  checkOptions(draws, confidence);
  const { source, models } = table; // a table of several sources throws here
  const columns = models.find(({ name }) => name === model);
  if (!columns) {
    throw new RangeError(
      `bootstrapMean: expected a model of ${models.map(({ name }) => name).join(", ")} on ${source} but found ${model}`,
    );
  }
  const values = valuesOf(columns, measure);
  const unknown = values.findIndex(Number.isNaN);
  if (unknown >= 0) {
    throw new RangeError(
      `bootstrapMean: expected known values but found none of ${measure} in row ${unknown}: use bounds`,
    );
  }
  const clusters = clustersOf(table, values);
  if (clusters.length < 2)
    throw new RangeError("bootstrapMean: expected two prompts or more but found one: score more");
  const means = Float64Array.from({ length: draws }, () => drawMean(clusters, random)).sort();
  const at = (share: number) => quantile(means, share);
  const interval = [at((1 - confidence) / 2), at((1 + confidence) / 2)] as const;
  return { value: meanOf(clusters), interval, prompts: clusters.length };
}

function checkOptions(draws: number, confidence: number) {
  if (!(Number.isInteger(draws) && draws >= 100)) {
    throw new RangeError(`bootstrapMean: expected an integer of draws >= 100 but found ${draws}`);
  }
  if (!(confidence > 0 && confidence < 1)) {
    throw new RangeError(`bootstrapMean: expected a confidence in (0, 1) but found ${confidence}`);
  }
}

function valuesOf(columns: ShiftColumns, measure: TokenMeasure): Float32Array {
  if (measure !== "shifted") return columns[measure];
  return Float32Array.from(columns.baseRanks, (rank) =>
    rank === 0 ? Number.NaN : Number(categoryOf(rank) === "shifted"),
  );
}

interface Cluster {
  sum: number;
  tokens: number;
}

/** Sums by prompt; texts with the same prompt are one cluster. */
function clustersOf({ prompts, offsets }: TokenColumns, values: ArrayLike<number>): Cluster[] {
  const clusters = new Map<string, Cluster>();
  for (const [s, prompt] of prompts.entries()) {
    const key = prompt.join(" ");
    const cluster = clusters.get(key) ?? { sum: 0, tokens: 0 };
    for (let row = offsets[s]!; row < offsets[s + 1]!; row++) cluster.sum += values[row]!;
    cluster.tokens += offsets[s + 1]! - offsets[s]!;
    clusters.set(key, cluster);
  }
  return [...clusters.values()];
}

function drawMean(clusters: readonly Cluster[], random: Random) {
  let [sum, tokens] = [0, 0];
  for (let i = 0; i < clusters.length; i++) {
    const cluster = clusters[Math.floor(random() * clusters.length)]!;
    sum += cluster.sum;
    tokens += cluster.tokens;
  }
  return sum / tokens;
}

const meanOf = (clusters: readonly Cluster[]) =>
  clusters.reduce((sum, cluster) => sum + cluster.sum, 0) / clusters.reduce((sum, cluster) => sum + cluster.tokens, 0);

/** Linear between order statistics, as NumPy's default. */
function quantile(sorted: Float64Array, share: number) {
  const at = share * (sorted.length - 1);
  const [below, part] = [Math.floor(at), at - Math.floor(at)];
  const [low, high] = [sorted[below]!, sorted[Math.min(below + 1, sorted.length - 1)]!];
  return low === high ? low : low + part * (high - low);
}
