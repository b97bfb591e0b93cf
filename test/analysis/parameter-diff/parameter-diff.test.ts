import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { parameterDiff } from "../../../src/analysis/parameter-diff/parameter-diff.ts";
import { updateOverlap } from "../../../src/analysis/parameter-diff/update-overlap.ts";
import { saveSafetensors } from "../../../src/models/safetensors/safetensors.ts";

const folder = join(import.meta.dirname, "../../../../test/golden/parameter-diff");
const golden = JSON.parse(readFileSync(join(folder, "golden.json"), "utf8"));
const [base, sharded, second] = ["base.safetensors", "sharded", "second.safetensors"].map((name) =>
  join(folder, name),
) as [string, string, string];
const temporary = await mkdtemp(join(tmpdir(), "srft-parameter-diff-"));
after(() => rm(temporary, { recursive: true }));

const close = (found: number, wanted: number, tolerance: number, what: string) =>
  assert.ok(Math.abs(found - wanted) <= tolerance * Math.max(1, Math.abs(wanted)), `${what}: ${found}, not ${wanted}`);

function sameChange(found: object, wanted: Record<string, number>, what: string) {
  for (const [name, value] of Object.entries(wanted))
    close((found as Record<string, number>)[name]!, value, 1e-12, `${what}.${name}`);
}

let files = 0;

/** A checkpoint with these tensors. */
async function checkpoint(tensors: Record<string, { shape: number[]; data: number[] }>) {
  const file = join(temporary, `${++files}.safetensors`);
  await saveSafetensors(
    file,
    new Map(Object.entries(tensors).map(([name, { shape, data }]) => [name, { shape, data: Float32Array.from(data) }])),
  );
  return file;
}

const vector = (...data: number[]) => ({ w: { shape: [data.length], data } });

describe(`parameterDiff, as NumPy ${golden.versions.numpy} computes`, async () => {
  const { updateTolerance: tolerance, energy } = golden;
  const found = await parameterDiff(base, sharded, { tolerance, rank: { sketch: 64, energy } });

  test("norms, maxima and shares of every tensor, layer and of all, one file against two shards", () => {
    assert.equal(found.tensors.length, Object.keys(golden.tensors).length);
    for (const tensor of found.tensors) sameChange(tensor, golden.tensors[tensor.name], tensor.name);
    for (const layer of found.layers) sameChange(layer, golden.layers[String(layer.layer)], `layer ${layer.layer}`);
    sameChange(found.total, golden.total, "total");
    assert.deepEqual(
      found.layers.map(({ layer }) => layer),
      [null, 0, 1],
    );
  });

  test("modules gather the layers", () => {
    const modules = found.modules.map(({ module, elements }) => [module, elements]);
    assert.deepEqual(Object.fromEntries(modules), {
      embed_tokens: 480,
      norm: 12,
      "mlp.down_proj": 720,
      "self_attn.q_proj": 288,
      "self_attn.q_proj.bias": 24,
    });
  });

  test("singular values, stable rank, energy rank and numerical rank where the sketch covers all", () => {
    for (const { name, rank } of found.tensors) {
      const wanted = golden.ranks[name];
      if (!wanted) continue;
      assert.equal(rank!.coverage, "all");
      for (const [i, value] of wanted.singularValues.entries()) {
        assert.ok(Math.abs(rank!.singularValues[i]! - value) < 1e-9 * wanted.singularValues[0], `${name} ${i}`);
      }
      close(rank!.stableRank, wanted.stableRank, 1e-9, name);
      assert.deepEqual([rank!.energyRank, rank!.rank], [wanted.energyRank, wanted.rank], name);
    }
    assert.equal(Object.keys(golden.ranks).length, 5);
  });

  test("a smaller sketch bounds from the right side, and finds a dominating low rank", async () => {
    const few = await parameterDiff(base, sharded, { rank: { sketch: 5, energy } });
    for (const { name, rank } of few.tensors) {
      const wanted = golden.ranks[name];
      if (!wanted) continue;
      assert.deepEqual([rank!.coverage, rank!.rank], ["sketch", null]);
      for (const [i, value] of rank!.singularValues.entries()) {
        assert.ok(value <= wanted.singularValues[i] * (1 + 1e-9), `${name} ${i}`);
      }
      assert.ok(rank!.stableRank >= wanted.stableRank * (1 - 1e-9));
      assert.ok(rank!.energyRank === null || rank!.energyRank >= wanted.energyRank);
    }
    const embeddings = few.tensors.find(({ name }) => name.includes("embed"))!.rank!;
    const wanted = golden.ranks["model.embed_tokens.weight"];
    for (let i = 0; i < 3; i++) close(embeddings.singularValues[i]!, wanted.singularValues[i], 1e-6, `value ${i}`);
    assert.equal(embeddings.energyRank, wanted.energyRank);
  });

  test("one seed gives the same bits, whatever else is read", async () => {
    const only = (name: string) => name === "model.layers.1.mlp.down_proj.weight";
    const rank = { sketch: 4, seed: 3 };
    const [one, all] = [
      await parameterDiff(base, sharded, { rank, only }),
      await parameterDiff(base, sharded, { rank }),
    ];
    const same = all.tensors.find(({ name }) => only(name))!;
    assert.deepEqual(one.tensors, [same]);
    const other = await parameterDiff(base, sharded, { rank: { ...rank, seed: 4 }, only });
    assert.notDeepEqual(other.tensors[0]!.rank!.singularValues, same.rank!.singularValues);
  });

  for (const precision of ["stored", "bfloat16"] as const) {
    test(`updateOverlap at ${precision} precision`, async () => {
      const overlap = await updateOverlap(base, [sharded, second], { precision });
      const { updated, ...shares } = golden.overlap[precision];
      assert.deepEqual(overlap.updated, updated);
      sameChange(overlap, shares, precision);
    });
  }
});

