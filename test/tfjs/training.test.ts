import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { arithmeticTask } from "../../src/data/arithmetic-task.ts";
import { createPolicy, loadPolicy } from "../../src/models/transformer/checkpoint.ts";
import { srft } from "../../src/srft/objectives/srft.ts";
import type { Policy } from "../../src/srft/policy.ts";
import { demonstrationOf } from "../../src/srft/task.ts";
import { type StepRecord, train } from "../../src/srft/train.ts";
import { tfjsPolicy } from "../../src/tfjs/index.ts";
import { backends, needs } from "./tensorflow.ts";
import { transformer, variedParameters } from "./transformer.ts";

const labFile = join(import.meta.dirname, "../../../notebooks/checkpoints/in-support.safetensors");
const task = arithmeticTask({ seed: 7, problems: 40, splitSize: 1 });

/** Largest difference relative to the largest entry. */
function relativeError(a: ArrayLike<number>, b: Float32Array): number {
  const size = b.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
  return b.reduce((worst, one, i) => Math.max(worst, Math.abs(one - a[i]!)), 0) / size;
}

async function records(policy: Policy): Promise<StepRecord[]> {
  const options = { steps: 4, groupSize: 3, promptsPerStep: 2, demonstrationsPerStep: 3, maxTokens: 6, seed: 3 };
  const list: StepRecord[] = [];
  for await (const record of train(policy, task, { objective: srft(), learningRate: 3e-3, ...options }))
    list.push(record);
  return list;
}

/** Of demonstrations, in nats a token. */
async function meanLogprob(policy: Policy): Promise<number> {
  const { logprobs } = await policy.score(task.problems.map((problem) => demonstrationOf(task, problem)));
  return logprobs.reduce((sum, one) => sum + one, 0) / logprobs.length;
}

for (const backend of backends) {
  describe(`training on the arithmetic task on ${backend}`, needs(backend), () => {
    before(() => tf.setBackend(backend));

    test("the lab policy's scores and gradients equal our engine's", async () => {
      const engine = await loadPolicy(labFile);
      const { config } = engine;
      const policy = tfjsPolicy({ tf, backend, ...config, ...transformer(config, await engine.parameters()) });
      const texts = task.problems.slice(0, 2).map((problem) => demonstrationOf(task, problem));
      const [ours, theirs] = [await policy.score(texts), await engine.score(texts)];
      // log-probabilities of a trained policy reach −20 nats, and an entropy near 0 cancels: float32 keeps 2e-5 of each
      assert.ok(relativeError(ours.logprobs, theirs.logprobs) < 1e-5);
      assert.ok(relativeError(ours.entropies, theirs.entropies) < 1e-5);
      const gradients = {
        logprobs: theirs.logprobs.map((_, i) => Math.sin(i)),
        entropies: theirs.entropies.map((_, i) => Math.cos(3 * i)),
      };
      await policy.backward(texts, gradients);
      await engine.backward(texts, gradients);
      const expected = await engine.gradients();
      for (const [name, gradient] of Object.entries(await policy.gradients())) {
        const error = relativeError(gradient, expected[name]!);
        assert.ok(error < 5e-5, `${name}: ${error}`);
      }
    });

    test("train by SRFT draws the tokens and gives the losses of our engine, step by step", async () => {
      const sizes = { vocabularySize: 21, layers: 1, width: 16, heads: 2, contextLength: 64, seed: 5 };
      const engine = await createPolicy(sizes);
      const { config } = engine;
      const values = variedParameters(config, 5);
      for (const [name, data] of Object.entries(await engine.parameters())) data.set(values[name]!);
      const policy = tfjsPolicy({ tf, ...config, ...transformer(config, values) });
      const before = await meanLogprob(policy);
      const [ours, theirs] = [await records(policy), await records(engine)];
      for (const [i, { loss, gradNorm, entropy, tokens }] of theirs.entries()) {
        assert.deepEqual(ours[i]!.tokens, tokens);
        // four steps of Adam carry rounding on: entries with tiny gradients move by their sign
        assert.ok(Math.abs(ours[i]!.loss - loss) < 1e-4 * Math.abs(loss), `loss ${ours[i]!.loss}, engine ${loss}`);
        assert.ok(Math.abs(ours[i]!.gradNorm / gradNorm - 1) < 1e-3);
        assert.ok(Math.abs(ours[i]!.entropy / entropy - 1) < 1e-4);
      }
      const after = await meanLogprob(policy);
      // exp(−H) of a policy that knows nothing is a small weight for the demonstrations
      assert.ok(after > before + 0.01, `demonstrations: ${before} nats a token before, ${after} after`);
    });
  });
}
