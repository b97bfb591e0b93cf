import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { loadTokenizer } from "../../../src/models/hugging-face/tokenizer.ts";

const folder = join(import.meta.dirname, "../../../../test/golden/hugging-face/qwen2");
const golden = JSON.parse(readFileSync(join(folder, "tokenizer-golden.json"), "utf8"));
const temporary = await mkdtemp(join(tmpdir(), "srft-tokenizer-"));
after(() => rm(temporary, { recursive: true }));

describe(`loadTokenizer, as transformers ${golden.versions.transformers} reads the folder`, async () => {
  const tokenizer = await loadTokenizer(folder);

  test("encodes and decodes every text alike", () => {
    assert.equal(tokenizer.vocabularySize, golden.vocabularySize);
    golden.texts.forEach((text: string, i: number) => {
      assert.deepEqual([...tokenizer.encode(text)], golden.ids[i], text);
      assert.equal(tokenizer.decode(golden.ids[i]), golden.decoded[i]);
    });
  });

  test("writes a conversation by the chat template", () => {
    assert.equal(tokenizer.chat(golden.chat), golden.prompt);
  });

  test("omits special tokens from a text when asked", () => {
    const ids = tokenizer.encode("<|im_start|>2 + 2<|im_end|>");
    assert.equal(tokenizer.decode(ids, { specialTokens: "omit" }), "2 + 2");
  });
});

test("loadTokenizer refuses a tokenizer with more tokens than the policy", async () => {
  await assert.rejects(
    loadTokenizer(folder, { policy: { vocabularySize: 24 } }),
    /expected at most 24 tokens, the policy's vocabulary, but found 2\d\d/,
  );
});

test("loadTokenizer names a file that is no JSON, and chat a template that is not there", async () => {
  await cp(join(folder, "tokenizer.json"), join(temporary, "tokenizer.json"));
  const plain = await loadTokenizer(temporary);
  assert.throws(() => plain.chat([]), /expected a chat template in .* but found none/);
  await writeFile(join(temporary, "tokenizer.json"), "{");
  await assert.rejects(loadTokenizer(temporary), /expected JSON in tokenizer\.json/);
});
