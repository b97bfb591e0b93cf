import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { divergences, entropy, topK as likeliest, logSoftmax, rankOf } from "../../src/analysis/divergences.ts";
import { type Reader, tokenShift } from "../../src/analysis/token-shift.ts";
import type { Bounds, ShiftColumns } from "../../src/analysis/token-table.ts";
import type { TopLogprobs } from "../../src/srft/reader.ts";

const vocabularySize = 8;
const on = [
  { prompt: [0], completion: [1, 7, 3] },
  { prompt: [2], completion: [5] },
];
const tokens = on.flatMap(({ completion }) => completion);
const logitsOf = (scale: number) =>
  tokens.map((_, row) =>
    Float32Array.from({ length: vocabularySize }, (_, v) => scale * Math.sin(3 * row + v * v + scale)),
  );

const whole = (scale: number): Reader => ({
  vocabularySize,
  contextLength: 16,
  logits: async () => Float32Array.from(logitsOf(scale).flatMap((row) => [...row])),
});

/** What a server says of the same distributions. */
function lists(scale: number, change: (lists: TopLogprobs) => TopLogprobs = (same) => same): Reader {
  return {
    vocabularySize,
    contextLength: 16,
    async topLogprobs(_, { topK }) {
      const logprobs = logitsOf(scale).map((logits) => logSoftmax(logits));
      const tops = logprobs.map((row) => (topK === 0 ? [] : [...likeliest(row, topK)]));
      return change({
        logprobs: tokens.map((token, row) => logprobs[row]![token]!),
        topK,
        topIds: tops.flat(),
        topLogprobs: tops.flatMap((top, row) => top.map((id) => logprobs[row]![id]!)),
      });
    },
  };
}

const options = { on: [{ prompt: [0], completion: tokens }], source: "demonstrations", batchSize: 1 };
const inside = ({ lower, upper }: Bounds, row: number, truth: number) => lower[row]! <= truth && truth <= upper[row]!;

function assertBounded(model: ShiftColumns, [p, q]: readonly [Float32Array, Float32Array], row: number) {
  const truth = divergences(logSoftmax(p), logSoftmax(q));
  for (const measure of ["kl", "reverseKl", "js", "tv"] as const) {
    assert.ok(inside(model.bounds![measure], row, truth[measure]), `${measure}, row ${row}`);
    assert.ok(Number.isNaN(model[measure][row]));
  }
}

test("tokenShift bounds what lists leave open, whichever side gives lists, and says so in coverage", async () => {
  for (let topK = 0; topK <= vocabularySize; topK++) {
    for (const [base, tuned] of [
      [lists(1), lists(4)],
      [whole(1), lists(4)],
      [lists(1), whole(4)],
    ] as const) {
      const table = await tokenShift([base, tuned], { ...options, topK });
      const model = table.models[0]!;
      assert.deepEqual(
        [table.base.coverage, model.coverage],
        [base, tuned].map(({ logits }) => (logits ? "full" : "top-k")),
      );
      for (const [row, token] of tokens.entries()) {
        const [q, p] = [logitsOf(1)[row]!, logitsOf(4)[row]!];
        assertBounded(model, [p, q], row);
        assert.ok(Math.abs(model.logprobs[row]! - logSoftmax(p)[token]!) < 1e-6);
        if (model.entropyBounds) assert.ok(inside(model.entropyBounds, row, entropy(logSoftmax(p))));
        else assert.ok(Math.abs(model.entropies[row]! - entropy(logSoftmax(p))) < 1e-6);
      }
    }
  }
});

test("tokenShift from lists of three or more gives the classes of whole distributions; of fewer, none beyond the list", async () => {
  const exact = await tokenShift([whole(1), whole(1.8)], options);
  const classes = Array.from(exact.rows(), ({ category }) => category);
  assert.ok(new Set(classes).size > 1);
  for (let topK = 1; topK <= vocabularySize; topK++) {
    const listed = await tokenShift([lists(1), lists(1.8)], { ...options, topK });
    for (const [row, { category, baseRank }] of [...listed.rows()].entries()) {
      if (topK >= 3) assert.equal(category, classes[row]);
      else assert.ok(category === classes[row] || (category === null && baseRank === 0));
    }
  }
});

