import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { categoryOf } from "../../src/analysis/category.ts";
import { divergences, entropy, logSoftmax, rankOf, topK } from "../../src/analysis/divergences.ts";
import { type Reader, tokenShift } from "../../src/analysis/token-shift.ts";
import { SoftmaxTable } from "../../src/models/softmax-table.ts";

/** A policy whose logits depend on the token before; every prompt below has one token or more. */
function reader(rows: readonly (readonly number[])[]) {
  const vocabularySize = rows[0]!.length;
  const config = { vocabularySize, contextLength: 16, endToken: vocabularySize - 1 };
  return new SoftmaxTable(config, [...rows.flat(), ...Array<number>(vocabularySize).fill(0)]);
}

const flat = [0, 0, 0, 0, 0];
const descending = [4, 3, 2, 1, 0];
const firstChoice = (id: number) => flat.map((_, v) => (v === id ? 10 : 0));

test("tokenShift gives a policy beside itself zeros and no shifted position", async () => {
  const policy = reader(flat.map((_, i) => flat.map((_, v) => Math.sin(5 * i + v))));
  const on = [{ prompt: [0], completion: [1, 2, 3] }];
  const table = await tokenShift([policy, policy], { on, source: "demonstrations" });
  const [model] = table.models;
  for (const column of [model!.deltaLogprobs, model!.deltaProbs, model!.kl, model!.reverseKl, model!.js, model!.tv]) {
    assert.deepEqual([...column], [0, 0, 0]);
  }
  assert.deepEqual([...model!.baseRanks], [1, 1, 1]);
  assert.deepEqual(
    table.models.map(({ name }) => name),
    ["model 1"],
  );
});

test("tokenShift classes the tuned model's first choice by its rank under the base, as URIAL does", async () => {
  const base = reader(flat.map(() => descending));
  const tuned = reader(flat.map((_, previous) => firstChoice(previous)));
  const on = [{ prompt: [0], completion: [1, 2, 3, 4, 0] }];
  const table = await tokenShift([base, tuned], { on, source: "demonstrations" });
  const { baseRanks, greedyTokens } = table.models[0]!;
  assert.deepEqual([...greedyTokens], [0, 1, 2, 3, 4]);
  assert.deepEqual([...baseRanks], [1, 2, 3, 4, 5]);
  assert.deepEqual(Array.from(baseRanks, categoryOf), ["unshifted", "marginal", "marginal", "shifted", "shifted"]);
});

test("tokenShift's logprob, entropy and rank are those worked out by hand", async () => {
  const base = reader([
    [Math.log(1), Math.log(3)],
    [0, 0],
  ]);
  const tuned = reader([
    [0, 0],
    [0, -Infinity],
  ]);
  const on = [
    { prompt: [0], completion: [0] },
    { prompt: [], completion: [] },
  ].slice(0, 1);
  const table = await tokenShift([base, tuned], { on, source: "base rollouts", names: ["base", "sft"] });
  const close = (got: ArrayLike<number>, expected: number) => assert.ok(Math.abs(got[0]! - expected) < 1e-6);
  close(table.base.logprobs, Math.log(1 / 4));
  close(table.base.entropies, Math.log(4) - 0.75 * Math.log(3));
  assert.equal(table.base.ranks[0], 2);
  const sft = table.models[0]!;
  assert.equal(sft.ranks[0], 1);
  close(sft.deltaLogprobs, Math.LN2);
  close(sft.deltaProbs, 0.25);
  close(sft.kl, 0.5 * Math.log(2) + 0.5 * Math.log(2 / 3));
  close(sft.reverseKl, 0.25 * Math.log(1 / 2) + 0.75 * Math.log(3 / 2));
  close(sft.tv, 0.25);
});

test("tokenShift says 0 for a token that neither model can write and −Infinity for one that only the base can", async () => {
  const base = reader([
    [0, -Infinity, 0],
    [0, 0, 0],
    [0, 0, 0],
  ]);
  const tuned = reader([
    [0, -Infinity, 0],
    [0, 0, -Infinity],
    [0, 0, 0],
  ]);
  const on = [{ prompt: [0], completion: [1, 2] }];
  const { models } = await tokenShift([base, tuned], { on, source: "a dictionary" });
  assert.deepEqual([...models[0]!.deltaLogprobs], [0, -Infinity]);
  assert.deepEqual([...models[0]!.reverseKl], [0, Infinity]);
});

const vocabulary = 5;
const matrix = fc.array(
  fc.array(fc.float({ min: -8, max: 8, noNaN: true }), { minLength: vocabulary, maxLength: vocabulary }),
  { minLength: vocabulary, maxLength: vocabulary },
);
const ids = (minLength: number) => fc.array(fc.nat(vocabulary - 1), { minLength, maxLength: 6 });
const texts = fc.array(fc.record({ prompt: ids(1), completion: ids(1) }), { minLength: 1, maxLength: 6 });

