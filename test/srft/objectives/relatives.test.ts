import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Batch } from "../../../src/srft/batch.ts";
import { arbitraryBatch, centralDifferences, golden, softmax, worst } from "../batches.ts";
import { goldenFile, makeObjective, type makers, relativesBatch } from "./relatives.ts";

const tolerance = 1e-6;

interface RelativeCase {
  readonly objective: keyof typeof makers;
  readonly options: object;
  readonly extras: string;
  readonly value: number;
  readonly terms: Record<string, number>;
  readonly logprobs: readonly number[];
  readonly logits: readonly (readonly number[])[];
}

for (const expected of goldenFile("objectives-relatives").cases as readonly RelativeCase[]) {
  const { objective, options, extras } = expected;
  test(`${objective} equals PyTorch autograd with ${JSON.stringify(options)} ${extras}`, () => {
    const found = makeObjective(objective, options).loss(relativesBatch(extras));
    assert.ok(worst([found.value], [expected.value]) < tolerance, `${found.value} != ${expected.value}`);
    assert.deepEqual(Object.keys(found.terms), Object.keys(expected.terms));
    assert.ok(worst(Object.values(found.terms), Object.values(expected.terms)) < tolerance);
    assert.ok(worst(found.gradients.logprobs, expected.logprobs) < tolerance);
    assert.equal(found.gradients.entropies, undefined);
    for (const [t, z] of golden.batch.logits.entries()) {
      const slope = found.gradients.logprobs[t]!;
      const chain = softmax(z).map((p, v) => slope * ((v === golden.batch.labels[t] ? 1 : 0) - p));
      assert.ok(worst(chain, expected.logits[t]!) < tolerance);
    }
  });
}

/** Objectives whose loss is the function that its gradient says: nothing in them is a stop-gradient of π. */
const whole: readonly [keyof typeof makers, object][] = [
  ["drGrpo", { maxTokens: 5 }],
  ["dapo", { clipRange: [0.3, 0.35] }],
  ["gspo", { clipRange: [0.3, 0.35] }],
  ["rloo", {}],
  ["wReinforce", {}],
  ["reinforcePlusPlus", { clipRange: [0.3, 0.35] }],
  ["grpo", { clipRange: [0.3, 0.35], kl: { coefficient: 0.2, estimator: "k3" }, entropyShare: 0.4 }],
  ["grpo", { clipRange: [0.3, 0.35], entropyShare: 0.5, entropyEnd: "lowest" }],
  ["luffy", {}],
  ["rlPlus", { exploration: 0 }],
  ["hpt", { clipRange: [0.3, 0.35], threshold: 0.4 }],
  ["superRl", { clipRange: [0.3, 0.35] }],
  ["superRlMixture", { clipRange: [0.3, 0.35], logSigmas: { policy: 0.2, sft: -0.3 } }],
  ["prefixRft", { clipRange: [0.3, 0.35] }],
  ["uft", { clipRange: [0.3, 0.35], hintScale: 0.3 }],
  ["psft", { clipRange: [0.3, 0.35] }],
  ["sftKl", { direction: "reference-policy" }],
];
const gaps = fc.array(fc.constantFrom(-0.5, -0.1, 0, 0.1, 0.5), { minLength: 36, maxLength: 36 });

for (const [name, options] of whole) {
  test(`${name}'s gradient equals central differences away from the corners of the clip`, () => {
    const objective = makeObjective(name, options);
    fc.assert(
      fc.property(arbitraryBatch, gaps, (arbitrary, gap) => {
        const logprobs = arbitrary.logprobs as Float64Array;
        const oldLogprobs = logprobs.map((one, i) => Math.min(0, one - (name === "gspo" ? gap[0]! : gap[i]!)));
        const others = { oldLogprobs, referenceLogprobs: logprobs.map((one, i) => Math.min(0, one + gap[35 - i]!)) };
        const batch: Batch = { ...arbitrary, ...others, prefixLengths: Int32Array.of(0, 1, 0, 1, 0, 1, 0, 0, 0) };
        const at = (moved: Float64Array) => objective.loss({ ...batch, logprobs: moved }).value;
        assert.ok(worst(objective.loss(batch).gradients.logprobs, centralDifferences(at, logprobs)) < 1e-6);
      }),
      { numRuns: 15 },
    );
  });
}

test("dft, iwSft, cispo, chord and rlPlus hold their weights fixed: the slope at a token is minus the weight", () => {
  const batch = relativesBatch("old reference");
  const demonstrated = { ...batch, groups: batch.groups };
  const first = batch.offsets[7]!;
  const p = Math.exp(batch.logprobs[first]!);
  const slope = (name: keyof typeof makers, options: object) =>
    makeObjective(name, options).loss(demonstrated).gradients.logprobs[first]!;
  const tokens = batch.offsets.at(-1)! - first;
  assert.ok(Math.abs(slope("dft", {}) + p / tokens) < 1e-7);
  assert.ok(Math.abs(slope("chord", {}) + (0.1 * p * (1 - p)) / tokens) < 1e-7);
  const gap = batch.logprobs[first]! - batch.referenceLogprobs![first]!;
  const clamped = Math.min(Math.max(Math.exp(gap), 0.2), 1.8);
  assert.ok(Math.abs(slope("iwSft", { over: "token" }) + clamped / tokens) < 1e-7);
});

test("every objective's terms sum to its value, and their shares to 1", () => {
  const batch = relativesBatch("old reference prefix");
  for (const { objective, options } of goldenFile("objectives-relatives").cases as readonly RelativeCase[]) {
    const { value, terms, termGradients } = makeObjective(objective, options).loss(batch);
    const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
    assert.ok(Math.abs(sum(Object.values(terms)) - value) < 1e-12);
    assert.ok(Math.abs(sum(Object.values(termGradients!).map(({ share }) => share)) - 1) < 1e-12);
    assert.deepEqual(Object.keys(termGradients!), Object.keys(terms));
  }
});
