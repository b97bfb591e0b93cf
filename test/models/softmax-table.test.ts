import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { saveSafetensors } from "../../src/models/safetensors/safetensors.ts";
import { loadSoftmaxTable, SoftmaxTable } from "../../src/models/softmax-table.ts";
import { createRandom } from "../../src/random.ts";
import type { Batch } from "../../src/srft/batch.ts";
import { grpo } from "../../src/srft/objectives/grpo.ts";
import { sft } from "../../src/srft/objectives/sft.ts";
import { srft } from "../../src/srft/objectives/srft.ts";
import type { Sequence, TokenGradients } from "../../src/srft/policy.ts";
import { centralDifferences, golden, worst } from "../srft/batches.ts";
import { testStepSettings } from "../srft/step-settings.ts";

const config = { vocabularySize: 4, contextLength: 12, endToken: 3, order: 2 };
const size = 25 * 4;
const logits = (seed: number) => {
  const random = createRandom(seed);
  return Float64Array.from({ length: size }, () => 3 * random() - 1.5);
};
const table = (seed = 1) => new SoftmaxTable(config, logits(seed));

const sequences: readonly Sequence[] = [
  { prompt: [0], completion: [1, 2, 3] },
  { prompt: [0], completion: [2, 3] },
  { prompt: [0, 1], completion: [0, 1, 1, 3] },
  { prompt: [0, 1], completion: [3] },
  { prompt: [0], completion: [1, 1, 3] },
  { prompt: [0, 1], completion: [2, 0, 3] },
  { prompt: [2], completion: [2, 3] },
  { prompt: [2, 2, 1], completion: [1, 2] },
];

async function batchOf(policy: SoftmaxTable): Promise<Batch> {
  return {
    ...(await policy.score(sequences)),
    sources: sequences.map((_, row) => (row < 4 ? "rollout" : "demonstration")),
    groups: Int32Array.of(0, 0, 1, 1, 0, 1, -1, -1),
    rewards: Float64Array.of(1, 0, 0, 0, 1, 1, 1, 1),
  };
}

testStepSettings({
  name: "SoftmaxTable",
  create: table,
  read: async (policy) => ({ table: policy.table }),
  sequences,
});

test("SoftmaxTable scores what its table says", async () => {
  const policy = new SoftmaxTable({ vocabularySize: 3, contextLength: 4, endToken: 2 }, [
    ...[0, Math.log(2), Math.log(5)],
    ...[0, 0, 0],
    ...[0, 0, 0],
    ...[9, 9, 9],
  ]);
  const { logprobs, entropies, offsets } = await policy.score([
    { prompt: [0], completion: [1, 2] },
    { prompt: [0], completion: [2] },
  ]);
  assert.deepEqual([...offsets], [0, 2, 3]);
  assert.ok(worst(logprobs, [Math.log(2 / 8), Math.log(1 / 3), Math.log(5 / 8)]) < 1e-7);
  const entropy = -(Math.log(1 / 8) / 8 + Math.log(2 / 8) / 4 + (5 / 8) * Math.log(5 / 8));
  assert.ok(worst(entropies, [entropy, Math.log(3), entropy]) < 1e-7);
  assert.ok(worst(await policy.logits([{ prompt: [0], completion: [1] }]), [0, Math.log(2), Math.log(5)]) < 1e-7);
});

test("SoftmaxTable with order 2 tells every context apart, short ones too", async () => {
  const policy = new SoftmaxTable({ ...config, vocabularySize: 4 });
  const prompts = [[0], [1], [3], [0, 0], [0, 1], [1, 0], [3, 3], [2, 0, 1]];
  for (const prompt of prompts) {
    const twin = await policy.clone();
    await twin.backward([{ prompt, completion: [1] }], { logprobs: Float32Array.of(-1) });
    const touched = Array.from(twin.gradient()).filter((one) => one !== 0);
    assert.equal(touched.length, 4);
  }
  const lineOf = async (prompt: number[]) => {
    const twin = await policy.clone();
    await twin.backward([{ prompt, completion: [1] }], { logprobs: Float32Array.of(-1) });
    return Math.floor(twin.gradient().findIndex((one) => one !== 0) / 4);
  };
  const lines = await Promise.all(prompts.map(lineOf));
  assert.equal(new Set(lines).size, prompts.length - 1);
  assert.equal(lines.at(-1), lines[4]);
});

