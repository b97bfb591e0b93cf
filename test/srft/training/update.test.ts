import assert from "node:assert/strict";
import { test } from "node:test";
import type { SoftmaxTable } from "../../../src/models/softmax-table.ts";
import type { Batch, Objective } from "../../../src/srft/batch.ts";
import { grpo } from "../../../src/srft/objectives/grpo.ts";
import { psft } from "../../../src/srft/objectives/imitation/psft.ts";
import { sftKl } from "../../../src/srft/objectives/imitation/sft-kl.ts";
import { sft } from "../../../src/srft/objectives/sft.ts";
import { srft } from "../../../src/srft/objectives/srft.ts";
import { type TrainOptions, train } from "../../../src/srft/train.ts";
import { linearSchedule } from "../../../src/srft/training/schedules.ts";
import { type BanditProblem, bandit, collect, newPolicy, sizes } from "../bandit.ts";

const run = (policy: SoftmaxTable, options: Partial<TrainOptions<BanditProblem>>) =>
  collect(train(policy, bandit, { objective: srft(), steps: 3, ...sizes, ...options }));

function spyOn(objective: Objective) {
  const seen: Batch[] = [];
  const loss = (batch: Batch) => {
    seen.push(batch);
    return objective.loss(batch);
  };
  return { seen, objective: { ...objective, loss } };
}

test("train accumulates backward passes without changing the update: 1 row at a time = all at once", async () => {
  const [whole, parts] = [newPolicy(), newPolicy()];
  await run(whole, {});
  const records = await run(parts, { rowsPerBackward: 1 });
  assert.ok(whole.table.every((one, i) => Math.abs(one - parts.table[i]!) < 1e-12));
  assert.equal(records[0]!.updates, 1);
});

test("train with epochs keeps the first log-probabilities as old ones and scores again", async () => {
  const { seen, objective } = spyOn(grpo());
  const [record] = await run(newPolicy(), { objective, epochs: 3, steps: 1 });
  assert.equal(seen.length, 3);
  assert.equal(seen[0]!.oldLogprobs, undefined);
  for (const batch of seen.slice(1)) assert.deepEqual(batch.oldLogprobs, seen[0]!.logprobs);
  assert.notDeepEqual(seen[1]!.logprobs, seen[0]!.logprobs);
  assert.equal(record!.updates, 3);
  assert.ok(record!.ratio!.max > 1 && record!.ratio!.clippedShare! > 0);
});

test("train's mini-batches hold whole groups with their demonstrations and share out the others", async () => {
  const { seen, objective } = spyOn(srft());
  const [record] = await run(newPolicy(), { objective, miniBatches: 2, steps: 1, groupSize: 2 });
  assert.equal(record!.updates, 2);
  assert.deepEqual(
    seen.map(({ groups }) => [...groups]),
    [
      [0, 0, 1, 1, 0, 1, -1],
      [2, 2, 3, 3, 2, 3, -1],
    ],
  );
  assert.equal(seen[0]!.oldLogprobs, undefined);
  assert.equal(seen[1]!.oldLogprobs!.length, seen[1]!.logprobs.length);
  for (const { offsets, logprobs } of seen) assert.equal(offsets.at(-1), logprobs.length);
});

test("train with several updates a batch learns faster than with one, a step for a step", async () => {
  const options = { objective: grpo({ std: "none" }), steps: 8, learningRate: 0.05 };
  const [one, four] = [await run(newPolicy(), options), await run(newPolicy(), { ...options, epochs: 4 })];
  assert.ok(four.at(-1)!.reward! > one.at(-1)!.reward! + 0.1);
});

test("train with psft clips what a batch's earlier updates have raised enough", async () => {
  const options = { demonstrationsPerStep: 4, steps: 1, learningRate: 0.5, epochs: 2 };
  const first = newPolicy();
  const [record] = await run(first, { ...options, objective: psft() });
  assert.ok(record!.loss < -1 && record!.gradNorm < 0.6);
  const twin = newPolicy();
  await run(twin, { ...options, objective: sft() });
  assert.notDeepEqual(first.table, twin.table);
});

test("train asks the learning rate of every step and reports it", async () => {
  const records = await run(newPolicy(), { learningRate: linearSchedule({ from: 0.1, steps: 4, warmup: 1 }) });
  assert.deepEqual(
    records.map(({ learningRate }) => Number(learningRate.toFixed(6))),
    [0.1, 0.066667, 0.033333],
  );
  const still = newPolicy();
  await run(still, { learningRate: () => 0 });
  assert.deepEqual(still.table, newPolicy().table);
});

