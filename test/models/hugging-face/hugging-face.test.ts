import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { configOf } from "../../../src/models/hugging-face/config.ts";
import { loadHuggingFace, saveHuggingFace } from "../../../src/models/hugging-face/hugging-face.ts";
import { placesOf } from "../../../src/models/hugging-face/names.ts";
import { createPolicy } from "../../../src/models/transformer/checkpoint.ts";
import type { TransformerConfig } from "../../../src/models/transformer/transformer.ts";

const goldens = join(import.meta.dirname, "../../../../test/golden/hugging-face");
const temporary = await mkdtemp(join(tmpdir(), "srft-hugging-face-"));
after(() => rm(temporary, { recursive: true }));

function relativeError(ours: ArrayLike<number>, theirs: readonly number[]): number {
  assert.equal(ours.length, theirs.length);
  return Math.max(...theirs.map((one, i) => Math.abs(one - ours[i]!))) / Math.max(...theirs.map(Math.abs));
}

/** A copy of a golden checkpoint with its config.json changed. */
async function variant(name: string, change: (config: Record<string, unknown>) => void): Promise<string> {
  const folder = await mkdtemp(join(temporary, name));
  for (const file of await readdir(join(goldens, name))) await copyFile(join(goldens, name, file), join(folder, file));
  const config = JSON.parse(await readFile(join(folder, "config.json"), "utf8"));
  change(config);
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  return folder;
}

for (const name of ["llama", "qwen2", "qwen3"]) {
  const golden = JSON.parse(readFileSync(join(goldens, name, "golden.json"), "utf8"));
  describe(`${name}, as transformers ${golden.versions.transformers} computes it`, () => {
    test("logits and score agree", async () => {
      const policy = await loadHuggingFace(join(goldens, name));
      assert.ok(relativeError(await policy.logits(golden.rows), golden.logits) < 1e-5);
      assert.ok(relativeError((await policy.score(golden.rows)).logprobs, golden.logprobs) < 1e-5);
    });

    test("one training step agrees", async () => {
      const policy = await loadHuggingFace(join(goldens, name));
      const tokens = golden.logprobs.length;
      await policy.backward(golden.rows, { logprobs: new Float32Array(tokens).fill(-1 / tokens) });
      const { gradNorm } = await policy.step(golden.settings);
      assert.ok(Math.abs(gradNorm / golden.gradNorm - 1) < 1e-5, `norm ${gradNorm}, theirs ${golden.gradNorm}`);
      assert.ok(relativeError((await policy.score(golden.rows)).logprobs, golden.after) < 1e-4);
    });

    test("sampling agrees with scoring, and a saved folder loads as the same policy", async () => {
      const policy = await loadHuggingFace(join(goldens, name));
      const prompts = [[1, 5, 9], [1]];
      const rollouts = await policy.sample(prompts, { maxTokens: 20, temperature: 0 });
      const rows = rollouts.completions.map((completion, row) => ({ prompt: prompts[row]!, completion }));
      const { logprobs } = await policy.score(rows);
      assert.ok(relativeError(rollouts.logprobs, [...logprobs]) < 1e-5);
      const folder = join(temporary, name);
      await mkdir(folder);
      await saveHuggingFace(policy, folder);
      const again = await loadHuggingFace(folder);
      assert.deepEqual(await again.parameters(), await policy.parameters());
      assert.deepEqual(await again.logits(rows), await policy.logits(rows));
    });
  });
}

