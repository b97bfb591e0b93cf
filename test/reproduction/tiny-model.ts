/**
 * A tiny random Qwen2 in a folder as Hugging Face has them, with the tokenizer of the golden files and two kinds of
 * tokens more. The question is one, so that the context can be short: a random model writes to the end of it. Each digit
 * in its box is one, so that a random model answers, and is sometimes right; without them GRPO never moves.
 */

import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { saveHuggingFace } from "../../src/models/hugging-face/hugging-face.ts";
import { loadTokenizer } from "../../src/models/hugging-face/tokenizer.ts";
import { createPolicy } from "../../src/models/transformer/checkpoint.ts";

const question = "Evaluate from left to right, modulo 10, and put the digit into \\boxed{}:";
const answers = Array.from({ length: 10 }, (_, digit) => `\\boxed{${digit}}`);
const golden = join(import.meta.dirname, "../../../test/golden/hugging-face/qwen2");

/** Writes the model into a folder and returns the folder; one that does not answer is never rewarded. */
export async function writeTinyModel(folder: string, { isAnswering = true } = {}): Promise<string> {
  for (const file of ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja"]) {
    await cp(join(golden, file), join(folder, file), { recursive: true });
  }
  const tokenizer = JSON.parse(await readFile(join(folder, "tokenizer.json"), "utf8"));
  const [known, size] = [tokenizer.added_tokens, Object.keys(tokenizer.model.vocab).length];
  const words = isAnswering ? [question, ...answers] : [question];
  known.push(...words.map((content, i) => ({ ...known[0], id: size + i, content, special: false })));
  await writeFile(join(folder, "tokenizer.json"), JSON.stringify(tokenizer));
  const { vocabularySize } = await loadTokenizer(folder);
  const sizes = { layers: 1, width: 32, heads: 2, contextLength: 128, mlp: "swiglu", attentionBias: true } as const;
  await saveHuggingFace(await createPolicy({ vocabularySize, seed: 4, ...sizes }), folder);
  return folder;
}
