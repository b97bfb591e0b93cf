/**
 * A task from texts: prompts, demonstrations and gold answers of a file (`readDemonstrations`) as token ids, and a
 * verifier that reads the text of a completion. What `arithmeticTask` is for the lab policy, this is for checkpoints
 * with a tokenizer.
 */

import type { Problem, Task } from "../srft/task.ts";
import type { ChatMessage, Demonstration } from "./files/layouts.ts";
import { mathReward } from "./math/math-reward.ts";

/** What is needed of a tokenizer; `loadTokenizer` gives it. */
export interface TextTokenizer {
  readonly vocabularySize: number;
  encode(text: string): Int32Array;
  decode(ids: ArrayLike<number>, options?: { readonly specialTokens?: "keep" | "omit" }): string;
  /** The text of a conversation, ready for the assistant's turn. */
  chat(messages: readonly ChatMessage[]): string;
}

/** A prompt in tokens, the row it came from, and who verifies its completions: any task can be evaluated on it. */
export interface TextProblem extends Problem {
  readonly row: Demonstration;
  readonly verify: TextVerifier;
}

/** Verifies the text of one completion, special tokens left out. */
export type TextVerifier = (completion: string) => number | Promise<number>;

export interface TextTaskOptions {
  readonly tokenizer: TextTokenizer;
  /** Ends a demonstration and a completion; the policy's `config.endToken`. */
  readonly endToken: number;
  /** Makes the verifier of a row, once. Default: `mathReward` with the row's answer as gold. */
  readonly verifier?: (row: Demonstration) => TextVerifier;
}

export type TextTask = Task<TextProblem>;

/**
 * Reads all rows and tokenizes their prompts; messages go through the chat template. A row without a completion is a
 * prompt without a demonstration: objectives that need demonstrations refuse the task.
 *
 * @param rows As `readDemonstrations` gives them, or an array.
 * @throws {RangeError} If there is no row, the end token is outside the vocabulary, or a prompt has no tokens; names the
 *   line.
 * @throws {TypeError} If a row has no answer and no verifier is given; names the line.
 * @example
 * const tokenizer = await loadTokenizer("models/tiny-qwen2");
 * const rows = [{ prompt: "2 + 2 =", completion: " \\boxed{4}", answer: "4", line: 1 }];
 * const task = await textTask(rows, { tokenizer, endToken: 0 });
 * await task.reward(task.problems[0], tokenizer.encode("so \\boxed{4}")); // 1
 */
export async function textTask(
  rows: Iterable<Demonstration> | AsyncIterable<Demonstration>,
  { tokenizer, endToken, verifier = verifyAnswer }: TextTaskOptions,
): Promise<TextTask> {
  const { vocabularySize } = tokenizer;
  if (!(Number.isInteger(endToken) && endToken >= 0 && endToken < vocabularySize)) {
    throw new RangeError(`textTask: expected an endToken in [0, ${vocabularySize}) but found ${endToken}`);
  }
  const problems: TextProblem[] = [];
  for await (const row of rows) {
    problems.push({ prompt: promptTokens(row, tokenizer), row, verify: verifier(row) });
  }
  if (problems.length === 0) throw new RangeError("textTask: expected at least one row but found none");
  const textOf = (tokens: ArrayLike<number>) => tokenizer.decode(tokens, { specialTokens: "omit" });
  const demonstrated = problems.every(({ row }) => row.completion !== undefined);
  let vocabulary: readonly string[] | undefined;
  return {
    get vocabulary() {
      vocabulary ??= Array.from({ length: vocabularySize }, (_, id) => tokenizer.decode([id]));
      return vocabulary;
    },
    encode: (text) => tokenizer.encode(text),
    decode: (tokens) => tokenizer.decode(tokens),
    problems,
    reward: ({ verify }, completion) => verify(textOf(withoutEnd(completion, endToken))),
    ...(demonstrated && {
      demonstration: ({ row }: TextProblem) => Int32Array.of(...tokenizer.encode(row.completion!), endToken),
    }),
  };
}

function promptTokens({ prompt, line }: Demonstration, tokenizer: TextTokenizer): Int32Array {
  const tokens = tokenizer.encode(typeof prompt === "string" ? prompt : tokenizer.chat(prompt));
  if (tokens.length === 0) throw new RangeError(`textTask: expected a prompt of tokens but found none in line ${line}`);
  return tokens;
}

function verifyAnswer({ answer, line }: Demonstration): TextVerifier {
  if (answer === undefined) {
    throw new TypeError(
      `textTask: expected an answer in line ${line} but found none; pass verifier: (row) => (completion) => …`,
    );
  }
  return mathReward({ gold: answer });
}

function withoutEnd(completion: ArrayLike<number>, endToken: number): number[] {
  const tokens = Array.from(completion);
  return tokens.at(-1) === endToken ? tokens.slice(0, -1) : tokens;
}
