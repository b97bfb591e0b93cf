/**
 * A row is read in chunks of 1024 logits, which stay in the first-level cache while several loops pass over them. Sums run
 * in float32 within a chunk, at most 128 terms a lane, and in float64 across chunks.
 */

/** Logits a chunk. */
export const chunkSize: i32 = 1024;

/** Element types; the numbers are those of dtypes in ../layout.ts. */
const float32: i32 = 0;
const float16: i32 = 1;

/** Bytes a logit. */
@inline
export function bytesOf(dtype: i32): usize {
  return dtype === float32 ? 4 : 2;
}

/** The length of a chunk of n logits after padding. */
@inline
export function padded(n: i32): i32 {
  return (n + 15) & ~15;
}

/**
 * Address of n logits as float32, followed by −Infinity up to a multiple of 16: where they are, if nothing needs to be
 * done, else in `scratch`.
 */
export function floats(from: usize, n: i32, dtype: i32, scratch: usize): usize {
  if (dtype === float32) {
    if ((n & 15) === 0) return from;
    memory.copy(scratch, from, <usize>n << 2);
  } else if (dtype === float16) {
    widenFloat16(from, n, scratch);
  } else {
    widenBfloat16(from, n, scratch);
  }
  for (let i = n; i < padded(n); i++) store<f32>(scratch + (<usize>i << 2), -Infinity);
  return scratch;
}

/** Four at a time: up to three read past the end lie inside the memory, and the padding overwrites them. */
function widenFloat16(from: usize, n: i32, to: usize): void {
  for (let i = 0; i < n; i += 4) {
    const half = v128.load_ext<u16>(from + (<usize>i << 1));
    v128.store(to + (<usize>i << 2), float16Lanes(half));
  }
}

function widenBfloat16(from: usize, n: i32, to: usize): void {
  for (let i = 0; i < n; i += 4) {
    v128.store(to + (<usize>i << 2), i32x4.shl(v128.load_ext<u16>(from + (<usize>i << 1)), 16));
  }
}

/** The exponent's bias differs by 112: a product with 2^112 mends it for subnormals too. Exponent 31 is ±Infinity or NaN. */
@inline
function float16Lanes(half: v128): v128 {
  const magnitude = v128.and(half, i32x4.splat(0x7fff));
  const finite = f32x4.mul(i32x4.shl(magnitude, 13), f32x4.splat(5.192296858534828e33));
  const special = v128.and(i32x4.gt_s(magnitude, i32x4.splat(0x7bff)), i32x4.splat(0x7f800000));
  const sign = i32x4.shl(v128.and(half, i32x4.splat(0x8000)), 16);
  return v128.or(v128.or(finite, special), sign);
}
