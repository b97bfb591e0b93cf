/**
 * Arithmetic on four float32 lanes. Relaxed SIMD, where the module is built for it, contracts a × b + c to one rounding.
 */

/** log2(e) as float32 rounds it: logits in nats times this are exponents of two. */
export const log2OfE: f32 = 1.4426950216293335;
const ln2: f32 = 0.6931471805599453;

@inline
export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/**
 * Exponents of two of logits below a maximum: (x − maximum) log2(e). Not below −127, where exp2 is exactly 0;
 * NaN stays NaN.
 */
@inline
export function exponents(x: v128, maximum: v128): v128 {
  const t = f32x4.mul(f32x4.sub(x, maximum), f32x4.splat(log2OfE));
  return f32x4.pmax(t, f32x4.splat(-127));
}

/**
 * 2^t for t in [−127, 1], relative error < 2e-7; exactly 1 at 0 and exactly 0 at −127.
 * t = n + f with |f| <= 1/2: a minimax polynomial gives 2^f, and n is added to its exponent. Adding 1.5 × 2^23 rounds t to
 * n and leaves n in the low bits.
 */
@inline
export function exp2(t: v128): v128 {
  const shifter = f32x4.splat(12582912);
  const shifted = f32x4.add(t, shifter);
  const f = f32x4.sub(t, f32x4.sub(shifted, shifter));
  let p = multiplyAdd(f32x4.splat(0.001326472731307149), f, f32x4.splat(0.009671512991189957));
  p = multiplyAdd(p, f, f32x4.splat(0.05550733581185341));
  p = multiplyAdd(p, f, f32x4.splat(0.24022242426872253));
  p = multiplyAdd(p, f, f32x4.splat(0.6931470036506653));
  p = multiplyAdd(p, f, f32x4.splat(1));
  return i32x4.add(p, i32x4.shl(shifted, 23));
}

/** log2(x) for normal x > 0, absolute error < 5e-7; finite for x = 0. The mantissa is taken to [√½, √2). */
@inline
export function log2(x: v128): v128 {
  const rootHalf = i32x4.splat(0x3f3504f3);
  const exponent = i32x4.shr_s(i32x4.sub(x, rootHalf), 23);
  const m = f32x4.sub(i32x4.sub(x, i32x4.shl(exponent, 23)), f32x4.splat(1));
  let p = multiplyAdd(f32x4.splat(0.17063450813293457), m, f32x4.splat(-0.27269792556762695));
  p = multiplyAdd(p, m, f32x4.splat(0.297262579202652));
  p = multiplyAdd(p, m, f32x4.splat(-0.3589618504047394));
  p = multiplyAdd(p, m, f32x4.splat(0.48046502470970154));
  p = multiplyAdd(p, m, f32x4.splat(-0.7213758826255798));
  p = multiplyAdd(p, m, f32x4.splat(1.442699670791626));
  return multiplyAdd(p, m, f32x4.convert_i32x4_s(exponent));
}

/** Sum of the lanes, in float64. */
@inline
export function sum(x: v128): f64 {
  const pairs = f64x2.add(
    f64x2.promote_low_f32x4(x),
    f64x2.promote_low_f32x4(v128.shuffle<i32>(x, x, 2, 3, 0, 1)),
  );
  return f64x2.extract_lane(pairs, 0) + f64x2.extract_lane(pairs, 1);
}

@inline
export function count(x: v128): i32 {
  return i32x4.extract_lane(x, 0) + i32x4.extract_lane(x, 1) + i32x4.extract_lane(x, 2) + i32x4.extract_lane(x, 3);
}

@inline
export function largest(x: v128): f32 {
  const pairs = f32x4.pmax(x, v128.shuffle<i32>(x, x, 2, 3, 0, 1));
  const a = f32x4.extract_lane(pairs, 0);
  const b = f32x4.extract_lane(pairs, 1);
  return a < b ? b : a;
}
