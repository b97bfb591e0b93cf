import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { divergenceRows, divergences, entropy, logSoftmax, rankOf, topK } from "../../src/analysis/divergences.ts";

function assertClose(got: number, expected: number, what: string) {
  const error = Math.abs(got - expected);
  assert.ok(
    got === expected || error <= Math.max(1e-14, 1e-12 * Math.abs(expected)),
    `${what}: ${got}, not ${expected}`,
  );
}

const logit = fc.oneof(
  { weight: 9, arbitrary: fc.double({ min: -60, max: 60, noNaN: true }) },
  { weight: 1, arbitrary: fc.constant(-Infinity) },
);
const row = (length: number) =>
  fc.array(logit, { minLength: length, maxLength: length }).filter((logits) => logits.some(Number.isFinite));
const pair = fc.integer({ min: 1, max: 12 }).chain((length) => fc.tuple(row(length), row(length)));

test("logSoftmax of equal logits is −log V, however large they are", () => {
  assert.deepEqual(logSoftmax([1e308, 1e308]), Float64Array.of(-Math.LN2, -Math.LN2));
  assert.deepEqual(logSoftmax([-1e308]), Float64Array.of(0));
});

test("logSoftmax gives a masked token −Infinity and the others what is left", () => {
  assert.deepEqual(logSoftmax([5, -Infinity, 5]), Float64Array.of(-Math.LN2, -Infinity, -Math.LN2));
});

test("logSoftmax refuses NaN, +Infinity and a row without a finite logit", () => {
  assert.throws(() => logSoftmax([0, Number.NaN]), /^RangeError: logSoftmax: .* found NaN at 1$/);
  assert.throws(() => logSoftmax([Infinity]), /^RangeError: logSoftmax: .* found Infinity at 0$/);
  assert.throws(() => logSoftmax([-Infinity]), /^RangeError: logSoftmax: expected at least one finite logit/);
  assert.throws(() => logSoftmax([]), RangeError);
});

test("logSoftmax is a distribution for all logits", () => {
  fc.assert(
    fc.property(row(7), (logits) => {
      assertClose(
        logSoftmax(logits).reduce((sum, logprob) => sum + Math.exp(logprob), 0),
        1,
        "sum",
      );
    }),
  );
});

test("entropy is log V for equal logits and 0 for a certain token", () => {
  assertClose(entropy(logSoftmax([3, 3, 3, 3])), Math.log(4), "entropy");
  assert.equal(entropy(logSoftmax([-Infinity, 3])), 0);
});

test("divergences of (1, 0) and (½, ½) are the values worked out by hand", () => {
  const { kl, reverseKl, js, tv } = divergences(logSoftmax([0, -Infinity]), logSoftmax([0, 0]));
  assertClose(kl, Math.LN2, "kl");
  assert.equal(reverseKl, Infinity);
  assertClose(js, 0.5 * Math.log(4 / 3) + 0.25 * Math.log(2 / 3) + 0.25 * Math.LN2, "js");
  assert.equal(tv, 0.5);
});

test("divergences of a distribution from itself are 0", () => {
  fc.assert(
    fc.property(row(5), (logits) => {
      const p = logSoftmax(logits);
      assert.deepEqual(divergences(p, p), { kl: 0, reverseKl: 0, js: 0, tv: 0 });
    }),
  );
});

test("divergences of distributions without a common token are KL ∞, JS ln 2, TV 1", () => {
  const [p, q] = [logSoftmax([0, -Infinity]), logSoftmax([-Infinity, 0])];
  assert.deepEqual(divergences(p, q), { kl: Infinity, reverseKl: Infinity, js: Math.LN2, tv: 1 });
});

test("divergences equal the naive sums over probabilities", () => {
  const finite = fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 6, maxLength: 6 });
  fc.assert(
    fc.property(finite, finite, (a, b) => {
      const [p, q] = [a, b].map((logits) => {
        const total = logits.reduce((sum, value) => sum + Math.exp(value), 0);
        return logits.map((value) => Math.exp(value) / total);
      }) as [number[], number[]];
      const relative = (x: number[], y: number[]) => x.reduce((sum, xv, v) => sum + xv * Math.log(xv / y[v]!), 0);
      const middle = p.map((pv, v) => (pv + q[v]!) / 2);
      const got = divergences(logSoftmax(a), logSoftmax(b));
      assert.ok(Math.abs(got.kl - relative(p, q)) < 1e-12);
      assert.ok(Math.abs(got.reverseKl - relative(q, p)) < 1e-12);
      assert.ok(Math.abs(got.js - (relative(p, middle) + relative(q, middle)) / 2) < 1e-12);
      assert.ok(Math.abs(got.tv - p.reduce((sum, pv, v) => sum + Math.abs(pv - q[v]!), 0) / 2) < 1e-12);
    }),
  );
});

