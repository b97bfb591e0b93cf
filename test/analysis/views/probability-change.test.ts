import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { changedTokens, probabilityChange } from "../../../src/analysis/views/probability-change.ts";
import { mixedTable, writtenTable } from "./table.ts";

const table = writtenTable({
  texts: [
    [0, 1, 2],
    [1, 0],
  ],
  vocabulary: ["a", "b", "c"],
  models: [
    { deltaProbs: [-0.9, -0.1, 0, 0.1, 0.9], deltaLogprobs: [-20, -1, 0, 1, 20] },
    { deltaProbs: [0, 0, 0, 0, 1], deltaLogprobs: [-Infinity, 0, 0, 0, Infinity] },
  ],
});

test("probabilityChange counts the changes in bins worked out by hand", () => {
  const { source, tokens, edges, models } = probabilityChange(table, { bins: 5 });
  assert.deepEqual([source, tokens], ["demonstrations", 5]);
  assert.deepEqual(
    Array.from(edges, (edge) => edge.toFixed(1)),
    ["-1.0", "-0.6", "-0.2", "0.2", "0.6", "1.0"],
  );
  assert.deepEqual(
    models.map(({ name, counts }) => [name, [...counts]]),
    [
      ["model 1", [1, 0, 3, 0, 1]],
      ["model 2", [0, 0, 4, 0, 1]],
    ],
  );
});

test("probabilityChange counts what lies beyond the limit, Infinity too, in the outermost bins", () => {
  const { models, edges } = probabilityChange(table, { measure: "deltaLogprob", bins: 3 });
  assert.deepEqual([edges[0], edges[3]], [-8, 8]);
  assert.deepEqual(
    models.map(({ counts }) => [...counts]),
    [
      [1, 3, 1],
      [1, 3, 1],
    ],
  );
  const narrow = probabilityChange(table, { measure: "deltaLogprob", bins: 3, limit: 1 });
  assert.deepEqual([...narrow.models[0]!.counts], [2, 1, 2]);
});

test("probabilityChange's counts sum to the tokens, and 0 lies in the middle bin", () => {
  const changes = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(
      changes,
      fc.integer({ min: 1, max: 30 }),
      fc.double({ min: 0.01, max: 3, noNaN: true }),
      (values, half, limit) => {
        const bins = 2 * half + 1;
        const all = writtenTable({ texts: [values.map(() => 0)], models: [{ deltaProbs: values }, {}] });
        const { models } = probabilityChange(all, { bins, limit });
        for (const { counts } of models)
          assert.equal(
            counts.reduce((sum, count) => sum + count, 0),
            values.length,
          );
        assert.equal(models[1]!.counts[half], values.length);
      },
    ),
  );
});

test("changedTokens names each token's change lower, similar or higher", () => {
  const rows = changedTokens(table, { sequences: [1, 0], similar: 0.5 });
  assert.deepEqual(
    rows.slice(0, 5).map(({ model, sequence, position, text, word }) => [model, sequence, position, text, word]),
    [
      ["model 1", 1, 0, "b", "similar"],
      ["model 1", 1, 1, "a", "higher"],
      ["model 1", 0, 0, "a", "lower"],
      ["model 1", 0, 1, "b", "similar"],
      ["model 1", 0, 2, "c", "similar"],
    ],
  );
  assert.equal(rows.length, 10);
  assert.deepEqual([rows[2]!.token, rows[2]!.change], [0, Math.fround(-0.9)]);
  const nats = changedTokens(table, { measure: "deltaLogprob", similar: 1, sequences: [0] }).slice(0, 3);
  assert.deepEqual(
    nats.map(({ word }) => word),
    ["lower", "similar", "similar"],
  );
});

test("changedTokens calls nothing similar but no change at a threshold of 0", () => {
  const words = changedTokens(table, { similar: 0 })
    .slice(0, 5)
    .map(({ word }) => word);
  assert.deepEqual(words, ["lower", "lower", "similar", "higher", "higher"]);
});

test("probabilityChange and changedTokens refuse what cannot be", () => {
  assert.throws(
    () => probabilityChange(table, { bins: 4 }),
    /^RangeError: probabilityChange: .*odd number of bins >= 3 but found 4$/,
  );
  assert.throws(
    () => probabilityChange(table, { limit: 0 }),
    /^RangeError: probabilityChange: .*limit > 0 but found 0$/,
  );
  assert.throws(() => probabilityChange(mixedTable()), /^RangeError: TokenTable: expected one source/);
  assert.throws(() => changedTokens(mixedTable()), /^RangeError: TokenTable: expected one source/);
  assert.throws(
    () => changedTokens(table, { sequences: [2] }),
    /^RangeError: changedTokens: expected texts in \[0, 2\) but found 2$/,
  );
  assert.throws(
    () => changedTokens(table, { similar: -1 }),
    /^RangeError: changedTokens: expected similar >= 0 but found -1$/,
  );
  const unknown = writtenTable({ texts: [[0]], models: [{ deltaProbs: [Number.NaN] }] });
  assert.throws(
    () => probabilityChange(unknown),
    /^RangeError: probabilityChange: expected the deltaProb of model 1 at every token but found NaN at row 0: .*bounds/,
  );
});
