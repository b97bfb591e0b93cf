import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { loadHuggingFace } from "../../../src/models/hugging-face/hugging-face.ts";
import { loadLora, saveLora } from "../../../src/models/hugging-face/peft.ts";
import { loadSafetensors } from "../../../src/models/safetensors/safetensors.ts";
import { createPolicy, loadPolicy } from "../../../src/models/transformer/checkpoint.ts";
import { addLora, mergeLora } from "../../../src/models/transformer/lora.ts";

const folder = join(import.meta.dirname, "../../../../test/golden/hugging-face/qwen2");
const golden = JSON.parse(readFileSync(join(folder, "adapter/golden.json"), "utf8"));
const temporary = await mkdtemp(join(tmpdir(), "srft-lora-"));
after(() => rm(temporary, { recursive: true }));

function relativeError(ours: ArrayLike<number>, theirs: ArrayLike<number>): number {
  assert.equal(ours.length, theirs.length);
  const numbers = Array.from(theirs);
  return Math.max(...numbers.map((one, i) => Math.abs(one - ours[i]!))) / Math.max(...numbers.map(Math.abs));
}

const adapted = async () => loadLora(await loadHuggingFace(folder), join(folder, "adapter"));

describe(`adapters, as PEFT ${golden.versions.peft} computes them`, () => {
  test("logits agree", async () => {
    assert.ok(relativeError(await (await adapted()).logits(golden.rows), golden.logits) < 1e-5);
  });

  test("one training step agrees, and changes the adapters alone", async () => {
    const policy = await adapted();
    const before = structuredClone(await policy.parameters());
    const tokens = golden.logprobs.length;
    await policy.backward(golden.rows, { logprobs: new Float32Array(tokens).fill(-1 / tokens) });
    const { gradNorm } = await policy.step(golden.settings);
    assert.ok(Math.abs(gradNorm / golden.gradNorm - 1) < 1e-5, `norm ${gradNorm}, theirs ${golden.gradNorm}`);
    assert.ok(relativeError((await policy.score(golden.rows)).logprobs, golden.after) < 1e-4);
    for (const [name, data] of Object.entries(await policy.parameters())) {
      assert.equal(isDeepStrictEqual(data, before[name]), !name.includes(".lora"), name);
    }
  });

  test("saveLora writes the tensors that PEFT wrote", async () => {
    await saveLora(await adapted(), temporary);
    const [ours, theirs] = [temporary, join(folder, "adapter")].map((at) =>
      loadSafetensors(join(at, "adapter_model.safetensors")),
    );
    const [a, b] = [(await ours!).tensors, (await theirs!).tensors];
    assert.deepEqual([...a.keys()].sort(), [...b.keys()].sort());
    for (const [name, { shape, data }] of b)
      assert.deepEqual([a.get(name)!.shape, a.get(name)!.data], [shape, data], name);
  });
});

test("addLora begins as its base, and mergeLora computes what the adapters did", async () => {
  const base = await createPolicy({
    vocabularySize: 9,
    layers: 2,
    width: 16,
    heads: 4,
    keyHeads: 2,
    contextLength: 16,
    seed: 2,
  });
  const rows = [{ prompt: [1, 3], completion: [4, 5, 2] }];
  const policy = await addLora(base, { rank: 2, alpha: 4, seed: 3 });
  assert.deepEqual(await policy.logits(rows), await base.logits(rows));
  for (let step = 0; step < 5; step++) {
    await policy.backward(rows, { logprobs: Float32Array.of(-1, -1, -1) });
    await policy.step({ learningRate: 0.05 });
  }
  const tuned = await policy.logits(rows);
  assert.ok(relativeError(tuned, await base.logits(rows)) > 0.1);
  assert.ok(relativeError(await (await mergeLora(policy)).logits(rows), tuned) < 1e-5);
  const file = join(temporary, "adapted.safetensors");
  await policy.save(file);
  assert.deepEqual(await (await loadPolicy(file)).logits(rows), tuned);
});

test("adapters that do not fit are refused", async () => {
  const base = await createPolicy({ vocabularySize: 9, layers: 2, width: 16, heads: 4, contextLength: 16, seed: 2 });
  await assert.rejects(addLora(base, { rank: 0, alpha: 1, seed: 1 }), /expected a whole rank > 0 but found 0/);
  await assert.rejects(
    addLora(base, { rank: 1, alpha: Number.NaN, seed: 1 }),
    /expected a finite alpha > 0 but found NaN/,
  );
  const once = await addLora(base, { rank: 1, alpha: 1, seed: 1 });
  await assert.rejects(addLora(once, { rank: 1, alpha: 1, seed: 1 }), /expected a policy without adapters/);
  await assert.rejects(mergeLora(base), /expected a policy with adapters but found none/);
  await assert.rejects(saveLora(base, temporary), /expected a policy with adapters but found none/);
  await assert.rejects(loadLora(base, join(folder, "adapter")), /expected base_model\.model\..* of shape .* but found/);
});
