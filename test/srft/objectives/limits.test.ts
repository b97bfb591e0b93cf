import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Batch, Objective } from "../../../src/srft/batch.ts";
import { sft } from "../../../src/srft/objectives/sft.ts";
import { arbitraryBatch, offsetsOf, worst } from "../batches.ts";
import { makers } from "./relatives.ts";

const { chord, cispo, dapo, dft, drGrpo, grpo, gspo, hpt, iwSft, luffy, prefixRft, psft, rloo, rlPlus } = makers;
const { sftKl, superRl, uft, wReinforce } = makers;

type Change = (batch: Batch) => Batch;
const unprefixed: Change = (batch) => ({ ...batch, prefixLengths: new Int32Array(9) });
const ownReference: Change = (batch) => ({ ...batch, referenceLogprobs: batch.logprobs });
const moved: Change = (batch) => ({
  ...batch,
  oldLogprobs: (batch.logprobs as Float64Array).map((one, t) => Math.min(0, one + 0.3 * Math.sin(t))),
});
const oneToken: Change = (batch) => ({
  ...moved(batch),
  offsets: offsetsOf(Array(9).fill(1)),
  logprobs: batch.logprobs.slice(0, 9),
  entropies: batch.entropies.slice(0, 9),
  oldLogprobs: moved(batch).oldLogprobs!.slice(0, 9),
});

const wide = { clipRange: [1, 1e9] } as const;
const limits: readonly [string, Objective, Objective, Change?][] = [
  ["chord with mu 0 is grpo", chord({ mu: 0 }), grpo({ reduction: "token-mean" }), moved],
  ["chord with mu 1 and weight one is sft", chord({ mu: 1, weight: "one" }), sft()],
  ["chord with mu 1 and weight probability is dft", chord({ mu: 1, weight: "probability" }), dft()],
  ["dapo without shaping is grpo", dapo(), grpo({ clipRange: [0.2, 0.28], reduction: "token-mean" }), moved],
  ["drGrpo is grpo", drGrpo({ maxTokens: 3 }), grpo({ std: "none", reduction: { constant: 3 } }), moved],
  ["gspo on rows of one token is grpo", gspo({ clipRange: [0.2, 0.2] }), grpo(), oneToken],
  ["cispo with a wide clip has grpo's gradient", cispo(), grpo({ ...wide, reduction: "token-mean" }), moved],
  ["prefixRft without prefixes is grpo", prefixRft(), grpo({ std: "none", reduction: "token-mean" }), unprefixed],
  ["uft without hints is grpo", uft(), grpo(), unprefixed],
  ["superRl without the deviation is hpt", superRl({ std: "none" }), hpt(), moved],
  ["psft on the first update has sft's gradient", psft(), sft()],
  ["iwSft at its reference is sft", iwSft(), sft(), ownReference],
  ["iwSft over tokens at its reference is sft", iwSft({ over: "token" }), sft(), ownReference],
  ["sftKl at its reference has sft's gradient", sftKl(), sft(), ownReference],
  ["grpo with KL at its reference has grpo's gradient", grpo({ kl: { coefficient: 1 } }), grpo(), ownReference],
];

for (const [title, one, other, change = (batch: Batch) => batch] of limits) {
  test(title, () => {
    fc.assert(
      fc.property(arbitraryBatch, (arbitrary) => {
        const batch = change(arbitrary);
        assert.ok(worst(one.loss(batch).gradients.logprobs, other.loss(batch).gradients.logprobs) < 1e-6);
      }),
      { numRuns: 25 },
    );
  });
}

test("rloo is K / (K − 1) times grpo without the deviation", () => {
  fc.assert(
    fc.property(arbitraryBatch, (batch) => {
      const found = rloo().loss(batch).gradients.logprobs;
      const centred = grpo({ std: "none", reduction: "sequence-sum" }).loss(batch).gradients.logprobs;
      assert.ok(
        worst(
          found,
          centred.map((slope) => 1.5 * slope),
        ) < 1e-6,
      );
    }),
  );
});

test("wReinforce with weight 0 only lowers, with weight 1 is REINFORCE on ±1", () => {
  fc.assert(
    fc.property(arbitraryBatch, (batch) => {
      assert.ok(
        wReinforce({ positiveWeight: 0 })
          .loss(batch)
          .gradients.logprobs.every((slope) => slope >= 0),
      );
      const { logprobs } = wReinforce({ positiveWeight: 1, reduction: "sequence-sum" }).loss(batch).gradients;
      for (let row = 0; row < 6; row++) {
        const expected = (batch.rewards[row] === 1 ? -1 : 1) / 6;
        assert.ok(Math.abs(logprobs[batch.offsets[row]!]! - expected) < 1e-7);
      }
    }),
  );
});

/** A demonstration and seven failed rollouts, a token each, p = 0.1. */
const unsolved: Batch = {
  offsets: offsetsOf(Array(8).fill(1)),
  sources: [...Array(7).fill("rollout"), "demonstration"],
  groups: new Int32Array(8),
  rewards: Float64Array.of(0, 0, 0, 0, 0, 0, 0, 1),
  logprobs: new Float64Array(8).fill(Math.log(0.1)),
  entropies: new Float64Array(8).fill(1),
};

test("luffy pulls on the demonstration of an unsolved prompt with 7/8 · γp / (p + γ)² and pushes the rollouts by 1/8", () => {
  const { terms, gradients } = luffy().loss(unsolved);
  assert.ok(Math.abs(terms.demonstration! + (0.875 * 0.5) / 8) < 1e-12);
  assert.ok(Math.abs(gradients.logprobs[7]! + (0.875 * 0.25) / 8) < 1e-8);
  assert.ok(Math.abs(gradients.logprobs[0]! - 0.125 / 8) < 1e-8);
});

test("rlPlus pulls on it with 7/8 · √0.9 · 4p / (3p + 1)", () => {
  const expected = (0.875 * Math.sqrt(0.9) * 0.4) / 1.3 / 8;
  assert.ok(Math.abs(rlPlus().loss(unsolved).gradients.logprobs[7]! + expected) < 1e-8);
});

test("luffy and rlPlus leave a prompt alone that every rollout solves", () => {
  const solved = { ...unsolved, rewards: new Float64Array(8).fill(1) };
  for (const objective of [luffy(), rlPlus()]) {
    assert.ok(objective.loss(solved).gradients.logprobs.every((slope) => slope === 0));
  }
});

test("hpt imitates a prompt at its threshold and reinforces it above", () => {
  const twoOf7 = { ...unsolved, rewards: Float64Array.of(1, 1, 0, 0, 0, 0, 0, 1) };
  const weights = (threshold: number) => hpt({ threshold }).loss(twoOf7).metrics.weights;
  assert.deepEqual(weights(2 / 7), { sft: 1, rl: 0 });
  assert.deepEqual(weights(1 / 7), { sft: 0, rl: 1 });
  assert.equal(hpt({ threshold: 2 / 7 }).loss(twoOf7).terms.policy, 0);
  assert.ok(Math.abs(hpt().loss(unsolved).terms.sft! - Math.log(10)) < 1e-12);
});