test("divergences lie in their ranges, swap with their arguments and keep Pinsker's inequality", () => {
  fc.assert(
    fc.property(pair, ([a, b]) => {
      const [p, q] = [logSoftmax(a), logSoftmax(b)];
      const { kl, reverseKl, js, tv } = divergences(p, q);
      assert.ok(kl >= 0 && reverseKl >= 0 && js >= 0 && js <= Math.LN2 && tv >= 0 && tv <= 1);
      assert.ok(tv <= Math.sqrt(kl / 2) + 1e-7);
      const swapped = divergences(q, p);
      assert.deepEqual([swapped.kl, swapped.reverseKl, swapped.tv], [reverseKl, kl, tv]);
      assertClose(swapped.js, js, "js");
    }),
    { numRuns: 1000 },
  );
});

test("divergences refuse rows of different lengths and logits in place of log-probs", () => {
  assert.throws(() => divergences([0], [-Math.LN2, -Math.LN2]), /rows of one length but found 1 and 2$/);
  assert.throws(() => divergences([1, 2], logSoftmax([1, 2])), /give logits to logSoftmax first$/);
  assert.throws(() => entropy([0, 0]), /^RangeError: entropy: expected log-probs of sum 1 but found sum 2/);
});

test("divergenceRows equals divergences row by row", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(row(4), row(4)), { maxLength: 4 }), (rows) => {
      const p = Float64Array.from(rows.flatMap(([a]) => a));
      const q = Float64Array.from(rows.flatMap(([, b]) => b));
      const { kl, reverseKl, js, tv } = divergenceRows(p, q, { vocabularySize: 4 });
      const expected = rows.map(([a, b]) => divergences(logSoftmax(a), logSoftmax(b)));
      const got = expected.map((_, i) => ({ kl: kl[i], reverseKl: reverseKl[i], js: js[i], tv: tv[i] }));
      assert.deepEqual(got, expected);
      assert.equal(kl.length, rows.length);
    }),
  );
});

test("divergenceRows refuses arrays that are no [N, V]", () => {
  const [p, q] = [new Float32Array(6), new Float32Array(4)];
  assert.throws(() => divergenceRows(p, q, { vocabularySize: 2 }), /found 6 and 4 numbers$/);
  assert.throws(() => divergenceRows(p, p, { vocabularySize: 4 }), RangeError);
  assert.throws(() => divergenceRows(p, p, { vocabularySize: 0 }), RangeError);
});

test("rankOf counts the strictly larger, so equals share the best rank", () => {
  const values = [3, 1, 2, 2];
  assert.deepEqual(
    [0, 1, 2, 3].map((token) => rankOf(values, token)),
    [1, 4, 2, 2],
  );
});

test("rankOf refuses a token outside the vocabulary", () => {
  for (const token of [-1, 4, 0.5, Number.NaN]) assert.throws(() => rankOf([3, 1, 2, 2], token), /^RangeError: rankOf/);
});

test("topK is the head of a stable sort in descending order", () => {
  const values = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(values, fc.nat(), (numbers, seed) => {
      const k = 1 + (seed % numbers.length);
      const sorted = numbers.map((_, v) => v).sort((a, b) => numbers[b]! - numbers[a]! || a - b);
      const top = topK(numbers, k);
      assert.deepEqual([...top], sorted.slice(0, k));
      assert.equal(rankOf(numbers, top[0]!), 1);
    }),
  );
});

test("topK refuses k outside 1 … V", () => {
  for (const k of [0, 3, 1.5]) assert.throws(() => topK([1, 2], k), /^RangeError: topK: expected k in \[1, 2\]/);
});

interface Golden {
  readonly vocabularySize: number;
  readonly p: readonly (readonly (number | string)[])[];
  readonly q: readonly (readonly (number | string)[])[];
  readonly logprobs: readonly (readonly (number | string)[])[];
  readonly [column: string]: unknown;
}

const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../../test/golden/divergences.json"), "utf8"),
) as Golden;
const numbers = (values: readonly (number | string)[]) =>
  values.map((value) => (typeof value === "string" ? Number(value.replace("inf", "Infinity")) : value));

test("divergences, entropy and logSoftmax equal PyTorch and NumPy", () => {
  golden.p.forEach((logits, i) => {
    const [p, q] = [logSoftmax(numbers(logits)), logSoftmax(numbers(golden.q[i]!))];
    const expected = (column: string) => numbers(golden[column] as (number | string)[])[i]!;
    for (const [name, value] of Object.entries(divergences(p, q))) assertClose(value, expected(name), `${name} ${i}`);
    assertClose(entropy(p), expected("entropies"), `entropy ${i}`);
    for (const [v, logprob] of numbers(golden.logprobs[i]!).entries())
      assertClose(p[v]!, logprob, `logprob ${i}, ${v}`);
  });
});

test("topK and rankOf equal PyTorch", () => {
  const [first, end] = golden.topKRows as [number, number];
  golden.q.slice(first, end).forEach((logits, i) => {
    assert.deepEqual([...topK(numbers(logits), 5)], (golden.topK as number[][])[i]);
  });
  const ranks = golden.q.map((logits, i) => rankOf(numbers(logits), topK(numbers(golden.p[i]!), 1)[0]!));
  assert.deepEqual(ranks, golden.baseRanks);
});
