import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { completeConfig } from "../../src/models/transformer/checkpoint.ts";
import { tfjsPolicy } from "../../src/tfjs/index.ts";
import { cotangents, golden, relativeError } from "../models/transformer-golden.ts";
import { backends, needs } from "./tensorflow.ts";
import { transformer } from "./transformer.ts";

const config = completeConfig(golden.config);
const goldenPolicy = () => tfjsPolicy({ tf, ...config, ...transformer(config, golden.parameters) });

// The golden values are float64 and TensorFlow.js computes in float32, as our engine does: the bounds are those of its test.
for (const backend of backends) {
  describe(`a TensorFlow.js transformer on ${backend}`, needs(backend), () => {
    before(() => tf.setBackend(backend));

    test("score equals PyTorch's log-probabilities and entropies", async () => {
      const { logprobs, entropies, offsets } = await goldenPolicy().score(golden.rows);
      assert.ok(relativeError(logprobs, golden.logprobs) < 2e-6, `${relativeError(logprobs, golden.logprobs)}`);
      assert.ok(relativeError(entropies, golden.entropies) < 2e-6, `${relativeError(entropies, golden.entropies)}`);
      assert.deepEqual([...offsets], [0, 5, 6, 15, 18]);
    });

    test("backward equals PyTorch's gradient of every parameter", async () => {
      const policy = goldenPolicy();
      await policy.backward(golden.rows, cotangents);
      for (const [name, gradient] of Object.entries(await policy.gradients())) {
        const error = relativeError(gradient, golden.gradients[name]);
        assert.ok(error < 2e-5, `${name}: ${error}`);
      }
    });

    test("step equals three steps of PyTorch's AdamW with clip_grad_norm_", async () => {
      const policy = goldenPolicy();
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
  });
}
