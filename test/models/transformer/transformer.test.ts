import assert from "node:assert/strict";
import { before, test } from "node:test";
import { loadRuntime } from "../../../src/graph/session.ts";
import { completeConfig, createPolicy } from "../../../src/models/transformer/checkpoint.ts";
import { createPrograms } from "../../../src/models/transformer/programs.ts";
import { TransformerPolicy } from "../../../src/models/transformer/transformer-policy.ts";
import { cotangents, golden, relativeError } from "../transformer-golden.ts";

const programs = createPrograms(completeConfig(golden.config));
const arrays = (record: Record<string, number[]>) =>
  Object.fromEntries(Object.entries(record).map(([name, data]) => [name, Float32Array.from(data)]));
const goldenPolicy = () => TransformerPolicy.create(programs, arrays(golden.parameters));

before(loadRuntime);

test("score equals PyTorch's log-probabilities and entropies", async () => {
  const { logprobs, entropies, offsets } = await (await goldenPolicy()).score(golden.rows);
  assert.ok(relativeError(logprobs, golden.logprobs) < 2e-6);
  assert.ok(relativeError(entropies, golden.entropies) < 2e-6);
  assert.deepEqual([...offsets], [0, 5, 6, 15, 18]);
});

test("backward equals PyTorch's gradient of every parameter", async () => {
  const policy = await goldenPolicy();
  await policy.backward(golden.rows, cotangents);
  for (const [name, gradient] of Object.entries(await policy.gradients())) {
    const error = relativeError(gradient, golden.gradients[name]);
    assert.ok(error < 2e-5, `${name}: ${error}`);
  }
});

test("step equals three steps of PyTorch's AdamW with clip_grad_norm_", async () => {
  const policy = await goldenPolicy();
  for (const norm of golden.gradNorms) {
    await policy.backward(golden.rows, cotangents);
    const { gradNorm } = await policy.step(golden.settings);
    assert.ok(Math.abs(gradNorm / norm - 1) < 1e-5, `norm ${gradNorm}, PyTorch ${norm}`);
  }
  for (const [name, data] of Object.entries(await policy.parameters())) {
    // Adam divides by the root of the second moment: entries with tiny gradients carry their relative error
    const error = relativeError(data, golden.after[name]);
    assert.ok(error < 2e-5, `${name}: ${error}`);
  }
});

test("createPolicy makes the lab policy of 334,464 parameters", async () => {
  const policy = await createPolicy({ vocabularySize: 21, seed: 1 });
  const count = Object.values(await policy.parameters()).reduce((total, data) => total + data.length, 0);
  assert.equal(count, 334_464);
});
