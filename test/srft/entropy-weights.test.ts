import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { entropyWeights } from "../../src/srft/entropy-weights.ts";

const table = [
  [0, 0.5, 0.1, 0.5],
  [0.1, 0.4524, 0.1105, 0.5526],
  [0.3, 0.3704, 0.135, 0.6749],
  [0.5, 0.3033, 0.1649, 0.8244],
  [1, 0.1839, 0.2718, 1.3591],
  [Math.log(4), 0.125, 0.4, 2],
  [Math.log(10), 0.05, 1, 5],
] as const;

for (const [entropy, sft, rl, flipped] of table) {
  test(`entropyWeights of ${entropy.toFixed(4)} nats are ${sft} and ${rl}, with sftSign 1 ${flipped}`, () => {
    const found = entropyWeights(entropy);
    assert.ok(Math.abs(found.sft - sft) < 5e-5);
    assert.ok(Math.abs(found.rl - rl) < 5e-5);
    assert.ok(Math.abs(entropyWeights(entropy, { sftSign: 1 }).sft - flipped) < 5e-5);
  });
}

test("entropyWeights are monotone and their product is the product of the scales", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 12, noNaN: true }),
      fc.double({ min: 1e-3, max: 3, noNaN: true }),
      (h, more) => {
        const [low, high] = [entropyWeights(h), entropyWeights(h + more)];
        assert.ok(high.sft < low.sft && high.rl > low.rl);
        assert.ok(Math.abs(low.sft * low.rl - 0.05) < 1e-12);
      },
    ),
  );
});

test("entropyWeights take other scales", () => {
  assert.deepEqual(entropyWeights(0, { sftScale: 2, rlScale: 3 }), { sft: 2, rl: 3 });
});

test("entropyWeights refuse what is no entropy", () => {
  for (const entropy of [-1e-9, Number.NaN, Infinity]) {
    assert.throws(() => entropyWeights(entropy), { name: "RangeError", message: /finite entropy >= 0 but found/ });
  }
});
