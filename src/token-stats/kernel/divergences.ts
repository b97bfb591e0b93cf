/**
 * Divergences of rows P and Q of logits, in three passes over a pair of rows (which stay in the second-level cache):
 * maxima; sums that give both normalisers and both KL; and, on normalised probabilities, Jensen–Shannon and total variation.
 */

import { bytesOf, chunkSize, floats, padded } from "./chunk";
import { exp2, exponents, largest, log2, log2OfE, multiplyAdd, sum } from "./lanes";

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
  totalP = totalQ = forward = backward = jensenShannon = variation = 0;
  for (let begin = 0; begin < vocabularySize; begin += chunkSize) {
    const n = min(chunkSize, vocabularySize - begin);
    const a = floats(p + <usize>begin * bytes, n, dtype, scratch);
    const b = floats(q + <usize>begin * bytes, n, dtype, second);
    accumulate(a, b, padded(n), maximumP, maximumQ);
  }
  const logP = <f32>(Math.log(totalP) * <f64>log2OfE);
  const logQ = <f32>(Math.log(totalQ) * <f64>log2OfE);
  for (let begin = 0; begin < vocabularySize; begin += chunkSize) {
    const n = min(chunkSize, vocabularySize - begin);
    const a = floats(p + <usize>begin * bytes, n, dtype, scratch);
    const b = floats(q + <usize>begin * bytes, n, dtype, second);
    compare(a, b, padded(n), maximumP, maximumQ, logP, logQ);
  }
}

/** Where a probability is 0 it contributes 0, even if the difference is infinite; NaN !== 0, so that NaN is kept. */
@inline
function product(probability: v128, difference: v128): v128 {
  return v128.and(f32x4.mul(probability, difference), f32x4.ne(probability, f32x4.splat(0)));
}

function accumulate(a: usize, b: usize, n: i32, maximumP: f32, maximumQ: f32): void {
  const scale = f32x4.splat(log2OfE);
  const least = f32x4.splat(-127);
  const mp = f32x4.splat(maximumP);
  const mq = f32x4.splat(maximumQ);
  let zp = f32x4.splat(0);
  let zq = zp;
  let kl = zp;
  let reverseKl = zp;
  for (const end = a + (<usize>n << 2); a < end; a += 16, b += 16) {
    const u = f32x4.mul(f32x4.sub(v128.load(a), mp), scale);
    const v = f32x4.mul(f32x4.sub(v128.load(b), mq), scale);
    const p = exp2(f32x4.pmax(u, least));
    const q = exp2(f32x4.pmax(v, least));
    zp = f32x4.add(zp, p);
    zq = f32x4.add(zq, q);
    kl = f32x4.add(kl, product(p, f32x4.sub(u, v)));
    reverseKl = f32x4.add(reverseKl, product(q, f32x4.sub(v, u)));
  }
  totalP += sum(zp);
  totalQ += sum(zq);
  forward += sum(kl);
  backward += sum(reverseKl);
}

function compare(a: usize, b: usize, n: i32, maximumP: f32, maximumQ: f32, logP: f32, logQ: f32): void {
  const least = f32x4.splat(-127);
  const mp = f32x4.splat(maximumP);
  const mq = f32x4.splat(maximumQ);
  const lp = f32x4.splat(logP);
  const lq = f32x4.splat(logQ);
  const one = f32x4.splat(1);
  let js = f32x4.splat(0);
  let tv = js;
  for (const end = a + (<usize>n << 2); a < end; a += 16, b += 16) {
    const u = f32x4.pmax(f32x4.sub(exponents(v128.load(a), mp), lp), least);
    const v = f32x4.pmax(f32x4.sub(exponents(v128.load(b), mq), lq), least);
    const p = exp2(u);
    const q = exp2(v);
    const middle = f32x4.sub(log2(f32x4.add(p, q)), one);
    js = multiplyAdd(p, f32x4.sub(u, middle), js);
    js = multiplyAdd(q, f32x4.sub(v, middle), js);
    tv = f32x4.add(tv, f32x4.abs(f32x4.sub(p, q)));
  }
  jensenShannon += sum(js);
  variation += sum(tv);
}
