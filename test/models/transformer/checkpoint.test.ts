import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { loadSafetensors, saveSafetensors } from "../../../src/models/safetensors/safetensors.ts";
import { createPolicy, loadPolicy } from "../../../src/models/transformer/checkpoint.ts";

const folder = await mkdtemp(join(tmpdir(), "srft-checkpoint-"));
after(() => rm(folder, { recursive: true }));
const file = join(folder, "policy.safetensors");
const policy = await createPolicy({ vocabularySize: 9, layers: 1, width: 8, heads: 2, contextLength: 16, seed: 3 });
await policy.save(file);

/** The checkpoint with something changed. */
async function changed(change: (content: Awaited<ReturnType<typeof loadSafetensors>>) => void): Promise<string> {
  const content = await loadSafetensors(file);
  change(content);
  const path = join(folder, "changed.safetensors");
  await saveSafetensors(path, content.tensors, content.metadata);
  return path;
}

test("loadPolicy restores every bit that save wrote", async () => {
  const again = await loadPolicy(file);
  assert.deepEqual(again.config, policy.config);
  assert.deepEqual(await again.parameters(), await policy.parameters());
});

test("loadPolicy like another policy shares its programs, and refuses another architecture", async () => {
  const again = await loadPolicy(file, { like: policy });
  assert.deepEqual(await again.parameters(), await policy.parameters());
  const sequences = [{ prompt: [1, 3], completion: [4, 2] }];
  assert.deepEqual(await again.score(sequences), await policy.score(sequences));
  const other = await createPolicy({ vocabularySize: 9, layers: 2, width: 8, heads: 2, contextLength: 16, seed: 3 });
  await assert.rejects(loadPolicy(file, { like: other }), {
    name: "RangeError",
    message: /the architecture of the policy/,
  });
});

test("loadPolicy names the tensor that is missing, misshapen or not finite", async () => {
  await assert.rejects(
    loadPolicy(await changed(({ tensors }) => tensors.delete("norm"))),
    /expected norm of shape \[8\] but found none/,
  );
  const misshapen = changed(({ tensors }) =>
    tensors.set("norm", { dtype: "F32", shape: [4], data: new Float32Array(4) }),
  );
  await assert.rejects(loadPolicy(await misshapen), /expected norm of shape \[8\] but found \[4\]/);
  const poisoned = changed(({ tensors }) => {
    tensors.get("layers.0.mlp.up")!.data[5] = Number.NaN;
  });
  await assert.rejects(loadPolicy(await poisoned), /expected finite weights but found NaN in layers\.0\.mlp\.up/);
  const extra = changed(({ tensors }) => tensors.set("other", { dtype: "F32", shape: [1], data: new Float32Array(1) }));
  await assert.rejects(loadPolicy(await extra), /expected only the model's tensors but found other/);
});

test("loadPolicy refuses an architecture that is absent, hostile or no JSON", async () => {
  const withConfig = (text: string) =>
    changed(({ metadata }) => {
      metadata.transformer = text;
    });
  await assert.rejects(loadPolicy(await withConfig("{")), /expected the architecture as JSON/);
  await assert.rejects(loadPolicy(await withConfig("null")), /expected the architecture as JSON/);
  await assert.rejects(
    loadPolicy(await withConfig('{"vocabularySize": 9, "layers": 1e9}')),
    /expected a whole layers in \[1, 256\]/,
  );
  await assert.rejects(loadPolicy(await withConfig('{"vocabularySize": 9, "width": "8"}')), /expected a whole width/);
  await assert.rejects(
    loadPolicy(await withConfig('{"vocabularySize": 9, "layers": 256, "width": 1048576}')),
    /expected a whole hidden in/,
  );
  await assert.rejects(
    loadPolicy(await withConfig('{"vocabularySize": 9, "width": 8, "heads": 3}')),
    /multiple of 2 · heads/,
  );
});

test("loadPolicy refuses a truncated file", async () => {
  const bytes = await readFile(file);
  const path = join(folder, "truncated.safetensors");
  for (const length of [0, 4, 8, 100, bytes.length - 1]) {
    await writeFile(path, bytes.subarray(0, length));
    await assert.rejects(loadPolicy(path), /truncated\.safetensors/);
  }
});

test("createPolicy refuses sizes that are no sizes", async () => {
  await assert.rejects(createPolicy({ vocabularySize: 1, seed: 1 }), /expected a whole vocabularySize/);
  await assert.rejects(createPolicy({ vocabularySize: 9, layers: 0, seed: 1 }), /expected a whole layers/);
  await assert.rejects(
    createPolicy({ vocabularySize: 9, endToken: 9, seed: 1 }),
    /expected a whole endToken in \[0, 8\]/,
  );
  await assert.rejects(createPolicy({ vocabularySize: 9, ropeBase: Number.NaN, seed: 1 }), /expected ropeBase > 1/);
});

test("loadPolicy refuses a rope scaling of no known kind or without its numbers", async () => {
  const stretched = (scaling: string) =>
    changed(({ metadata }) => {
      metadata.transformer = `{"vocabularySize": 9, "ropeScaling": ${scaling}}`;
    });
  await assert.rejects(
    loadPolicy(await stretched('{"kind": "toString"}')),
    /expected a kind of none .* but found toString/,
  );
  await assert.rejects(
    loadPolicy(await stretched('{"kind": "linear"}')),
    /expected a finite factor > 0 but found undefined/,
  );
  await assert.rejects(loadPolicy(await stretched("null")), /expected a kind of none/);
});

test("loadState restores parameters, moments and steps, and refuses a state that is not whole", async () => {
  const state = join(folder, "state.safetensors");
  const rows = [{ prompt: [1], completion: [3, 4, 2] }];
  const step = async (one: typeof policy) => {
    await one.backward(rows, { logprobs: Float32Array.of(-1, -1, -1) });
    await one.step({ learningRate: 0.01 });
  };
  const trained = await policy.clone();
  await step(trained);
  await trained.saveState(state, "a note");
  const resumed = await policy.clone();
  assert.equal(await resumed.loadState(state), "a note");
  for (const one of [trained, resumed]) await step(one);
  assert.deepEqual(await resumed.parameters(), await trained.parameters());

  const before = structuredClone(await resumed.parameters());
  const refused = async (change: (content: Awaited<ReturnType<typeof loadSafetensors>>) => void, message: RegExp) => {
    const content = await loadSafetensors(state);
    change(content);
    const path = join(folder, "other-state.safetensors");
    await saveSafetensors(path, content.tensors, content.metadata);
    await assert.rejects(resumed.loadState(path), message);
    assert.deepEqual(await resumed.parameters(), before);
  };
  await refused(({ tensors }) => tensors.delete("m:norm"), /expected 8 numbers of m:norm but found none/);
  await refused(({ tensors }) => tensors.delete("norm"), /expected 8 numbers of norm but found none/);
  await refused(({ tensors }) => {
    tensors.get("v:norm")!.data[1] = Number.NaN;
  }, /expected finite numbers but found NaN in v:norm/);
  await refused(({ metadata }) => {
    metadata.training = '{"steps": {"": -1}, "note": ""}';
  }, /expected the numbers of steps and a note/);
  await refused(({ metadata }) => {
    metadata.architecture = "{}";
  }, /expected the state of this architecture/);
  await assert.rejects(resumed.loadState(file), /expected a file that saveState wrote/);
});
