import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { loadTokenizer } from "../../src/models/hugging-face/tokenizer.ts";
import { objectiveNamed } from "../../src/reproduction/methods.ts";
import { type RunPlan, runKey, runOf } from "../../src/reproduction/run.ts";
import { reproductionSetting } from "../../src/reproduction/setting.ts";
import { writeTinyModel } from "./tiny-model.ts";

const folder = await mkdtemp(join(tmpdir(), "srft-runs-"));
after(() => rm(folder, { recursive: true }));

const train = { promptsPerStep: 2, demonstrationsPerStep: 2, groupSize: 2 };
const evaluation = { problems: 8, sampledProblems: 2 };
const plan: RunPlan = {
  name: "SFT → GRPO",
  seed: 1,
  stages: [
    { objective: "sft", steps: 2 },
    { objective: "grpo", steps: 2, train: { groupSize: 3 } },
  ],
  train,
  checkpointEvery: 3,
  evaluation,
};
const setting = await reproductionSetting();

test("runOf trains once, and afterwards finds the run with the same numbers and bits", async () => {
  const first = await runOf(setting, plan, folder);
  const again = await runOf(setting, { ...plan, name: "the same under another name" }, folder);
  assert.deepEqual([first.reused, again.reused], [false, true]);
  assert.deepEqual(again.records, JSON.parse(JSON.stringify(first.records)));
  assert.deepEqual(again.evaluations, first.evaluations);
  assert.deepEqual(
    first.records.map(({ step, stage, tokens }) => [step, stage, tokens.sampled > 0]),
    [
      [1, 0, false],
      [2, 0, false],
      [3, 1, true],
      [4, 1, true],
    ],
  );
  assert.deepEqual(Object.keys(first.evaluations), ["id", "ood-op", "ood-length"]);
  assert.deepEqual(
    first.checkpoints.map(({ step }) => step),
    [0, 3, 4],
  );
  const base = await (await setting.base()).parameters();
  assert.deepEqual(await (await again.checkpoints[0]!.policy()).parameters(), base);
  const [end, kept] = [await (await first.policy()).parameters(), await (await again.policy()).parameters()];
  assert.deepEqual(end, kept);
  assert.notDeepEqual(end, base);
  assert.deepEqual(await readdir(folder), [await runKey(setting, plan)]);
});

test("runKey changes with every parameter, and not with the name", async () => {
  const key = await runKey(setting, plan);
  const others: readonly RunPlan[] = [
    { ...plan, seed: 2 },
    { ...plan, train: { ...train, learningRate: 1e-3 } },
    { ...plan, stages: plan.stages.slice(1) },
    { ...plan, evaluation: { problems: 9 } },
  ];
  const keys = await Promise.all(others.map((one) => runKey(setting, one)));
  assert.equal(new Set([key, ...keys]).size, 5);
  assert.notEqual(await runKey(await reproductionSetting({ model: "foreign" }), plan), key);
  assert.equal(await runKey(setting, { ...plan, name: "other" }), key);
});

test("reproductionSetting evaluates on fewer problems where it or SRFT_PROBLEMS says so, as another setting", async () => {
  const sizes = ({ splits }: typeof setting) => Object.values(splits).map(({ length }) => length);
  assert.ok(sizes(setting).every((size) => size >= 200));
  const few = await reproductionSetting({ heldOut: 3 });
  assert.deepEqual(sizes(few), [3, 3, 3]);
  assert.deepEqual(few.splits.id, setting.splits.id.slice(0, 3));
  assert.notEqual(await runKey(few, plan), await runKey(setting, plan));
  try {
    process.env.SRFT_PROBLEMS = "3";
    assert.equal(await runKey(await reproductionSetting(), plan), await runKey(few, plan));
    for (const wrong of ["0", "many", "2.5"]) {
      process.env.SRFT_PROBLEMS = wrong;
      await assert.rejects(reproductionSetting(), { name: "RangeError", message: /SRFT_PROBLEMS\) >= 1 but found/ });
    }
  } finally {
    delete process.env.SRFT_PROBLEMS;
  }
});

test("runOf leaves nothing behind when a plan is refused", async () => {
  const wrong = { ...plan, seed: 3, train: { ...train, promptsPerStep: -1 } };
  await assert.rejects(runOf(setting, wrong, folder), /expected an integer promptsPerStep >= 1 but found -1/);
  await assert.rejects(runOf(setting, { ...plan, seed: 3, stages: [] }, folder), /at least one stage/);
  assert.equal((await readdir(folder)).length, 1);
  assert.throws(() => objectiveNamed("constructor" as "sft"), {
    name: "TypeError",
    message: /expected sft, .* but found/,
  });
});

test("the same plan runs two steps on a folder of Hugging Face, a tiny random Qwen2", async () => {
  const model = await writeTinyModel(join(folder, "tiny"));
  const twin = await reproductionSetting({ model, problems: 20 });
  assert.equal(twin.name, "tiny");
  assert.match(twin.task.decode(twin.task.problems[0]!.prompt), /Evaluate from left to right, modulo 10/);
  const demonstration = twin.task.decode(twin.task.demonstration!(twin.task.problems[0]!));
  assert.match(demonstration, /^\[ \d .*\\boxed\{\d\}/);
  assert.equal(await twin.task.reward(twin.task.problems[0]!, twin.task.demonstration!(twin.task.problems[0]!)), 1);
  const two: RunPlan = { name: "SRFT", seed: 1, stages: [{ objective: "srft", steps: 2 }], train, evaluation };
  const { records, policy } = await runOf(twin, two, folder);
  assert.ok(records.length === 2 && records.every(({ loss, gradNorm }) => Number.isFinite(loss) && gradNorm > 0));
  assert.equal((await policy()).vocabularySize, (await loadTokenizer(model)).vocabularySize);
});
