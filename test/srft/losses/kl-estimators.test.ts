import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type KlEstimator, klEstimate } from "../../../src/srft/losses/kl-estimators.ts";
import { softmax } from "../batches.ts";

const estimators: readonly KlEstimator[] = ["k1", "k2", "k3", "abs"];
const directions = ["policy-reference", "reference-policy"] as const;
const close = (found: number, expected: number) => assert.ok(Math.abs(found - expected) < 1e-9, `${found}`);

test("klEstimate of a half against a quarter is ln 2, ln² 2 / 2, ln 2 − 1/2 and ln 2", () => {
  const found = estimators.map((estimator) => klEstimate(Math.log(0.5), Math.log(0.25), { estimator }).value);
  const ln2 = Math.log(2);
  [ln2, ln2 ** 2 / 2, ln2 - 0.5, ln2].forEach((expected, i) => {
    close(found[i]!, expected);
  });
  const { value, slope } = klEstimate(Math.log(0.5), Math.log(0.25), { direction: "reference-policy" });
  close(value, 2 - 1 - ln2);
  close(slope, 2 - 1);
});

test("klEstimate's slope equals central differences in both directions", () => {
  const logprob = fc.double({ min: -5, max: -0.01, noNaN: true });
  fc.assert(
    fc.property(logprob, logprob, fc.constantFrom(...directions), (policy, reference, direction) => {
      fc.pre(Math.abs(policy - reference) > 1e-3);
      for (const estimator of estimators) {
        const at = (x: number) => klEstimate(x, reference, { estimator, direction }).value;
        const expected = (at(policy + 1e-5) - at(policy - 1e-5)) / 2e-5;
        const { slope } = klEstimate(policy, reference, { estimator, direction });
        assert.ok(Math.abs(slope - expected) < 1e-5 * Math.max(1, Math.abs(expected)));
      }
    }),
  );
});

test("klEstimate's k1 and k3 are unbiased under the distribution of their direction, k3 never negative", () => {
  const logits = fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(logits, logits, (a, b) => {
      const [p, q] = [softmax(a), softmax(b)];
      const kl = (from: readonly number[], to: readonly number[]) =>
        from.reduce((sum, one, v) => sum + one * Math.log(one / to[v]!), 0);
      for (const estimator of ["k1", "k3"] as const) {
        const mean = (weights: readonly number[], direction: (typeof directions)[number]) =>
          weights.reduce((sum, one, v) => {
            const { value } = klEstimate(Math.log(p[v]!), Math.log(q[v]!), { estimator, direction });
            assert.ok(estimator === "k1" || value >= -1e-12);
            return sum + one * value;
          }, 0);
        close(mean(p, "policy-reference"), kl(p, q));
        close(mean(q, "reference-policy"), kl(q, p));
      }
    }),
  );
});
