import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { entropyDivergence } from "../../../src/analysis/views/entropy-divergence.ts";
import { forkingShare } from "../../../src/analysis/views/forking-share.ts";
import { mixedTable, near, writtenTable } from "./table.ts";

const texts = Array.from({ length: 10 }, () => [0]);
const ten = (baseEntropies: readonly number[], kl: readonly number[]) =>
  writtenTable({ texts, baseEntropies, models: [{ kl }] });
const ascending = texts.map((_, i) => i / 10);

test("forkingShare is the share of the KL at the positions of highest entropy", () => {
  const [found] = forkingShare(ten(ascending, [0, 0, 0, 0, 0, 0, 0, 1, 3, 4]));
  assert.deepEqual([found!.model, found!.source, found!.positions], ["model 1", "demonstrations", 0.2]);
  assert.ok(near(found!.threshold, 0.8));
  assert.equal(found!.measured, 7 / 8);
  assert.equal(forkingShare(ten(ascending, [0, 0, 0, 0, 0, 0, 0, 1, 3, 4]), { share: 0.11 })[0]!.positions, 0.2);
});

test("forkingShare counts the earlier of equal entropies, and always exactly the share", () => {
  const [found] = forkingShare(ten(Array(10).fill(1), [5, 3, 1, 1, 0, 0, 0, 0, 0, 0]));
  assert.deepEqual([found!.positions, found!.measured], [0.2, 0.8]);
});

test("forkingShare's control is the share of positions, and a change without preference lies in its band", () => {
  const many = Array.from({ length: 500 }, (_, i) => i);
  const even = writtenTable({
    texts: many.map(() => [0]),
    baseEntropies: many.map((i) => Math.sin(i)),
    models: [{ kl: many.map((i) => 1 + Math.sin(i * i)) }, { kl: many.map((i) => 1 + Math.sin(i)) }],
  });
  const [without, at] = forkingShare(even, { resamples: 500 });
  assert.ok(near(without!.random!.mean, 0.2, 0.005));
  assert.ok(without!.random!.low < without!.measured! && without!.measured! < without!.random!.high);
  assert.ok(at!.measured! > at!.random!.high && at!.interval!.low > at!.random!.high);
  assert.ok(at!.interval!.low < at!.measured! && at!.measured! < at!.interval!.high);
});

test("forkingShare by the model's own entropy takes the model's forks", () => {
  const table = writtenTable({
    texts,
    baseEntropies: ascending,
    models: [{ kl: ascending, entropies: ascending.toReversed() }],
  });
  const shareOf = (entropy: "base" | "model") => forkingShare(table, { entropy })[0]!.measured!;
  assert.ok(near(shareOf("base"), 1.7 / 4.5) && near(shareOf("model"), 0.1 / 4.5));
});

test("forkingShare of a model that changed nothing is null, and of all positions 1", () => {
  const [none] = forkingShare(ten(ascending, Array(10).fill(0)));
  assert.deepEqual([none!.measured, none!.interval, none!.random], [null, null, null]);
  const [all] = forkingShare(ten(ascending, ascending), { share: 1 });
  assert.equal(all!.measured, 1);
  assert.ok(near(all!.random!.low, 1) && near(all!.random!.high, 1));
});

test("forkingShare refuses what cannot be", () => {
  const table = ten(ascending, ascending);
  assert.throws(
    () => forkingShare(table, { share: 0 }),
    /^RangeError: forkingShare: expected a share in \(0, 1\] but found 0$/,
  );
  assert.throws(() => forkingShare(table, { confidence: 0 }), /^RangeError: forkingShare: expected a confidence/);
  assert.throws(
    () => forkingShare(ten(ascending, [Infinity, ...Array(9).fill(0)])),
    /^RangeError: forkingShare: expected a finite kl of model 1 but found Infinity at row 0: use "js" or "tv"$/,
  );
  assert.throws(() => forkingShare(mixedTable()), /^RangeError: TokenTable: expected one source/);
  assert.throws(
    () => forkingShare(ten([Number.NaN, ...Array(9).fill(0)], ascending)),
    /entropy of base at every token but found NaN at row 0/,
  );
});

test("entropyDivergence counts tokens in cells worked out by hand", () => {
  const table = writtenTable({
    texts: [[0, 0, 0, 0, 0, 0]],
    baseEntropies: [0, 0.4, 0.5, 1, 1, 1],
    models: [{ kl: [0, 0.05, 0.5, 5, 50, Infinity] }],
  });
  const { tokens, entropyEdges, divergenceEdges, models } = entropyDivergence(table, {
    ...{ entropyBins: 2, divergenceBins: 2, limits: [0.1, 10] },
  });
  assert.equal(tokens, 6);
  assert.deepEqual([...entropyEdges], [0, 0.5, 1]);
  assert.ok([0, 0.1, 1, 10].every((edge, i) => near(divergenceEdges[i]!, edge)) && divergenceEdges[4] === Infinity);
  assert.deepEqual([...models[0]!.counts], [2, 0, 0, 0, 0, 1, 1, 2]);
});

test("entropyDivergence's bins begin with their lower edge", () => {
  const table = writtenTable({ texts: [[0, 0, 0]], models: [{ kl: [0.25, 1, 4] }] });
  const { models } = entropyDivergence(table, { entropyBins: 1, divergenceBins: 1, limits: [0.25, 4] });
  assert.deepEqual([...models[0]!.counts], [0, 2, 1]);
});

test("entropyDivergence's counts sum to the tokens for every model", () => {
  const value = fc.double({ min: 0, max: 20, noNaN: true });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 30 }),
      fc.integer({ min: 1, max: 9 }),
      (pairs, bins) => {
        const table = writtenTable({
          texts: [pairs.map(() => 0)],
          baseEntropies: pairs.map(([entropy]) => entropy),
          models: [{ kl: pairs.map(([, kl]) => kl) }, {}],
        });
        const { models, entropyEdges, divergenceEdges } = entropyDivergence(table, {
          entropyBins: bins,
          divergenceBins: bins,
        });
        assert.deepEqual([entropyEdges.length, divergenceEdges.length], [bins + 1, bins + 3]);
        for (const { counts } of models)
          assert.equal(
            counts.reduce((sum, count) => sum + count, 0),
            pairs.length,
          );
        const still = models[1]!.counts.filter((_, cell) => cell % (bins + 2) === 0);
        assert.equal(
          still.reduce((sum, count) => sum + count, 0),
          pairs.length,
        );
      },
    ),
  );
});

test("entropyDivergence refuses what cannot be", () => {
  const table = ten(ascending, ascending);
  assert.throws(
    () => entropyDivergence(table, { entropyBins: 0 }),
    /^RangeError: entropyDivergence: .*entropyBins >= 1 but found 0$/,
  );
  assert.throws(
    () => entropyDivergence(table, { limits: [1, 1] }),
    /^RangeError: .*0 < least < most but found \[1, 1\]$/,
  );
  assert.throws(() => entropyDivergence(mixedTable()), /^RangeError: TokenTable: expected one source/);
});
