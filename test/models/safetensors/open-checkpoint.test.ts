import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openCheckpoint } from "../../../src/models/safetensors/open-checkpoint.ts";
import { loadSafetensors, openSafetensors } from "../../../src/models/safetensors/safetensors.ts";

const golden = join(import.meta.dirname, "../../../../test/golden/hugging-face");
const temporary = await mkdtemp(join(tmpdir(), "srft-checkpoint-"));
after(() => rm(temporary, { recursive: true }));
const index = "model.safetensors.index.json";

test("openCheckpoint opens a folder, an index and a file alike", async () => {
  for (const [path, count] of [
    ["qwen3", 24],
    [`qwen3/${index}`, 24],
    ["llama", 21],
    ["llama/model.safetensors", 21],
  ] as const) {
    const checkpoint = await openCheckpoint(join(golden, path));
    assert.equal(checkpoint.tensors.size, count, path);
    await checkpoint.close();
  }
});

test("openCheckpoint reads any range of any tensor as the whole file has it", async () => {
  const { tensors } = await loadSafetensors(join(golden, "qwen2/model.safetensors"));
  const checkpoint = await openCheckpoint(join(golden, "qwen2"));
  for (const [name, { data }] of tensors) {
    for (const [start, length] of [
      [0, data.length],
      [1, data.length - 1],
      [data.length - 1, 1],
      [data.length, 0],
    ] as const) {
      const target = new Float32Array(length);
      await checkpoint.readRange(name, target, start);
      assert.deepEqual(target, data.slice(start, start + length), name);
    }
  }
  await assert.rejects(
    checkpoint.readRange("model.norm.weight", new Float32Array(16), 1),
    /expected elements within the 16 of model\.norm\.weight but found 1 to 17/,
  );
  await checkpoint.close();
});

test("readRange refuses a range that begins before its tensor", async () => {
  const file = await openSafetensors(join(golden, "qwen2/model.safetensors"));
  await assert.rejects(file.readRange("model.norm.weight", new Float32Array(1), -1), /expected elements within the 16/);
  await file.close();
});

test("openCheckpoint names a shard that is missing and a tensor that is elsewhere than the index says", async () => {
  const folder = join(temporary, "qwen3");
  await cp(join(golden, "qwen3"), folder, { recursive: true });
  const content = JSON.parse(await readFile(join(folder, index), "utf8"));
  const [name] = Object.keys(content.weight_map);
  const write = (map: unknown) => writeFile(join(folder, index), JSON.stringify({ ...content, weight_map: map }));
  await write({ ...content.weight_map, "not.there": content.weight_map[name!] });
  await assert.rejects(
    openCheckpoint(folder),
    /expected not\.there in model-0000\d-of-00002\.safetensors, as the index of .* says/,
  );
  await write({ [name!]: "../escape.safetensors" });
  await assert.rejects(
    openCheckpoint(folder),
    /expected plain \*\.safetensors names in weight_map .* but found \.\.\/escape/,
  );
  await write({});
  await assert.rejects(openCheckpoint(folder), /expected plain .* but found none/);
  await writeFile(join(folder, index), "{");
  await assert.rejects(openCheckpoint(folder), /expected JSON in .*index\.json/);
  await write(content.weight_map);
  await rm(join(folder, "model-00002-of-00002.safetensors"));
  await assert.rejects(
    openCheckpoint(folder),
    /expected .*model-00002-of-00002\.safetensors, a part of .*, but found no such file/,
  );
});
