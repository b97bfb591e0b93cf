import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { advantages, type Deviation } from "../../src/srft/advantages.ts";

const one = (rewards: readonly number[], options = {}) =>
  advantages(
    rewards,
    rewards.map(() => 0),
    options,
  );

/** A demonstration (R = 1) and k correct of 7 rollouts. */
const groupOf8 = (k: number) => [1, ...Array.from({ length: 7 }, (_, i) => (i < k ? 1 : 0))];

const table: readonly [number, Deviation, number, number][] = [
  [0, "population", 2.6458, -0.378],
  [0, "unbiased", 2.4749, -0.3536],
  [0, "none", 0.875, -0.125],
  [1, "population", 1.7321, -0.5774],
  [1, "unbiased", 1.6202, -0.5401],
  [1, "none", 0.75, -0.25],
  [3, "population", 1, -1],
  [3, "unbiased", 0.9354, -0.9354],
  [3, "none", 0.5, -0.5],
  [6, "population", 0.378, -2.6458],
  [6, "unbiased", 0.3536, -2.4749],
  [6, "none", 0.125, -0.875],
];

for (const [k, std, demonstration, wrong] of table) {
  test(`advantages of a demonstration and ${k} of 7 correct, std ${std}, are ${demonstration} and ${wrong}`, () => {
    const found = one(groupOf8(k), { std });
    assert.ok(Math.abs(found[0]! - demonstration) < 5e-5);
    assert.ok(Math.abs(found[7]! - wrong) < 5e-5);
  });
}

test("advantages are zeros, never NaN, where all rewards are equal", () => {
  for (const std of ["population", "unbiased", "none"] as const) {
    assert.deepEqual(one(groupOf8(7), { std }), new Float64Array(8));
    assert.deepEqual(one([0.1, 0.1, 0.1], { std }), new Float64Array(3));
    assert.ok(one([0.3, 0.1 + 0.2, 5e-324 + 0.3], { std }).every((one) => Math.abs(one) < 1e-15));
    assert.ok(one([0, 5e-324], { std }).every((one) => Math.abs(one) < 1e-15));
  }
});

test("advantages treat groups apart and give 0 outside them", () => {
  const found = advantages([1, 5, 0, 7, 9], [0, 1, 0, 1, -1], { std: "none" });
  assert.deepEqual([...found], [0.5, -1, -0.5, 1, 0]);
});

test("advantages measure a masked row against the rows that count", () => {
  const found = one([1, 0, 0, 1], { std: "none", mask: [1, 1, 1, 0] });
  assert.ok(Math.abs(found[3]! - 2 / 3) < 1e-15);
  assert.equal(one([0, 0, 1], { std: "none", mask: [1, 1, 0] })[2], 1);
  assert.equal(one([0, 0, 1], { mask: [1, 1, 0] })[2], 0);
});

test("advantages add epsilon to the deviation", () => {
  assert.equal(one([1, 0], { epsilon: 0.5 })[0], 0.5);
});

const rewards = fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 2, maxLength: 12 });

test("advantages have mean 0 and, with a deviation, deviation 1 or zeros", () => {
  fc.assert(
    fc.property(rewards, fc.constantFrom("population", "unbiased", "none"), (values, std) => {
      const found = one(values, { std });
      assert.ok(Math.abs(found.reduce((a, b) => a + b, 0)) < 1e-6);
      if (std !== "population") return;
      const square = found.reduce((a, b) => a + b * b, 0) / found.length;
      assert.ok(Math.abs(square - 1) < 1e-6 || found.every((x) => x === 0));
    }),
  );
});

test("advantages with a deviation do not change under an affine change of the rewards", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 2 }), (values) => {
      const [a, b] = [one(values), one(values.map((reward) => 2 * reward - 1))];
      assert.ok(a.every((x, i) => Math.abs(x - b[i]!) < 1e-9));
    }),
  );
});

test("advantages refuse malformed groups and name the row", () => {
  assert.throws(() => one([1, Number.NaN]), { name: "RangeError", message: /finite reward but found NaN in row 1/ });
  assert.throws(() => advantages([1], [0, 0]), { name: "RangeError", message: /expected 2 rewards.* found 1/ });
  assert.throws(() => one([1, 0], { mask: [1] }), { name: "RangeError", message: /mask of 2 rows but found 1/ });
  assert.throws(() => one([1]), {
    name: "RangeError",
    message: /at least 2 rows.* found 1 in group 0.*groupSize >= 2/,
  });
  assert.throws(() => one([1, 0], { epsilon: -1 }), { name: "RangeError", message: /epsilon >= 0/ });
});
