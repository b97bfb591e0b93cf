import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createRandom } from "../../src/random.ts";
import { sampleToken } from "../../src/sources/sample-token.ts";

const logitLists = fc.array(fc.double({ min: -20, max: 20, noNaN: true }), { minLength: 2, maxLength: 12 });

/** Softmax by its definition. */
function softmax(logits: readonly number[], temperature: number) {
  const weights = logits.map((logit) => Math.exp(logit / temperature));
  const sum = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / sum);
}

const near = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-9, `${a} and ${b}`);

test("sampleToken says the model's log-prob and entropy, and the log-prob it drew with", () => {
  fc.assert(
    fc.property(
      logitLists,
      fc.double({ min: 0.2, max: 3, noNaN: true }),
      fc.integer({ min: 0, max: 99 }),
      (logits, temperature, seed) => {
        const found = sampleToken(logits, { temperature, topP: 1, random: createRandom(seed) });
        const p = softmax(logits, 1);
        near(found.logprob, Math.log(p[found.id]!));
        near(found.behaviorLogprob, Math.log(softmax(logits, temperature)[found.id]!));
        near(found.entropy, -p.reduce((sum, x) => sum + x * Math.log(x), 0));
      },
    ),
  );
});

test("sampleToken takes the first choice when greedy, of equals the smallest id", () => {
  const found = sampleToken([1, 4, -Infinity, 4], { temperature: 0, topP: 1 });
  assert.deepEqual([found.id, found.behaviorLogprob], [1, 0]);
});

test("sampleToken draws each token as often as it is likely", () => {
  const [logits, random, draws] = [[0, 1, -Infinity, 2], createRandom(7), 20_000];
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < draws; i++) counts[sampleToken(logits, { temperature: 1, topP: 1, random }).id]!++;
  assert.equal(counts[2], 0);
  for (const [id, p] of softmax(logits, 1).entries()) {
    assert.ok(Math.abs(counts[id]! / draws - p) < 4 * Math.sqrt((p * (1 - p)) / draws) + 1e-12, `${counts}`);
  }
});

test("sampleToken with topP draws from the fewest likeliest tokens that reach it, renormalised", () => {
  const logits = [0.5, 0.3, 0.15, 0.05].map(Math.log); // cumulative 0.5, 0.8, 0.95, 1
  const random = createRandom(3);
  const seen = new Map<number, number>();
  for (let i = 0; i < 500; i++) {
    const { id, behaviorLogprob } = sampleToken(logits, { temperature: 1, topP: 0.7, random });
    seen.set(id, behaviorLogprob);
  }
  assert.deepEqual([...seen.keys()].sort(), [0, 1]);
  near(seen.get(0)!, Math.log(0.5 / 0.8));
  near(seen.get(1)!, Math.log(0.3 / 0.8));
});

test("sampleToken refuses logits that are no distribution", () => {
  const options = { temperature: 0, topP: 1 };
  assert.throws(
    () => sampleToken([0, Number.NaN], options),
    /expected finite logits or -Infinity but found NaN for token 1/,
  );
  assert.throws(() => sampleToken([Infinity, 0], options), /but found Infinity for token 0/);
  assert.throws(() => sampleToken([-Infinity, -Infinity], options), /expected a finite logit but found none/);
});
