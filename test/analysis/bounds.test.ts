import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { divergences, entropy, logSoftmax, topK } from "../../src/analysis/divergences.ts";
import { divergenceBounds, entropyBounds, type Interval } from "../../src/analysis/evidence/bounds.ts";

const measures = ["kl", "reverseKl", "js", "tv"] as const;

/** The k likeliest, and other tokens whose log-prob is known as well. */
function listOf(logprobs: Float64Array, k: number, others: readonly number[] = []) {
  const top = topK(logprobs, k);
  const ids = [...new Set([...top, ...others])];
  return { ids, logprobs: ids.map((id) => logprobs[id]!), cap: logprobs[top.at(-1)!]! };
}

function assertContains([low, high]: Interval, truth: number, { slack = 0, what = "" } = {}) {
  assert.ok(low <= truth + slack && truth <= high + slack, `${what}: ${truth} is not in [${low}, ${high}]`);
}

const logit = fc.oneof(
  { weight: 12, arbitrary: fc.double({ min: -12, max: 12, noNaN: true }) },
  { weight: 1, arbitrary: fc.constant(-Infinity) },
  { weight: 1, arbitrary: fc.constant(0) },
);
const row = (length: number) =>
  fc.array(logit, { minLength: length, maxLength: length }).filter((logits) => logits.some(Number.isFinite));
const pair = fc
  .integer({ min: 1, max: 14 })
  .chain((length) => fc.record({ a: row(length), b: row(length), label: fc.nat(length - 1) }));

test("divergenceBounds and entropyBounds contain the truth, for random distributions and every k", () => {
  fc.assert(
    fc.property(pair, ({ a, b, label }) => {
      const [p, q] = [logSoftmax(a), logSoftmax(b)];
      const truth = divergences(p, q);
      for (let k = 1; k <= a.length; k++) {
        const options = { vocabularySize: a.length, tolerance: 0 };
        const [listP, listQ] = [listOf(p, k, [label]), listOf(q, k, [label])];
        const bounds = divergenceBounds(listP, listQ, options);
        for (const measure of measures)
          assertContains(bounds[measure], truth[measure], { slack: 1e-11, what: `${measure}, k ${k}` });
        assertContains(entropyBounds(listP, options), entropy(p), { slack: 1e-11, what: `entropy, k ${k}` });
      }
    }),
    { numRuns: 3000 },
  );
});

test("divergenceBounds contain the truth where one side is known whole, and where k differs", () => {
  fc.assert(
    fc.property(pair, fc.nat(), fc.nat(), ({ a, b, label }, i, j) => {
      const [p, q] = [logSoftmax(a), logSoftmax(b)];
      const options = { vocabularySize: a.length, tolerance: 0 };
      const [k, m] = [1 + (i % a.length), 1 + (j % a.length)];
      for (const [listP, listQ] of [
        [listOf(p, k), listOf(q, a.length)],
        [listOf(p, a.length), listOf(q, k)],
        [listOf(p, k), listOf(q, m, [label])],
        [{ ...listOf(p, k), cap: 0 }, listOf(q, m)],
      ] as const) {
        const bounds = divergenceBounds(listP, listQ, options);
        const truth = divergences(p, q);
        for (const measure of measures)
          assertContains(bounds[measure], truth[measure], { slack: 1e-11, what: measure });
      }
    }),
    { numRuns: 2000 },
  );
});

test("divergenceBounds and entropyBounds contain the truth of log-probs that were rounded within the tolerance", () => {
  fc.assert(
    fc.property(pair, fc.double({ min: 1e-6, max: 0.1, noNaN: true }), fc.nat(), ({ a, b, label }, tolerance, seed) => {
      const [p, q] = [logSoftmax(a), logSoftmax(b)];
      const noise = (i: number) => tolerance * Math.sin(seed + 7 * i);
      const k = 1 + (seed % a.length);
      const noisy = (list: ReturnType<typeof listOf>) => ({
        ...list,
        cap: list.cap + noise(99),
        logprobs: list.logprobs.map((logprob, i) => Math.min(logprob + noise(i), 0)),
      });
      const [listP, listQ] = [noisy(listOf(p, k, [label])), noisy(listOf(q, k, [label]))];
      const mass = ({ logprobs }: typeof listP) => logprobs.reduce((sum, logprob) => sum + Math.exp(logprob), 0);
      fc.pre(mass(listP) <= Math.exp(tolerance) && mass(listQ) <= Math.exp(tolerance));
      const options = { vocabularySize: a.length, tolerance };
      const [bounds, truth] = [divergenceBounds(listP, listQ, options), divergences(p, q)];
      for (const measure of measures) assertContains(bounds[measure], truth[measure], { slack: 1e-11, what: measure });
      assertContains(entropyBounds(listP, options), entropy(p), { slack: 1e-11, what: "entropy" });
    }),
    { numRuns: 2000 },
  );
});

