import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { completeConfig, createPolicy } from "../../src/models/transformer/checkpoint.ts";
import { createPrograms } from "../../src/models/transformer/programs.ts";
import { TransformerPolicy } from "../../src/models/transformer/transformer-policy.ts";
import { createRandom } from "../../src/random.ts";

const golden = JSON.parse(readFileSync(join(import.meta.dirname, "../../../test/golden/transformer.json"), "utf8"));
const parameters = () =>
  Object.fromEntries(
    Object.entries<number[]>(golden.parameters).map(([name, data]) => [name, Float32Array.from(data)]),
  );
const policyOn = (device: "cpu" | "webgpu") =>
  TransformerPolicy.create(createPrograms(completeConfig(golden.config), { device }), parameters());

// Debian's chromium-common brings a Vulkan driver in software; real ones are found without help
const software = "/usr/lib/chromium/vk_swiftshader_icd.json";
if (!process.env.VK_ICD_FILENAMES && existsSync(software)) process.env.VK_ICD_FILENAMES = software;
const reason = await createPolicy({
  vocabularySize: 2,
  layers: 1,
  width: 2,
  heads: 1,
  endToken: 1,
  seed: 1,
  device: "webgpu",
}).then(
  () => undefined,
  (error: Error) => `no WebGPU device: ${error.message.slice(0, 160)}`,
);
if (reason) console.error(`SKIPPED 3 WebGPU tests: ${reason}`);

function relativeError(ours: ArrayLike<number>, theirs: readonly number[]): number {
  assert.equal(ours.length, theirs.length);
  return Math.max(...theirs.map((one, i) => Math.abs(one - ours[i]!))) / Math.max(...theirs.map(Math.abs));
}

const cotangents = {
  logprobs: Float32Array.from(golden.dLogprobs as number[]),
  entropies: Float32Array.from(golden.dEntropies as number[]),
};

describe("on WebGPU", { skip: reason ?? false }, () => {
  test("score and three steps of AdamW equal PyTorch's, the state staying on the device", async () => {
    const policy = await policyOn("webgpu");
    const { logprobs, entropies } = await policy.score(golden.rows);
    assert.ok(relativeError(logprobs, golden.logprobs) < 2e-6);
    assert.ok(relativeError(entropies, golden.entropies) < 2e-6);
    for (const norm of golden.gradNorms) {
      await policy.backward(golden.rows, cotangents);
      const { gradNorm } = await policy.step(golden.settings);
      assert.ok(Math.abs(gradNorm / norm - 1) < 1e-5, `norm ${gradNorm}, PyTorch ${norm}`);
    }
    for (const [name, data] of Object.entries(await policy.parameters())) {
      assert.ok(relativeError(data, golden.after[name]) < 2e-5, name);
    }
  });

  test("accumulated gradients equal PyTorch's", async () => {
    const policy = await policyOn("webgpu");
    await policy.backward(golden.rows, cotangents);
    for (const [name, gradient] of Object.entries(await policy.gradients())) {
      assert.ok(relativeError(gradient, golden.gradients[name]) < 2e-5, name);
    }
  });

  test("sample draws the tokens that the CPU draws", async () => {
    const options = { groupSize: 3, maxTokens: 8 };
    const prompts = [
      [1, 3],
      [1, 4, 5, 6],
    ];
    const ours = await (await policyOn("webgpu")).sample(prompts, { ...options, random: createRandom(1) });
    const reference = await (await policyOn("cpu")).sample(prompts, { ...options, random: createRandom(1) });
    assert.deepEqual(ours.completions, reference.completions);
  });
});
