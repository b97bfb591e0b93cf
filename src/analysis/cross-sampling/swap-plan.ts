/** What `crossSample` and `swapEffects` check at their doors, and the defaults they share. */

import { createRandom, type Random } from "../../random.ts";
import type { Policy } from "../../srft/policy.ts";
import type { Problem, Task } from "../../srft/task.ts";
import { checkCriterion, type Pair, type SwapCriterion } from "./swap-criterion.ts";

/** The part of a policy that swapping needs. */
export type Swapper = Pick<Policy, "vocabularySize" | "contextLength" | "logits" | "sample">;

export interface SwapOptions<P extends Problem> {
  readonly task: Pick<Task<P>, "reward">;
  readonly problems: readonly P[];
  /** Where the other policy's token is taken. Default { measure: "js", above: 0.1 }, in nats. */
  readonly when?: SwapCriterion;
  /** Who writes; the other gives the swapped tokens. Default both, "a" first. */
  readonly writers?: readonly ("a" | "b")[];
  /** Completions a problem (crossSample), or continuations of either token (swapEffects). */
  readonly samples?: number;
  /** Longest completion, in tokens. Default: what the smaller context leaves after the longest prompt. */
  readonly maxTokens?: number;
  /** Of both policies' draws; 0 is greedy. Default 1. */
  readonly temperature?: number;
  /** Completions that are worked on together. Default 192. */
  readonly batchSize?: number;
  /** Of createRandom, used where `random` is not given. Default 0. */
  readonly seed?: number;
  readonly random?: Random;
}

/** Two policies and the options, complete. */
export interface SwapPlan<P extends Problem> extends Required<Omit<SwapOptions<P>, "seed">> {
  readonly a: Swapper;
  readonly b: Swapper;
}

/** One direction: who writes, who gives tokens, and the value of the measure that a swap must exceed. */
export interface Direction extends Pair {
  readonly writing: Swapper;
  readonly other: Swapper;
  readonly threshold: number;
}

/**
 * Checks the arguments and fills in the defaults.
 *
 * @throws {TypeError} If the criterion's measure is none of those there are.
 * @throws {RangeError} If an option is out of range, there are no problems, or the vocabularies differ.
 * @example
 * swapPlan("crossSample", { a: base, b: policy }, { task, problems: task.problems.slice(0, 2), samples: 4 }).batchSize; // 192
 */
export function swapPlan<P extends Problem>(
  name: string,
  { a, b }: { readonly a: Swapper; readonly b: Swapper },
  options: SwapOptions<P>,
): SwapPlan<P> {
  const { task, problems, when = { measure: "js", above: 0.1 }, writers = ["a", "b"], samples = 1 } = options;
  const { temperature = 1, batchSize = 192, seed = 0, random = createRandom(seed) } = options;
  if (a.vocabularySize !== b.vocabularySize) {
    throw new RangeError(
      `${name}: expected policies of one vocabulary but found sizes ${a.vocabularySize} and ${b.vocabularySize}: ` +
        "swap tokens between models that share a tokenizer",
    );
  }
  checkWriters(name, writers);
  checkCriterion(when, name);
  const contextLength = Math.min(a.contextLength, b.contextLength);
  const longest = longestPrompt(name, problems);
  const { maxTokens = contextLength - longest } = options;
  checkSizes(name, { samples, batchSize, maxTokens, temperature });
  if (longest + maxTokens > contextLength) {
    throw new RangeError(
      `${name}: expected prompt + maxTokens <= ${contextLength}, the smaller context, but found ${longest} + ${maxTokens}; lower maxTokens`,
    );
  }
  return { a, b, task, problems, when, writers, samples, maxTokens, temperature, batchSize, random };
}

/**
 * The reward of a completion.
 *
 * @throws {RangeError} If it is not finite.
 * @example
 * await rewardOf("crossSample", { task, problem: task.problems[0] }, [2]); // 0
 */
export async function rewardOf<P extends Problem>(
  name: string,
  { task, problem }: { readonly task: Pick<Task<P>, "reward">; readonly problem: P },
  completion: ArrayLike<number>,
): Promise<number> {
  const reward = await task.reward(problem, completion);
  if (Number.isFinite(reward)) return reward;
  const prompt = Array.from(problem.prompt).join(" ");
  throw new RangeError(`${name}: expected a finite reward but found ${reward} for the prompt of ids ${prompt}`);
}

function checkWriters(name: string, writers: readonly ("a" | "b")[]) {
  const known = writers.length > 0 && writers.every((writer) => writer === "a" || writer === "b");
  if (!known || new Set(writers).size !== writers.length) {
    throw new RangeError(`${name}: expected writers ["a"], ["b"] or both but found ${JSON.stringify(writers)}`);
  }
}

function longestPrompt(name: string, problems: readonly Problem[]) {
  if (problems.length === 0) throw new RangeError(`${name}: expected at least one problem but found none`);
  return problems.reduce((length, { prompt }) => Math.max(length, prompt.length), 0);
}

function checkSizes(name: string, { temperature, ...counts }: { temperature: number } & Record<string, number>) {
  for (const [field, count] of Object.entries(counts)) {
    if (!(Number.isInteger(count) && count >= 1)) {
      throw new RangeError(`${name}: expected an integer ${field} >= 1 but found ${count}`);
    }
  }
  if (!(temperature >= 0 && temperature < Infinity)) {
    throw new RangeError(`${name}: expected a finite temperature >= 0 but found ${temperature}`);
  }
}