test("divergenceBounds with a floor under all log-probs bound KL from above, and contain it", () => {
  const finite = fc.array(fc.double({ min: -6, max: 6, noNaN: true }), { minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(finite, finite, fc.integer({ min: 1, max: 8 }), (a, b, k) => {
      const [p, q] = [logSoftmax(a), logSoftmax(b)];
      const floor = Math.min(...p, ...q);
      const bounds = divergenceBounds(listOf(p, k), listOf(q, k), { vocabularySize: 8, tolerance: 0, floor });
      const truth = divergences(p, q);
      for (const measure of ["kl", "reverseKl"] as const) {
        assert.ok(bounds[measure][1] < Infinity);
        assertContains(bounds[measure], truth[measure], { slack: 1e-11, what: measure });
      }
    }),
    { numRuns: 1000 },
  );
});

test("divergenceBounds and entropyBounds of whole distributions are the value itself", () => {
  fc.assert(
    fc.property(pair, ({ a, b }) => {
      const [p, q] = [logSoftmax(a), logSoftmax(b)];
      const options = { vocabularySize: a.length, tolerance: 0 };
      const [listP, listQ] = [listOf(p, a.length), listOf(q, a.length)];
      const [bounds, truth] = [divergenceBounds(listP, listQ, options), divergences(p, q)];
      for (const measure of measures) {
        for (const end of bounds[measure]) {
          assert.ok(end === truth[measure] || Math.abs(end - truth[measure]) < 1e-9 * (1 + truth[measure]), measure);
        }
      }
      for (const end of entropyBounds(listP, options)) assert.ok(Math.abs(end - entropy(p)) < 1e-9);
    }),
  );
});

test("entropyBounds are reached by the flattest and by the steepest tail below the cap", () => {
  const options = { vocabularySize: 6, tolerance: 0 };
  const list = (cap: number) => ({ ids: [0, 1], logprobs: [Math.log(0.5), Math.log(0.2)], cap: Math.log(cap) });
  const of = (...probs: number[]) => probs.reduce((sum, p) => sum - p * Math.log(p), 0);
  const close = ([low, high]: Interval, [least, most]: Interval) =>
    assert.ok(Math.abs(low - least) < 1e-10 && Math.abs(high - most) < 1e-10, `[${low}, ${high}]`);
  close(entropyBounds(list(0.2), options), [of(0.5, 0.2, 0.2, 0.1), of(0.5, 0.2, 0.075, 0.075, 0.075, 0.075)]);
  close(entropyBounds(list(1), options), [of(0.5, 0.2, 0.3), of(0.5, 0.2, 0.075, 0.075, 0.075, 0.075)]);
  assert.equal(entropyBounds(list(0.2), { vocabularySize: Infinity })[1], Infinity);
});

test("divergenceBounds of TV are reached: by tails on the same tokens, and by tails on different ones", () => {
  const options = { vocabularySize: 100, tolerance: 0 };
  const p = { ids: [0, 1], logprobs: [Math.log(0.6), Math.log(0.2)], cap: Math.log(0.2) };
  const q = { ids: [0, 1], logprobs: [Math.log(0.3), Math.log(0.3)], cap: Math.log(0.3) };
  const [low, high] = divergenceBounds(p, q, options).tv;
  assert.ok(Math.abs(low - 0.3) < 1e-10); // ½(0.3 + 0.1 + |0.2 − 0.4|)
  assert.ok(Math.abs(high - 0.5) < 1e-10); // 1 − min(0.6, 0.3) − min(0.2, 0.3)
});

test("divergenceBounds are tighter when the k-th bounds the tail: a first choice beyond the other's list is shifted", () => {
  const p = { ids: [0], logprobs: [Math.log(0.9)], cap: Math.log(0.1) };
  const q = { ids: [1, 2], logprobs: [Math.log(0.6), Math.log(0.1)], cap: Math.log(0.1) };
  const [capped, free] = [q, { ...q, cap: 0 }].map((list) => divergenceBounds(p, list, { vocabularySize: 1000 }));
  assert.ok(capped!.kl[0] > free!.kl[0] + 0.3 && capped!.tv[0] > free!.tv[0] + 0.1);
  assert.ok(Math.abs(capped!.tv[0] - 0.8) < 1e-5); // q of token 0 is at most 0.1
  assert.equal(capped!.kl[1], Infinity);
});

test("divergenceBounds never renormalise: two equal lists may hide different tails", () => {
  const list = { ids: [0], logprobs: [Math.log(0.6)], cap: Math.log(0.6) };
  const { kl, js, tv } = divergenceBounds(list, list, { vocabularySize: 1000 });
  for (const [low] of [kl, js, tv]) assert.ok(low < 1e-5);
  assert.ok(Math.abs(tv[1] - 0.4) < 1e-5 && Math.abs(js[1] - 0.4 * Math.LN2) < 1e-5);
  assert.equal(kl[1], Infinity);
});

interface Golden {
  readonly vocabularySize: number;
  readonly cases: readonly {
    readonly k: number;
    readonly p: readonly number[];
    readonly q: readonly number[];
    readonly truth: Record<(typeof measures)[number] | "entropy", number>;
    readonly lower: Record<"kl" | "reverseKl" | "js", number>;
  }[];
}
const golden: Golden = JSON.parse(readFileSync(join(import.meta.dirname, "../../../test/golden/bounds.json"), "utf8"));

test("divergenceBounds' lower ends are the least that SciPy's optimizer finds", () => {
  for (const { k, p, q, lower } of golden.cases) {
    const [logP, logQ] = [Float64Array.from(p, Math.log), Float64Array.from(q, Math.log)];
    const options = { vocabularySize: golden.vocabularySize, tolerance: 0 };
    const bounds = divergenceBounds(listOf(logP, k), listOf(logQ, k), options);
    for (const [measure, least] of Object.entries(lower)) {
      const got = bounds[measure as "kl"][0];
      assert.ok(Math.abs(got - least) < 1e-5, `${measure}, k ${k}: ${got}, not ${least}`);
    }
  }
});

test("divergences and entropy equal SciPy's, and bounds contain them", () => {
  for (const { k, p, q, truth } of golden.cases) {
    const [logP, logQ] = [Float64Array.from(p, Math.log), Float64Array.from(q, Math.log)];
    const options = { vocabularySize: golden.vocabularySize };
    const [listP, listQ] = [listOf(logP, k), listOf(logQ, k)];
    const bounds = { ...divergenceBounds(listP, listQ, options), entropy: entropyBounds(listP, options) };
    const values = { ...divergences(logP, logQ), entropy: entropy(logP) };
    for (const [what, value] of Object.entries(truth)) {
      const got = values[what as keyof typeof values];
      assert.ok(Math.abs(got - value) < 1e-12 * Math.max(1, value), `${what}: ${got}, not ${value}`);
      assertContains(bounds[what as keyof typeof bounds], value, { what });
    }
  }
});

const fine = { ids: [0], logprobs: [-1] };
const refusals: Record<string, [object, object, RegExp]> = {
  "probabilities above 1": [
    { ids: [0, 1], logprobs: [0, 0] },
    {},
    /expected known probabilities of sum <= 1 but found 2/,
  ],
  "logits in place of log-probs": [{ ids: [0], logprobs: [3] }, {}, /expected log-probs <= 0 but found 3/],
  "a NaN": [{ ids: [0], logprobs: [Number.NaN] }, {}, /expected log-probs <= 0 but found NaN/],
  "an id twice": [{ ids: [1, 1], logprobs: [-3, -3] }, {}, /expected different ids in \[0, 10\) but found 1/],
  "an id outside the vocabulary": [
    { ids: [10], logprobs: [-3] },
    {},
    /expected different ids in \[0, 10\) but found 10/,
  ],
  "a negative tolerance": [fine, { tolerance: -1 }, /expected a tolerance in \[0, 0.1\] nats but found -1/],
};
for (const [what, [list, options, message]] of Object.entries(refusals)) {
  test(`divergenceBounds and entropyBounds refuse ${what}`, () => {
    const all = { vocabularySize: 10, ...options };
    assert.throws(() => divergenceBounds(fine, list as typeof fine, all), message);
    assert.throws(() => entropyBounds(list as typeof fine, all), message);
  });
}
