import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { env } from "@huggingface/transformers";
import { tokenShift } from "../../src/analysis/token-shift.ts";
import { createRandom } from "../../src/random.ts";
import { loadTransformersJs } from "../../src/sources/transformers-js/transformers-js.ts";

const folder = join(import.meta.dirname, "../../../test/golden/transformers-js");
const golden = JSON.parse(readFileSync(join(folder, "golden.json"), "utf8"));
const temporary = await mkdtemp(join(tmpdir(), "srft-transformers-js-"));
after(() => rm(temporary, { recursive: true }));

const worst = (found: ArrayLike<number>, wanted: readonly number[]) =>
  wanted.reduce((most, x, i) => Math.max(most, Math.abs(x - found[i]!)), found.length === wanted.length ? 0 : Infinity);

describe(`loadTransformersJs, as transformers ${golden.versions.transformers} computes`, async () => {
  const before = { ...env };
  const reader = await loadTransformersJs(folder);
  after(() => reader.close());

  test("scores every token within 1e-5 nats, entropies too", async () => {
    const { logprobs, entropies, offsets } = await reader.score(golden.rows);
    assert.ok(worst(logprobs, golden.logprobs.flat()) < 1e-5);
    assert.ok(worst(entropies, golden.entropies.flat()) < 1e-5);
    assert.deepEqual([...offsets], [0, 8, 11, 16]);
  });

  test("gives logits in blocks of any size that are those in one piece", async () => {
    const whole = await reader.logits(golden.rows);
    assert.equal(whole.length, 16 * golden.vocabularySize);
    for (const rows of [1, 3, 100]) {
      const blocks: number[] = [];
      for await (const block of reader.logitBlocks(golden.rows, { rows })) {
        assert.ok(block.length <= rows * golden.vocabularySize);
        for (const logit of block) blocks.push(logit);
      }
      assert.deepEqual(Float32Array.from(blocks), whole);
    }
  });

  test("is a reader that tokenShift takes, with ranks as in transformers", async () => {
    const table = await tokenShift([reader, reader], { on: golden.rows, source: "given texts" });
    assert.deepEqual([...table.base.ranks], golden.ranks.flat());
    assert.ok(table.models[0]!.kl.every((kl) => kl === 0));
  });

  test("samples greedily what transformers generates", async () => {
    const { prompt, maxTokens, completion } = golden.greedy;
    const { completions } = await reader.sample([prompt], { maxTokens, temperature: 0, groupSize: 2 });
    assert.deepEqual(
      completions.map((ids) => [...ids]),
      [completion, completion],
    );
  });

  test("says of its samples what it says of them as texts", async () => {
    const prompts = [[72, 101], [1]];
    const options = { maxTokens: 9, groupSize: 3, random: createRandom(7) };
    const rollouts = await reader.sample(prompts, options);
    const texts = rollouts.completions.map((completion, i) => ({ prompt: prompts[Math.floor(i / 3)]!, completion }));
    const { logprobs, entropies, offsets } = await reader.score(texts);
    assert.ok(worst(rollouts.logprobs, [...logprobs]) < 1e-5);
    assert.ok(worst(rollouts.entropies, [...entropies]) < 1e-5);
    assert.deepEqual(rollouts.offsets, offsets);
    assert.deepEqual(rollouts.behaviorLogprobs, rollouts.logprobs);
    const again = await reader.sample(prompts, { ...options, random: createRandom(7) });
    assert.deepEqual(again.completions, rollouts.completions);
  });

  test("ends a completion at an end token", async () => {
    const [first] = golden.greedy.completion;
    await using other = await loadTransformersJs(folder, { endTokens: [first] });
    const { completions } = await other.sample([golden.greedy.prompt], { maxTokens: 12, temperature: 0 });
    assert.deepEqual([...completions[0]!], [first]);
  });

  test("says where its numbers come from, by content and not by path", async () => {
    await cp(folder, join(temporary, "copy"), { recursive: true });
    await using copy = await loadTransformersJs(join(temporary, "copy"));
    assert.deepEqual(copy.provenance, reader.provenance);
    const { engine, mode, temperature, topP, dtype, weightsHash } = reader.provenance;
    assert.deepEqual([engine, mode, temperature, topP, dtype], ["transformers.js", "raw", 1, 1, "fp32"]);
    assert.match(weightsHash!, /^[0-9a-f]{64}$/);
  });

  test("leaves the library's global settings as they were", () => {
    for (const name of ["allowRemoteModels", "localModelPath", "allowLocalModels"] as const) {
      assert.equal(env[name], before[name]);
    }
  });

  test("refuses texts and settings that cannot be", async () => {
    const score = (prompt: number[], completion: number[]) => reader.score([{ prompt, completion }]);
    await assert.rejects(score([], [1]), /text 0: expected a prompt but found no token/);
    await assert.rejects(score([1], []), /text 0: expected a completion but found no token/);
    await assert.rejects(score([1], [276]), /expected ids in \[0, 276\) but found 276/);
    await assert.rejects(score([1], Array(64).fill(3)), /expected at most 64 tokens but found 65/);
    await assert.rejects(reader.sample([[1]], { maxTokens: 3 }), /expected random at temperature 1 but found none/);
    await assert.rejects(reader.sample([[1]], { maxTokens: 0, temperature: 0 }), /expected an integer maxTokens >= 1/);
    await assert.rejects(
      reader.sample([Array(60).fill(1)], { maxTokens: 9, temperature: 0 }),
      /at most 55 tokens but found 60/,
    );
  });
});

test("loadTransformersJs names a folder that is not there, a dtype it lacks, and never asks the network", async () => {
  await assert.rejects(loadTransformersJs(join(temporary, "none")), /expected a folder with config\.json and onnx\//);
  await assert.rejects(loadTransformersJs(folder, { dtype: "q4" }), /expected a causal language model of dtype q4/);
  await cp(folder, join(temporary, "broken"), { recursive: true });
  await writeFile(join(temporary, "broken/onnx/model.onnx"), "no graph");
  await assert.rejects(loadTransformersJs(join(temporary, "broken")), /found one that does not load on cpu/);
  await assert.rejects(
    loadTransformersJs(folder, { contextLength: 0 }),
    /expected an integer max_position_embeddings >= 1 but found 0/,
  );
});

test("loadTransformersJs gives the command that installs a package that is not there", () => {
  const hook = `export async function resolve(name, context, next) {
    if (name === "@huggingface/transformers") throw Object.assign(new Error("none"), { code: "ERR_MODULE_NOT_FOUND" });
    return next(name, context);
  }`;
  const register = `import { register } from "node:module"; register("data:text/javascript,${encodeURIComponent(hook)}");`;
  const ours = pathToFileURL(join(import.meta.dirname, "../../src/sources/transformers-js/transformers-js.js")).href;
  const script = `await (await import(${JSON.stringify(ours)})).loadTransformersJs(${JSON.stringify(folder)});`;
  const { stderr } = spawnSync(
    process.execPath,
    ["--import", `data:text/javascript,${encodeURIComponent(register)}`, "--input-type=module", "-e", script],
    { encoding: "utf8" },
  );
  assert.match(
    stderr,
    /expected the package @huggingface\/transformers but found none that loads: ONNXRUNTIME_NODE_INSTALL_CUDA=skip npm install/,
  );
});
