import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Batch } from "../../../src/srft/batch.ts";
import { entropyWeights } from "../../../src/srft/entropy-weights.ts";
import { type SrftOptions, srft } from "../../../src/srft/objectives/srft.ts";
import { arbitraryBatch, centralDifferences, goldenBatch, worst } from "../batches.ts";

/** One prompt: a right and a wrong rollout and the demonstration, a token each; H = 0.5 on rollouts, 1 on demonstrations. */
const tiny: Batch = {
  offsets: Int32Array.of(0, 1, 2, 3),
  sources: ["rollout", "rollout", "demonstration"],
  groups: Int32Array.of(0, 0, 0),
  rewards: Float64Array.of(1, 0, 1),
  logprobs: Float64Array.of(-0.5, -1.5, Math.log(0.25)),
  entropies: Float64Array.of(0.5, 0.5, 1),
};
const close = (found: number, expected: number) =>
  assert.ok(Math.abs(found - expected) < 1e-9, `${found} != ${expected}`);

test("srft's four terms are equations 8, 9 and 12 on a batch of three tokens", () => {
  const { terms, gradients, metrics, value } = srft().loss(tiny);
  const advantage = (1 - 2 / 3) / Math.sqrt(2 / 9);
  const weights = { sft: 0.5 * Math.exp(-1), rl: 0.1 * Math.exp(0.5) };
  close(terms.sft!, weights.sft * Math.log(4));
  close(terms.demonstration!, -advantage * 0.25);
  close(terms.positive!, (weights.rl * 0.5) / 2);
  close(terms.negative!, -1.5 / 2);
  close(
    value,
    Object.values(terms).reduce((a, b) => a + b),
  );
  assert.deepEqual(metrics.weights, weights);
  assert.equal(metrics.meanEntropy, 0.5);
  assert.ok(worst(gradients.logprobs, [-weights.rl / 2, 0.5, -weights.sft - advantage * 0.25]) < 1e-7);
  assert.equal(gradients.entropies, undefined);
});

test("srft with shaping has slope A gamma p / (p + gamma)^2 on a demonstration token", () => {
  const loss = srft({ shaping: { gamma: 0.1 }, sftWeight: 0, std: "none" }).loss(tiny);
  close(loss.terms.demonstration!, (-(1 / 3) * 0.25) / 0.35);
  assert.ok(Math.abs(loss.gradients.logprobs[2]! + (1 / 3) * ((0.1 * 0.25) / 0.35 ** 2)) < 1e-7);
});

test("srft beside the group leaves the demonstration out of the mean", () => {
  const loss = srft({ demonstrations: "beside", std: "none" }).loss(tiny);
  close(loss.terms.demonstration!, -(1 - 0.5) * 0.25);
});

test("srft has no demonstration term where every rollout is right, and keeps the imitation term", () => {
  const { terms } = srft().loss({ ...tiny, rewards: Float64Array.of(1, 1, 1) });
  assert.ok(terms.demonstration === 0 && terms.negative === 0 && terms.sft! > 0);
});

test("srft gives a demonstration in no group the imitation gradient alone", () => {
  const batch = goldenBatch();
  const { gradients } = srft({ reduction: "sequence-sum", sftWeight: 0.3 }).loss(batch);
  const last = gradients.logprobs.subarray(batch.offsets.at(-2), batch.offsets.at(-1));
  assert.ok(last.every((slope) => Math.abs(slope + 0.1) < 1e-7));
});

test("srft's weights over token, sequence and batch agree where the entropy is the same everywhere", () => {
  fc.assert(
    fc.property(arbitraryBatch, fc.double({ min: 0, max: 2, noNaN: true }), (batch, entropy) => {
      const flat = { ...batch, entropies: batch.entropies.map(() => entropy) };
      const values = (["token", "sequence", "batch", "rollouts"] as const).map(
        (entropyOver) => srft({ entropyOver }).loss(flat).value,
      );
      assert.ok(Math.max(...values) - Math.min(...values) < 1e-9);
      assert.ok(Math.abs(srft().loss(flat).metrics.weights.rl - entropyWeights(entropy).rl) < 1e-9);
    }),
    { numRuns: 20 },
  );
});

const choices: fc.Arbitrary<SrftOptions> = fc.record({
  entropyOver: fc.constantFrom("token", "sequence", "batch", "rollouts"),
  sftSign: fc.constantFrom(-1 as const, 1 as const),
  signal: fc.constantFrom("rewards", "advantages"),
  shaping: fc.constantFrom("none" as const, { gamma: 0.1 }),
  std: fc.constantFrom("population", "unbiased", "none"),
  demonstrations: fc.constantFrom("inside", "beside"),
  reduction: fc.constantFrom("token-mean" as const, "sequence-mean" as const, "sequence-sum" as const, { constant: 3 }),
});

test("srft's gradient equals central differences over log-probabilities, old ones and weights held fixed", () => {
  fc.assert(
    fc.property(arbitraryBatch, choices, (batch, options) => {
      const fixed = { ...batch, oldLogprobs: batch.logprobs };
      const { loss } = srft(options);
      const at = (logprobs: Float64Array) => loss({ ...fixed, logprobs }).value;
      const expected = centralDifferences(at, batch.logprobs as Float64Array);
      assert.ok(worst(loss(fixed).gradients.logprobs, expected) < 1e-6);
    }),
    { numRuns: 60 },
  );
});

test("srft's entropy bonus has the gradient of central differences where the weights are constants", () => {
  fc.assert(
    fc.property(arbitraryBatch, choices, (batch, choice) => {
      const { loss } = srft({ ...choice, sftWeight: 0.4, rlWeight: 0.2, entropyBonus: 0.3 });
      const at = (entropies: Float64Array) => loss({ ...batch, entropies }).value;
      const expected = centralDifferences(at, batch.entropies.map((h) => h + 0.01) as Float64Array);
      assert.ok(worst(loss(batch).gradients.entropies!, expected) < 1e-6);
    }),
    { numRuns: 20 },
  );
});

test("srft reads rewards 0 and -1 alike, and refuses graded ones unless the signal is the advantage", () => {
  const [zero, minus] = [0, -1].map((wrong) =>
    srft({ sftWeight: 0 }).loss({ ...tiny, rewards: Float64Array.of(1, wrong, 1) }),
  );
  assert.deepEqual(zero!.terms.negative, minus!.terms.negative);
  const graded = { ...tiny, rewards: Float64Array.of(1, 0.5, 1) };
  assert.throws(() => srft().loss(graded), {
    name: "RangeError",
    message: /found 0.5 in row 1; use signal: "advantages"/,
  });
  assert.ok(Number.isFinite(srft({ signal: "advantages" }).loss(graded).value));
});

test("srft refuses options out of range and batches without rollouts or demonstrations", () => {
  assert.throws(() => srft({ sftScale: -1 }), { name: "RangeError", message: /finite sftScale >= 0 but found -1/ });
  assert.throws(() => srft({ rlWeight: Number.NaN }), { name: "RangeError", message: /rlWeight/ });
  assert.throws(() => srft({ shaping: { gamma: 0 } }), { name: "RangeError", message: /positive shaping.gamma/ });
  const only = (source: "rollout" | "demonstration") => ({ ...tiny, sources: tiny.sources.map(() => source) });
  assert.throws(() => srft().loss(only("rollout")), { name: "RangeError", message: /one demonstration token/ });
  assert.throws(() => srft().loss(only("demonstration")), { name: "RangeError", message: /one rollout token/ });
});
