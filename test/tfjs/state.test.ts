import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { loadSafetensors, saveSafetensors } from "../../src/models/safetensors/safetensors.ts";
import { completeConfig } from "../../src/models/transformer/checkpoint.ts";
import { createRandom } from "../../src/random.ts";
import { type TfjsPolicy, tfjsPolicy } from "../../src/tfjs/index.ts";
import { backends, needs } from "./tensorflow.ts";
import { cachedTransformer, transformer, variedParameters } from "./transformer.ts";

const config = completeConfig({ vocabularySize: 9, layers: 2, width: 16, heads: 2, contextLength: 40 });
const values = variedParameters(config, 4);
const policyOf = () => tfjsPolicy({ tf, ...config, ...transformer(config, values) });
const folder = await mkdtemp(join(tmpdir(), "srft-tfjs-state-"));
after(() => rm(folder, { recursive: true }));
const file = join(folder, "run.safetensors");

const rows = [{ prompt: [1, 3], completion: [4, 5, 2] }];
async function step(policy: TfjsPolicy, optimizer = "") {
  await policy.backward(rows, { logprobs: Float32Array.of(-1, -1, -1) });
  await policy.step({ learningRate: 0.01, optimizer });
}

for (const backend of backends) {
  describe(`the state of a TensorFlow.js policy on ${backend}`, needs(backend), () => {
    before(() => tf.setBackend(backend));

    test("loadState goes on to the same bits, with every optimizer, and leaves no tensor behind", async () => {
      const policy = policyOf();
      await step(policy);
      await step(policy, "imitation");
      await policy.saveState(file, "a note");
      const resumed = policyOf();
      await step(resumed);
      const tensors = tf.memory().numTensors;
      assert.equal(await resumed.loadState(file), "a note");
      const oneOptimizer = 2 * Object.keys(resumed.variables).length;
      assert.equal(tf.memory().numTensors, tensors + oneOptimizer);
      for (const one of [policy, resumed]) for (const optimizer of ["", "imitation"]) await step(one, optimizer);
      assert.deepEqual(await resumed.parameters(), await policy.parameters());
    });

    test("sample with a cache draws what sample without one draws, reading one token a row and step", async () => {
      const { decode, ...model } = cachedTransformer(config, values);
      const read: number[][] = [];
      const watched: typeof decode = (tokens, cache) => {
        read.push([...tokens.shape]);
        return decode(tokens, cache);
      };
      const cached = tfjsPolicy({ tf, ...config, ...model, decode: watched });
      const prompts = [
        [1, 3],
        [1, 4, 5, 6],
        [1, 8],
      ];
      const options = () => ({ groupSize: 3, maxTokens: 8, random: createRandom(5) });
      const tensors = tf.memory().numTensors;
      const [ours, reference] = [await cached.sample(prompts, options()), await policyOf().sample(prompts, options())];
      assert.deepEqual(ours.completions, reference.completions);
      const off = ours.logprobs.map((one, i) => Math.abs(one - reference.logprobs[i]!));
      assert.ok(Math.max(...off) < 5e-6); // float32 sums in another order
      // prompts of one length once, in one run; then a token of each row, until rows end and leave
      assert.deepEqual(read.slice(0, 4), [
        [2, 2],
        [1, 4],
        [read[2]![0], 1],
        [read[3]![0], 1],
      ]);
      assert.ok(read.slice(2).every(([, time]) => time === 1));
      assert.ok(read.at(-1)![0]! < 6);
      assert.equal(tf.memory().numTensors, tensors + Object.keys(values).length); // the reference's variables
    });
  });
}

describe("a state that does not fit", needs("cpu"), () => {
  before(() => tf.setBackend("cpu"));

  test("loadState assigns nothing of it", async () => {
    const policy = policyOf();
    await step(policy);
    await policy.saveState(file, "");
    const before = await policy.parameters();
    const refused = async (change: (content: Awaited<ReturnType<typeof loadSafetensors>>) => void, message: RegExp) => {
      const content = await loadSafetensors(file);
      change(content);
      const other = join(folder, "other.safetensors");
      await saveSafetensors(other, content.tensors, content.metadata);
      await assert.rejects(policy.loadState(other), message);
      assert.deepEqual(await policy.parameters(), before);
    };
    await refused(({ tensors }) => tensors.delete("m:norm"), /expected 16 numbers of m:norm but found none/);
    await refused(({ tensors }) => {
      tensors.get("norm")!.data[0] = Number.NaN;
    }, /expected finite numbers but found NaN in norm/);
    await refused(({ metadata }) => {
      metadata.architecture = "{}";
    }, /expected the state of this architecture/);
    await policy.save(file);
    await assert.rejects(policy.loadState(file), /expected a file that saveState wrote/);
  });
});
