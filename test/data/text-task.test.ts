import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { countdownReward } from "../../src/data/countdown.ts";
import { readDemonstrations } from "../../src/data/demonstrations.ts";
import { formatReward } from "../../src/data/format-rewards.ts";
import { mathReward } from "../../src/data/math/math-reward.ts";
import { textTask } from "../../src/data/text-task.ts";
import { loadTokenizer } from "../../src/models/hugging-face/tokenizer.ts";
import { createPolicy } from "../../src/models/transformer/checkpoint.ts";
import { sft } from "../../src/srft/objectives/sft.ts";
import { srft } from "../../src/srft/objectives/srft.ts";
import { train } from "../../src/srft/train.ts";

const model = join(import.meta.dirname, "../../../test/golden/hugging-face/qwen2");
const tokenizer = await loadTokenizer(model);
const endToken = tokenizer.encode("<|im_end|>")[0]!;
const architecture = { layers: 1, width: 32, heads: 2, contextLength: 128, endToken, seed: 1 };
const policy = await createPolicy({ vocabularySize: tokenizer.vocabularySize, ...architecture });
const folder = await mkdtemp(join(tmpdir(), "srft-text-task-"));
after(() => rm(folder, { recursive: true }));

const chat = (content: string) => [{ role: "user", content }];
const rows = [
  { prompt: chat("2 + 2 ="), completion: "It is \\boxed{4}", answer: "4", line: 1 },
  { prompt: "1 / 2 =", completion: "\\boxed{0.5}", answer: "\\frac12", line: 2 },
];

test("textTask puts messages through the chat template and ends demonstrations with the end token", async () => {
  const task = await textTask(rows, { tokenizer, endToken });
  const [first, second] = task.problems;
  assert.equal(task.decode(first!.prompt), tokenizer.chat(chat("2 + 2 =")));
  assert.equal(task.decode(second!.prompt), "1 / 2 =");
  const demonstration = Array.from(task.demonstration!(first!));
  assert.equal(demonstration.at(-1), endToken);
  assert.equal(task.decode(demonstration.slice(0, -1)), "It is \\boxed{4}");
  assert.equal(task.vocabulary.length, tokenizer.vocabularySize);
  assert.equal(task.vocabulary[second!.prompt[0]!], tokenizer.decode([second!.prompt[0]!]));
});

test("textTask verifies the text of a completion, by the answer or as it is told", async () => {
  const task = await textTask(rows, { tokenizer, endToken });
  const rewardOf = async (text: string) => task.reward(task.problems[1]!, [...tokenizer.encode(text), endToken]);
  assert.equal(await rewardOf("so \\boxed{1/2}"), 1);
  assert.equal(await rewardOf("so \\boxed{2}"), 0);
  const both = await textTask(rows, {
    tokenizer,
    endToken,
    verifier: ({ answer }) => {
      const [format, math] = [formatReward(), mathReward({ gold: answer! })];
      return (completion) => 0.1 * format(completion) + math(completion);
    },
  });
  const found = await both.reward(both.problems[0]!, tokenizer.encode("<think>2 + 2</think> \\boxed{4}"));
  assert.ok(Math.abs(found - 1.1) < 1e-12);
  const countdown = await textTask([{ prompt: "3 4 -> 7", line: 1 }], {
    tokenizer,
    endToken,
    verifier: () => countdownReward({ numbers: [3, 4], target: 7 }),
  });
  assert.equal(await countdown.reward(countdown.problems[0]!, tokenizer.encode("<answer>3 + 4</answer>")), 1);
});

test("textTask reads a file of demonstrations, and train takes steps of SRFT on it", async () => {
  const file = join(folder, "demonstrations.jsonl");
  const lines = [1, 2, 3, 4].map((n) => ({
    prompt: chat(`${n} + ${n} =`),
    target: [{ role: "assistant", content: `\\boxed{${2 * n}}` }],
    reward_model: { ground_truth: `${2 * n}` },
  }));
  await writeFile(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  const task = await textTask(readDemonstrations(file), { tokenizer, endToken });
  assert.equal(task.problems.length, 4);
  const sizes = { promptsPerStep: 2, demonstrationsPerStep: 2, groupSize: 2, maxTokens: 16 };
  const learner = await policy.clone();
  const before = await learner.score([
    { prompt: task.problems[0]!.prompt, completion: task.demonstration!(task.problems[0]!) },
  ]);
  let steps = 0;
  for await (const { loss, gradNorm } of train(learner, task, { objective: srft(), steps: 2, ...sizes })) {
    assert.ok(Number.isFinite(loss) && gradNorm > 0);
    steps++;
  }
  for await (const _ of train(learner, task, { objective: sft(), steps: 10, ...sizes, learningRate: 0.01 })) steps++;
  const after = await learner.score([
    { prompt: task.problems[0]!.prompt, completion: task.demonstration!(task.problems[0]!) },
  ]);
  const mean = (values: Float32Array) => values.reduce((sum, one) => sum + one, 0) / values.length;
  assert.equal(steps, 12);
  assert.ok(mean(after.logprobs) > mean(before.logprobs) + 1);
});

test("textTask without completions has no demonstrations, and names what is wrong", async () => {
  const { completion: _, ...bare } = rows[0]!;
  assert.equal((await textTask([bare], { tokenizer, endToken })).demonstration, undefined);
  const refuses = (given: Parameters<typeof textTask>[0], expected: object, end = endToken) =>
    assert.rejects(textTask(given, { tokenizer, endToken: end }), expected);
  await refuses([], { name: "RangeError", message: /at least one row/ });
  await refuses([{ prompt: "", answer: "1", line: 7 }], { name: "RangeError", message: /found none in line 7/ });
  await refuses([{ prompt: "1", line: 8 }], {
    name: "TypeError",
    message: /an answer in line 8 but found none; pass verifier/,
  });
  await refuses(rows, { name: "RangeError", message: /expected an endToken/ }, 1e9);
});
