import assert from "node:assert/strict";
import { test } from "node:test";
import { SoftmaxTable } from "../../src/models/softmax-table.ts";
import { createRandom } from "../../src/random.ts";
import { type Batch, nonzeroRows, type Objective } from "../../src/srft/batch.ts";
import { grpo } from "../../src/srft/objectives/grpo.ts";
import { sft } from "../../src/srft/objectives/sft.ts";
import { srft } from "../../src/srft/objectives/srft.ts";
import type { Task } from "../../src/srft/task.ts";
import { type TrainOptions, train } from "../../src/srft/train.ts";
import { type BanditProblem, bandit, collect, newPolicy, sizes } from "./bandit.ts";
import { golden, goldenBatch } from "./batches.ts";

const run = (policy: SoftmaxTable, options: Partial<TrainOptions> = {}) =>
  train(policy, bandit, { objective: srft(), steps: 60, ...sizes, ...options });

for (const objective of [
  grpo({ std: "none" }),
  srft(),
  srft({ signal: "advantages", entropyOver: "token", sftSign: 1 }),
]) {
  test(`train with ${objective.name} raises the reward`, async () => {
    const records = await collect(run(newPolicy(), { objective }));
    const mean = (part: typeof records) => part.reduce((sum, { reward }) => sum + reward!, 0) / part.length;
    assert.ok(mean(records.slice(0, 5)) < 0.2);
    assert.ok(mean(records.slice(-5)) > 0.9);
  });
}

test("train with sft lowers the loss without sampling", async () => {
  const records = await collect(run(newPolicy(), { objective: sft(), demonstrationsPerStep: 4 }));
  assert.ok(records.at(-1)!.loss < 0.2 * records[0]!.loss);
  assert.ok(records.every(({ reward, tokens }) => reward === undefined && tokens.sampled === 0));
  assert.equal(records[0]!.completionLength, 2);
  assert.equal(records[0]!.tokens.trained, 8);
});

test("train's record says what one update was", async () => {
  const [record] = await collect(run(newPolicy(), { steps: 1 }));
  assert.deepEqual(Object.keys(record!.terms), ["sft", "demonstration", "positive", "negative"]);
  assert.ok(Math.abs(record!.loss - Object.values(record!.terms).reduce((a, b) => a + b)) < 1e-12);
  assert.equal(record!.step, 1);
  assert.ok(Math.abs(record!.entropy - Math.log(6)) < 1e-6);
  assert.ok(Math.abs(record!.weights.sft - 0.5 / 6) < 1e-6 && Math.abs(record!.weights.rl - 0.6) < 1e-6);
  assert.equal(record!.tokens.trained, record!.tokens.sampled + 12);
  assert.equal(record!.completionLength, record!.tokens.sampled / 32);
  assert.ok(record!.gradNorm > 0 && record!.seconds >= record!.secondsSampling + record!.secondsScoring);
});

test("train gives the objective groups of rollouts, their demonstrations, and demonstrations in no group", async () => {
  const seen: Batch[] = [];
  const spy: Objective = { ...srft(), loss: (batch) => srft().loss(seen[seen.push(batch) - 1]!) };
  await collect(run(newPolicy(), { objective: spy, steps: 1, groupSize: 3 }));
  const { sources, groups, rewards, offsets, logprobs } = seen[0]!;
  assert.deepEqual(sources, [...Array(12).fill("rollout"), ...Array(6).fill("demonstration")]);
  assert.deepEqual([...groups], [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 0, 1, 2, 3, -1, -1]);
  assert.ok(rewards.subarray(12).every((reward) => reward === 1));
  assert.equal(offsets.at(-1), logprobs.length);
});

test("train takes no backward pass for rows without a gradient, and steps with 0 where none has one", async () => {
  const policy = newPolicy();
  const [untaught] = await collect(
    train(policy, { ...bandit, reward: () => 0 }, { objective: grpo(), steps: 1, ...sizes }),
  );
  assert.equal(untaught!.gradNorm, 0);
  assert.ok(untaught!.tokens.trained <= 2 && untaught!.tokens.sampled >= 32);
  const reward = ({ answer }: BanditProblem, completion: ArrayLike<number>) =>
    answer === 1 && completion[0] === 1 ? 1 : 0;
  const options = { objective: grpo(), steps: 1, ...sizes, groupSize: 64 };
  const [taught] = await collect(train(policy, { ...bandit, reward }, options));
  assert.ok(taught!.tokens.trained >= 64 && taught!.tokens.trained <= 128);
});

test("nonzeroRows keeps the gradient of the whole batch", async () => {
  const batch = goldenBatch();
  const sequences = batch.sources.map((_, row) => ({
    prompt: [0],
    completion: Int32Array.from(golden.batch.labels.slice(batch.offsets[row], batch.offsets[row + 1])),
  }));
  const { gradients } = grpo({ std: "none" }).loss(batch);
  const entropies = gradients.logprobs.map((_, t) => (t === 0 ? 1 : 0));
  const [whole, pruned] = [0, 1].map(() => new SoftmaxTable({ vocabularySize: 5, contextLength: 8, endToken: 4 }));
  await whole!.backward(sequences, { ...gradients, entropies });
  const kept = nonzeroRows(sequences, { offsets: batch.offsets, gradients: { ...gradients, entropies } });
  await pruned!.backward(kept.sequences, kept.gradients);
  assert.ok(kept.sequences.length === 4);
  assert.deepEqual(pruned!.gradient(), whole!.gradient());
});

