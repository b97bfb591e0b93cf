/** A tiny random Qwen2 in a folder as Hugging Face has them, with the tokenizer of the golden files. */

import { cp } from "node:fs/promises";
import { join } from "node:path";
import { saveHuggingFace } from "../../src/models/hugging-face/hugging-face.ts";
import { loadTokenizer } from "../../src/models/hugging-face/tokenizer.ts";
import { createPolicy } from "../../src/models/transformer/checkpoint.ts";

const golden = join(import.meta.dirname, "../../../test/golden/hugging-face/qwen2");

/** Writes the model into a folder and returns the folder. */
export async function writeTinyModel(folder: string): Promise<string> {
  for (const file of ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja"]) {
    await cp(join(golden, file), join(folder, file), { recursive: true });
  }
  const { vocabularySize } = await loadTokenizer(folder);
  const sizes = { layers: 1, width: 32, heads: 2, contextLength: 320, mlp: "swiglu", attentionBias: true } as const;
  await saveHuggingFace(await createPolicy({ vocabularySize, seed: 4, ...sizes }), folder);
  return folder;
}
