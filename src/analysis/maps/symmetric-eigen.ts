/**
 * Eigenvalues and eigenvectors of a small symmetric matrix by cyclic Jacobi rotations (Golub and Van Loan, Matrix
 * Computations, 8.5). Some n³ a sweep and five to ten sweeps, so for n up to some hundreds.
 */

export interface Eigen {
  /** Descending. */
  readonly values: Float64Array;
  /** Of unit length, in the order of the values. */
  readonly vectors: readonly Float64Array[];
}

const maxSweeps = 100;

/**
 * @param matrix [n, n] row-major, symmetric, finite.
 * @example
 * symmetricEigen([2, 1, 1, 2]).values; // Float64Array [3, 1]
 */
export function symmetricEigen(matrix: ArrayLike<number>): Eigen {
  const n = Math.round(Math.sqrt(matrix.length));
  const a = Float64Array.from(matrix);
  const v = Float64Array.from({ length: n * n }, (_, at) => (at % (n + 1) === 0 ? 1 : 0));
  const scale = Math.hypot(...a);
  for (let sweep = 0; sweep < maxSweeps && offDiagonal(a, n) > 1e-15 * scale; sweep++) {
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate({ a, v, n }, p, q);
  }
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => a[j * n + j]! - a[i * n + i]!);
  return {
    values: Float64Array.from(order, (i) => a[i * n + i]!),
    vectors: order.map((i) => Float64Array.from({ length: n }, (_, row) => v[row * n + i]!)),
  };
}

function offDiagonal(a: Float64Array, n: number) {
  return Math.sqrt(a.reduce((sum, value, at) => (at % (n + 1) === 0 ? sum : sum + value * value), 0));
}

/** Makes a[p, q] 0. */
function rotate({ a, v, n }: { a: Float64Array; v: Float64Array; n: number }, p: number, q: number) {
  const entry = a[p * n + q]!;
  if (entry === 0) return;
  const tau = (a[q * n + q]! - a[p * n + p]!) / (2 * entry);
  const tangent = (tau >= 0 ? 1 : -1) / (Math.abs(tau) + Math.sqrt(1 + tau * tau));
  const cosine = 1 / Math.sqrt(1 + tangent * tangent);
  const sine = tangent * cosine;
  const turn = (m: Float64Array, i: number, j: number) => {
    const [x, y] = [m[i]!, m[j]!];
    m[i] = cosine * x - sine * y;
    m[j] = sine * x + cosine * y;
  };
  for (let k = 0; k < n; k++) turn(a, k * n + p, k * n + q);
  for (let k = 0; k < n; k++) turn(a, p * n + k, q * n + k);
  for (let k = 0; k < n; k++) turn(v, k * n + p, k * n + q);
}
