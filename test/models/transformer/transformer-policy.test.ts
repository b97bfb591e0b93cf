import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { createPolicy } from "../../../src/models/transformer/checkpoint.ts";
import type { TransformerPolicy } from "../../../src/models/transformer/transformer-policy.ts";
import { createRandom } from "../../../src/random.ts";
import { joined, largest, prompts, sequencesOf, testPolicyInvariants, texts } from "../../srft/policy-invariants.ts";
import { testStepSettings } from "../../srft/step-settings.ts";

const sizes = { vocabularySize: 9, layers: 2, width: 16, heads: 2, contextLength: 40 };
const shared = await createPolicy({ ...sizes, seed: 4 });
// fresh parameters give nearly uniform tokens; larger ones give distributions worth testing
for (const [name, data] of Object.entries(await shared.parameters()))
  if (!name.includes("norm"))
    data.forEach((x, i) => {
      data[i] = 12 * x;
    });

testPolicyInvariants({ policy: () => shared, tolerance: 2e-5 });

describe("sample of the transformer", () => {
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
});

describe("step of the transformer", () => {
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
