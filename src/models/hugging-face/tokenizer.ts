/**
 * The tokenizer of a Hugging Face folder: tokenizer.json by `@huggingface/tokenizers`, the chat template by
 * `@huggingface/jinja`; both are loaded when they are first needed.
 */

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

export interface HuggingFaceTokenizer {
  /** Ids are 0 … vocabularySize − 1; a model's embedding may have more rows than that, never fewer. */
  readonly vocabularySize: number;
  /** SHA-256 of tokenizer.json and of the chat template, to tell tokenizers apart. */
  readonly fingerprint: { readonly tokenizer: string; readonly template: string };
  encode(text: string, options?: { readonly specialTokens?: "add" | "omit" }): Int32Array;
  decode(ids: ArrayLike<number>, options?: { readonly specialTokens?: "keep" | "omit" }): string;
  /**
   * The text of a conversation by the folder's chat template, ready for the assistant's turn.
   *
   * @throws {TypeError} If the folder has no chat template.
   */
  chat(messages: readonly ChatMessage[]): string;
}

/**
 * Reads tokenizer.json and, where there are any, tokenizer_config.json and chat_template.jinja.
 *
 * @param options.policy The policy the ids are for; its vocabulary must hold all of them.
 * @throws {SyntaxError} If a file is no JSON.
 * @throws {RangeError} If the tokenizer has ids that the policy does not.
 * @example
 * const tokenizer = await loadTokenizer("models/tiny-qwen2");
 * tokenizer.decode(tokenizer.encode("2 + 2")); // "2 + 2"
 */
export async function loadTokenizer(
  folder: string,
  { policy }: { readonly policy?: { readonly vocabularySize: number } } = {},
): Promise<HuggingFaceTokenizer> {
  const json = await readFile(join(folder, "tokenizer.json"), "utf8");
  const config = parse(await readIfThere(join(folder, "tokenizer_config.json")), folder);
  const template = (await readIfThere(join(folder, "chat_template.jinja"))) || templateOf(config);
  const [{ Tokenizer }, { Template }] = await Promise.all([
    import("@huggingface/tokenizers"),
    import("@huggingface/jinja"),
  ]);
  const tokenizer = new Tokenizer(parse(json, folder), config);
  const vocabularySize = 1 + [...tokenizer.get_vocab().values()].reduce((most, id) => Math.max(most, id), -1);
  if (policy && vocabularySize > policy.vocabularySize) {
    throw new RangeError(
      `loadTokenizer: expected at most ${policy.vocabularySize} tokens, the policy's vocabulary, but found ${vocabularySize} in ${folder}; do they belong together?`,
    );
  }
  return {
    vocabularySize,
    fingerprint: { tokenizer: sha256(json), template: sha256(template) },
    encode: (text, { specialTokens = "omit" } = {}) =>
      Int32Array.from(tokenizer.encode(text, { add_special_tokens: specialTokens === "add" }).ids),
    decode: (ids, { specialTokens = "keep" } = {}) =>
      ids.length === 0
        ? ""
        : tokenizer.decode(Array.from(ids), {
            skip_special_tokens: specialTokens === "omit",
            clean_up_tokenization_spaces: false,
          }),
    chat(messages) {
      if (template === "")
        throw new TypeError(`chat: expected a chat template in ${folder} but found none; write the prompt as text`);
      const specials = { bos_token: tokenText(config.bos_token), eos_token: tokenText(config.eos_token) };
      return new Template(template).render({ messages: [...messages], add_generation_prompt: true, ...specials });
    },
  };
}

async function readIfThere(file: string): Promise<string> {
  return readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
}

function parse(text: string, folder: string): Record<string, unknown> {
  try {
    return text === "" ? {} : JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError(`loadTokenizer: expected JSON in tokenizer.json and tokenizer_config.json of ${folder}`, {
      cause,
    });
  }
}

const templateOf = ({ chat_template: template }: Record<string, unknown>) =>
  typeof template === "string" ? template : "";
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** A special token stands in the configuration as text or as an object with its text. */
function tokenText(token: unknown): string {
  return typeof token === "string" ? token : String((token as { content?: string } | null)?.content ?? "");
}
