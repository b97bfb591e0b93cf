import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { evaluate, passAtK } from "../../../src/srft/evaluation/evaluate.ts";
import { bandit, newPolicy } from "../bandit.ts";

const choose = (n: number, k: number): number => (k === 0 ? 1 : k > n ? 0 : (choose(n - 1, k - 1) * n) / k);

test("passAtK is 1 - C(n - c, k) / C(n, k)", () => {
  assert.equal(passAtK({ samples: 4, correct: 1, k: 2 }), 0.5);
  const counts = fc
    .integer({ min: 1, max: 30 })
    .chain((n) => fc.tuple(fc.constant(n), fc.nat(n), fc.integer({ min: 1, max: n })));
  fc.assert(
    fc.property(counts, ([samples, correct, k]) => {
      const expected = 1 - choose(samples - correct, k) / choose(samples, k);
      assert.ok(Math.abs(passAtK({ samples, correct, k }) - expected) < 1e-9);
    }),
  );
});

test("passAtK is the share solved for k = 1, and whether any is solved for k = n", () => {
  assert.ok(Math.abs(passAtK({ samples: 8, correct: 3, k: 1 }) - 3 / 8) < 1e-15);
  assert.equal(passAtK({ samples: 8, correct: 1, k: 8 }), 1);
  assert.equal(passAtK({ samples: 8, correct: 0, k: 8 }), 0);
});

test("evaluate of the uniform policy agrees with its probabilities", async () => {
  const found = await evaluate(newPolicy(), bandit, { samples: 2000, k: 8, maxTokens: 2, batchSize: 64 });
  assert.equal(found.problems, 4);
  assert.equal(found.greedy, 0);
  assert.ok(Math.abs(found.sampled!.meanAt1 - 1 / 36) < 0.01);
  assert.ok(Math.abs(found.sampled!.passAtK - (1 - (35 / 36) ** 8)) < 0.05);
  assert.ok(Math.abs(found.sampled!.entropy - Math.log(6)) < 1e-6);
  assert.ok(Math.abs(found.sampled!.length - (1 + 5 / 6)) < 0.05);
});

test("evaluate of a policy that knows the answers is 1 throughout", async () => {
  const policy = newPolicy();
  policy.table[(6 * 7 + 0) * 6 + 1] = 50; // after "a" alone: "b"
  policy.table[(0 * 7 + 1) * 6 + 5] = 50; // after "ab": the end
  const first = bandit.problems.slice(0, 1);
  const { greedy, greedyLength, sampled } = await evaluate(policy, bandit, { problems: first, maxTokens: 3 });
  assert.deepEqual(
    { greedy, greedyLength, meanAt1: sampled!.meanAt1, passAtK: sampled!.passAtK },
    {
      greedy: 1,
      greedyLength: 2,
      meanAt1: 1,
      passAtK: 1,
    },
  );
});

test("evaluate is determined by its seed and does not depend on the batch size of greedy decoding", async () => {
  const some = (seed: number) => evaluate(newPolicy(), bandit, { seed, sampledProblems: 2 });
  assert.deepEqual(await some(1), await some(1));
  assert.notDeepEqual(await some(1), await some(2));
  assert.equal((await some(1)).sampled!.problems, 2);
  assert.equal((await evaluate(newPolicy(), bandit, { samples: 0, batchSize: 1 })).sampled, undefined);
});

test("evaluate refuses no problems and k above samples", async () => {
  await assert.rejects(evaluate(newPolicy(), bandit, { problems: [] }), { name: "RangeError", message: /one problem/ });
  await assert.rejects(evaluate(newPolicy(), bandit, { samples: 4 }), { name: "RangeError", message: /found 8 > 4/ });
});
