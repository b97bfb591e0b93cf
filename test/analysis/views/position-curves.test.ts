import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { promptUnits, ratioWithInterval } from "../../../src/analysis/views/measures.ts";
import { positionCurves } from "../../../src/analysis/views/position-curves.ts";
import { resampleInterval } from "../../../src/analysis/views/resample.ts";
import { mixedTable, near, writtenTable } from "./table.ts";

const table = writtenTable({
  texts: [
    [0, 0, 0, 0],
    [0, 0],
  ],
  models: [{ kl: [4, 3, 2, 1, 8, 7], js: [0.5, 0, 0, 0, 0.25, 0], baseRanks: [4, 1, 2, 3, 9, 1] }],
});

test("positionCurves' means by token are those worked out by hand", () => {
  const { source, points } = positionCurves(table);
  assert.equal(source, "demonstrations");
  assert.deepEqual(
    points.map(({ model, at, tokens, mean }) => [model, at, tokens, mean]),
    [
      ["model 1", 0, 2, 6],
      ["model 1", 1, 2, 5],
      ["model 1", 2, 1, 2],
      ["model 1", 3, 1, 1],
    ],
  );
  assert.deepEqual(
    positionCurves(table, { minTokens: 2 }).points.map(({ at }) => at),
    [0, 1],
  );
});

test("positionCurves by share of the length puts long and short completions side by side", () => {
  const { points } = positionCurves(table, { by: 2 });
  assert.deepEqual(
    points.map(({ at, tokens, mean }) => [at, tokens, mean]),
    [
      [0.25, 3, 5],
      [0.75, 3, 10 / 3],
    ],
  );
});

test("positionCurves' shiftedShare counts base ranks beyond 3", () => {
  const { measure, points } = positionCurves(table, { measure: "shiftedShare" });
  assert.equal(measure, "shiftedShare");
  assert.deepEqual(
    points.map(({ mean }) => mean),
    [1, 0, 0, 0],
  );
  assert.deepEqual(
    positionCurves(table, { measure: "js" }).points.map(({ mean }) => mean),
    [0.375, 0, 0, 0],
  );
});

test("positionCurves' tokens and sums are those of the table, wherever they lie", () => {
  const texts = fc.array(fc.array(fc.double({ min: 0, max: 5, noNaN: true }), { minLength: 1, maxLength: 7 }), {
    minLength: 1,
    maxLength: 12,
  });
  fc.assert(
    fc.property(texts, fc.oneof(fc.constant("tokens" as const), fc.integer({ min: 1, max: 5 })), (all, by) => {
      const random = writtenTable({ texts: all.map((text) => text.map(() => 0)), models: [{ kl: all.flat() }] });
      const { points } = positionCurves(random, { by, resamples: 20, confidence: 0.999 });
      assert.equal(
        points.reduce((sum, { tokens }) => sum + tokens, 0),
        all.flat().length,
      );
      const total = points.reduce((sum, { tokens, mean }) => sum + tokens * mean, 0);
      assert.ok(
        near(
          total,
          all.flat().reduce((sum, value) => sum + Math.fround(value), 0),
          1e-9,
        ),
      );
      for (const { at } of points) assert.ok(by === "tokens" ? Number.isInteger(at) : at > 0 && at < 1);
    }),
    { numRuns: 50 },
  );
});

test("positionCurves' interval is of prompts: rollouts of one prompt are no evidence of their own", () => {
  const texts = Array.from({ length: 20 }, () => [0]);
  const models = [{ kl: texts.map((_, i) => i % 2) }];
  const [apart] = positionCurves(writtenTable({ texts, models })).points;
  const [together] = positionCurves(writtenTable({ texts, models, prompts: texts.map(() => [7]) })).points;
  assert.equal(apart!.mean, together!.mean);
  assert.ok(apart!.interval.high - apart!.interval.low > 0.3);
  assert.deepEqual(together!.interval, { low: 0.5, high: 0.5 });
});

test("promptUnits are the rows prompt by prompt", () => {
  const shared = writtenTable({ texts: [[0, 0], [0], [0]], prompts: [[1], [2], [1]], models: [{}] });
  assert.deepEqual(promptUnits(shared), [[0, 1, 3], [2]]);
});

test("resampleInterval's bounds are the quantiles of the statistic's draws", () => {
  // one unit is drawn of two: the statistic is 0 or 1, and its middle half is the whole range
  const { low, high } = resampleInterval(2, (units) => units[0]!, { confidence: 0.5, seed: 3 });
  assert.deepEqual([low, high], [0, 1]);
  assert.ok(Number.isNaN(resampleInterval(2, () => Number.NaN).low));
  // a mean of n draws has the standard error σ/√n; 95 % are ±1.96 of them
  const values = Array.from({ length: 400 }, (_, i) => i % 2);
  const wide = resampleInterval(400, (units) => units.reduce((sum, unit) => sum + values[unit]!, 0) / 400, {
    resamples: 4000,
  });
  assert.ok(near(wide.high - wide.low, (2 * 1.96 * 0.5) / 20, 0.01), `${wide.high - wide.low}`);
});

test("resampleInterval's blocks keep neighbours together", () => {
  const drawn = (blockLength: number) => {
    let neighbours = 0;
    resampleInterval(
      100,
      (units) => {
        for (let i = 1; i < 100; i++) if (units[i] === (units[i - 1]! + 1) % 100) neighbours++;
        return 0;
      },
      { blockLength, resamples: 50 },
    );
    return neighbours / (50 * 99);
  };
  assert.ok(drawn(1) < 0.05 && near(drawn(10), 0.9, 0.05) && drawn(100) === 1);
});

test("ratioWithInterval is a ratio of sums, not a mean of ratios", () => {
  const { value, interval } = ratioWithInterval({ over: [1, 9], under: [1, 3] }, {});
  assert.equal(value, 10 / 4);
  assert.deepEqual(interval, { low: 1, high: 3 });
});

test("positionCurves refuses what cannot be", () => {
  assert.throws(
    () => positionCurves(table, { by: 0 }),
    /^RangeError: positionCurves: expected an integer by >= 1 but found 0$/,
  );
  assert.throws(() => positionCurves(table, { minTokens: 0.5 }), /^RangeError: .*minTokens >= 1 but found 0\.5$/);
  assert.throws(
    () => positionCurves(table, { measure: "cosine" as "kl" }),
    /^TypeError: positionCurves: expected a measure kl, .*"cosine"$/,
  );
  assert.throws(() => positionCurves(table, { resamples: 0 }), /^RangeError: positionCurves: .*resamples >= 1/);
  assert.throws(() => positionCurves(mixedTable()), /^RangeError: TokenTable: expected one source/);
});