describe("parameterDiff on cases that can be checked by hand", () => {
  test("a change of 3 and 4 has norm 5, and 0.0009 is below a tolerance of 0.001", async () => {
    const a = await checkpoint(vector(1, 2, 2, 0));
    const b = await checkpoint(vector(4, 6, 2, 0.0009));
    const { total } = await parameterDiff(a, b, { tolerance: 0.001 });
    close(total.norm, Math.sqrt(25 + Math.fround(0.0009) ** 2), 1e-15, "norm");
    close(total.relativeNorm, total.norm / 3, 1e-15, "relative norm");
    assert.deepEqual([total.max, total.unchanged, total.elements], [4, 0.5, 4]);
  });

  test("bfloat16: ties go to even, a change of half a step vanishes, 1e-5 hides small weights' changes", async () => {
    // from 1 the steps are 2^-7; 1 + 2^-8 is a tie and rounds to 1, 1 + 3 · 2^-8 to 1 + 2^-6
    const a = await checkpoint(vector(1, 1, 1, 1e-6, -1));
    const b = await checkpoint(vector(1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -7, 9e-6, -1 - 2 ** -9));
    const { total } = await parameterDiff(a, b);
    assert.deepEqual([total.unchanged, total.equalBfloat16, total.unchangedBfloat16], [0, 2 / 5, 3 / 5]);
  });

  test("weights stored in 16 bits are compared as they are, and the dtypes are said", async () => {
    const models = join(folder, "../hugging-face");
    for (const [name, dtype] of [
      ["qwen2", "F16"],
      ["qwen3", "BF16"],
    ] as const) {
      const { total, tensors } = await parameterDiff(join(models, name), join(models, name));
      assert.deepEqual([total.norm, total.unchanged, total.unchangedBfloat16], [0, 1, 1], name);
      assert.ok(tensors.every(({ dtypes }) => dtypes.join() === `${dtype},${dtype}`));
    }
  });

  test("nothing changed: norms 0, shares 1, ranks 0", async () => {
    const a = await checkpoint({ m: { shape: [2, 2], data: [1, 2, 3, 4] }, empty: { shape: [0], data: [] } });
    const { total, tensors } = await parameterDiff(a, a, { rank: {} });
    assert.deepEqual([total.norm, total.relativeNorm, total.unchanged, total.equalBfloat16], [0, 0, 1, 1]);
    const { rank } = tensors.find(({ name }) => name === "m")!;
    assert.deepEqual([rank!.stableRank, rank!.energyRank, rank!.rank], [0, 0, 0]);
  });

  test("a rank-one update has one singular value, its norm", async () => {
    const a = await checkpoint({ m: { shape: [3, 4], data: Array(12).fill(0) } });
    const b = await checkpoint({ m: { shape: [3, 4], data: [1, 2, 2, 0, 2, 4, 4, 0, 2, 4, 4, 0] } });
    const { tensors, total } = await parameterDiff(a, b, { rank: { sketch: 2 } });
    close(tensors[0]!.rank!.singularValues[0]!, 9, 1e-12, "σ₁");
    assert.ok(tensors[0]!.rank!.singularValues[1]! < 1e-7);
    assert.deepEqual([tensors[0]!.rank!.energyRank, total.relativeNorm], [1, Infinity]);
  });

  test("updateOverlap: two of three and two of two updates in common", async () => {
    const a = await checkpoint(vector(0, 0, 0, 0, 0));
    const [b, c] = [await checkpoint(vector(1, 1, 1, 0, 0)), await checkpoint(vector(0, 2, 2, 0, 0))];
    const found = await updateOverlap(a, [b, c]);
    assert.deepEqual([found.updated, found.both], [[3, 2], 2]);
    assert.deepEqual([found.first, found.second, found.jaccard], [2 / 3, 1, 2 / 3]);
    close(found.chance, 2 / 5, 1e-15, "chance");
    assert.deepEqual(
      found.tensors.map(({ name, both }) => [name, both]),
      [["w", 2]],
    );
  });
});

