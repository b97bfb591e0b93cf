/** What a policy on a device must do, held to PyTorch's golden values and to the CPU. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { Device } from "../../src/graph/session.ts";
import { completeConfig, createPolicy } from "../../src/models/transformer/checkpoint.ts";
import { createPrograms } from "../../src/models/transformer/programs.ts";
import { TransformerPolicy } from "../../src/models/transformer/transformer-policy.ts";
import { createRandom } from "../../src/random.ts";

const golden = JSON.parse(readFileSync(join(import.meta.dirname, "../../../test/golden/transformer.json"), "utf8"));
const parameters = () =>
  Object.fromEntries(
    Object.entries<number[]>(golden.parameters).map(([name, data]) => [name, Float32Array.from(data)]),
  );
const policyOn = (device: Device) =>
  TransformerPolicy.create(createPrograms(completeConfig(golden.config), { device }), parameters());

/** Why the device cannot be used; undefined where it can. */
export async function reasonAgainst(device: Device): Promise<string | undefined> {
  const sizes = { vocabularySize: 2, layers: 1, width: 2, heads: 1, endToken: 1, seed: 1 };
  try {
    const policy = await createPolicy({ ...sizes, device });
    await policy.score([{ prompt: [0], completion: [1] }]);
    return undefined;
  } catch (error) {
    return `no ${device} device: ${(error as Error).message.slice(0, 160)}`;
  }
}

function relativeError(ours: ArrayLike<number>, theirs: readonly number[]): number {
  assert.equal(ours.length, theirs.length);
  return Math.max(...theirs.map((one, i) => Math.abs(one - ours[i]!))) / Math.max(...theirs.map(Math.abs));
}

const cotangents = {
  logprobs: Float32Array.from(golden.dLogprobs as number[]),
  entropies: Float32Array.from(golden.dEntropies as number[]),
};

/** Three tests; they are skipped, aloud, where there is a reason. */
export function testDevice(device: Device, reason: string | undefined): void {
  if (reason) console.error(`SKIPPED 3 tests on ${device}: ${reason}`);
  describe(`on ${device}`, { skip: reason ?? false }, () => {
    test("score and three steps of AdamW equal PyTorch's", async () => {
      const policy = await policyOn(device);
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
      const policy = await policyOn(device);
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
      const ours = await (await policyOn(device)).sample(prompts, { ...options, random: createRandom(1) });
      const reference = await (await policyOn("cpu")).sample(prompts, { ...options, random: createRandom(1) });
      assert.deepEqual(ours.completions, reference.completions);
    });
  });
}
