/** A task small enough to know by heart: name the token after the prompt's, then end. */

import { SoftmaxTable } from "../../src/models/softmax-table.ts";
import type { Problem, Task } from "../../src/srft/task.ts";

export interface BanditProblem extends Problem {
  readonly answer: number;
}

const end = 5;

export const bandit: Task<BanditProblem> = {
  vocabulary: ["a", "b", "c", "d", "e", "."],
  encode: (text) => Int32Array.from(text, (letter) => "abcde.".indexOf(letter)),
  decode: (tokens) => Array.from(tokens, (id) => "abcde."[id]).join(""),
  problems: [0, 1, 2, 3].map((letter) => ({ prompt: [letter], answer: letter + 1 })),
  reward: ({ answer }, completion) =>
    completion.length === 2 && completion[0] === answer && completion[1] === end ? 1 : 0,
  demonstration: ({ answer }) => [answer, end],
};

export const newPolicy = () => new SoftmaxTable({ vocabularySize: 6, contextLength: 6, endToken: end, order: 2 });

export const sizes = { groupSize: 8, promptsPerStep: 4, demonstrationsPerStep: 6, maxTokens: 2, learningRate: 0.1 };

export async function collect<T>(records: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const record of records) all.push(record);
  return all;
}
