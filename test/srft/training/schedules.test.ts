import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createRandom } from "../../../src/random.ts";
import { cosinePrefix, hintShare } from "../../../src/srft/training/prefixes.ts";
import { constantSchedule, cosineSchedule, linearSchedule } from "../../../src/srft/training/schedules.ts";

const close = (found: number, expected: number) => assert.ok(Math.abs(found - expected) < 1e-12, `${found}`);

test("schedules warm up, fall, and keep their last value", () => {
  const constant = constantSchedule({ from: 1e-3, warmup: 10 });
  assert.deepEqual([constant(5), constant(10), constant(999)], [5e-4, 1e-3, 1e-3]);
  const linear = linearSchedule({ from: 1, to: 0.5, steps: 110, warmup: 10 });
  [
    [1, 0.1],
    [10, 1],
    [60, 0.75],
    [110, 0.5],
    [400, 0.5],
  ].forEach(([step, value]) => {
    close(linear(step!), value!);
  });
  const mu = cosineSchedule({ from: 0.9, to: 0.05, steps: 200 });
  close(mu(100), 0.475);
  close(mu(200), 0.05);
  close(mu(201), 0.05);
});

test("schedules never leave the interval between their ends", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 0, max: 50 }), (step, warmup) => {
      for (const make of [linearSchedule, cosineSchedule]) {
        const value = make({ from: 2, to: 1, steps: 200, warmup })(step);
        assert.ok(value <= 2 && (step <= warmup || value >= 1));
      }
    }),
  );
});

test("schedules refuse steps that do not come after the warm-up", () => {
  assert.throws(() => cosineSchedule({ from: 1, steps: 10, warmup: 10 }), {
    name: "RangeError",
    message: /cosineSchedule: expected finite from and to, and steps > warmup >= 0/,
  });
  assert.throws(() => constantSchedule({ from: Number.NaN }), { name: "RangeError" });
});

test("cosinePrefix is at first `high` and at last uniform below it", () => {
  const share = cosinePrefix({ steps: 100 });
  const random = createRandom(1);
  assert.ok(share(1, random) > 0.94);
  const last = Array.from({ length: 2000 }, () => share(100, random));
  assert.ok(Math.max(...last) < 0.95 && Math.min(...last) < 0.01);
  assert.ok(Math.abs(last.reduce((a, b) => a + b) / last.length - 0.475) < 0.03);
});

test("hintShare is a binomial share of the segments and ends with the hint steps", () => {
  const share = hintShare({ hintSteps: 300 });
  const random = createRandom(2);
  const mean = (step: number) => Array.from({ length: 4000 }, () => share(step, random)).reduce((a, b) => a + b) / 4000;
  assert.ok(Math.abs(mean(1) - 0.95) < 0.01);
  assert.ok(Math.abs(mean(150) - 0.5) < 0.02);
  assert.ok(Math.abs(mean(300) - 0.05) < 0.01);
  assert.equal(share(301, random), 0);
  assert.ok([0, 0.2, 0.4, 0.6, 0.8, 1].includes(share(100, random)));
});
