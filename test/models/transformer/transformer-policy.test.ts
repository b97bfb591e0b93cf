import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { createPolicy } from "../../../src/models/transformer/checkpoint.ts";
import type { TransformerPolicy } from "../../../src/models/transformer/transformer-policy.ts";
import { createRandom } from "../../../src/random.ts";
import type { Rollouts, Sequence } from "../../../src/srft/policy.ts";
import { testStepSettings } from "../../srft/step-settings.ts";

const sizes = { vocabularySize: 9, layers: 2, width: 16, heads: 2, contextLength: 40 };
const shared = await createPolicy({ ...sizes, seed: 4 });
// fresh parameters give nearly uniform tokens; larger ones give distributions worth testing
for (const [name, data] of Object.entries(await shared.parameters()))
  if (!name.includes("norm"))
    data.forEach((x, i) => {
      data[i] = 12 * x;
    });

const prompts = [[1, 3], [1, 4, 5, 6], [1], [1, 8, 8]];
const sequencesOf = ({ completions }: Rollouts, groupSize: number): Sequence[] =>
  completions.map((completion, row) => ({ prompt: prompts[Math.floor(row / groupSize)]!, completion }));
const largest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((worst, one, i) => Math.max(worst, Math.abs(one - b[i]!)), 0);

describe("sample", () => {
  test("gives log-probabilities and entropies equal to those of score", async () => {
    const rollouts = await shared.sample(prompts, { groupSize: 5, maxTokens: 12, random: createRandom(1) });
    const scores = await shared.score(sequencesOf(rollouts, 5));
    assert.deepEqual(rollouts.offsets, scores.offsets);
    assert.ok(largest(rollouts.logprobs, scores.logprobs) < 5e-6);
    assert.ok(largest(rollouts.entropies, scores.entropies) < 5e-6);
    assert.deepEqual(rollouts.behaviorLogprobs, rollouts.logprobs);
  });

  test("ends each completion at the end token or at maxTokens", async () => {
    const { completions } = await shared.sample(prompts, { groupSize: 50, maxTokens: 6, random: createRandom(2) });
    const lengths = new Set(completions.map((one) => one.length));
    assert.ok(lengths.size > 2);
    for (const one of completions) {
      assert.ok(one.indexOf(2) === one.length - 1 || (one.length === 6 && !one.includes(2)));
    }
  });

  test("repeats itself with the same seed and differs with another", async () => {
    const draw = (seed: number) => shared.sample(prompts, { groupSize: 4, maxTokens: 10, random: createRandom(seed) });
    assert.deepEqual(await draw(3), await draw(3));
    assert.notDeepEqual((await draw(3)).completions, (await draw(4)).completions);
  });

  test("draws tokens with the policy's probabilities", async () => {
    const draws = 20_000;
    const { completions } = await shared.sample([[1, 3]], { groupSize: draws, maxTokens: 1, random: createRandom(5) });
    const counts = new Float64Array(9);
    for (const [token] of completions) counts[token!]!++;
    const row = await shared.logits([{ prompt: [1, 3], completion: [0] }]);
    const weights = Array.from(row, Math.exp);
    const total = weights.reduce((a, b) => a + b, 0);
    const chiSquare = weights.reduce((sum, weight, token) => {
      const expected = (draws * weight) / total;
      return sum + (counts[token]! - expected) ** 2 / expected;
    }, 0);
    assert.ok(chiSquare < 26.1, `χ² with 8 degrees of freedom is ${chiSquare}; 26.1 is its 99.9 % point`);
  });

  test("at temperature 0 takes the likeliest token at every position", async () => {
    const rollouts = await shared.sample(prompts, { maxTokens: 8, temperature: 0 });
    const logits = await shared.logits(sequencesOf(rollouts, 1));
    rollouts.completions
      .flatMap((one) => [...one])
      .forEach((token, i) => {
        const row = logits.subarray(9 * i, 9 * i + 9);
        assert.equal(token, row.indexOf(Math.max(...row)));
      });
    assert.ok(rollouts.behaviorLogprobs.every((one) => one === 0));
  });

  test("at temperature 2 reports the tempered log-probability beside the policy's own", async () => {
    const rollouts = await shared.sample(prompts, { maxTokens: 4, temperature: 2, random: createRandom(6) });
    const logits = await shared.logits(sequencesOf(rollouts, 1));
    rollouts.completions
      .flatMap((one) => [...one])
      .forEach((token, i) => {
        const row = Array.from(logits.subarray(9 * i, 9 * i + 9), (x) => Math.exp(x / 2));
        const expected = Math.log(row[token]! / row.reduce((a, b) => a + b));
        assert.ok(Math.abs(rollouts.behaviorLogprobs[i]! - expected) < 1e-5);
      });
    assert.ok(largest(rollouts.behaviorLogprobs, rollouts.logprobs) > 0.01);
  });

  test("names what it cannot sample", async () => {
    const random = createRandom(1);
    await assert.rejects(
      shared.sample([[1, 9]], { maxTokens: 3, random }),
      /expected a token id in \[0, 9\) but found 9 at position 1/,
    );
    await assert.rejects(shared.sample([[]], { maxTokens: 3, random }), /found an empty prompt in row 0/);
    await assert.rejects(shared.sample([], { maxTokens: 3, random }), /expected one prompt or more but found none/);
    await assert.rejects(
      shared.sample([[1]], { maxTokens: 40, random }),
      /expected prompt \+ maxTokens <= 40 but found 1 \+ 40/,
    );
    await assert.rejects(shared.sample([[1]], { maxTokens: 3 }), /expected random numbers but found none/);
    await assert.rejects(
      shared.sample([[1]], { maxTokens: 3, temperature: Number.NaN, random }),
      /expected a finite temperature/,
    );
  });
});

