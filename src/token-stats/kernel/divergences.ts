/**
 * Divergences of rows P and Q of logits, in three passes over a pair of rows (which stay in the second-level cache):
 * maxima; sums that give both normalisers and both KL; and, on normalised probabilities, Jensen–Shannon and total variation.
 */

import { bytesOf, chunkSize, floats, padded } from "./chunk";
import { exp2, largest, log2, log2OfE, multiplyAdd, sum } from "./lanes";

/**
 * Float64 numbers a row of results: maxima m and m′, Σ e^(x−m), Σ e^(y−m′), Σ e^(x−m) d and −Σ e^(y−m′) d with
 * d = ((x − m) − (y − m′)) log2 e, Σ P log2(P/M) + Q log2(Q/M), Σ |P − Q|.
 */
const record: usize = 64;

let totalP: f64 = 0;
let totalQ: f64 = 0;
let forward: f64 = 0;
let backward: f64 = 0;
let jensenShannon: f64 = 0;
let variation: f64 = 0;

/** Writes a record a row to `out`. */
export function divergenceRows(
  p: usize,
  q: usize,
  dtype: i32,
  rows: i32,
  vocabularySize: i32,
  out: usize,
  scratch: usize,
): void {
  const bytes = <usize>vocabularySize * bytesOf(dtype);
  for (let row = 0; row < rows; row++) {
    const maximumP = rowMaximum(p, dtype, vocabularySize, scratch);
    const maximumQ = rowMaximum(q, dtype, vocabularySize, scratch);
    readRow(p, q, dtype, vocabularySize, maximumP, maximumQ, scratch);
    store<f64>(out, maximumP, 0);
    store<f64>(out, maximumQ, 8);
    store<f64>(out, totalP, 16);
    store<f64>(out, totalQ, 24);
    store<f64>(out, forward, 32);
    store<f64>(out, backward, 40);
    store<f64>(out, jensenShannon, 48);
    store<f64>(out, variation, 56);
    p += bytes;
    q += bytes;
    out += record;
  }
}

/** Not below the smallest float32, so that differences to it are numbers. */
function rowMaximum(logits: usize, dtype: i32, vocabularySize: i32, scratch: usize): f32 {
  let m0 = f32x4.splat(-f32.MAX_VALUE);
  let m1 = m0;
  for (let begin = 0; begin < vocabularySize; begin += chunkSize) {
    const n = min(chunkSize, vocabularySize - begin);
    let chunk = floats(logits + <usize>begin * bytesOf(dtype), n, dtype, scratch);
    for (const end = chunk + (<usize>padded(n) << 2); chunk < end; chunk += 32) {
      m0 = f32x4.pmax(m0, v128.load(chunk, 0));
      m1 = f32x4.pmax(m1, v128.load(chunk, 16));
    }
  }
  return largest(f32x4.pmax(m0, m1));
}

function readRow(
  p: usize,
  q: usize,
  dtype: i32,
  vocabularySize: i32,
  maximumP: f32,
  maximumQ: f32,
  scratch: usize,
): void {
  const bytes = bytesOf(dtype);
  const second = scratch + (<usize>chunkSize << 2);
  const keptP = second + (<usize>chunkSize << 2);
  const keptQ = keptP + (<usize>padded(vocabularySize) << 2);
  totalP = totalQ = forward = backward = jensenShannon = variation = 0;
  for (let begin = 0; begin < vocabularySize; begin += chunkSize) {
    const n = min(chunkSize, vocabularySize - begin);
    const a = floats(p + <usize>begin * bytes, n, dtype, scratch);
    const b = floats(q + <usize>begin * bytes, n, dtype, second);
    accumulate(a, b, padded(n), maximumP, maximumQ, keptP + (<usize>begin << 2), keptQ + (<usize>begin << 2));
  }
  for (let begin = 0; begin < vocabularySize; begin += chunkSize) {
    const n = min(chunkSize, vocabularySize - begin);
    const a = floats(p + <usize>begin * bytes, n, dtype, scratch);
    const b = floats(q + <usize>begin * bytes, n, dtype, second);
    compare(a, b, padded(n), maximumP, maximumQ, keptP + (<usize>begin << 2), keptQ + (<usize>begin << 2));
  }
}

/**
 * sum + probability × difference; a probability of 0 adds 0, even if the difference is infinite. NaN !== 0, so that NaN stays.
 */
