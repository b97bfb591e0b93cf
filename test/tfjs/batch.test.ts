import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { blocksOf, padBatch } from "../../src/tfjs/batch.ts";

const token = fc.integer({ min: 0, max: 9 });
const texts = fc.array(
  fc.record({
    prompt: fc.array(token, { minLength: 1, maxLength: 5 }),
    completion: fc.array(token, { minLength: 1, maxLength: 5 }),
  }),
  { minLength: 1, maxLength: 8 },
);

test("padBatch pads on the right and points at the token before each label", () => {
  const rows = [
    { prompt: [1, 3], completion: [4, 2] },
    { prompt: [5], completion: [6] },
  ];
  assert.deepEqual(padBatch(rows), {
    rows: 2,
    time: 3,
    tokens: Int32Array.of(1, 3, 4, 5, 0, 0),
    selected: Int32Array.of(1, 2, 3),
    selectedAt: Int32Array.of(3, 0, 1, 2, 3, 3),
    labels: Int32Array.of(4, 2, 6),
  });
});

test("padBatch's two index lists invert each other", () => {
  fc.assert(
    fc.property(texts, (rows) => {
      const { selected, selectedAt, labels } = padBatch(rows);
      assert.deepEqual(
        [...selected.keys()],
        [...selected].map((place) => selectedAt[place]),
      );
      assert.equal(selectedAt.filter((at) => at === labels.length).length, selectedAt.length - labels.length);
    }),
  );
});

test("blocksOf keeps every row in order and every block within the limit, or of one row", () => {
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 400 }), (rows, most) => {
      const parts = [...blocksOf(rows, { vocabularySize: 10, most })];
      assert.deepEqual(
        parts.flatMap(({ block }) => block),
        rows,
      );
      let at = 0;
      for (const { block, from, to } of parts) {
        const { rows: count, time, labels } = padBatch(block);
        assert.ok(count === 1 || count * time * 10 <= most);
        assert.deepEqual([from, to], [at, at + labels.length]);
        at = to;
      }
    }),
  );
});
