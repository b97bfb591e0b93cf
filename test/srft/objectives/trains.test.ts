import assert from "node:assert/strict";
import { test } from "node:test";
import { sft } from "../../../src/srft/objectives/sft.ts";
import { srft } from "../../../src/srft/objectives/srft.ts";
import { train } from "../../../src/srft/train.ts";
import { cosinePrefix } from "../../../src/srft/training/prefixes.ts";
import { bandit, collect, newPolicy, sizes } from "../bandit.ts";
import { makers } from "./relatives.ts";

const objectives = Object.entries({ ...makers, sft, srft }).map(
  ([name, make]) => [name, (make as (options: object) => ReturnType<typeof sft>)({ maxTokens: 2 })] as const,
);

for (const [name, objective] of objectives) {
  test(`train with ${name} solves the bandit from a uniform policy, every number finite`, async () => {
    const policy = newPolicy();
    const options = {
      ...sizes,
      objective,
      steps: 120,
      reference: newPolicy(),
      prefixShare: cosinePrefix({ steps: 120 }),
      demonstrationsPerStep: 4,
      evaluation: { every: 120, samples: 8, k: 8 },
    };
    const records = await collect(train(policy, bandit, options));
    for (const { loss, gradNorm, entropy, terms } of records) {
      for (const number of [loss, gradNorm, entropy, ...Object.values(terms)]) assert.ok(Number.isFinite(number));
    }
    const { greedy, sampled } = records.at(-1)!.evaluation!;
    assert.ok(greedy >= 0.75, `greedy ${greedy}, pass@8 ${sampled!.passAtK}`);
  });
}
