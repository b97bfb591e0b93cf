import assert from "node:assert/strict";
import { test } from "node:test";
import { categoryOf } from "../../src/analysis/category.ts";
import { createTokenTable, type TokenColumns } from "../../src/analysis/token-table.ts";

/** Two texts, of three and two tokens; KL, base entropy and base rank are given, the rest follows a plain pattern. */
function columns({
  kl = [0, 1, 2, 3, 4],
  entropies = [5, 1, 1, 1, 1],
  baseRanks = [1, 1, 2, 3, 4],
} = {}): TokenColumns {
  const model = {
    logprobs: Float32Array.of(-1, -2, -3, -4, -5),
    entropies: Float32Array.from(entropies),
    ranks: Int32Array.of(1, 2, 3, 4, 5),
    greedyTokens: Int32Array.of(0, 0, 0, 0, 0),
  };
  const shift = {
    deltaLogprobs: Float32Array.of(0, 0.5, 1, 1.5, 2),
    deltaProbs: new Float32Array(5),
    kl: Float32Array.from(kl),
    reverseKl: Float32Array.from(kl),
    js: new Float32Array(5).fill(0.5),
    tv: new Float32Array(5).fill(0.25),
    baseRanks: Int32Array.from(baseRanks),
  };
  return {
    source: "sft rollouts",
    prompts: [Int32Array.of(7), Int32Array.of(8, 9)],
    offsets: Int32Array.of(0, 3, 5),
    sequences: Int32Array.of(0, 0, 0, 1, 1),
    positions: Int32Array.of(0, 1, 2, 0, 1),
    tokens: Int32Array.of(10, 11, 12, 13, 14),
    base: { name: "base", ...model },
    models: ["sft", "grpo"].map((name) => ({ name, ...model, ...shift })),
    decode: (id) => `<${id}>`,
  };
}

test("categoryOf puts the borders at 1 and 3 and refuses what is no rank", () => {
  assert.deepEqual([1, 2, 3, 4, 1e6].map(categoryOf), ["unshifted", "marginal", "marginal", "shifted", "shifted"]);
  for (const rank of [0, 1.5, Number.NaN])
    assert.throws(() => categoryOf(rank), /^RangeError: categoryOf: expected a rank/);
});

test("summary counts the classes and splits the KL among them", () => {
  const { source, tokens, texts, models } = createTokenTable(columns()).summary();
  assert.deepEqual([source, tokens, texts], ["sft rollouts", 5, 2]);
  assert.deepEqual(models[0]!.categories, {
    unshifted: { tokens: 2, share: 0.4, meanKl: 0.5, klShare: 0.1 },
    marginal: { tokens: 2, share: 0.4, meanKl: 2.5, klShare: 0.5 },
    shifted: { tokens: 1, share: 0.2, meanKl: 4, klShare: 0.4 },
  });
  assert.deepEqual(
    [models[0]!.meanKl, models[0]!.meanJs, models[0]!.meanTv, models[0]!.meanDeltaLogprob],
    [2, 0.5, 0.25, 1],
  );
});

test("summary averages each position over the texts that reach it", () => {
  const { byPosition } = createTokenTable(columns()).summary();
  const rows = byPosition.filter(({ model }) => model === "grpo");
  assert.deepEqual(
    rows.map(({ position, tokens, meanKl, shiftedShare }) => [position, tokens, meanKl, shiftedShare]),
    [
      [0, 2, 1.5, 0],
      [1, 2, 2.5, 0.5],
      [2, 1, 2, 0],
    ],
  );
});

test("summary takes as forks the ⌈0.2 N⌉ positions of highest base entropy, of equals the earlier", () => {
  const forkKlShare = (entropies: number[]) =>
    createTokenTable(columns({ entropies })).summary().models[0]!.forkKlShare;
  assert.equal(forkKlShare([0, 0, 0, 1, 0]), 0.3);
  assert.equal(forkKlShare([0, 1, 1, 1, 1]), 0.1);
  assert.equal(createTokenTable(columns()).summary().forkShare, 0.2);
});

test("summary says null, not NaN, for a share of nothing or of an infinite KL and for the mean of no token", () => {
  const still = createTokenTable(columns({ kl: [0, 0, 0, 0, 0], baseRanks: [1, 1, 1, 1, 1] })).summary().models[0]!;
  assert.deepEqual(still.categories.shifted, { tokens: 0, share: 0, meanKl: null, klShare: null });
  assert.equal(still.forkKlShare, null);
  const masked = createTokenTable(columns({ kl: [0, 0, Infinity, 0, 0] })).summary().models[0]!;
  assert.deepEqual([masked.meanKl, masked.forkKlShare], [Infinity, null]);
});

test("toArquero gives one row for each model and token, which arquero can group", () => {
  const rows = createTokenTable(columns()).toArquero();
  assert.equal(rows.numRows(), 10);
  assert.deepEqual(rows.columnNames().slice(0, 6), ["source", "model", "sequence", "position", "token", "text"]);
  const { source, model, sequence, position, text, logprob, baseLogprob, category } = rows.objects()[9] as Record<
    string,
    unknown
  >;
  assert.deepEqual([source, model, sequence, position, text], ["sft rollouts", "grpo", 1, 1, "<14>"]);
  assert.deepEqual([logprob, baseLogprob, category], [-5, -5, "shifted"]);
  const counts = rows.groupby("model", "category").count().objects() as { category: string; count: number }[];
  assert.deepEqual(
    counts.map(({ category, count }) => [category, count]),
    [
      ["unshifted", 2],
      ["marginal", 2],
      ["shifted", 1],
      ["unshifted", 2],
      ["marginal", 2],
      ["shifted", 1],
    ],
  );
});

test("createTokenTable shows itself in one line that says whose text was scored", () => {
  const table = createTokenTable(columns()) as unknown as Record<symbol, () => unknown>;
  assert.deepEqual(table[Symbol.for("Jupyter.display")]!(), {
    "text/plain": "token table: 5 tokens of 2 texts (sft rollouts), sft, grpo against base",
  });
});
