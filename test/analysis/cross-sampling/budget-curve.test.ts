import assert from "node:assert/strict";
import { test } from "node:test";
import { budgetCurve } from "../../../src/analysis/cross-sampling/budget-curve.ts";
import type { CrossAnswer } from "../../../src/analysis/cross-sampling/cross-sample.ts";

function answer(problem: number, budget: number, reward: number, more: Partial<CrossAnswer> = {}): CrossAnswer {
  const none = { writer: "a", sample: 0, completion: new Int32Array(4), swaps: new Int32Array(0), changed: 0 } as const;
  return { ...none, problem, budget, reward, threshold: 0.1, ...more };
}

test("budgetCurve's numbers are those worked out by hand", () => {
  const swapped = { swaps: Int32Array.of(1), changed: 1, completion: new Int32Array(2) };
  const [alone, one] = budgetCurve([
    answer(0, 0, 1),
    answer(1, 0, 0),
    answer(2, 0, 0),
    answer(0, 1, 1, swapped),
    answer(1, 1, 1, swapped),
    answer(2, 1, 0),
  ]);
  assert.deepEqual([alone!.accuracy, alone!.gain, alone!.swaps, alone!.length], [1 / 3, 0, 0, 4]);
  assert.deepEqual([one!.accuracy, one!.gain], [2 / 3, 1 / 3]);
  assert.deepEqual([one!.swaps, one!.changed, one!.length], [2 / 3, 2 / 3, 8 / 3]);
  assert.equal(one!.swappedShare, 2 / 8);
  assert.deepEqual([one!.problems, one!.answers], [3, 3]);
});

test("budgetCurve averages a problem's samples first, so a problem with more samples weighs no more", () => {
  const [point] = budgetCurve([answer(0, 0, 1), answer(1, 0, 0), answer(1, 0, 0), answer(1, 0, 0)]);
  assert.deepEqual([point!.accuracy, point!.problems, point!.answers], [0.5, 2, 4]);
});

test("budgetCurve's intervals hold the value, and the gain's is that of differences within problems", () => {
  const answers = Array.from({ length: 40 }, (_, i) => [answer(i, 0, i % 2), answer(i, 1, i % 2)]).flat();
  const [, one] = budgetCurve(answers);
  assert.ok(one!.interval.low < 0.5 && one!.interval.high > 0.5);
  assert.ok(one!.interval.high - one!.interval.low > 0.2);
  assert.deepEqual(one!.gainInterval, { low: 0, high: 0 });
});

test("budgetCurve's interval covers the true accuracy in about 95 of 100 draws", () => {
  let [covered, state] = [0, 1];
  const uniform = () => {
    state = (state * 48271) % 2147483647; // Lehmer
    return state / 2147483647;
  };
  for (let run = 0; run < 300; run++) {
    const answers = Array.from({ length: 60 }, (_, i) => answer(i, 0, uniform() < 0.4 ? 1 : 0));
    const { interval } = budgetCurve(answers, { resamples: 200, seed: run })[0]!;
    if (interval.low <= 0.4 && interval.high >= 0.4) covered++;
  }
  assert.ok(covered >= 0.9 * 300 && covered <= 0.99 * 300, `${covered} of 300`);
});

test("budgetCurve keeps writers apart, budgets ascending, and a seed gives the same intervals", () => {
  const all = [answer(0, Infinity, 1), answer(0, 0, 0), answer(0, 0, 1, { writer: "b" }), answer(0, 2, 1)];
  assert.deepEqual(
    budgetCurve(all).map(({ writer, budget, accuracy }) => [writer, budget, accuracy]),
    [
      ["a", 0, 0],
      ["a", 2, 1],
      ["a", Infinity, 1],
      ["b", 0, 1],
    ],
  );
  assert.deepEqual(budgetCurve(all, { seed: 3 }), budgetCurve(all, { seed: 3 }));
});

test("budgetCurve refuses nothing, unfinished problems and options out of range", () => {
  assert.throws(() => budgetCurve([]), /^RangeError: budgetCurve: expected answers of crossSample but found none$/);
  assert.throws(
    () => budgetCurve([answer(0, 0, 1), answer(1, 0, 1), answer(0, 1, 1)]),
    /^RangeError: budgetCurve: expected the 2 problems of budget 0 at budget 1 of writer a but found 1/,
  );
  assert.throws(() => budgetCurve([answer(0, 1, 1)]), /^RangeError: .*expected the 0 problems of budget 0/);
  assert.throws(
    () => budgetCurve([answer(0, 0, 1)], { confidence: 1 }),
    /^RangeError: budgetCurve: expected a confidence/,
  );
  assert.throws(() => budgetCurve([answer(0, 0, 1)], { resamples: 0 }), /^RangeError: budgetCurve: .*resamples >= 1/);
});