const texts: Sequence[] = [
  { prompt: [1, 3], completion: [4, 5, 2] },
  { prompt: [1], completion: [6, 6, 6, 6, 2] },
  { prompt: [1, 7, 3, 3], completion: [2] },
  { prompt: [1, 5], completion: [0, 8] },
];
const slopes = (row: Sequence) =>
  Float32Array.from({ length: row.completion.length }, (_, t) => Math.sin(row.prompt.length + 3 * t));
const joined = (rows: readonly Sequence[]) => Float32Array.from(rows.flatMap((row) => [...slopes(row)]));

async function gradientOf(policy: TransformerPolicy, batches: readonly (readonly Sequence[])[]) {
  const copy = await policy.clone();
  for (const batch of batches) await copy.backward(batch, { logprobs: joined(batch) });
  return copy.gradients();
}

describe("training invariants", () => {
  test("backward over one batch of four equals four batches of one", async () => {
    const whole = await gradientOf(shared, [texts]);
    const parts = await gradientOf(
      shared,
      texts.map((row) => [row]),
    );
    for (const name of Object.keys(whole)) assert.ok(largest(whole[name]!, parts[name]!) < 2e-5, name);
  });

  test("backward does not depend on the order of the rows", async () => {
    const forward = await gradientOf(shared, [texts]);
    const reversed = await gradientOf(shared, [texts.toReversed()]);
    for (const name of Object.keys(forward)) assert.ok(largest(forward[name]!, reversed[name]!) < 2e-5, name);
  });

  test("step after one batch equals step after the same batch accumulated", async () => {
    const [fused, accumulated] = [await shared.clone(), await shared.clone()];
    const gradients = { logprobs: joined(texts) };
    await fused.backward(texts, gradients);
    await accumulated.backward(texts, gradients);
    await accumulated.gradients();
    const [a, b] = [await fused.step({ learningRate: 0.01 }), await accumulated.step({ learningRate: 0.01 })];
    assert.ok(Math.abs(a.gradNorm - b.gradNorm) < 1e-5 * a.gradNorm);
    const [left, right] = [await fused.parameters(), await accumulated.parameters()];
    for (const name of Object.keys(left)) assert.ok(largest(left[name]!, right[name]!) < 1e-5, name);
  });

  test("score does not depend on what else is in the batch", async () => {
    const together = await shared.score(texts);
    const alone = await shared.score([texts[1]!]);
    assert.ok(largest(together.logprobs.subarray(3, 8), alone.logprobs) < 5e-6);
  });

  test("the same seed gives the same bits", async () => {
    const run = async () => {
      const policy = await createPolicy({ ...sizes, seed: 8 });
      const random = createRandom(9);
      for (let step = 0; step < 5; step++) {
        const rollouts = await policy.sample(prompts, { groupSize: 3, maxTokens: 6, random });
        await policy.backward(sequencesOf(rollouts, 3), { logprobs: rollouts.entropies.map((h) => -h / 50) });
        await policy.step({ learningRate: 0.01 });
      }
      return policy.parameters();
    };
    assert.deepEqual(await run(), await run());
  });

  test("step decays matrices by weightDecay and norms by vectorDecay", async () => {
    const policy = await createPolicy({ ...sizes, seed: 8 });
    const before = structuredClone(await policy.parameters());
    await policy.backward(texts, { logprobs: joined(texts).fill(0) });
    await policy.step({ learningRate: 0.5, weightDecay: 0.2, vectorDecay: 0 });
    for (const [name, data] of Object.entries(await policy.parameters())) {
      const kept = name.includes("norm") ? 1 : 0.9;
      assert.ok(
        largest(
          data,
          before[name]!.map((x) => kept * x),
        ) < 1e-7,
        name,
      );
    }
  });

  test("step lowers the loss of a demonstration until it is certain", async () => {
    const policy = await createPolicy({ ...sizes, seed: 8 });
    for (let step = 0; step < 60; step++) {
      await policy.backward(texts, { logprobs: joined(texts).fill(-0.1) });
      await policy.step({ learningRate: 0.02 });
    }
    const { logprobs } = await policy.score(texts.slice(0, 1));
    assert.ok(Math.exp(logprobs[0]!) > 0.95, `probability ${Math.exp(logprobs[0]!)}`);
  });
});