test("train with the same seed gives the same bits, and with another seed others", async () => {
  const tableAfter = async (options: Partial<TrainOptions>) => {
    const policy = newPolicy();
    await collect(run(policy, { steps: 5, ...options }));
    return policy.table;
  };
  assert.deepEqual(await tableAfter({ seed: 3 }), await tableAfter({ seed: 3 }));
  assert.deepEqual(await tableAfter({ seed: 3 }), await tableAfter({ random: createRandom(3) }));
  assert.notDeepEqual(await tableAfter({ seed: 3 }), await tableAfter({ seed: 4 }));
});

test("train stops at steps, maxSeconds, an AbortSignal and a break", async () => {
  assert.equal((await collect(run(newPolicy(), { steps: 3 }))).length, 3);
  assert.equal((await collect(run(newPolicy(), { maxSeconds: 0 }))).length, 0);
  const quick = await collect(run(newPolicy(), { steps: 1e6, maxSeconds: 0.05 }));
  assert.ok(quick.length > 0 && quick.length < 1e5);

  const controller = new AbortController();
  let steps = 0;
  for await (const { step } of run(newPolicy(), { signal: controller.signal })) {
    steps = step;
    if (step === 4) controller.abort();
  }
  assert.equal(steps, 4);

  const policy = newPolicy();
  for await (const { step } of run(policy)) if (step === 2) break;
  const twin = newPolicy();
  await collect(run(twin, { steps: 2 }));
  assert.deepEqual(policy.table, twin.table);
});

test("train aborted while it samples leaves the policy as it was", async () => {
  const controller = new AbortController();
  const policy = newPolicy();
  const before = policy.table.slice();
  const reward = () => {
    controller.abort();
    return 0;
  };
  const aborting = { ...bandit, reward };
  const options = { objective: grpo(), steps: 5, ...sizes, signal: controller.signal };
  assert.deepEqual(await collect(train(policy, aborting, options)), []);
  assert.deepEqual(policy.table, before);
});

const refuses = (
  message: RegExp,
  options: Partial<TrainOptions>,
  task: Task<BanditProblem> = bandit,
  name = "RangeError",
) =>
  assert.throws(() => train(newPolicy(), task, { objective: srft(), steps: 1, ...sizes, ...options }), {
    name,
    message,
  });

test("train refuses options it cannot train with, before it begins", () => {
  refuses(/integer steps >= 1 but found 0/, { steps: 0 });
  refuses(/integer groupSize >= 1 but found 1.5/, { groupSize: 1.5 });
  refuses(/groupSize >= 2 but found 1; grpo compares/, { groupSize: 1, objective: grpo() });
  refuses(/demonstrationsPerStep >= promptsPerStep.* found 2 < 4/, { demonstrationsPerStep: 2 });
  refuses(/at least 5 problems but found 4/, { promptsPerStep: 5, demonstrationsPerStep: 5 });
  refuses(/temperature > 0 but found 0/, { temperature: 0 });
  refuses(/integer maxTokens in \[1, 5\].* found 6/, { maxTokens: 6 });
  refuses(/integer maxTokens in \[1, 5\].* found 0/, { maxTokens: 0 });
  refuses(/integer seed/, { seed: -1 });
});

test("train takes groupSize 1 where the demonstration is in the group", async () => {
  const [record] = await collect(run(newPolicy(), { groupSize: 1, steps: 1 }));
  assert.ok(Number.isFinite(record!.loss));
});

test("train refuses a bad task and names the problem and the token", () => {
  const problems = [...bandit.problems.slice(0, 3), { prompt: [9], answer: 1 }];
  refuses(/\[0, 6\) but found 9 at position 0 of the prompt of problem 3/, {}, { ...bandit, problems });
  refuses(
    /at least one token but found none in the demonstration of problem 0/,
    {},
    { ...bandit, demonstration: () => [] },
  );
  refuses(/found 7 at position 1 of the demonstration of problem 0/, {}, { ...bandit, demonstration: () => [1, 7] });
  refuses(/found 1 \+ 7 tokens in problem 0/, {}, { ...bandit, demonstration: () => [1, 1, 1, 1, 1, 1, 5] });
  refuses(/expected at least one problem/, {}, { ...bandit, problems: [] });
  const { demonstration: _, ...without } = bandit;
  refuses(/use an objective without them/, {}, without, "TypeError");
});

test("train refuses a reward that is not finite, names the prompt, and keeps the policy", async () => {
  const policy = newPolicy();
  const before = policy.table.slice();
  const broken = { ...bandit, reward: (problem: BanditProblem) => (problem.answer === 3 ? Number.NaN : 0) };
  await assert.rejects(collect(train(policy, broken, { objective: grpo(), steps: 1, ...sizes })), {
    name: "RangeError",
    message: /finite reward but found NaN for the prompt "c"/,
  });
  assert.deepEqual(policy.table, before);
});