test("tokenShift equals a row-by-row computation, whatever the size of the blocks", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(matrix, matrix, matrix),
      texts,
      fc.integer({ min: 1, max: 7 }),
      async (all, on, batchSize) => {
        const table = await tokenShift(all.map(reader), { on, source: "random ids", batchSize });
        let row = 0;
        for (const [sequence, { prompt, completion }] of on.entries()) {
          for (const [position, token] of completion.entries()) {
            const previous = position === 0 ? prompt.at(-1)! : completion[position - 1]!;
            const [baseLogits, ...otherLogits] = all.map((rows) => Float32Array.from(rows[previous]!));
            const q = logSoftmax(baseLogits!);
            assert.deepEqual(
              [table.sequences[row], table.positions[row], table.tokens[row]],
              [sequence, position, token],
            );
            assert.equal(table.base.logprobs[row], Math.fround(q[token]!));
            assert.equal(table.base.entropies[row], Math.fround(entropy(q)));
            for (const [m, logits] of otherLogits.entries()) {
              const p = logSoftmax(logits);
              const model = table.models[m]!;
              const { kl, reverseKl, js, tv } = divergences(p, q);
              assert.deepEqual(
                [model.kl[row], model.reverseKl[row], model.js[row], model.tv[row]],
                [kl, reverseKl, js, tv].map(Math.fround),
              );
              assert.equal(model.deltaLogprobs[row], Math.fround(p[token]! - q[token]!));
              assert.equal(model.ranks[row], rankOf(logits, token));
              assert.equal(model.baseRanks[row], rankOf(baseLogits!, topK(logits, 1)[0]!));
            }
            row++;
          }
        }
        assert.equal(table.tokens.length, row);
        assert.equal(table.offsets.at(-1), row);
      },
    ),
    { numRuns: 100 },
  );
});

test("tokenShift reads blocks of batchSize texts", async () => {
  const asked: number[] = [];
  const policy: Reader = {
    vocabularySize: 2,
    contextLength: 8,
    async logits(sequences) {
      asked.push(sequences.length);
      return new Float32Array(sequences.length * 2);
    },
  };
  const on = Array.from({ length: 5 }, () => ({ prompt: [0], completion: [1] }));
  await tokenShift([policy, policy], { on, source: "demonstrations", batchSize: 2 });
  assert.deepEqual(asked, [2, 2, 2, 2, 1, 1]);
});

test("tokenShift keeps the block's logits below 2^24 numbers when the vocabulary is large", async () => {
  const asked: number[] = [];
  const policy: Reader = {
    vocabularySize: 2 ** 20,
    contextLength: 8,
    async logits(sequences) {
      asked.push(sequences.length);
      return new Float32Array(sequences.length * 2 ** 20);
    },
  };
  const on = Array.from({ length: 9 }, () => ({ prompt: [0], completion: [1] }));
  await tokenShift([policy, policy], { on, source: "demonstrations" });
  assert.deepEqual(asked, [8, 8, 1, 1]);
});

const policy = reader(flat.map(() => flat));
const on = [{ prompt: [0], completion: [1] }];
const source = "demonstrations";
const refusals: Record<string, [() => Promise<unknown>, RegExp]> = {
  "a missing source": [() => tokenShift([policy, policy], { on } as never), /^TypeError: .*whose text it is/],
  "a blank source": [() => tokenShift([policy, policy], { on, source: " " }), /^TypeError: .*whose text it is/],
  "a base alone": [() => tokenShift([policy], { on, source }), /^RangeError: .*found 1: tokenShift\(\[base, tuned\]/],
  "different vocabularies": [
    () => tokenShift([policy, reader([[0]])], { on, source }),
    /^RangeError: .*sizes 5, 1: compare models that share a tokenizer$/,
  ],
  "equal names": [
    () => tokenShift([policy, policy], { on, source, names: ["a", "a"] }),
    /^RangeError: .*2 different names/,
  ],
  "too few names": [
    () => tokenShift([policy, policy], { on, source, names: ["a"] }),
    /^RangeError: .*one for each policy$/,
  ],
  "no texts": [() => tokenShift([policy, policy], { on: [], source }), /^RangeError: .*at least one text/],
  "an empty completion": [
    () => tokenShift([policy, policy], { on: [...on, { prompt: [1], completion: [] }], source }),
    /^RangeError: tokenShift: text 1: expected a completion but found no token: leave it out$/,
  ],
  "a token outside the vocabulary": [
    () => tokenShift([policy, policy], { on: [{ prompt: [5], completion: [1] }], source }),
    /^RangeError: tokenShift: text 0: expected token ids in \[0, 5\) but found 5/,
  ],
  "a token that is no integer": [
    () => tokenShift([policy, policy], { on: [{ prompt: [0], completion: [0.5] }], source }),
    /found 0\.5/,
  ],
  "a text beyond the context": [
    () => tokenShift([policy, policy], { on: [{ prompt: [0], completion: Array(16).fill(1) }], source }),
    /^RangeError: tokenShift: text 0: expected at most 16 tokens but found 17/,
  ],
  "a batchSize of 0": [
    () => tokenShift([policy, policy], { on, source, batchSize: 0 }),
    /^RangeError: .*batchSize >= 1/,
  ],
  "NaN logits": [
    () =>
      tokenShift([policy, reader(flat.map(() => flat.map(() => Number.NaN)))], { on, source, names: ["base", "sft"] }),
    /^RangeError: tokenShift: sft, row 0: logSoftmax: .*found NaN/,
  ],
  "logits of another shape": [
    () =>
      tokenShift([policy, { vocabularySize: 5, contextLength: 16, logits: async () => new Float32Array(4) }], {
        on,
        source,
      }),
    /^TypeError: tokenShift: expected \[1, 5\] logits of model 1 but found 4 numbers$/,
  ],
};
for (const [what, [call, message]] of Object.entries(refusals)) {
  test(`tokenShift refuses ${what}`, () => assert.rejects(call, message));
}
