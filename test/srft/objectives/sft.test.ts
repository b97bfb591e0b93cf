import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Batch } from "../../../src/srft/batch.ts";
import { sft } from "../../../src/srft/objectives/sft.ts";
import { arbitraryBatch, centralDifferences, goldenBatch, worst } from "../batches.ts";

const small: Batch = {
  offsets: Int32Array.of(0, 1, 4),
  sources: ["demonstration", "demonstration"],
  groups: Int32Array.of(-1, -1),
  rewards: Float64Array.of(1, 1),
  logprobs: Float64Array.of(-1, -2, -3, -4),
  entropies: Float64Array.of(1, 1, 1, 1),
};

test("sft is the mean, the mean of means, the mean of sums or the sum over a constant of -log p", () => {
  const value = (reduction: Parameters<typeof sft>[0] & object) => sft(reduction).loss(small).value;
  assert.equal(value({}), 2.5);
  assert.equal(value({ reduction: "sequence-mean" }), 2);
  assert.equal(value({ reduction: "sequence-sum" }), 5);
  assert.equal(value({ reduction: { constant: 10 } }), 0.5);
});

test("sft leaves out masked tokens and rows without a token that counts", () => {
  const loss = sft({ reduction: "sequence-mean" }).loss({ ...small, mask: Uint8Array.of(0, 1, 1, 0) });
  assert.equal(loss.value, 2.5);
  assert.deepEqual([...loss.gradients.logprobs], [0, -0.5, -0.5, 0]);
});

test("sft's gradient equals central differences", () => {
  fc.assert(
    fc.property(arbitraryBatch, fc.constantFrom("token-mean", "sequence-mean", "sequence-sum"), (batch, reduction) => {
      const { loss } = sft({ reduction });
      const expected = centralDifferences(
        (logprobs) => loss({ ...batch, logprobs }).value,
        batch.logprobs as Float64Array,
      );
      assert.ok(worst(loss(batch).gradients.logprobs, expected) < 1e-6);
    }),
    { numRuns: 20 },
  );
});

test("sft's entropy bonus is its coefficient times the mean entropy, and its slopes are central differences", () => {
  const objective = sft({ entropyBonus: 0.3 });
  const loss = objective.loss({ ...small, entropies: Float64Array.of(1, 2, 3, 4) });
  assert.ok(Math.abs(loss.terms.entropyBonus! + 0.3 * 2.5) < 1e-12 && Math.abs(loss.value - 2.5 + 0.75) < 1e-12);
  const at = (entropies: Float64Array) => objective.loss({ ...small, entropies }).value;
  const expected = centralDifferences(at, small.entropies as Float64Array);
  assert.ok(worst(loss.gradients.entropies!, expected) < 1e-6);
  assert.throws(() => sft({ entropyBonus: -1 }), /expected a finite entropyBonus >= 0 but found -1/);
});

test("sft gives rollouts no gradient", () => {
  const batch = goldenBatch();
  const first = batch.offsets[batch.sources.indexOf("demonstration")]!;
  assert.ok(
    sft()
      .loss(batch)
      .gradients.logprobs.subarray(0, first)
      .every((slope) => slope === 0),
  );
});

test("sft refuses malformed batches and names the row", () => {
  const refuses = (change: Partial<Batch>, message: RegExp) =>
    assert.throws(() => sft().loss({ ...small, ...change }), { name: "RangeError", message });
  refuses(
    { logprobs: Float64Array.of(-1, -2, 0.5, -4) },
    /log-probabilities <= 0 but found 0.5 in row 1 \(demonstration\)/,
  );
  refuses({ logprobs: Float64Array.of(-1, -2, Number.NaN, -4) }, /found NaN in row 1/);
  refuses({ logprobs: Float64Array.of(-Infinity, -2, -3, -4) }, /found -Infinity in row 0/);
  refuses({ entropies: Float64Array.of(1, -1, 1, 1) }, /entropies >= 0 but found -1 in row 1/);
  refuses({ offsets: Int32Array.of(0, 0, 4) }, /at least one token but found 0 in row 0 \(demonstration\)/);
  refuses({ rewards: Float64Array.of(1, Number.NaN) }, /finite reward but found NaN in row 1/);
  refuses({ rewards: Float64Array.of(1) }, /rewards of length 2 \(the number of rows\) but found 1/);
  refuses({ logprobs: Float64Array.of(-1) }, /logprobs of length 4 \(the number of tokens\) but found 1/);
  refuses({ offsets: Int32Array.of(0, 4) }, /offsets of length 3/);
  refuses({ offsets: Int32Array.of(1, 2, 4) }, /offsets to begin with 0 but found 1/);
  refuses({ mask: Uint8Array.of(0, 0, 0, 0) }, /sft: expected at least one demonstration token that counts/);
  refuses({ sources: ["rollout", "demonstration"] }, /a group for a rollout but found -1 in row 0 \(rollout\)/);
  assert.throws(() => sft({ reduction: { constant: 0 } }).loss(small), {
    name: "RangeError",
    message: /constant length/,
  });
});
