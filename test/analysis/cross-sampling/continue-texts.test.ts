import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { continueTexts, type Writer } from "../../../src/analysis/cross-sampling/continue-texts.ts";
import {
  firstAbove,
  measureTexts,
  randomMarks,
  topThreshold,
} from "../../../src/analysis/cross-sampling/swap-criterion.ts";
import { divergences, entropy, logSoftmax } from "../../../src/analysis/divergences.ts";
import { createRandom } from "../../../src/random.ts";
import { chain, contextLength, scripted } from "./chain.ts";

const counting = scripted([1, 2, 3, 4, 5, 5]);
const how = { temperature: 0, random: createRandom(0) };

test("continueTexts goes on from where each text is, up to the end token or maxTokens", async () => {
  const texts = [
    { prompt: [0], completion: [] },
    { prompt: [0, 1], completion: [2, 3] },
    { prompt: [3], completion: [4] },
  ];
  const further = await continueTexts(counting, texts, { ...how, maxTokens: 4 });
  assert.deepEqual(
    further.map((one) => [...one]),
    [[1, 2, 3, 4], [4, 5], [5]],
  );
  const next = await continueTexts(counting, texts, { ...how, maxTokens: 4, ahead: 1 });
  assert.deepEqual(
    next.map((one) => [...one]),
    [[1], [4], [5]],
  );
  assert.deepEqual(await continueTexts(counting, [], { ...how, maxTokens: 4 }), []);
});

test("continueTexts never asks for more than the context holds, and gives every text its tokens in its place", async () => {
  const rows = fc.array(fc.tuple(fc.integer({ min: 1, max: 8 }), fc.nat(3)), { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(rows, async (lengths) => {
      const asked: number[] = [];
      const writer: Writer = {
        contextLength,
        sample: async (prompts, { maxTokens }) => {
          for (const prompt of prompts) asked.push(prompt.length + maxTokens);
          const completions = prompts.map((prompt) => new Int32Array(maxTokens).fill(prompt.length));
          const none = new Float32Array(0);
          return { completions, logprobs: none, entropies: none, behaviorLogprobs: none, offsets: new Int32Array(0) };
        },
      };
      const texts = lengths.map(([prompt, completion]) => ({
        prompt: Array(prompt).fill(0),
        completion: Array(completion).fill(0),
      }));
      const further = await continueTexts(writer, texts, { ...how, maxTokens: 4 });
      assert.ok(asked.length === texts.length && asked.every((length) => length <= contextLength));
      for (const [i, [prompt, completion]] of lengths.entries()) {
        assert.deepEqual([...further[i]!], Array(4 - completion).fill(prompt + completion));
      }
    }),
  );
});

test("continueTexts takes texts of one length together", async () => {
  let calls = 0;
  const counted: Writer = {
    contextLength,
    sample: (prompts, options) => {
      calls++;
      return counting.sample(prompts, options);
    },
  };
  const texts = Array.from({ length: 50 }, (_, i) => ({ prompt: [0], completion: Array(i % 3).fill(0) }));
  await continueTexts(counted, texts, { ...how, maxTokens: 4 });
  assert.equal(calls, 1);
});

const rows = (seed: number) => [0, 1, 2].map((i) => [0, 1, 2].map((v) => Math.sin(seed + 5 * i + v)));

test("measureTexts is the divergence of b from a at every token, text by text", async () => {
  const [p, q] = [rows(1), rows(2)];
  const pair = { a: chain(p), b: chain(q), writer: "b" } as const;
  const texts = [
    { prompt: [0], completion: [1, 2] },
    { prompt: [1], completion: [0] },
  ];
  const before = [[0, 1], [1]];
  for (const measure of ["kl", "reverseKl", "js", "tv"] as const) {
    const expected = before.map((all) => all.map((id) => divergences(logSoftmax(q[id]!), logSoftmax(p[id]!))[measure]));
    const found = await measureTexts(pair, texts, { measure });
    assert.ok(found.flatMap((one) => [...one]).every((value, i) => Math.abs(value - expected.flat()[i]!) < 1e-6));
  }
  const [[first]] = (await measureTexts(pair, texts, { measure: "entropy" })) as [Float64Array];
  assert.ok(Math.abs(first! - entropy(logSoftmax(q[0]!))) < 1e-6);
});

test("measureTexts reads blocks whose logits stay below 2^24 numbers", async () => {
  const asked: number[] = [];
  const wide = {
    vocabularySize: 2 ** 20,
    logits: async (sequences: readonly unknown[]) => {
      asked.push(sequences.length);
      return new Float32Array(sequences.length * 2 ** 20);
    },
  };
  const texts = Array.from({ length: 9 }, () => ({ prompt: [0], completion: [1] }));
  await measureTexts({ a: wide, b: wide, writer: "a" }, texts, { measure: "entropy" });
  assert.deepEqual(asked, [8, 8, 1, 1]);
});

test("topThreshold is exceeded by the top share, rounded up, and by no tie at the border", () => {
  assert.equal(topThreshold([1, 2, 3, 4, 5], 0.2), 4);
  assert.equal(topThreshold([1, 2, 3, 4, 5], 0.21), 3);
  assert.equal(topThreshold([1, 2, 3], 1), -Infinity);
  assert.equal(firstAbove([1, 4, 4, 5], topThreshold([1, 4, 4, 5], 0.5)), 3);
  assert.equal(firstAbove([1, 2], 2), -1);
});

test("randomMarks marks about the share, and no position at a share near 0", () => {
  const marks = randomMarks(10_000, { share: 0.3, random: createRandom(1) });
  const marked = marks.reduce((sum, mark) => sum + mark, 0);
  assert.ok(Math.abs(marked - 3000) < 4 * Math.sqrt(2100), `${marked}`);
  assert.deepEqual(randomMarks(3, { share: 1e-12, random: createRandom(1) }), new Float64Array(3));
});