const objectives = [
  sft(),
  grpo(),
  srft({ sftWeight: 0.3, rlWeight: 0.2 }),
  srft({ sftWeight: 0.3, rlWeight: 0.2, shaping: { gamma: 0.1 }, entropyBonus: 0.5, reduction: "sequence-sum" }),
];

for (const [i, objective] of objectives.entries()) {
  test(`SoftmaxTable's gradient is that of the whole loss with respect to every logit (${objective.name} ${i})`, async () => {
    const policy = table();
    const batch = await batchOf(policy);
    await policy.backward(sequences, objective.loss({ ...batch, oldLogprobs: batch.logprobs }).gradients);
    const at = (moved: Float64Array) => objective.loss({ ...exact(moved), oldLogprobs: batch.logprobs }).value;
    const exact = (moved: Float64Array): Batch => ({ ...batch, ...exactScores(moved) });
    assert.ok(worst(policy.gradient(), centralDifferences(at, policy.table)) < 1e-6);
  });
}

/** score() in float64, written out. */
function exactScores(moved: Float64Array) {
  const lines = sequences.flatMap(({ prompt, completion }) => {
    const text = [4, ...Array.from(prompt), ...Array.from(completion)];
    return Array.from(completion, (label, t) => {
      const at = prompt.length + 1 + t;
      const line = text[at - 2]! * 5 + text[at - 1]!;
      return { z: [...moved.subarray(line * 4, line * 4 + 4)], label };
    });
  });
  const logs = lines.map(({ z }) => {
    const total = Math.log(z.reduce((sum, one) => sum + Math.exp(one), 0));
    return z.map((one) => one - total);
  });
  return {
    logprobs: Float64Array.from(logs, (row, t) => row[lines[t]!.label]!),
    entropies: Float64Array.from(logs, (row) => -row.reduce((sum, log) => sum + Math.exp(log) * log, 0)),
  };
}

test("SoftmaxTable's AdamW and clip are PyTorch's over five steps", async () => {
  const { start, sequences: rows, settings, gradNorms, end } = golden.adamw;
  const policy = new SoftmaxTable({ vocabularySize: 4, contextLength: 8, endToken: 3 }, start);
  for (const expected of gradNorms) {
    await policy.backward(rows, { logprobs: new Float32Array(8).fill(-1 / 8) });
    const { gradNorm } = await policy.step(settings);
    assert.ok(Math.abs(gradNorm - expected) < 1e-8);
  }
  assert.ok(worst(policy.table, end) < 1e-8);
});

const slopes = (tokens: number, seed = 2): TokenGradients => {
  const random = createRandom(seed);
  return { logprobs: Float32Array.from({ length: tokens }, () => random() - 0.5) };
};

test("SoftmaxTable accumulates: 1 x 8 rows give the gradient of 8 x 1", async () => {
  const [together, apart] = [table(), table()];
  const gradients = slopes(20);
  await together.backward(sequences, gradients);
  let at = 0;
  for (const sequence of sequences) {
    const end = at + sequence.completion.length;
    await apart.backward([sequence], { logprobs: gradients.logprobs.slice(at, end) });
    at = end;
  }
  assert.deepEqual(apart.gradient(), together.gradient());
});

test("SoftmaxTable's training does not depend on the order of the rows", async () => {
  const trained = async (rows: readonly Sequence[]) => {
    const policy = table();
    for (let i = 0; i < 10; i++) {
      const tokens = rows.reduce((sum, { completion }) => sum + completion.length, 0);
      await policy.backward(rows, { logprobs: new Float32Array(tokens).fill(-1 / tokens) });
      await policy.step({ learningRate: 0.1 });
    }
    return policy.table;
  };
  assert.ok(worst(await trained(sequences.toReversed()), await trained(sequences)) < 1e-9);
});

