/**
 * The largest singular values of an update Δ [m, n] that is never in memory, from a random sketch of s columns:
 *
 *     Y = Δ Ω, Ω [n, s] Gaussian     Q = orth(Y)     B = Qᵀ Δ     Ω ← orth(Bᵀ), and again     σ̂ = singular values of B
 *
 * Each of the products reads Δ once, in ranges of rows. σ̂_i ≤ σ_i up to rounding, equal for s = min(m, n): so the stable rank
 * ‖Δ‖²/σ̂₁² and the number of values that hold a share of the energy are upper bounds, tight where the values fall off.
 * @see Halko, Martinsson and Tropp, arXiv 0909.4061, algorithm 4.4 (subspace iteration)
 */

import { createRandom, type Random } from "../../random.ts";
import { symmetricEigen } from "../maps/symmetric-eigen.ts";

export interface RankOptions {
  /** s, columns of the sketch; the memory is (m + n) · s numbers. Default 32. */
  readonly sketch?: number;
  /** Share of ‖Δ‖² whose singular values are counted. Default 0.9. */
  readonly energy?: number;
  /** Times that the sketch is refined; each reads Δ twice. Default 2. */
  readonly iterations?: number;
  /** Default 0. */
  readonly seed?: number;
}

export interface RankSketch {
  /** σ̂, descending, s of them or min(m, n). */
  readonly singularValues: Float64Array;
  /** Whether the sketch has min(m, n) columns, so that there is nothing left to estimate. */
  readonly coverage: "all" | "sketch";
  /** ‖Δ‖² / σ̂₁²; 0 for Δ = 0. */
  readonly stableRank: number;
  /** The fewest singular values that hold the energy; null where the sketch does not hold it. */
  readonly energyRank: number | null;
  /** Values above max(m, n) · 2⁻²³ · σ₁, as PyTorch's matrix_rank counts in float32; null where only a sketch is known. */
  readonly rank: number | null;
}

/** Ranges of whole rows of Δ, from the first to the last; read anew with every call. */
export type Rows = () => AsyncIterable<{ readonly start: number; readonly values: Float64Array }>;

export interface MatrixSize {
  /** m. */
  readonly rows: number;
  /** n. */
  readonly columns: number;
}

/**
 * @param squares ‖Δ‖².
 * @example
 * async function* rows() { yield { start: 0, values: Float64Array.of(3, 0, 0, 4) }; }
 * (await rankSketch(rows, { rows: 2, columns: 2, squares: 25 }, {})).singularValues; // Float64Array [4, 3]
 */
export async function rankSketch(
  rows: Rows,
  size: MatrixSize & { readonly squares: number },
  { sketch = 32, energy = 0.9, iterations = 2, seed = 0 }: RankOptions,
): Promise<RankSketch> {
  const most = Math.min(size.rows, size.columns);
  const s = Math.min(sketch, most);
  const coverage = s === most ? "all" : "sketch";
  let right = gaussian(createRandom(seed), size.columns, s);
  let left = orthonormal(await timesRight(rows, right, size));
  for (let i = 0; i < iterations; i++) {
    right = orthonormal(await timesLeft(rows, left, size));
    left = orthonormal(await timesRight(rows, right, size));
  }
  const found = singularValuesOf(await timesLeft(rows, left, size));
  const singularValues = Float64Array.from({ length: s }, (_, i) => found[i] ?? 0);
  return { singularValues, coverage, ...ranksOf(singularValues, { size, energy, coverage }) };
}

/** Columns, each [length]. */
type Columns = readonly Float64Array[];

function gaussian(random: Random, length: number, count: number): Columns {
  const draw = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Array.from({ length: count }, () => Float64Array.from({ length }, draw));
}

/** Δ X, columns of m. */
async function timesRight(rows: Rows, x: Columns, { rows: m, columns: n }: MatrixSize): Promise<Columns> {
  const product = x.map(() => new Float64Array(m));
  for await (const { start, values } of rows()) {
    for (let at = 0, row = start; at < values.length; at += n, row++) {
      const one = values.subarray(at, at + n);
      for (let j = 0; j < x.length; j += 4) dots(one, [x[j]!, x[j + 1], x[j + 2], x[j + 3]], { product, j, row });
    }
  }
  return product;
}

type Four = readonly [Float64Array, Float64Array?, Float64Array?, Float64Array?];

/** Four dot products at once, since reading is what takes the time; absent columns repeat the first. */
function dots(
  one: Float64Array,
  [a, b = a, c = a, d = a]: Four,
  { product, j, row }: { product: Columns; j: number; row: number },
) {
  let [p, q, r, s] = [0, 0, 0, 0];
  for (let k = 0; k < one.length; k++) {
    const value = one[k]!;
    p += value * a[k]!;
    q += value * b[k]!;
    r += value * c[k]!;
    s += value * d[k]!;
  }
  for (const [i, sum] of [p, q, r, s].entries()) if (j + i < product.length) product[j + i]![row] = sum;
}

/** Δᵀ X, columns of n. */
async function timesLeft(rows: Rows, x: Columns, { columns: n }: MatrixSize): Promise<Columns> {
  const product = x.map(() => new Float64Array(n));
  for await (const { start, values } of rows()) {
    for (let at = 0, row = start; at < values.length; at += n, row++) {
      const one = values.subarray(at, at + n);
      for (const [j, column] of x.entries()) addScaled(product[j]!, one, column[row]!);
    }
  }
  return product;
}

/** Gram–Schmidt, twice, which keeps float64's accuracy; columns that depend on others are left out. */
function orthonormal(columns: Columns): Columns {
  const basis: Float64Array[] = [];
  for (const column of columns) {
    const before = norm(column);
    const rest = Float64Array.from(column);
    for (const _ of [1, 2]) for (const unit of basis) addScaled(rest, unit, -dot(rest, unit));
    const left = norm(rest);
    if (left > 1e-12 * before && left > 0) basis.push(rest.map((value) => value / left));
  }
  return basis;
}

/** From the Gram matrix, whose errors of 1e-16 σ₁² leave values above 1e-8 σ₁ exact enough. */
function singularValuesOf(columns: Columns): Float64Array {
  if (columns.length === 0) return new Float64Array(0);
  const gram = columns.flatMap((a) => columns.map((b) => dot(a, b)));
  return symmetricEigen(gram).values.map((value) => Math.sqrt(Math.max(value, 0)));
}

function ranksOf(
  values: Float64Array,
  { size, energy, coverage }: { size: MatrixSize & { squares: number }; energy: number; coverage: "all" | "sketch" },
) {
  const first = values[0] ?? 0;
  let held = 0;
  const place = values.findIndex((value) => {
    held += value * value;
    return held >= energy * size.squares * (1 - 1e-12);
  });
  const zero = size.squares === 0;
  const least = Math.max(size.rows, size.columns) * 2 ** -23 * first;
  return {
    stableRank: zero ? 0 : size.squares / (first * first),
    energyRank: zero ? 0 : place < 0 ? null : place + 1,
    rank: coverage === "all" || zero ? values.filter((value) => value > least).length : null,
  };
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

const norm = (a: Float64Array) => Math.sqrt(dot(a, a));

function addScaled(target: Float64Array, a: Float64Array, factor: number) {
  for (let i = 0; i < a.length; i++) target[i]! += factor * a[i]!;
}
