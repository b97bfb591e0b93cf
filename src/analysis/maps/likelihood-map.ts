/**
 * A map of models without references: a model is the vector of the log-likelihoods it gives to one set of texts, and
 * models are near where these vectors are ("Mapping 1,000+ Language Models via the Log-Likelihood Vector", arXiv
 * 2502.16173).
 *
 *   l_i(s) = log p_i(x_s), the sum over the text's tokens       ξ_i = l_i − mean_s l_i       q_i = ξ_i − mean_i ξ_i
 *   2 KL(p_i, p_j) ≈ Var_s(l_i − l_j) = ‖q_i − q_j‖² / N
 *
 * The approximation holds between models that are near each other, over texts of the distribution that they model; on
 * other texts it is a distance and no KL. As in the paper, the smallest log-likelihoods of the whole table, which a few
 * odd texts would let rule the map, are raised to a quantile (`clip`, 2 % there and here). Variance is divided by N.
 *
 * Coordinates are the first two principal components of q_i / √N: the square of a distance in the full space is 2 KL,
 * and what share of it the plane shows is in `explained`. A component's sign is arbitrary; here the coordinate largest
 * in size is positive.
 */

import type { Sequence } from "../../srft/policy.ts";
import { quantile } from "../views/resample.ts";
import type { NamedModel } from "./dynamics-map.ts";
import { symmetricEigen } from "./symmetric-eigen.ts";

export interface LikelihoodMapOptions {
  /** The texts, two or more; prompts are not scored. */
  readonly on: readonly Sequence[];
  /** Share of the smallest log-likelihoods that are raised to the next, in [0, 1). Default 0.02, the paper's. */
  readonly clip?: number;
}

export interface LikelihoodMap {
  readonly models: readonly string[];
  /** Number of texts, N. */
  readonly texts: number;
  /** Var_s(l_i − l_j), [models, models] row-major, in nats²: about 2 KL in nats. Symmetric, 0 on the diagonal. */
  readonly squaredDistances: Float64Array;
  /** First two principal coordinates of each model, in nats: their squares add up to squared distances. */
  readonly points: readonly { readonly model: string; readonly x: number; readonly y: number }[];
  /** Share of the summed squared distances that each axis shows, in [0, 1]; 0 where all models are one. */
  readonly explained: readonly [x: number, y: number];
}

/**
 * Scores the texts with every model and maps them.
 *
 * @throws {RangeError} If there are fewer than two models or texts, names are not different, `clip` is out of range, or
 *   a log-likelihood is not finite; names the model and the text.
 * @example
 * const map = await likelihoodMap([{ name: "base", policy: base }, { name: "tuned", policy }], { on: texts.slice(0, 8) });
 * map.squaredDistances[0]; // 0
 */
export async function likelihoodMap(
  models: readonly NamedModel[],
  { on, clip = 0.02 }: LikelihoodMapOptions,
): Promise<LikelihoodMap> {
  const names = models.map(({ name }) => name);
  if (models.length < 2 || new Set(names).size !== models.length) {
    throw new RangeError(
      `likelihoodMap: expected two models or more with different names but found ${JSON.stringify(names)}`,
    );
  }
  if (on.length < 2) throw new RangeError(`likelihoodMap: expected two texts or more but found ${on.length}`);
  if (!(clip >= 0 && clip < 1)) throw new RangeError(`likelihoodMap: expected clip in [0, 1) but found ${clip}`);
  const rows: Float64Array[] = [];
  for (const model of models) rows.push(await likelihoods(model, on));
  return mapOf(names, clipped(rows, clip));
}

async function likelihoods({ name, policy }: NamedModel, on: readonly Sequence[]): Promise<Float64Array> {
  const { logprobs, offsets } = await policy.score(on);
  return Float64Array.from(on, (_, text) => {
    let sum = 0;
    for (let t = offsets[text]!; t < offsets[text + 1]!; t++) sum += logprobs[t]!;
    if (Number.isFinite(sum)) return sum;
    throw new RangeError(
      `likelihoodMap: expected a finite log-likelihood but found ${sum} of ${name} for text ${text}: leave the text out`,
    );
  });
}

function clipped(rows: readonly Float64Array[], clip: number): Float64Array[] {
  const sorted = Float64Array.from(rows.flatMap((row) => Array.from(row))).sort();
  const least = quantile(sorted, clip);
  return rows.map((row) => row.map((value) => Math.max(value, least)));
}

function mapOf(models: readonly string[], rows: readonly Float64Array[]): LikelihoodMap {
  const texts = rows[0]!.length;
  const centred = centreColumns(rows.map(centre));
  const n = models.length;
  const gram = Float64Array.from({ length: n * n }, (_, at) => {
    const [q, other] = [centred[Math.floor(at / n)]!, centred[at % n]!];
    return q.reduce((sum, value, s) => sum + value * other[s]!, 0) / texts;
  });
  const { values, vectors } = symmetricEigen(gram);
  const total = values.reduce((sum, value) => sum + Math.max(value, 0), 0);
  const axis = (k: number) => oriented(vectors[k]!.map((entry) => entry * Math.sqrt(Math.max(values[k]!, 0))));
  const [x, y] = [axis(0), axis(1)];
  const share = (k: number) => (total > 0 ? Math.max(values[k]!, 0) / total : 0);
  return {
    models,
    texts,
    squaredDistances: gram.map((_, at) => squaredDistance(centred[Math.floor(at / n)]!, centred[at % n]!) / texts),
    points: models.map((model, i) => ({ model, x: x[i]!, y: y[i]! })),
    explained: [share(0), share(1)],
  };
}

function centre(row: Float64Array): Float64Array {
  const middle = row.reduce((sum, value) => sum + value, 0) / row.length;
  return row.map((value) => value - middle);
}

function centreColumns(rows: readonly Float64Array[]): Float64Array[] {
  const middle = rows[0]!.map((_, s) => rows.reduce((sum, row) => sum + row[s]!, 0) / rows.length);
  return rows.map((row) => row.map((value, s) => value - middle[s]!));
}

const squaredDistance = (a: Float64Array, b: Float64Array) =>
  a.reduce((sum, value, s) => sum + (value - b[s]!) ** 2, 0);

function oriented(axis: Float64Array): Float64Array {
  const largest = axis.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);
  return largest < 0 ? axis.map((value) => -value) : axis;
}