test("SoftmaxTable samples the same bits under the same seed, and records what score says", async () => {
  const policy = table();
  const draw = (temperature: number) =>
    policy.sample([[0], [1, 2]], { groupSize: 6, maxTokens: 8, temperature, random: createRandom(3) });
  assert.deepEqual(await draw(1), await draw(1));
  const { completions, logprobs, entropies, behaviorLogprobs, offsets } = await draw(1);
  const rows = completions.map((completion, row) => ({ prompt: row < 6 ? [0] : [1, 2], completion }));
  const scores = await policy.score(rows);
  assert.deepEqual({ logprobs, entropies, offsets }, scores);
  assert.ok(worst(behaviorLogprobs, logprobs) < 1e-6);
  assert.ok(completions.every((one) => one.length === 8 || one.indexOf(3) === one.length - 1));
  const tempered = await draw(0.5);
  assert.ok(worst(tempered.behaviorLogprobs, tempered.logprobs) > 1e-3);
});

test("SoftmaxTable samples in the proportions of its probabilities", async () => {
  const policy = new SoftmaxTable({ vocabularySize: 3, contextLength: 4, endToken: 2, order: 0 }, [
    0,
    Math.log(2),
    Math.log(5),
  ]);
  const { completions } = await policy.sample([[0]], { groupSize: 8000, maxTokens: 1, random: createRandom(1) });
  const counts = [0, 1, 2].map((token) => completions.filter(([first]) => first === token).length / 8000);
  assert.ok(counts.every((share, v) => Math.abs(share - [1, 2, 5][v]! / 8) < 0.02));
});

test("SoftmaxTable at temperature 0 takes the likeliest token, with behaviour log-probability 0", async () => {
  const policy = new SoftmaxTable({ vocabularySize: 3, contextLength: 6, endToken: 2, order: 0 }, [1, 5, 2]);
  const { completions, behaviorLogprobs } = await policy.sample([[0]], { maxTokens: 3, temperature: 0 });
  assert.deepEqual([...completions[0]!], [1, 1, 1]);
  assert.deepEqual([...behaviorLogprobs], [0, 0, 0]);
});

test("SoftmaxTable saves and loads its logits as float32, and leaves no other file", async () => {
  const folder = await mkdtemp(join(tmpdir(), "srft-"));
  try {
    const file = join(folder, "table.safetensors");
    const policy = table();
    await policy.save(file);
    const loaded = await loadSoftmaxTable(file);
    assert.deepEqual(loaded.config, policy.config);
    assert.deepEqual(loaded.table, Float64Array.from(Float32Array.from(policy.table)));
    assert.deepEqual(await readdir(folder), ["table.safetensors"]);
    await saveSafetensors(file, new Map([["w", { shape: [1], data: Float32Array.of(1) }]]));
    await assert.rejects(loadSoftmaxTable(file), { name: "SyntaxError", message: /expected a softmax table/ });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("SoftmaxTable's clone trains apart from it", async () => {
  const policy = table();
  const twin = await policy.clone();
  await twin.backward(sequences, slopes(20));
  await twin.step({ learningRate: 0.1 });
  assert.deepEqual(policy.table, logits(1));
  assert.notDeepEqual(twin.table, policy.table);
});

test("SoftmaxTable refuses bad sizes, tokens and gradients, and keeps its parameters", async () => {
  const policy = table();
  assert.throws(() => new SoftmaxTable({ ...config, order: 11 }), { name: "RangeError", message: /lower the order/ });
  assert.throws(() => new SoftmaxTable({ ...config, order: -1 }), { name: "RangeError", message: /order >= 0/ });
  assert.throws(() => new SoftmaxTable(config, [1]), { name: "RangeError", message: /100 logits but found 1/ });
  await assert.rejects(policy.score([{ prompt: [0], completion: [4] }]), { name: "RangeError", message: /found 4/ });
  await assert.rejects(policy.step({ learningRate: 1 }), { name: "TypeError", message: /call backward first/ });
  await assert.rejects(policy.backward(sequences, slopes(3)), { name: "RangeError", message: /20 gradients/ });
  await assert.rejects(policy.backward(sequences, { logprobs: new Float32Array(20).fill(Number.NaN) }), {
    name: "RangeError",
    message: /finite gradients/,
  });
  await assert.rejects(policy.sample([[0]], { maxTokens: 12, random: createRandom(1) }), {
    message: /1 \+ 12 in prompt 0/,
  });
  await assert.rejects(policy.sample([[7]], { maxTokens: 2, random: createRandom(1) }), { message: /found 7/ });
  await assert.rejects(policy.sample([[0]], { maxTokens: 2 }), { name: "TypeError", message: /createRandom/ });
  assert.deepEqual(policy.table, logits(1));
});
