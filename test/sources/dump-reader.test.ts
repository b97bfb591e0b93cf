import assert from "node:assert/strict";
import { test } from "node:test";
import type { DumpRow } from "../../src/data/dumps/row.ts";
import { vllmRows } from "../../src/data/dumps/token-formats.ts";
import { SoftmaxTable } from "../../src/models/softmax-table.ts";
import { createRandom } from "../../src/random.ts";
import { dumpReader } from "../../src/sources/dump-reader.ts";
import { policyReader } from "../../src/sources/policy-reader.ts";
import { exchangesOf } from "./local-server.ts";

const answer = exchangesOf("by-hand/vllm")[3]!.answer as Record<string, unknown>;
const rows: DumpRow[] = vllmRows(answer, { topK: 1 }).map((row, i) => ({
  ...row,
  format: "vllm",
  file: "dump.jsonl",
  line: i + 1,
  reward: i,
}));

test("dumpReader says of its texts what the dump said, in the order that is asked", async () => {
  const { texts, rewards, reader } = dumpReader(rows, { vocabularySize: 32 });
  assert.deepEqual([...rewards], [0, 1]);
  assert.equal(reader.contextLength, 5);
  const found = await reader.topLogprobs!([texts[1]!, texts[0]!], { topK: 1 });
  assert.deepEqual([...Array.from(found.logprobs)], [-1.75, -0.5, -Infinity, -0.125]);
  assert.deepEqual([...Array.from(found.topIds)], [9, 9, 7, 4]);
  const without = await reader.topLogprobs!(texts, { topK: 0 });
  assert.equal(without.topIds.length, 0);
});

test("dumpReader tells equal texts of two rows apart", async () => {
  const { tokens } = rows[1]!;
  const other = { ...rows[1]!, tokens: { ...tokens!, scores: { ...tokens!.scores!, logprobs: Float32Array.of(-3) } } };
  const { texts, reader } = dumpReader([rows[1]!, other], { vocabularySize: 32 });
  const found = await reader.topLogprobs!(texts, { topK: 1 });
  assert.deepEqual([...Array.from(found.logprobs)], [-1.75, -3]);
});

test("dumpReader refuses texts that it does not have, and more alternatives than the dump holds", async () => {
  const { texts, reader } = dumpReader(rows, { vocabularySize: 32 });
  await assert.rejects(
    reader.topLogprobs!([{ prompt: [1], completion: [2] }], { topK: 0 }),
    /expected a text of the dump/,
  );
  await assert.rejects(
    reader.topLogprobs!(texts, { topK: 2 }),
    /expected topK of at most 1, what the dump holds, but found 2/,
  );
});

test("dumpReader refuses rows without tokens and ids outside the vocabulary, naming the line", () => {
  const { tokens: _, ...text } = rows[1]!;
  assert.throws(
    () => dumpReader([rows[0]!, text], { vocabularySize: 32 }),
    /expected token ids and log-probs but found text in dump\.jsonl, line 2/,
  );
  assert.throws(
    () => dumpReader(rows, { vocabularySize: 9 }),
    /expected ids in \[0, 9\) but found 9 in dump\.jsonl, line 1/,
  );
  assert.throws(() => dumpReader([], { vocabularySize: 9 }), /expected rows of a dump but found none/);
});

test("policyReader reads as its policy does and says what it is", async () => {
  const policy = new SoftmaxTable({ vocabularySize: 3, contextLength: 8, endToken: 2 });
  const reader = await policyReader(policy, { provenance: { seed: 7 } });
  const texts = [{ prompt: [0], completion: [1, 2] }];
  assert.deepEqual(await reader.logits!(texts), await policy.logits(texts));
  const options = { maxTokens: 4, random: createRandom(7) };
  const found = await reader.sample!([[0]], options);
  assert.deepEqual(
    found.completions,
    (await policy.sample([[0]], { ...options, random: createRandom(7) })).completions,
  );
  const { engine, mode, seed, version } = reader.provenance;
  assert.deepEqual([engine, mode, seed], ["srft", "raw", 7]);
  assert.match(version!, /^\d+\.\d+\.\d+/);
});
