import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { saveSafetensors } from "../../src/models/safetensors/safetensors.ts";
import { completeConfig } from "../../src/models/transformer/checkpoint.ts";
import { createRandom } from "../../src/random.ts";
import { type TfjsPolicy, tfjsPolicy } from "../../src/tfjs/index.ts";
import {
  gradientOf,
  joined,
  largest,
  prompts,
  sequencesOf,
  testPolicyInvariants,
  texts,
} from "../srft/policy-invariants.ts";
import { testStepSettings } from "../srft/step-settings.ts";
import { backends, needs } from "./tensorflow.ts";
import { transformer, variedParameters } from "./transformer.ts";

const config = completeConfig({ vocabularySize: 9, layers: 2, width: 16, heads: 2, contextLength: 40 });
const values = variedParameters(config, 4);
const create = () => transformer(config, values);
const policyOf = () => tfjsPolicy({ tf, ...config, ...create(), create });

async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "srft-tfjs-"));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

for (const backend of backends) {
  describe(`a TensorFlow.js policy on ${backend}`, needs(backend), () => {
    let shared: TfjsPolicy;
    before(async () => {
      await tf.setBackend(backend);
      shared = policyOf();
    });

    testPolicyInvariants({ policy: () => shared, tolerance: 5e-5 });

    testStepSettings({
      name: "TfjsPolicy",
      create: policyOf,
      read: (policy) => policy.parameters(),
      sequences: texts,
    });

    test("score, logits and backward in several runs of the model equal those in one", async () => {
      const { model, variables } = create();
      const seen: number[] = [];
      const watched = (tokens: tf.Tensor) => {
        seen.push(tokens.shape[0]!);
        return model(tokens);
      };
      const split = tfjsPolicy({ tf, ...config, model: watched, variables, logitsPerRun: 100 });
      const [parts, whole] = [await split.score(texts), await shared.score(texts)];
      assert.deepEqual(seen, [2, 2]);
      assert.deepEqual(parts.offsets, whole.offsets);
      assert.ok(largest(parts.logprobs, whole.logprobs) < 5e-6);
      assert.ok(largest(parts.entropies, whole.entropies) < 5e-6);
      assert.ok(largest(await split.logits(texts), await shared.logits(texts)) < 5e-5);
      await split.backward(texts, { logprobs: joined(texts), entropies: joined(texts) });
      const [ours, expected] = [await split.gradients(), await gradientOf(shared, [texts])];
      for (const name of Object.keys(expected)) assert.ok(largest(ours[name]!, expected[name]!) < 5e-5, name);
    });

    test("backward, step, score, logits and sample leave no tensor behind", async () => {
      const policy = await shared.clone();
      const round = async () => {
        const rollouts = await policy.sample(prompts, { maxTokens: 3, random: createRandom(2) });
        await policy.score(sequencesOf(rollouts, 1));
        for (const rows of [texts, texts.slice(1)]) await policy.backward(rows, { logprobs: joined(rows) });
        await policy.step({ learningRate: 1e-3 });
        await policy.parameters();
        await assert.rejects(policy.score([{ prompt: [1], completion: [9] }]));
        await policy.backward(texts, { logprobs: joined(texts).fill(3e38) });
        await assert.rejects(policy.step({ learningRate: 1e-3 }));
        return tf.memory().numTensors;
      };
      const first = await round();
      for (let i = 0; i < 3; i++) assert.equal(await round(), first);
      const moments = 2 * Object.keys(policy.variables).length;
      policy.dispose();
      assert.equal(tf.memory().numTensors, first - moments);
    });

    test("score takes a logit of −∞ for a probability of 0", async () => {
      const table = tf.variable(tf.tensor2d([0, Math.log(3), -Infinity], [1, 3]));
      const model = (tokens: tf.Tensor) => tf.add(tf.zeros([...tokens.shape, 3]), table);
      const policy = tfjsPolicy({
        ...{ tf, model, variables: { table } },
        ...{ vocabularySize: 3, contextLength: 4, endToken: 2 },
      });
      const rows = [{ prompt: [0], completion: [1] }];
      const { logprobs, entropies } = await policy.score(rows);
      assert.ok(Math.abs(logprobs[0]! - Math.log(3 / 4)) < 1e-6);
      assert.ok(Math.abs(entropies[0]! - (Math.log(4) - (3 / 4) * Math.log(3))) < 1e-6);
      await policy.backward(rows, { logprobs: Float32Array.of(1), entropies: Float32Array.of(0) });
      assert.ok(largest((await policy.gradients()).table!, [-1 / 4, 1 / 4, 0]) < 1e-6);
    });

    test("save, load and clone keep every bit", () =>
      withFolder(async (folder) => {
        const file = join(folder, "policy.safetensors");
        const trained = await shared.clone();
        await trained.backward(texts, { logprobs: joined(texts) });
        await trained.step({ learningRate: 0.01 });
        assert.notDeepEqual(await trained.parameters(), await shared.parameters());
        await trained.save(file);
        const twin = await shared.clone();
        await twin.load(file);
        assert.deepEqual(await twin.parameters(), await trained.parameters());
        assert.deepEqual(await (await trained.clone()).score(texts), await trained.score(texts));
      }));
  });
}

