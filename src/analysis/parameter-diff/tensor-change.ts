/** Sums over the elements of a tensor, piece by piece, in float64. */

import { toBfloat16 } from "./bfloat16.ts";

/** What is summed; sums of two tensors are the sum of both. */
export interface ChangeSums {
  elements: number;
  /** Σ Δ². */
  squares: number;
  /** Σ a². */
  baseSquares: number;
  /** max |Δ|. */
  max: number;
  /** Elements with |Δ| ≤ tolerance. */
  unchanged: number;
  /** Elements with |bf16(b) − bf16(a)| ≤ 1e-5. */
  unchangedBfloat16: number;
  /** Elements with bf16(b) = bf16(a). */
  equalBfloat16: number;
}

/** Below which two bfloat16 weights count as equal (arXiv 2505.11711, section 2). */
export const bfloat16Tolerance = 1e-5;

export const noChange = (): ChangeSums => ({
  elements: 0,
  squares: 0,
  baseSquares: 0,
  max: 0,
  unchanged: 0,
  unchangedBfloat16: 0,
  equalBfloat16: 0,
});

/**
 * Adds a range of a tensor.
 *
 * @returns The first place of a weight that is not finite, or −1.
 * @example
 * const sums = noChange();
 * addChange(sums, [Float32Array.of(1, 2), Float32Array.of(1, 2.5)], { tolerance: 0 }); // -1
 * [sums.squares, sums.unchanged]; // [0.25, 1]
 */
export function addChange(
  sums: ChangeSums,
  [a, b]: readonly [Float32Array, Float32Array],
  { tolerance }: { readonly tolerance: number },
): number {
  const [aBits, bBits, n] = [bitsOf(a), bitsOf(b), a.length];
  const rounded = new Int32Array(2);
  const asFloats = new Float32Array(rounded.buffer);
  let [squares, baseSquares, max, unchanged, unchangedBfloat16, equalBfloat16] = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    const weight = a[i]!;
    const delta = Math.abs(b[i]! - weight);
    if (!(delta < Infinity)) return i;
    baseSquares += weight * weight;
    squares += delta * delta;
    if (delta > max) max = delta;
    if (delta <= tolerance) unchanged++;
    const [p, q] = [toBfloat16(aBits[i]!), toBfloat16(bBits[i]!)];
    if (p === q || delta === 0) {
      equalBfloat16++;
      unchangedBfloat16++;
      continue;
    }
    rounded[0] = p;
    rounded[1] = q;
    const apart = Math.abs(asFloats[1]! - asFloats[0]!);
    if (apart === 0) equalBfloat16++; // 0 and −0
    if (apart <= bfloat16Tolerance) unchangedBfloat16++;
  }
  const found = { elements: n, squares, baseSquares, max, unchanged, unchangedBfloat16, equalBfloat16 };
  Object.assign(sums, addSums(sums, found));
  return -1;
}

const bitsOf = (weights: Float32Array) => new Int32Array(weights.buffer, weights.byteOffset, weights.length);

/** The sums of two disjoint parts. */
export function addSums(a: ChangeSums, b: ChangeSums): ChangeSums {
  return {
    elements: a.elements + b.elements,
    squares: a.squares + b.squares,
    baseSquares: a.baseSquares + b.baseSquares,
    max: Math.max(a.max, b.max),
    unchanged: a.unchanged + b.unchanged,
    unchangedBfloat16: a.unchangedBfloat16 + b.unchangedBfloat16,
    equalBfloat16: a.equalBfloat16 + b.equalBfloat16,
  };
}
