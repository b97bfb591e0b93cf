import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createRandom, randomInteger, restoreRandom, sampleWithoutReplacement } from "../src/random.ts";
import { golden } from "./srft/batches.ts";

const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

for (const { seed, words } of golden.sfc32) {
  test(`createRandom(${seed}) draws the words of sfc32 in exact integers`, () => {
    const random = createRandom(seed);
    assert.deepEqual(
      words.map(() => random() * 2 ** 32),
      words,
    );
  });
}

test("restoreRandom continues where the state was taken", () => {
  fc.assert(
    fc.property(seeds, fc.nat(50), (seed, drawn) => {
      const random = createRandom(seed);
      for (let i = 0; i < drawn; i++) random();
      const twin = restoreRandom(random.state());
      for (let i = 0; i < 20; i++) assert.equal(twin(), random());
    }),
  );
});

test("createRandom is uniform on [0, 1): chi-square of 100 bins, mean and serial correlation", () => {
  const random = createRandom(1);
  const bins = new Float64Array(100);
  const draws = 200_000;
  let [sum, product, last] = [0, 0, 0.5];
  for (let i = 0; i < draws; i++) {
    const u = random();
    assert.ok(u >= 0 && u < 1);
    bins[Math.floor(u * 100)]!++;
    sum += u;
    product += (u - 0.5) * (last - 0.5);
    last = u;
  }
  const chiSquare = bins.reduce((total, count) => total + (count - draws / 100) ** 2 / (draws / 100), 0);
  assert.ok(chiSquare > 55 && chiSquare < 155, `99 degrees of freedom, 99.9 % interval, found ${chiSquare}`);
  assert.ok(Math.abs(sum / draws - 0.5) < 4 * Math.sqrt(1 / 12 / draws));
  assert.ok(Math.abs(product / draws) < (4 * (1 / 12)) / Math.sqrt(draws));
});

test("createRandom refuses what is no seed", () => {
  for (const seed of [-1, 0.5, 2 ** 32, Number.NaN]) {
    assert.throws(() => createRandom(seed), { name: "RangeError", message: /integer seed in \[0, 2\^32\) but found/ });
  }
});

test("randomInteger hits every integer below, about equally often", () => {
  const random = createRandom(3);
  const counts = new Float64Array(7);
  for (let i = 0; i < 70_000; i++) counts[randomInteger(random, 7)]!++;
  assert.ok(counts.every((count) => Math.abs(count - 10_000) < 500));
});

test("sampleWithoutReplacement draws different elements and leaves the items alone", () => {
  fc.assert(
    fc.property(seeds, fc.uniqueArray(fc.integer(), { maxLength: 30 }), fc.nat(30), (seed, items, k) => {
      const before = items.slice();
      if (k > items.length) {
        assert.throws(() => sampleWithoutReplacement(createRandom(seed), items, k), { name: "RangeError" });
        return;
      }
      const drawn = sampleWithoutReplacement(createRandom(seed), items, k);
      assert.equal(new Set(drawn).size, k);
      assert.ok(drawn.every((one) => items.includes(one)));
      assert.deepEqual(items, before);
    }),
  );
});
