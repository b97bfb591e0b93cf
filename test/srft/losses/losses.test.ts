import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Batch } from "../../../src/srft/batch.ts";
import { leaveOneOut, signedRewards, whitenedReturns } from "../../../src/srft/losses/advantage-estimators.ts";
import { highEntropy } from "../../../src/srft/losses/high-entropy.ts";
import { clippedSurrogate, policyTerms } from "../../../src/srft/losses/policy-gradient.ts";
import { lossOf, scaled, tokenTerm } from "../../../src/srft/losses/terms.ts";
import { dapo, overlongPenalty } from "../../../src/srft/objectives/baselines/dapo.ts";
import { grpo } from "../../../src/srft/objectives/grpo.ts";
import { srft } from "../../../src/srft/objectives/srft.ts";
import { srftPresets } from "../../../src/srft/objectives/srft-presets.ts";
import { arbitraryBatch, goldenBatch, worst } from "../batches.ts";

const trio: Batch = {
  offsets: Int32Array.of(0, 1, 2, 4),
  sources: ["rollout", "rollout", "rollout"],
  groups: Int32Array.of(0, 0, 0),
  rewards: Float64Array.of(1, 0, 0),
  logprobs: Float64Array.of(-1, -2, -3, -1),
  entropies: Float64Array.of(0.1, 0.9, 0.5, 0.3),
};
const metrics = { meanEntropy: 0, weights: { sft: 0, rl: 1 } };

test("lossOf sums terms and says each one's norm and share: 3 and 4 are 3/7 and 4/7", () => {
  const term = (name: string, slope: number) =>
    tokenTerm(trio, { name, rows: [0], reduction: "token-mean" }, () => ({ value: slope, slope }));
  const { value, gradients, termGradients } = lossOf(trio, { terms: [term("a", 3), term("b", -4)], metrics });
  assert.equal(value, -1);
  assert.deepEqual([...gradients.logprobs], [-1, 0, 0, 0]);
  assert.deepEqual(termGradients, { a: { norm: 3, share: 3 / 7 }, b: { norm: 4, share: 4 / 7 } });
  const half = scaled(term("a", 3), 0.5);
  assert.deepEqual([half.value, half.logprobs![0]], [1.5, 1.5]);
});

test("lossOf has shares of 0 where no term has a gradient", () => {
  const { termGradients } = grpo().loss({ ...trio, rewards: new Float64Array(3) });
  assert.deepEqual(termGradients, { policy: { norm: 0, share: 0 } });
});

test("srft reports the norm of each term, and of its entropy bonus in the entropies", () => {
  const { termGradients, terms } = srft({ entropyBonus: 0.3 }).loss(goldenBatch());
  assert.deepEqual(Object.keys(termGradients!), Object.keys(terms));
  assert.ok(Math.abs(termGradients!.entropyBonus!.norm - 0.3 / Math.sqrt(16)) < 1e-12);
});

test("srftPresets.paper is srft's default, and each preset differs from the others", () => {
  fc.assert(
    fc.property(arbitraryBatch, (batch) => {
      const [paper, released, independent] = (["paper", "released", "independent"] as const).map((name) =>
        srft({ ...srftPresets[name] }).loss(batch),
      );
      assert.deepEqual(paper, srft().loss(batch));
      assert.notEqual(released!.value, paper!.value);
      assert.notEqual(independent!.terms.entropyBonus, paper!.terms.entropyBonus);
      assert.ok(released!.metrics.weights.sft >= independent!.metrics.weights.sft);
    }),
    { numRuns: 20 },
  );
});

test("srft with a reduction of its own for the imitation term leaves the others as they are", () => {
  const batch = goldenBatch();
  const constant = srft({ reduction: { constant: 4 } }).loss(batch).terms;
  const mixed = srft({ reduction: { constant: 4 }, sftReduction: "token-mean" }).loss(batch).terms;
  assert.equal(mixed.sft, srft().loss(batch).terms.sft);
  assert.deepEqual({ ...mixed, sft: 0 }, { ...constant, sft: 0 });
});

test("leaveOneOut of one right among three is 1 and −1/2", () => {
  assert.deepEqual([...leaveOneOut(trio)], [1, -0.5, -0.5, -0.5]);
});

test("signedRewards are the weight where solved and −1 elsewhere", () => {
  assert.deepEqual([...signedRewards(0.1)(trio, [0, 1, 2])], [0.1, -1, -1, -1]);
});

test("whitenedReturns have mean 0 and deviation 1 over the tokens that count, and zeros where all are equal", () => {
  const found = whitenedReturns("test")(trio, [0, 1, 2]);
  assert.ok(worst(found, [1.5, -0.5, -0.5, -0.5]) < 1e-7);
  const equal = whitenedReturns("test")({ ...trio, rewards: Float64Array.of(0.1, 0.1, 0.1) }, [0, 1, 2]);
  assert.deepEqual(equal, new Float64Array(4));
  const masked = whitenedReturns("test")({ ...trio, mask: Uint8Array.of(1, 1, 1, 0) }, [0, 1, 2]);
  assert.ok(worst(masked, [Math.sqrt(4 / 3), -Math.sqrt(1 / 3), -Math.sqrt(1 / 3), 0]) < 1e-7);
  assert.throws(() => whitenedReturns("test")({ ...trio, mask: Uint8Array.of(1, 0, 0, 0) }, [0]), {
    name: "RangeError",
    message: /at least 2 rollout tokens that count but found 1/,
  });
});

