import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { entropyFit } from "../../../src/analysis/views/entropy-fit.ts";
import { createRandom } from "../../../src/random.ts";
import { near } from "./table.ts";

/** R = −a e^H + b with noise, H falling from 1. */
function run({
  a,
  b,
  noise = 0,
  n = 60,
  seed = 1,
}: {
  a: number;
  b: number;
  noise?: number;
  n?: number;
  seed?: number;
}) {
  const random = createRandom(seed);
  return Array.from({ length: n }, (_, i) => {
    const entropy = Math.exp((-3 * i) / n);
    return { entropy, reward: b - a * Math.exp(entropy) + noise * (random() - 0.5) };
  });
}

test("entropyFit finds the law that made the records", () => {
  const number = fc.double({ min: -2, max: 2, noNaN: true });
  fc.assert(
    fc.property(number, number, (a, b) => {
      const fit = entropyFit(run({ a, b }), { resamples: 20 });
      assert.ok(near(fit.a, a) && near(fit.b, b) && near(fit.ceiling, b - a) && near(fit.residual, 0));
      if (Math.abs(a) > 1e-3) assert.ok(near(fit.rSquared, 1));
    }),
    { numRuns: 50 },
  );
});

test("entropyFit's line through three points is that worked out by hand", () => {
  // e^H = 1, 2, 3 and R = 3, 1, 2: slope −1/2, mean 2
  const records = [3, 1, 2].map((reward, i) => ({ entropy: Math.log(i + 1), reward }));
  const fit = entropyFit(records, { minRecords: 3 });
  assert.ok(near(fit.a, 0.5) && near(fit.b, 3) && near(fit.ceiling, 2.5));
  assert.ok(near(fit.rSquared, 0.25) && near(fit.residual, Math.sqrt(1.5 / 3)));
  assert.deepEqual([fit.records, fit.entropyRange], [3, [0, Math.log(3)]]);
});

test("entropyFit's intervals cover the truth in most runs, and hold the estimate", () => {
  let covered = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const { a, intervals } = entropyFit(run({ a: 0.3, b: 1, noise: 0.4, seed }), { resamples: 200, seed });
    assert.ok(intervals.a.low < a && a < intervals.a.high);
    if (intervals.a.low <= 0.3 && 0.3 <= intervals.a.high) covered++;
  }
  assert.ok(covered >= 48, `${covered} of 60`); // percentile intervals of short blocks are a little short
});

test("entropyFit says by its goodness and its interval where there is no law", () => {
  const random = createRandom(3);
  const noise = Array.from({ length: 80 }, () => ({ entropy: random(), reward: random() }));
  const { a, rSquared, intervals } = entropyFit(noise);
  assert.ok(rSquared < 0.1 && intervals.a.low < 0 && intervals.a.high > 0, `a ${a}, R² ${rSquared}`);
});

test("entropyFit leaves records without a reward out, and is the same for the same seed", () => {
  const records = run({ a: 0.2, b: 1, noise: 0.1 });
  const more = [...records, { entropy: 5 }, { entropy: 6, reward: undefined }];
  assert.deepEqual(entropyFit(more), entropyFit(records));
  assert.deepEqual(entropyFit(records).entropyRange[1], 1);
  assert.equal(entropyFit(records.map(({ entropy }) => ({ entropy, reward: 0.5 }))).rSquared, 1);
});

test("entropyFit refuses too few points, and points that are no records", () => {
  const records = run({ a: 1, b: 1 });
  assert.throws(
    () => entropyFit(records.slice(0, 19)),
    /^RangeError: entropyFit: expected at least 20 records with a reward but found 19: train longer$/,
  );
  assert.throws(() => entropyFit(records.map(({ entropy }) => ({ entropy }))), /found 0: train longer$/);
  assert.throws(() => entropyFit(records, { minRecords: 2 }), /^RangeError: .*minRecords >= 3 but found 2$/);
  assert.throws(() => entropyFit(records, { blockLength: 0 }), /^RangeError: .*blockLength >= 1 but found 0$/);
  const still = records.map(({ reward }) => ({ reward, entropy: 0.5 }));
  assert.throws(() => entropyFit(still), /^RangeError: .*entropies that differ but found only 0\.5$/);
  const wrong = [...records, { entropy: -1, reward: 1 }];
  assert.throws(() => entropyFit(wrong), /^RangeError: .*found 1 and -1 in record 60 of those with a reward$/);
  assert.throws(() => entropyFit([...records, { entropy: 1, reward: Number.NaN }]), /found NaN and 1 in record 60/);
});
