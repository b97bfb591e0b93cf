import assert from "node:assert/strict";
import { test } from "node:test";
import { leaveOneOut, rowAdvantages, whitenedReturns } from "../../../src/srft/losses/advantage-estimators.ts";
import { type KlEstimator, klEstimate } from "../../../src/srft/losses/kl-estimators.ts";
import { worst } from "../batches.ts";
import { firstRows, goldenFile, makeObjective, type makers, relativesBatch } from "./relatives.ts";

const tolerance = 1e-6;
const recorded = goldenFile("trl");

interface TrlCase {
  readonly loss_type: string;
  readonly settings: object;
  readonly objective: keyof typeof makers;
  readonly options: object;
  readonly extras: string;
  readonly value: number;
  readonly logprobs: readonly number[];
  readonly entropies: readonly number[];
}

for (const expected of recorded.cases as readonly TrlCase[]) {
  const { objective, options, extras, settings, loss_type } = expected;
  test(`${objective} with ${JSON.stringify(options)} equals TRL's ${loss_type} ${JSON.stringify(settings)} ${extras}`, () => {
    const whole = relativesBatch(`reference ${extras}`);
    const batch = whole.mask ? { ...whole, mask: Uint8Array.from(recorded.mask as number[]) } : whole;
    const found = makeObjective(objective, options).loss(batch);
    assert.ok(worst([found.value], [expected.value]) < tolerance, `${found.value} != ${expected.value}`);
    assert.ok(worst(found.gradients.logprobs, expected.logprobs) < tolerance);
    const entropies = found.gradients.entropies ?? new Float32Array(expected.entropies.length);
    assert.ok(worst(entropies, expected.entropies) < tolerance);
  });
}

const rollouts = firstRows(relativesBatch("old reference"), 7);
const rows = [0, 1, 2, 3, 4, 5, 6];
const { advantages, kl } = goldenFile("verl") as {
  advantages: Record<string, readonly number[]>;
  kl: Record<KlEstimator, readonly number[]>;
};

test("rowAdvantages with the unbiased deviation and 1e-6 are verl's grpo", () => {
  const found = rowAdvantages(rollouts, { std: "unbiased", epsilon: 1e-6 });
  const perToken = rows.flatMap((row) => Array(rollouts.offsets[row + 1]! - rollouts.offsets[row]!).fill(found[row]));
  assert.ok(worst(perToken, advantages.grpo!) < tolerance);
});

test("rowAdvantages without a deviation are verl's grpo without norm_adv_by_std_in_grpo", () => {
  const found = rowAdvantages(rollouts, { std: "none", epsilon: 0 });
  const perToken = rows.flatMap((row) => Array(rollouts.offsets[row + 1]! - rollouts.offsets[row]!).fill(found[row]));
  assert.ok(worst(perToken, advantages.drGrpo!) < tolerance);
});

test("leaveOneOut is verl's rloo", () => {
  assert.ok(worst(leaveOneOut(rollouts), advantages.rloo!) < tolerance);
});

test("whitenedReturns are verl's reinforce_plus_plus and its baseline variant", () => {
  const found = (options: object) => whitenedReturns("test", options)(rollouts, rows);
  assert.ok(worst(found({ discount: 0.9 }), advantages.reinforcePlusPlus!) < tolerance);
  assert.ok(worst(found({ klCoefficient: 0.1 }), advantages.reinforcePlusPlusKl!) < tolerance);
  assert.ok(worst(found({ baseline: "group" }), advantages.reinforcePlusPlusBaseline!) < tolerance);
});

for (const estimator of ["k1", "k2", "k3", "abs"] as const) {
  test(`klEstimate's ${estimator} is verl's`, () => {
    const batch = relativesBatch("reference");
    const found = Array.from(
      batch.logprobs,
      (one, t) => klEstimate(one, batch.referenceLogprobs![t]!, { estimator }).value,
    );
    assert.ok(worst(found, kl[estimator]) < tolerance);
  });
}