describe("bad input to a TensorFlow.js policy", needs("cpu"), () => {
  before(() => tf.setBackend("cpu"));

  test("tfjsPolicy refuses another backend than asked for, and sizes out of range", () => {
    const model = create();
    assert.throws(() => tfjsPolicy({ tf, ...config, ...model, backend: "webgpu" }), /backend webgpu but found cpu/);
    assert.throws(() => tfjsPolicy({ tf, ...config, ...model, endToken: 9 }), /whole endToken in \[0, 8\] but found 9/);
    assert.throws(() => tfjsPolicy({ tf, ...config, ...model, variables: {} }), /one trainable variable or more/);
  });

  test("a model of another vocabulary, or one that leaves a variable unused, is named", async () => {
    const model = create();
    const narrow = tfjsPolicy({ tf, ...config, ...model, vocabularySize: 10 });
    await assert.rejects(narrow.score(texts), /logits \[rows, time, V\] = \[4,5,10\] but found float32 \[4,5,9\]/);
    const unused = tf.variable(tf.zeros([2]));
    const policy = tfjsPolicy({ tf, ...config, ...model, variables: { ...model.variables, unused } });
    await assert.rejects(policy.backward(texts, { logprobs: joined(texts) }), /the model to use unused/);
  });

  test("a variable that is not trainable is saved and stays", async () => {
    const { model, variables } = create();
    variables.norm!.trainable = false;
    const policy = tfjsPolicy({ tf, ...config, model, variables });
    await policy.backward(texts, { logprobs: joined(texts) });
    assert.ok(!("norm" in (await policy.gradients())));
    await policy.step({ learningRate: 0.01, weightDecay: 0.1 });
    assert.deepEqual((await policy.parameters()).norm, values.norm);
  });

  test("clone needs a factory of new variables", async () => {
    const model = create();
    await assert.rejects(tfjsPolicy({ tf, ...config, ...model }).clone(), /expected the option create/);
    await assert.rejects(
      tfjsPolicy({ tf, ...config, ...model, create: () => model }).clone(),
      /expected create to build new variables but found embedding again/,
    );
  });

  test("load assigns nothing from a file that does not fit", () =>
    withFolder(async (folder) => {
      const file = join(folder, "other.safetensors");
      const policy = policyOf();
      await saveSafetensors(file, new Map([["embedding", { shape: [1], data: new Float32Array(1) }]]));
      await assert.rejects(policy.load(file), /expected embedding of shape \[9,16\] but found \[1\]/);
      await saveSafetensors(file, new Map([["other", { shape: [1], data: new Float32Array(1) }]]));
      await assert.rejects(policy.load(file), /expected only the model's tensors but found other/);
      assert.deepEqual(await policy.parameters(), values);
    }));
});