test("tokenShift compares whole distributions exactly beside a model that gives lists", async () => {
  const table = await tokenShift([whole(1), lists(4), whole(2)], { ...options, topK: 4 });
  const alone = await tokenShift([whole(1), whole(2)], { ...options, topK: 4 });
  assert.deepEqual({ ...table.models[1], name: "" }, { ...alone.models[0], name: "" });
  assert.ok(table.models[0]!.bounds);
});

test("tokenShift ranks the text's token within a list, takes a given rank, and says 0 beyond", async () => {
  const ranks = tokens.map((token, row) => rankOf(logitsOf(4)[row]!, token));
  const { models } = await tokenShift([lists(1), lists(4)], { ...options, topK: 4 });
  assert.deepEqual(
    [...models[0]!.ranks],
    ranks.map((rank) => (rank <= 4 ? rank : 0)),
  );
  const given = await tokenShift([lists(1), lists(4, (all) => ({ ...all, ranks }))], { ...options, topK: 4 });
  assert.deepEqual([...given.models[0]!.ranks], ranks);
});

test("tokenShift's arquero table has bounds beside a model that gives lists, and no mean of what is not known", async () => {
  const table = await tokenShift([whole(1), lists(4), whole(2)], { ...options, topK: 4 });
  const [first, last] = [table.toArquero().objects()[0], table.toArquero().objects().at(-1)] as Record<
    string,
    number
  >[];
  assert.ok(first!.klLower! >= 0 && first!.klUpper === Infinity && first!.tvUpper! <= 1);
  assert.ok(Number.isNaN(last!.klLower) && last!.kl! > 0);
  assert.throws(
    () => table.summary(),
    /^RangeError: summarizeTokens: expected whole distributions but found lists of 4 of model 1: .*read `bounds`$/,
  );
});

test("tokenShift's bounds from lists hold for random logits of a wide vocabulary, rounded to float32", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 1, max: 30 }), async (seed, topK) => {
      const wide = 400;
      const row = (scale: number) =>
        Float32Array.from({ length: wide }, (_, v) => 6 * Math.sin(seed * scale + v * v * 1.3) ** 3);
      const [q, p] = [row(1), row(1.001)];
      const reader = (logits: Float32Array): Reader => ({
        vocabularySize: wide,
        contextLength: 4,
        async topLogprobs() {
          const logprobs = Float32Array.from(logSoftmax(logits));
          const ids = likeliest(logprobs, topK);
          return {
            logprobs: [logprobs[3]!],
            topK,
            topIds: ids,
            topLogprobs: ids.length === 0 ? [] : Float32Array.from(ids, (id) => logprobs[id]!),
          };
        },
      });
      const text = [{ prompt: [0], completion: [3] }];
      const { models } = await tokenShift([reader(q), reader(p)], { on: text, source: "x", topK });
      assertBounded(models[0]!, [p, q], 0);
    }),
    { numRuns: 200 },
  );
});

const refusals: Record<string, [Reader, RegExp]> = {
  "lists of another length": [
    lists(4, (all) => ({ ...all, topK: 2 })),
    /^RangeError: tokenShift: expected lists of 4 from model 1 but found 2: give topK: 2$/,
  ],
  "too few entries": [
    lists(4, (all) => ({ ...all, topIds: [1] })),
    /^TypeError: tokenShift: expected 16 topIds of model 1, \[4, 4\], but found 1$/,
  ],
  "lists that sum to more than 1": [
    lists(4, (all) => ({
      ...all,
      topLogprobs: Array.from(all.topLogprobs, () => -0.1),
      logprobs: tokens.map(() => -0.1),
    })),
    /^RangeError: tokenShift: model 1, row 0: divergenceBounds: expected known probabilities of sum <= 1/,
  ],
  "a token twice": [
    lists(4, (all) => ({ ...all, topIds: Array.from(all.topIds, () => 3) })),
    /^RangeError: tokenShift: model 1, row 0: divergenceBounds: expected different ids in \[0, 8\) but found 3$/,
  ],
  "a reader of nothing": [
    { vocabularySize, contextLength: 16 },
    /^TypeError: tokenShift: expected model 1 to have logits or topLogprobs but found neither$/,
  ],
};
for (const [what, [reader, message]] of Object.entries(refusals)) {
  test(`tokenShift refuses ${what}`, () =>
    assert.rejects(tokenShift([lists(1), reader], { ...options, topK: 4 }), message));
}
