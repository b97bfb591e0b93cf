import assert from "node:assert/strict";
import { test } from "node:test";
import { grpo } from "../../../src/srft/objectives/grpo.ts";
import { sft } from "../../../src/srft/objectives/sft.ts";
import { srft } from "../../../src/srft/objectives/srft.ts";
import { entropyOf, golden, goldenBatch, softmax, worst } from "../batches.ts";

const tolerance = 1e-6;

for (const { objective, options, extras, value, terms, ...gradients } of golden.cases) {
  test(`${objective} equals PyTorch autograd with ${JSON.stringify(options)} ${extras}`, () => {
    const found = { sft, grpo, srft }[objective](options).loss(goldenBatch(extras));
    assert.ok(Math.abs(found.value - value) < tolerance * Math.max(1, Math.abs(value)));
    assert.deepEqual(Object.keys(found.terms), Object.keys(terms));
    assert.ok(worst(Object.values(found.terms), Object.values(terms)) < tolerance);
    assert.ok(worst(found.gradients.logprobs, gradients.logprobs) < tolerance);
    assert.equal(found.gradients.entropies === undefined, gradients.entropies === undefined);
    if (gradients.entropies) assert.ok(worst(found.gradients.entropies!, gradients.entropies) < tolerance);

    const { logits, labels } = golden.batch;
    for (const [t, z] of logits.entries()) {
      const p = softmax(z);
      const [slope, entropySlope] = [found.gradients.logprobs[t]!, found.gradients.entropies?.[t] ?? 0];
      const chain = p.map(
        (one, v) => slope * ((v === labels[t] ? 1 : 0) - one) - entropySlope * one * (Math.log(one) + entropyOf(p)),
      );
      assert.ok(worst(chain, gradients.logits[t]!) < tolerance);
    }
  });
}