test("highEntropy keeps the upper share, ties included, as torch.quantile draws the line", () => {
  const entropies = [0.1, 0.9, 0.2, 0.3, 0.4];
  const of = (share: number) => [...highEntropy({ entropies }, { tokens: [0, 1, 2, 3, 4], share })];
  assert.deepEqual(of(0.2), [0, 1, 0, 0, 0]);
  assert.deepEqual(of(0.5), [0, 1, 0, 1, 1]);
  assert.deepEqual(of(1), [1, 1, 1, 1, 1]);
  assert.deepEqual([...highEntropy({ entropies: [1, 1, 1] }, { tokens: [0, 2], share: 0.2 })], [1, 0, 1]);
  assert.throws(() => of(0), { name: "RangeError", message: /share in \(0, 1\] but found 0/ });
});

test("clippedSurrogate stops rising ratios of good tokens and falling ratios of bad ones, and no others", () => {
  const clipRange = [0.2, 0.3] as const;
  const at = (ratio: number, advantage: number) => clippedSurrogate({ ratio, advantage, clipRange });
  assert.deepEqual(at(1.5, 1), { objective: 1.3, slope: 0, clipped: true });
  assert.deepEqual(at(0.5, 1), { objective: 0.5, slope: 0.5, clipped: false });
  assert.deepEqual(at(0.5, -1), { objective: -0.8, slope: 0, clipped: true });
  assert.deepEqual(at(1.5, -1), { objective: -1.5, slope: -1.5, clipped: false });
});

test("policyTerms' four surrogates have one gradient on the first update", () => {
  const advantages = Float64Array.of(1, -0.5, -0.5, -0.5);
  const gradients = (["clip", "clipped-weight", "ratio", "logprob"] as const).map((surrogate) => {
    const inputs = { name: "test", rows: [0, 1, 2], advantages, options: { surrogate } };
    return policyTerms(trio, inputs).terms[0]!.logprobs!;
  });
  for (const gradient of gradients) assert.ok(worst(gradient, [-1 / 3, 1 / 6, 1 / 12, 1 / 12]) < 1e-12);
});

test("policyTerms trains only the upper share of the entropies and keeps the denominator", () => {
  const { logprobs } = grpo({ std: "none", entropyShare: 0.5, reduction: "token-mean" }).loss(trio).gradients;
  assert.ok(worst(logprobs, [0, 1 / 12, 1 / 12, 0]) < 1e-7);
});

test("policyTerms refuses advantages that are not finite and names the row", () => {
  const advantages = Float64Array.of(1, Number.NaN, 0, 0);
  assert.throws(() => policyTerms(trio, { name: "mine", rows: [0, 1, 2], advantages, options: {} }), {
    name: "RangeError",
    message: /mine: expected finite advantages but found NaN in row 1/,
  });
});

test("grpo trains the tokens that are left: of the lowest entropies, or not too probable, and the counter-parts add up", () => {
  const probabilities = [0.9, 0.2, 0.6, 0.3];
  const four = {
    ...trio,
    entropies: Float64Array.of(0.1, 0.9, 0.2, 0.3),
    logprobs: Float64Array.from(probabilities, Math.log),
  };
  const slopes = (options: object) => [
    ...grpo({ std: "none", reduction: "token-mean", ...options }).loss(four).gradients.logprobs,
  ];
  const whole = slopes({});
  const [upper, lower] = [slopes({ entropyShare: 0.4 }), slopes({ entropyShare: 0.4, entropyEnd: "lowest" })];
  assert.ok(upper.some((slope, t) => slope !== lower[t]));
  for (const part of [upper, lower])
    for (const [t, slope] of part.entries()) assert.ok(slope === 0 || slope === whole[t]);
  const cut = slopes({ largestProbability: 0.5 });
  for (const [t, slope] of cut.entries()) assert.equal(slope, four.logprobs[t]! > Math.log(0.5) ? 0 : whole[t]);
  assert.ok(cut.some((slope) => slope !== 0) && cut.some((slope, t) => slope !== whole[t]));
  assert.deepEqual(slopes({ largestProbability: 1 }), whole);
  assert.throws(() => grpo({ largestProbability: 0 }), /largestProbability in \(0, 1\] but found 0/);
});

test("overlongPenalty is 0, then falls linearly to −1", () => {
  const options = { maxTokens: 16, buffer: 8 };
  assert.deepEqual(
    [0, 8, 10, 12, 16, 40].map((length) => overlongPenalty(length, options) || 0),
    [0, 0, -0.25, -0.5, -1, -1],
  );
  assert.throws(() => dapo({ overlong: { maxTokens: 4, buffer: 5 } }), { name: "RangeError", message: /buffer in/ });
});