test("train scores the reference once a step and gives its log-probabilities to the objective", async () => {
  const { seen, objective } = spyOn(grpo({ kl: { coefficient: 0.1 } }));
  const reference = newPolicy();
  const records = await run(newPolicy(), { objective, reference });
  assert.ok(seen[2]!.referenceLogprobs!.every((one) => Math.abs(one + Math.log(6)) < 1e-6));
  assert.ok(records[0]!.terms.kl === 0 && records[2]!.terms.kl! > 0);
  assert.deepEqual(reference.table, newPolicy().table);
  const options = { reference, steps: 40, demonstrationsPerStep: 4 };
  const kept = await run(newPolicy(), { ...options, objective: sftKl({ coefficient: 5 }) });
  const free = await run(newPolicy(), { ...options, objective: sft() });
  assert.ok(kept.at(-1)!.terms.sft! > free.at(-1)!.terms.sft! + 0.1);
});

test("train shows the demonstrations it is asked for", async () => {
  for (const [demonstrated, groups] of [
    ["prompted", [0, 1, 2, 3]],
    ["further", [-1, -1, -1]],
    ["prompted+further", [0, 1, 2, 3, -1, -1]],
  ] as const) {
    const { seen, objective } = spyOn(srft({ demonstrations: "beside" }));
    const demonstrationsPerStep = demonstrated === "further" ? 3 : 6;
    await run(newPolicy(), { objective, steps: 1, demonstrated, demonstrationsPerStep });
    const { groups: found, sources } = seen[0]!;
    assert.deepEqual([...found].slice(sources.indexOf("demonstration")), [...groups]);
  }
});

test("train evaluates every so many steps and at the end, without touching the trajectory", async () => {
  const [plain, evaluated] = [newPolicy(), newPolicy()];
  await run(plain, { steps: 5 });
  const evaluation = { every: 2, problems: bandit.problems, samples: 8, k: 4 };
  const records = await run(evaluated, { steps: 5, evaluation });
  assert.deepEqual(plain.table, evaluated.table);
  assert.deepEqual(
    records.flatMap(({ step, evaluation }) => (evaluation ? [step] : [])),
    [2, 4, 5],
  );
  const { greedy, sampled } = records[4]!.evaluation!;
  assert.ok(greedy >= 0 && sampled!.passAtK >= sampled!.meanAt1);
});

test("train's dynamic sampling replaces problems whose rollouts are all alike", async () => {
  const reward = ({ answer }: BanditProblem, [first]: ArrayLike<number> & Iterable<number>) =>
    answer === 1 && first === 1 ? 1 : 0;
  const task = { ...bandit, reward: reward as typeof bandit.reward };
  const { seen, objective } = spyOn(grpo());
  const options = { objective, steps: 1, ...sizes, promptsPerStep: 3, groupSize: 32, seed: 4 };
  const [record] = await collect(train(newPolicy(), task, { ...options, dynamicSampling: { rounds: 6 } }));
  assert.equal(record!.informative, 1);
  assert.ok(seen[0]!.groups.length < 7 * 3 * 32 && record!.tokens.sampled > seen[0]!.logprobs.length);
  const none = { ...bandit, reward: () => 0 };
  const [empty] = await collect(train(newPolicy(), none, { ...options, dynamicSampling: { rounds: 2 } }));
  assert.deepEqual([empty!.informative, empty!.gradNorm, empty!.unsolved!.length], [0, 0, 3]);
});

const refuses = (message: RegExp, options: Partial<TrainOptions<BanditProblem>>, name = "RangeError") =>
  assert.throws(() => train(newPolicy(), bandit, { objective: srft(), steps: 1, ...sizes, ...options }), {
    name,
    message,
  });

test("train refuses schedules of data that cannot be, before it begins", () => {
  refuses(/pass reference: await policy.clone\(\)/, { objective: grpo({ kl: { coefficient: 1 } }) }, "TypeError");
  refuses(/miniBatches <= 4.* found 5/, { miniBatches: 5 });
  refuses(/integer epochs >= 1 but found 0/, { epochs: 0 });
  refuses(/integer rowsPerBackward >= 1 but found 0.5/, { rowsPerBackward: 0.5 });
  refuses(/evaluation.every >= 1 but found 0/, { evaluation: { every: 0 } });
  refuses(/dynamicSampling.rounds >= 1 but found 0/, { dynamicSampling: { rounds: 0 } });
  refuses(/puts demonstrations into their prompt's group/, { demonstrated: "further" });
});

test("train refuses an objective whose needs change from step to step", async () => {
  const objective = (step: number) => (step === 1 ? grpo() : srft());
  await assert.rejects(collect(train(newPolicy(), bandit, { objective, steps: 2, ...sizes })), {
    name: "RangeError",
    message: /demonstrations none.* but found .*demonstrations inside.* in step 2; change objectives with inStages/,
  });
});