describe("loadHuggingFace refuses", () => {
  test("a missing shard, by the tensor that lay in it", async () => {
    const folder = await variant("qwen3", () => {});
    const index = JSON.parse(await readFile(join(folder, "model.safetensors.index.json"), "utf8"));
    const lost = index.weight_map["model.norm.weight"];
    for (const [tensor, file] of Object.entries(index.weight_map)) if (file === lost) delete index.weight_map[tensor];
    await writeFile(join(folder, "model.safetensors.index.json"), JSON.stringify(index));
    await assert.rejects(loadHuggingFace(folder), /but found none; is a shard missing\?/);
  });

  test("a shard that the index names and the folder lacks", async () => {
    const folder = await variant("qwen3", () => {});
    await rm(join(folder, "model-00002-of-00002.safetensors"));
    await assert.rejects(
      loadHuggingFace(folder),
      /expected model-00002-of-00002\.safetensors in .* but found no such file; is a shard missing/,
    );
  });

  test("weights that are NaN, of an integer type, overlapping, past the end or behind a header of 2^63 bytes", async () => {
    const refused = async (
      spoil: (header: Record<string, Entry>, file: Buffer) => Buffer | undefined,
      message: RegExp,
    ) => {
      const folder = await variant("llama", () => {});
      const file = join(folder, "model.safetensors");
      await writeFile(file, spoilt(await readFile(file), spoil));
      await assert.rejects(loadHuggingFace(folder), message);
    };
    const first = (header: Record<string, Entry>) => Object.values(header).find(({ dtype }) => dtype !== undefined)!;
    await refused((_, data) => {
      data.fill(0xff, 0, 4);
      return data;
    }, /expected finite weights but found NaN in .* of /);
    await refused((header) => {
      first(header).dtype = "I32";
      return undefined;
    }, /model\.safetensors.*expected dtype .* but found "I32"/s);
    await refused((header) => {
      const [, second] = Object.values(header).filter(({ dtype }) => dtype !== undefined);
      second!.data_offsets[0]! -= 4;
      return undefined;
    }, /model\.safetensors/);
    await refused((_, data) => data.subarray(0, -4), /model\.safetensors.*expected to end within/s);
    const folder = await variant("llama", () => {});
    const file = join(folder, "model.safetensors");
    const bytes = await readFile(file);
    bytes.writeBigUInt64LE(2n ** 63n);
    await writeFile(file, bytes);
    await assert.rejects(loadHuggingFace(folder), /9223372036854775808/);
  });

  test("an index that leaves the folder", async () => {
    const folder = await variant("qwen3", () => {});
    await writeFile(join(folder, "model.safetensors.index.json"), '{"weight_map": {"x": "../secret.safetensors"}}');
    await assert.rejects(loadHuggingFace(folder), /expected plain \*\.safetensors names .* but found \.\.\/secret/);
  });

  test("architectures and options that it does not compute", async () => {
    const refused = async (change: Record<string, unknown>, message: RegExp) =>
      assert.rejects(loadHuggingFace(await variant("llama", (config) => Object.assign(config, change))), message);
    await refused({ model_type: "gpt2" }, /expected model_type llama \| qwen2 \| qwen3 but found "gpt2"/);
    await refused({ hidden_act: "gelu" }, /expected hidden_act silu/);
    await refused({ vocab_size: 25 }, /expected model\.embed_tokens\.weight of shape \[25,16\] .* but found \[24,16\]/);
    await refused({ rope_parameters: { rope_type: "dynamic" } }, /expected rope_type default/);
    await refused({ rope_parameters: { rope_type: "linear" } }, /expected a finite factor > 0/);
  });

  test("config.json that is no JSON", async () => {
    const folder = await variant("llama", () => {});
    await writeFile(join(folder, "config.json"), "{");
    await assert.rejects(loadHuggingFace(folder), /expected JSON in .*config\.json/);
  });
});

test("saveHuggingFace refuses the lab policy", async () => {
  const policy = await createPolicy({ vocabularySize: 9, layers: 1, width: 8, heads: 2, seed: 1 });
  await assert.rejects(
    saveHuggingFace(policy, temporary),
    /expected an architecture of the Llama, Qwen2 or Qwen3 family/,
  );
});

test("loadHuggingFace holds the float32 parameters and little more", async () => {
  const folder = await mkdtemp(join(temporary, "large"));
  const sizes = {
    vocab_size: 8192,
    hidden_size: 1024,
    intermediate_size: 2816,
    num_hidden_layers: 4,
    num_attention_heads: 16,
  };
  const config = { ...sizes, model_type: "llama", tie_word_embeddings: false, max_position_embeddings: 64 };
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  const bytes = await writeHalf(join(folder, "model.safetensors"), configOf(config));
  const script = `
    import { loadHuggingFace } from ${JSON.stringify(new URL("../../../src/models/hugging-face/hugging-face.js", import.meta.url).href)};
    import { loadRuntime } from ${JSON.stringify(new URL("../../../src/graph/session.js", import.meta.url).href)};
    await loadRuntime();
    const before = process.memoryUsage.rss();
    const policy = await loadHuggingFace(process.argv[1]);
    console.log((process.resourceUsage().maxRSS * 1024 - before) / ${2 * bytes}, policy.vocabularySize);`;
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script, folder], { encoding: "utf8" });
  const share = Number.parseFloat(stdout);
  assert.ok(share >= 0.9 && share <= 1.3, `memory is ${share} times the float32 parameters (${stdout})`);
});

interface Entry {
  dtype: string;
  data_offsets: number[];
}

/** A safetensors file whose header or data has been changed. */
function spoilt(file: Buffer, spoil: (header: Record<string, Entry>, data: Buffer) => Buffer | undefined): Buffer {
  const end = 8 + Number(file.readBigUInt64LE());
  const header = JSON.parse(file.subarray(8, end).toString());
  const data = spoil(header, file.subarray(end)) ?? file.subarray(end);
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, data]);
}

/** A checkpoint of zeros in bfloat16; returns its bytes of tensors. */
async function writeHalf(file: string, config: TransformerConfig): Promise<number> {
  let end = 0;
  const entries = placesOf(config).map(({ name, shape }) => {
    const begin = end;
    end += 2 * shape.reduce((a, b) => a * b, 1);
    return [name, { dtype: "BF16", shape, data_offsets: [begin, end] }];
  });
  const header = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(header.length), true);
  await writeFile(file, [length, header, new Uint8Array(end)]);
  return end;
}
