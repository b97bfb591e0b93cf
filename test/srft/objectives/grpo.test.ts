import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Batch } from "../../../src/srft/batch.ts";
import { grpo } from "../../../src/srft/objectives/grpo.ts";
import { arbitraryBatch, centralDifferences, goldenBatch, worst } from "../batches.ts";

const pair: Batch = {
  offsets: Int32Array.of(0, 1, 3),
  sources: ["rollout", "rollout"],
  groups: Int32Array.of(0, 0),
  rewards: Float64Array.of(1, 0),
  logprobs: Float64Array.of(-1, -2, -3),
  entropies: Float64Array.of(1, 1, 1),
};

test("grpo on the first update has ratio 1, value 0 in sequence means and gradient -A / (rows * length)", () => {
  const loss = grpo().loss(pair);
  assert.equal(loss.value, 0);
  assert.deepEqual([...loss.gradients.logprobs], [-0.5, 0.25, 0.25]);
  assert.deepEqual(loss.metrics, {
    meanEntropy: 1,
    weights: { sft: 0, rl: 1 },
    meanRatio: 1,
    maxRatio: 1,
    clippedShare: 0,
  });
});

test("grpo clips what has moved far in the direction of its advantage, and only that", () => {
  const moved = (by: readonly number[]) =>
    grpo({ std: "none" }).loss({ ...pair, oldLogprobs: pair.logprobs.map((one, i) => one - by[i]!) });
  const far = moved([Math.log(1.5), Math.log(0.5), Math.log(1.5)]);
  const expected = [0, 0, 0.25 * 0.5 * 1.5];
  assert.ok(worst(far.gradients.logprobs, expected) < 1e-7);
  assert.ok(Math.abs(far.metrics.clippedShare! - 2 / 3) < 1e-12);
  assert.ok(Math.abs(far.value - (-0.5 * 0.5 * 1.2 + 0.25 * 0.5 * (0.8 + 1.5))) < 1e-12);
});

test("grpo's gradient equals central differences away from the corners of the clip", () => {
  const gap = fc.array(fc.constantFrom(-0.5, -0.1, 0, 0.1, 0.5), { minLength: 36, maxLength: 36 });
  const options = fc.record({
    std: fc.constantFrom("population" as const, "unbiased" as const, "none" as const),
    reduction: fc.constantFrom("token-mean" as const, "sequence-mean" as const, { constant: 3 }),
  });
  fc.assert(
    fc.property(arbitraryBatch, gap, options, (batch, gaps, choice) => {
      const oldLogprobs = (batch.logprobs as Float64Array).map((one, i) => Math.min(0, one - gaps[i]!));
      const { loss } = grpo({ ...choice, clipRange: [0.3, 0.35] });
      const at = (logprobs: Float64Array) => loss({ ...batch, oldLogprobs, logprobs }).value;
      const expected = centralDifferences(at, batch.logprobs as Float64Array);
      assert.ok(worst(loss({ ...batch, oldLogprobs }).gradients.logprobs, expected) < 1e-6);
    }),
    { numRuns: 30 },
  );
});

test("grpo gives no gradient to a group whose rewards are equal, nor to demonstrations", () => {
  const batch = goldenBatch();
  const { logprobs } = grpo().loss({
    ...batch,
    rewards: batch.rewards.map((_, row) => (batch.groups[row] === 1 ? 0 : row % 2)),
  }).gradients;
  const rowsWith = batch.sources.flatMap((_, row) =>
    logprobs.subarray(batch.offsets[row], batch.offsets[row + 1]).some((slope) => slope !== 0) ? [row] : [],
  );
  assert.deepEqual(rowsWith, [0, 1, 2, 3]);
});

test("grpo refuses what it cannot learn from and names the row", () => {
  assert.throws(() => grpo().loss({ ...pair, groups: Int32Array.of(0, 1) }), {
    name: "RangeError",
    message: /found 1 in group 0/,
  });
  assert.throws(
    () => grpo().loss({ ...pair, oldLogprobs: Float64Array.of(-1, -900, -3), logprobs: Float64Array.of(-1, 0, -3) }),
    {
      name: "RangeError",
      message: /grpo: expected a finite ratio but found exp\(900\) in row 1/,
    },
  );
  assert.throws(() => grpo().loss({ ...pair, mask: new Uint8Array(3) }), {
    name: "RangeError",
    message: /at least one rollout token that counts/,
  });
  assert.throws(() => grpo({ clipRange: [2, 0.2] }), { name: "RangeError", message: /clipRange/ });
});
