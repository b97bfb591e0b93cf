import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { likelihoodMap } from "../../../src/analysis/maps/likelihood-map.ts";
import { symmetricEigen } from "../../../src/analysis/maps/symmetric-eigen.ts";
import { near, unigram } from "./maps.ts";

const texts = [[0], [1], [0, 0], [1, 1, 1]].map((completion) => ({ prompt: [0], completion }));
const shares = [0.5, 0.2, 0.9];
const models = shares.map((p) => ({ name: `p = ${p}`, policy: unigram([p, 1 - p]) }));
const named = (all: readonly number[]) => all.map((p, i) => ({ name: `${i}`, policy: unigram([p, 1 - p]) }));

/** Var_s(l_i − l_j) from the definition. */
function variance(p: number, q: number, on: readonly { completion: readonly number[] }[]) {
  const sum = (share: number, ids: readonly number[]) =>
    ids.reduce((total, id) => total + Math.log(id === 0 ? share : 1 - share), 0);
  const gaps = on.map(({ completion }) => sum(p, completion) - sum(q, completion));
  const middle = gaps.reduce((a, b) => a + b, 0) / gaps.length;
  return gaps.reduce((a, gap) => a + (gap - middle) ** 2, 0) / gaps.length;
}

test("likelihoodMap's squared distance is the variance of the difference of log-likelihoods", async () => {
  const { squaredDistances, texts: count } = await likelihoodMap(models, { on: texts, clip: 0 });
  assert.equal(count, 4);
  for (const [i, p] of shares.entries()) {
    for (const [j, q] of shares.entries()) assert.ok(near(squaredDistances[3 * i + j]!, variance(p, q, texts), 1e-4));
  }
});

test("likelihoodMap is symmetric, 0 on the diagonal, a metric, and with three models shown whole in the plane", async () => {
  const on = fc.array(
    fc.record({ prompt: fc.constant([0]), completion: fc.array(fc.nat(1), { minLength: 1, maxLength: 6 }) }),
    {
      minLength: 2,
      maxLength: 12,
    },
  );
  const share = fc.double({ min: 0.05, max: 0.95, noNaN: true });
  await fc.assert(
    fc.asyncProperty(fc.tuple(share, share, share), on, async (all, some) => {
      const map = await likelihoodMap(named(all), { on: some, clip: 0 });
      const at = (i: number, j: number) => map.squaredDistances[3 * i + j]!;
      const { points } = map;
      for (const i of [0, 1, 2]) {
        assert.equal(at(i, i), 0);
        for (const j of [0, 1, 2]) {
          assert.ok(near(at(i, j), at(j, i), 1e-12));
          const shown = (points[i]!.x - points[j]!.x) ** 2 + (points[i]!.y - points[j]!.y) ** 2;
          assert.ok(near(shown, at(i, j), 1e-6 * (1 + at(i, j))), `${shown} ${at(i, j)}`);
        }
      }
      assert.ok(Math.sqrt(at(0, 2)) <= Math.sqrt(at(0, 1)) + Math.sqrt(at(1, 2)) + 1e-9);
      assert.ok(map.explained[0] >= map.explained[1] && map.explained[0] + map.explained[1] <= 1 + 1e-9);
      assert.ok(
        near(
          points.reduce((sum, { x }) => sum + x, 0),
          0,
          1e-6,
        ),
      );
    }),
    { numRuns: 50 },
  );
});

test("likelihoodMap puts models on a line whose log-likelihoods differ by one direction", async () => {
  const { explained, points } = await likelihoodMap(named([0.2, 0.5, 0.8]), {
    on: texts.slice(0, 2),
    clip: 0,
  });
  assert.ok(near(explained[0], 1) && near(explained[1], 0));
  // with the texts 0 and 1: the square root of the variance is half of log p/(1−p) − log q/(1−q)
  assert.ok(near(Math.abs(points[0]!.x - points[2]!.x), Math.log(4)));
  assert.ok(near(points[1]!.x, 0));
});

test("likelihoodMap about equals twice the KL between near models on texts of their distribution", async () => {
  const [p, q] = [0.5, 0.52];
  const on = Array.from({ length: 1000 }, (_, i) => ({ prompt: [0], completion: [i % 2] }));
  const { squaredDistances } = await likelihoodMap(named([p, q]), { on, clip: 0 });
  const kl = p * Math.log(p / q) + (1 - p) * Math.log((1 - p) / (1 - q));
  assert.ok(near(squaredDistances[1]! / (2 * kl), 1, 0.01), `${squaredDistances[1]! / (2 * kl)}`);
});

test("likelihoodMap clips the smallest log-likelihoods, which one odd text would let rule the map", async () => {
  const on = [
    ...Array.from({ length: 99 }, (_, i) => ({ prompt: [0], completion: [i % 2] })),
    { prompt: [0], completion: Array(60).fill(1) },
  ];
  const all = named([0.5, 0.6]);
  const [plain, clipped] = [await likelihoodMap(all, { on, clip: 0 }), await likelihoodMap(all, { on })];
  assert.ok(clipped.squaredDistances[1]! < 0.1 * plain.squaredDistances[1]!);
});

test("likelihoodMap of one model under two names has no distance and no axis", async () => {
  const { squaredDistances, explained, points } = await likelihoodMap(named([0.3, 0.3]), { on: texts });
  assert.deepEqual([...squaredDistances], [0, 0, 0, 0]);
  assert.deepEqual(explained, [0, 0]);
  assert.ok(points.every(({ x, y }) => x === 0 && y === 0));
});

test("likelihoodMap refuses what cannot be mapped", async () => {
  await assert.rejects(likelihoodMap(models.slice(0, 1), { on: texts }), /^RangeError: .*two models or more/);
  await assert.rejects(likelihoodMap([models[0]!, models[0]!], { on: texts }), /^RangeError: .*different names/);
  await assert.rejects(
    likelihoodMap(models, { on: texts.slice(0, 1) }),
    /^RangeError: .*two texts or more but found 1$/,
  );
  await assert.rejects(likelihoodMap(models, { on: texts, clip: 1 }), /^RangeError: .*clip in \[0, 1\) but found 1$/);
  await assert.rejects(
    likelihoodMap(named([0.5, 1]), { on: texts }),
    /^RangeError: likelihoodMap: expected a finite log-likelihood but found -Infinity of 1 for text 1: leave the text out$/,
  );
});

test("symmetricEigen's values and vectors rebuild the matrix, and the vectors are orthonormal", () => {
  const entry = fc.double({ min: -10, max: 10, noNaN: true });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 7 }).chain((n) => fc.array(entry, { minLength: n * n, maxLength: n * n })),
      (all) => {
        const n = Math.sqrt(all.length);
        const matrix = all.map((_, at) => (all[at]! + all[(at % n) * n + Math.floor(at / n)]!) / 2);
        const { values, vectors } = symmetricEigen(matrix);
        for (let i = 0; i < n; i++) {
          assert.ok(i === 0 || values[i]! <= values[i - 1]!);
          for (let j = 0; j < n; j++) {
            const rebuilt = vectors.reduce((sum, vector, k) => sum + values[k]! * vector[i]! * vector[j]!, 0);
            assert.ok(near(rebuilt, matrix[i * n + j]!, 1e-9));
            const product = vectors[i]!.reduce((sum, value, k) => sum + value * vectors[j]![k]!, 0);
            assert.ok(near(product, i === j ? 1 : 0, 1e-9));
          }
        }
      },
    ),
  );
});
