import assert from "node:assert/strict";
import { test } from "node:test";
import type { Batch, Objective } from "../../../src/srft/batch.ts";
import { prefixRft } from "../../../src/srft/objectives/hybrids/prefix-rft.ts";
import { uft } from "../../../src/srft/objectives/hybrids/uft.ts";
import { train } from "../../../src/srft/train.ts";
import { cosinePrefix, hintShare } from "../../../src/srft/training/prefixes.ts";
import { bandit, collect, newPolicy, sizes } from "../bandit.ts";

async function batchOf(objective: Objective, share: number) {
  const seen: Batch[] = [];
  const policy = newPolicy();
  const loss = (batch: Batch) => {
    seen.push(batch);
    return objective.loss(batch);
  };
  const options = { ...sizes, groupSize: 3, maxTokens: 3, steps: 1, prefixShare: () => share };
  await collect(train(policy, bandit, { objective: { ...objective, loss }, ...options }));
  return seen[0]!;
}

test("train with prefixRft begins the last rollout of each group with a part of the demonstration", async () => {
  const { prefixLengths, groups, offsets, logprobs, sources } = await batchOf(prefixRft(), 0.5);
  assert.deepEqual([...prefixLengths!], [0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1]);
  assert.deepEqual([...groups], [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]);
  assert.ok(sources.every((source) => source === "rollout"));
  assert.equal(offsets.at(-1), logprobs.length);
  assert.ok(logprobs.every((one) => Math.abs(one + Math.log(6)) < 1e-6));
});

test("train with uft begins every rollout with the hint, and never with the whole demonstration", async () => {
  const { prefixLengths } = await batchOf(uft(), 1);
  assert.ok(prefixLengths!.every((length) => length === 1));
  assert.ok((await batchOf(uft(), 0)).prefixLengths!.every((length) => length === 0));
});

for (const [objective, prefixShare] of [
  [prefixRft(), cosinePrefix({ steps: 60 })],
  [uft({ hintScale: 0.1 }), hintShare({ hintSteps: 40 })],
] as const) {
  test(`train with ${objective.name} solves the task without its prefixes at the end`, async () => {
    const policy = newPolicy();
    const records = await collect(
      train(policy, bandit, { objective, prefixShare, ...sizes, steps: 100, evaluation: { every: 100, samples: 0 } }),
    );
    assert.ok(records.every(({ loss }) => Number.isFinite(loss)));
    assert.ok(records.at(-1)!.evaluation!.greedy >= 0.75, `${records.at(-1)!.evaluation!.greedy}`);
  });
}

test("train refuses prefixes out of range, and objectives with prefixes but no share", async () => {
  const options = { objective: prefixRft(), steps: 1, ...sizes };
  assert.throws(() => train(newPolicy(), bandit, options), { name: "TypeError", message: /pass prefixShare: cosineP/ });
  await assert.rejects(collect(train(newPolicy(), bandit, { ...options, prefixShare: () => 2 })), {
    name: "RangeError",
    message: /share in \[0, 1\] but found 2 for problem 0/,
  });
});