describe("optimizers", () => {
  testStepSettings({
    name: "TransformerPolicy",
    create: () => createPolicy({ ...sizes, seed: 8 }),
    read: (policy) => policy.parameters(),
    sequences: texts,
  });

  test("saveState keeps the moments of every optimizer", async () => {
    const folder = await mkdtemp(join(tmpdir(), "srft-state-"));
    const file = join(folder, "state.safetensors");
    const take = async (policy: TransformerPolicy, optimizer: string) => {
      await policy.backward(texts, { logprobs: joined(texts) });
      await policy.step({ learningRate: 0.01, optimizer });
    };
    const policy = await createPolicy({ ...sizes, seed: 8 });
    for (const name of ["", "imitation", "imitation"]) await take(policy, name);
    await policy.saveState(file, "here");
    const resumed = await createPolicy({ ...sizes, seed: 9 });
    assert.equal(await resumed.loadState(file), "here");
    for (const one of [policy, resumed]) for (const name of ["imitation", ""]) await take(one, name);
    assert.deepEqual(await resumed.parameters(), await policy.parameters());
    await rm(folder, { recursive: true });
  });
});

describe("bad input", () => {
  test("step keeps the parameters when the gradient overflows", async () => {
    const policy = await shared.clone();
    await policy.backward(texts, { logprobs: joined(texts).fill(3e38) });
    await assert.rejects(
      policy.step({ learningRate: 0.01 }),
      /expected a finite gradient norm but found .*; the parameters were kept/,
    );
    assert.deepEqual(await policy.parameters(), await shared.parameters());
    await policy.backward(texts, { logprobs: joined(texts) });
    await policy.step({ learningRate: 0.01 });
    for (const data of Object.values(await policy.parameters())) assert.ok(data.every(Number.isFinite));
  });

  test("backward refuses gradients that are NaN or of another length", async () => {
    const policy = await shared.clone();
    await assert.rejects(
      policy.backward(texts, { logprobs: joined(texts).fill(Number.NaN) }),
      /expected finite gradients of logprobs but found NaN at token 0/,
    );
    await assert.rejects(
      policy.backward(texts, { logprobs: new Float32Array(3) }),
      /expected 11 gradients of logprobs, one a completion token, but found 3/,
    );
    await assert.rejects(
      policy.step({ learningRate: 0.01 }),
      /expected a gradient but found none; call backward first/,
    );
  });

  test("score names the row that is empty, too long or in another vocabulary", async () => {
    await assert.rejects(
      shared.score([texts[0]!, { prompt: [1], completion: [] }]),
      /found an empty completion in row 1/,
    );
    await assert.rejects(
      shared.score([{ prompt: [1], completion: new Array(40).fill(3) }]),
      /expected at most 40 tokens but found 41 in row 0/,
    );
    await assert.rejects(
      shared.score([{ prompt: [1, -1], completion: [3] }]),
      /found -1 at position 1 of the prompt of row 0/,
    );
    await assert.rejects(shared.score([]), /expected one sequence or more but found none/);
  });
});