@inline
function addProduct(sum: v128, probability: v128, difference: v128): v128 {
  const used = f32x4.ne(probability, f32x4.splat(0));
  return multiplyAdd(probability, v128.and(difference, used), sum);
}

@inline
function exponent(x: v128, maximum: v128): v128 {
  return f32x4.mul(f32x4.sub(x, maximum), f32x4.splat(log2OfE));
}

/** Keeps e^(x−m) and e^(y−m′) at `keepP` and `keepQ`. */
function accumulate(a: usize, b: usize, n: i32, maximumP: f32, maximumQ: f32, keepP: usize, keepQ: usize): void {
  const least = f32x4.splat(-127);
  const mp = f32x4.splat(maximumP);
  const mq = f32x4.splat(maximumQ);
  let zp = f32x4.splat(0);
  let zq = zp;
  let kl = zp;
  let reverseKl = zp;
  for (const end = a + (<usize>n << 2); a < end; a += 32, b += 32, keepP += 32, keepQ += 32) {
    const u0 = exponent(v128.load(a, 0), mp);
    const v0 = exponent(v128.load(b, 0), mq);
    const u1 = exponent(v128.load(a, 16), mp);
    const v1 = exponent(v128.load(b, 16), mq);
    const p0 = exp2(f32x4.pmax(u0, least));
    const q0 = exp2(f32x4.pmax(v0, least));
    const p1 = exp2(f32x4.pmax(u1, least));
    const q1 = exp2(f32x4.pmax(v1, least));
    v128.store(keepP, p0, 0);
    v128.store(keepQ, q0, 0);
    v128.store(keepP, p1, 16);
    v128.store(keepQ, q1, 16);
    zp = f32x4.add(zp, f32x4.add(p0, p1));
    zq = f32x4.add(zq, f32x4.add(q0, q1));
    const d0 = f32x4.sub(u0, v0);
    const d1 = f32x4.sub(u1, v1);
    kl = addProduct(addProduct(kl, p0, d0), p1, d1);
    reverseKl = addProduct(addProduct(reverseKl, q0, d0), q1, d1);
  }
  totalP += sum(zp);
  totalQ += sum(zq);
  forward += sum(kl);
  backward -= sum(reverseKl);
}

/** p log2(p / m) + q log2(q / m), m = (p + q) / 2, of p = 2^u and q = 2^v. */
@inline
function toMiddle(u: v128, v: v128, p: v128, q: v128): v128 {
  const middle = f32x4.sub(log2(f32x4.add(p, q)), f32x4.splat(1));
  return multiplyAdd(p, f32x4.sub(u, middle), f32x4.mul(q, f32x4.sub(v, middle)));
}

/** log2 of probabilities, not below −127. */
@inline
function normalised(x: v128, maximum: v128, logTotal: v128): v128 {
  return f32x4.pmax(f32x4.sub(exponent(x, maximum), logTotal), f32x4.splat(-127));
}

function compare(a: usize, b: usize, n: i32, maximumP: f32, maximumQ: f32, keptP: usize, keptQ: usize): void {
  const mp = f32x4.splat(maximumP);
  const mq = f32x4.splat(maximumQ);
  const lp = f32x4.splat(<f32>(Math.log(totalP) * <f64>log2OfE));
  const lq = f32x4.splat(<f32>(Math.log(totalQ) * <f64>log2OfE));
  const sp = f32x4.splat(<f32>(1 / totalP));
  const sq = f32x4.splat(<f32>(1 / totalQ));
  let js = f32x4.splat(0);
  let tv = js;
  for (const end = a + (<usize>n << 2); a < end; a += 32, b += 32, keptP += 32, keptQ += 32) {
    const p0 = f32x4.mul(v128.load(keptP, 0), sp);
    const q0 = f32x4.mul(v128.load(keptQ, 0), sq);
    const p1 = f32x4.mul(v128.load(keptP, 16), sp);
    const q1 = f32x4.mul(v128.load(keptQ, 16), sq);
    const js0 = toMiddle(normalised(v128.load(a, 0), mp, lp), normalised(v128.load(b, 0), mq, lq), p0, q0);
    const js1 = toMiddle(normalised(v128.load(a, 16), mp, lp), normalised(v128.load(b, 16), mq, lq), p1, q1);
    js = f32x4.add(js, f32x4.add(js0, js1));
    tv = f32x4.add(tv, f32x4.add(f32x4.abs(f32x4.sub(p0, q0)), f32x4.abs(f32x4.sub(p1, q1))));
  }
  jensenShannon += sum(js);
  variation += sum(tv);
}