describe("parameterDiff refuses, by name,", () => {
  test("tensors that are missing or of another shape, unless they are left out", async () => {
    const a = await checkpoint({ w: { shape: [1], data: [1] }, head: { shape: [1], data: [1] } });
    const b = await checkpoint(vector(2));
    await assert.rejects(
      parameterDiff(a, b),
      /expected head in .*\.safetensors but found it in another checkpoint only; leave it out with only/,
    );
    assert.equal((await parameterDiff(a, b, { only: (name) => name !== "head" })).total.max, 1);
    await assert.rejects(
      parameterDiff(b, await checkpoint(vector(1, 2))),
      /expected w of shape \[1\] in .* but found \[2\]/,
    );
    await assert.rejects(parameterDiff(a, b, { only: () => false }), /expected a tensor but found none/);
  });

  test("weights that are not finite", async () => {
    const [a, b] = [await checkpoint(vector(1, 2)), await checkpoint(vector(1, Number.NaN))];
    await assert.rejects(parameterDiff(a, b), /expected finite weights but found 2 and NaN at 1 of w/);
    await assert.rejects(updateOverlap(a, [a, b]), /expected finite weights but found others at 1 of w/);
  });

  test("options out of range", async () => {
    await assert.rejects(
      parameterDiff(base, sharded, { tolerance: -1 }),
      /expected a finite tolerance >= 0 but found -1/,
    );
    await assert.rejects(
      parameterDiff(base, sharded, { rank: { sketch: 0 } }),
      /expected an integer rank\.sketch >= 1 but found 0/,
    );
    await assert.rejects(
      parameterDiff(base, sharded, { rank: { energy: 1.5 } }),
      /expected rank\.energy in \(0, 1\] but found 1\.5/,
    );
    await assert.rejects(
      parameterDiff(base, sharded, { rank: { iterations: -1 } }),
      /expected an integer rank\.iterations >= 0/,
    );
    await assert.rejects(
      updateOverlap(base, [base, base], { precision: "fp8" as never }),
      /expected a precision stored or bfloat16 but found fp8/,
    );
  });
});

test("parameterDiff holds ranges, not tensors: 64 MB of weights in little memory", async () => {
  const size = 2 ** 23;
  const data = new Float32Array(size).fill(0.5);
  const [a, b] = [join(temporary, "large-a.safetensors"), join(temporary, "large-b.safetensors")];
  await saveSafetensors(a, new Map([["w", { shape: [size], data }]]));
  data[size - 1] = 1;
  await saveSafetensors(b, new Map([["w", { shape: [size], data }]]));
  const before = process.memoryUsage().arrayBuffers;
  const timer = setInterval(() => (most = Math.max(most, process.memoryUsage().arrayBuffers - before)), 1);
  let most = 0;
  const { total } = await parameterDiff(a, b);
  clearInterval(timer);
  assert.deepEqual([total.max, total.unchanged], [0.5, 1 - 1 / size]);
  assert.ok(most < 40e6, `${Math.round(most / 1e6)} MB`);
});
