/**
 * Statistics of rows of logits, in one pass over memory: each chunk gives its maximum, then its sums relative to the largest
 * logit so far; a larger one scales what was summed before.
 */

import { bytesOf, chunkSize, floats, padded } from "./chunk";
import { count, exp2, exponents, largest, log2OfE, multiplyAdd, sum } from "./lanes";

/** Float64 numbers a row of results: maximum m, Σ e^(x−m), Σ e^(x−m) (x−m) log2 e, label's logit, argmax, label's rank. */
const record: usize = 48;

let maximum: f32 = 0;
let above: i32 = 0;
let total: f64 = 0;
let weighted: f64 = 0;
let found: i32 = 0;

/** Writes a record a row to `out`; and k descending logits to `topLogits`, their ids to `topIds`. */
export function tokenRows(
  logits: usize,
  dtype: i32,
  rows: i32,
  vocabularySize: i32,
  labels: usize,
  out: usize,
  k: i32,
  topLogits: usize,
  topIds: usize,
  scratch: usize,
): void {
  const bytes = bytesOf(dtype);
  for (let row = 0; row < rows; row++) {
    const label = <usize>load<u32>(labels);
    const labelLogit = load<f32>(floats(logits + label * bytes, 1, dtype, scratch));
    const argmax = readRow(logits, dtype, vocabularySize, labelLogit, k, topLogits, topIds, scratch);
    store<f64>(out, maximum, 0);
    store<f64>(out, total, 8);
    store<f64>(out, weighted, 16);
    store<f64>(out, labelLogit, 24);
    store<f64>(out, argmax, 32);
    store<f64>(out, above + 1, 40);
    logits += <usize>vocabularySize * bytes;
    labels += 4;
    out += record;
    topLogits += <usize>k << 2;
    topIds += <usize>k << 2;
  }
}

function readRow(
  logits: usize,
  dtype: i32,
  vocabularySize: i32,
  labelLogit: f32,
  k: i32,
  topLogits: usize,
  topIds: usize,
  scratch: usize,
): i32 {
  maximum = -f32.MAX_VALUE;
  above = 0;
  total = 0;
  weighted = 0;
  found = 0;
  let argmax = 0;
  for (let begin = 0; begin < vocabularySize; begin += chunkSize) {
    const n = min(chunkSize, vocabularySize - begin);
    const chunk = floats(logits + <usize>begin * bytesOf(dtype), n, dtype, scratch);
    const peak = scan(chunk, padded(n), labelLogit);
    if (peak > maximum) {
      raise(peak);
      argmax = begin + indexOf(chunk, peak);
    }
    accumulate(chunk, padded(n));
    if (k > 0) keepLargest(chunk, n, begin, k, topLogits, topIds);
  }
  return argmax;
}

/** The largest of a chunk; counts those above the label's. NaN is passed over here and found in the sums. */
function scan(chunk: usize, n: i32, labelLogit: f32): f32 {
  const label = f32x4.splat(labelLogit);
  let m0 = f32x4.splat(-Infinity);
  let m1 = m0;
  let c0 = i32x4.splat(0);
  let c1 = c0;
  for (const end = chunk + (<usize>n << 2); chunk < end; chunk += 32) {
    const a = v128.load(chunk, 0);
    const b = v128.load(chunk, 16);
    m0 = f32x4.pmax(m0, a);
    m1 = f32x4.pmax(m1, b);
    c0 = i32x4.sub(c0, f32x4.gt(a, label));
    c1 = i32x4.sub(c1, f32x4.gt(b, label));
  }
  above += count(i32x4.add(c0, c1));
  return largest(f32x4.pmax(m0, m1));
}

/** Makes the sums relative to a larger maximum. */
function raise(peak: f32): void {
  const rise = <f64>peak - <f64>maximum;
  const scale = Math.exp(-rise);
  weighted = scale * (weighted - rise * <f64>log2OfE * total);
  total *= scale;
  maximum = peak;
}

function accumulate(chunk: usize, n: i32): void {
  const m = f32x4.splat(maximum);
  let z0 = f32x4.splat(0);
  let z1 = z0;
  let w0 = z0;
  let w1 = z0;
  for (const end = chunk + (<usize>n << 2); chunk < end; chunk += 32) {
    const t0 = exponents(v128.load(chunk, 0), m);
    const t1 = exponents(v128.load(chunk, 16), m);
    const p0 = exp2(t0);
    const p1 = exp2(t1);
    z0 = f32x4.add(z0, p0);
    z1 = f32x4.add(z1, p1);
    w0 = multiplyAdd(p0, t0, w0);
    w1 = multiplyAdd(p1, t1, w1);
  }
  total += sum(z0) + sum(z1);
  weighted += sum(w0) + sum(w1);
}

function indexOf(chunk: usize, peak: f32): i32 {
  let i = 0;
  while (load<f32>(chunk + (<usize>i << 2)) !== peak) i++;
  return i;
}

/** Takes a chunk into the k largest so far, skipping sixteen at a time where none exceeds the last of them. */
function keepLargest(chunk: usize, n: i32, begin: i32, k: i32, topLogits: usize, topIds: usize): void {
  const last = topLogits + (<usize>(k - 1) << 2);
  for (let group = 0; group < n; group += 16) {
    if (found === k && !anyAbove(chunk + (<usize>group << 2), load<f32>(last))) continue;
    for (let i = group, end = min(n, group + 16); i < end; i++) {
      const logit = load<f32>(chunk + (<usize>i << 2));
      if (found < k || logit > load<f32>(last)) insert(logit, begin + i, k, topLogits, topIds);
    }
  }
}

@inline
function anyAbove(group: usize, least: f32): bool {
  const x = f32x4.pmax(v128.load(group, 0), v128.load(group, 16));
  const y = f32x4.pmax(v128.load(group, 32), v128.load(group, 48));
  return v128.any_true(f32x4.gt(f32x4.pmax(x, y), f32x4.splat(least)));
}

/** Of equals the one that came first, which has the smaller id, stays first. */
function insert(logit: f32, id: i32, k: i32, topLogits: usize, topIds: usize): void {
  let place = <usize>(found < k ? found++ : k - 1) << 2;
  for (; place > 0 && logit > load<f32>(topLogits + place - 4); place -= 4) {
    store<f32>(topLogits + place, load<f32>(topLogits + place - 4));
    store<i32>(topIds + place, load<i32>(topIds + place - 4));
  }
  store<f32>(topLogits + place, logit);
  store<i32>(topIds + place, id);
}
