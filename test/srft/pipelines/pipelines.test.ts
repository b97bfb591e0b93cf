import assert from "node:assert/strict";
import { test } from "node:test";
import { SoftmaxTable } from "../../../src/models/softmax-table.ts";
import { grpo } from "../../../src/srft/objectives/grpo.ts";
import { sft } from "../../../src/srft/objectives/sft.ts";
import { relift } from "../../../src/srft/pipelines/relift.ts";
import { inStages } from "../../../src/srft/pipelines/stages.ts";
import type { StepOptions } from "../../../src/srft/policy.ts";
import { train } from "../../../src/srft/train.ts";
import { bandit, collect, newPolicy, sizes } from "../bandit.ts";

test("inStages trains one objective after another and counts on", async () => {
  const stages = [
    { objective: sft(), steps: 10, demonstrationsPerStep: 4 },
    { objective: grpo({ std: "none" }), steps: 20 },
  ];
  const records = await collect(inStages(newPolicy(), bandit, { ...sizes, stages, seed: 1 }));
  assert.deepEqual(
    records.map(({ step }) => step),
    Array.from({ length: 30 }, (_, i) => i + 1),
  );
  assert.deepEqual([records[9]!.stage, records[10]!.stage], [0, 1]);
  assert.ok(records[9]!.reward === undefined && records[10]!.reward! > 0.3);
});

test("inStages with the same seed gives the same bits", async () => {
  const stages = [
    { objective: grpo(), steps: 3 },
    { objective: sft(), steps: 3, demonstrationsPerStep: 4 },
  ];
  const [first, second] = [newPolicy(), newPolicy()];
  for (const policy of [first, second]) await collect(inStages(policy, bandit, { ...sizes, stages, seed: 5 }));
  assert.deepEqual(first.table, second.table);
});

test("inStages checks every stage before the first begins", () => {
  const { demonstration: _, ...without } = bandit;
  const stages = [
    { objective: grpo(), steps: 1 },
    { objective: sft(), steps: 1 },
  ];
  assert.throws(() => inStages(newPolicy(), without, { ...sizes, stages }), { name: "TypeError" });
  assert.throws(() => inStages(newPolicy(), bandit, { stages: [] }), { name: "RangeError", message: /one stage/ });
});

test("relift imitates what no rollout solves, and then solves it", async () => {
  const never = newPolicy();
  for (let i = 0; i < never.table.length; i += 6) never.table[i] = 4;
  const options = { ...sizes, steps: 80, bufferSize: 3, seed: 2 };
  const records = await collect(relift(never, bandit, options));
  const imitations = records.filter(({ imitation }) => imitation);
  assert.ok(records[0]!.reward === 0 && records[0]!.buffered === 4 && records[0]!.imitation);
  assert.ok(imitations.length > 3 && imitations.length < 80);
  assert.ok(records.at(-1)!.reward! > 0.5, `${records.at(-1)!.reward}`);
});

test("relift imitates with moments, a clip and an entropy bonus of its own", async () => {
  const taken: StepOptions[] = [];
  class Watched extends SoftmaxTable {
    override step(options: StepOptions) {
      taken.push(options);
      return super.step(options);
    }
  }
  const policy = new Watched(newPolicy().config);
  for (let i = 0; i < policy.table.length; i += 6) policy.table[i] = 4;
  const records = await collect(relift(policy, bandit, { ...sizes, steps: 1, bufferSize: 3, seed: 2 }));
  const [reinforced, imitated] = taken;
  assert.deepEqual([reinforced!.optimizer, imitated!.optimizer], ["", "imitation"]);
  assert.deepEqual([reinforced!.clipNorm, imitated!.clipNorm], [1, 0.7]);
  const { terms, entropy } = records[0]!.imitation!;
  assert.ok(Math.abs(terms.entropyBonus! + 0.001 * entropy) < 1e-6);
});

test("train counts the updates that skipNorm left out, and the policy stays as it was", async () => {
  const policy = newPolicy();
  const before = policy.table.slice();
  const options = { ...sizes, objective: sft(), demonstrationsPerStep: 4, steps: 2, skipNorm: 1e-9 };
  const records = await collect(train(policy, bandit, options));
  assert.deepEqual(
    records.map(({ updates, skipped }) => [updates, skipped]),
    [
      [0, 1],
      [0, 1],
    ],
  );
  assert.deepEqual(policy.table, before);
  assert.throws(
    () => train(policy, bandit, { ...options, skipNorm: Number.NaN }),
    /expected skipNorm > 0 but found NaN/,
  );
});

test("relift takes no update of SFT while the buffer is not full, and refuses an empty one", async () => {
  const records = await collect(relift(newPolicy(), bandit, { ...sizes, steps: 3, bufferSize: 5, groupSize: 2 }));
  assert.ok(records.every(({ imitation, buffered }) => !imitation && buffered <= 4));
  assert.throws(() => relift(newPolicy(), bandit, { ...sizes, steps: 3, bufferSize: 0 }), { name: "RangeError" });
});
