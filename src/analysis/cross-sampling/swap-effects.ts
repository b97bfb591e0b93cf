/**
 * What one token is worth: at a position of a completion that the writer wrote, the token is replaced by the other
 * policy's first choice, the writer finishes the text, and the reward is compared with what it is when the writer
 * finishes its own text from the same position.
 *
 *     effect_t = E[ R | y_<t, y′_t ] − E[ R | y_<t, y_t ],  rest ~ writer
 *
 * Both expectations are means over `samples` continuations (one at temperature 0, where they are exact), so the chance
 * of the rest of the text is in neither; the completion's own reward is not used. Where the other's first choice is the
 * writer's token, the effect is 0 by definition and one set of continuations serves for both.
 */

import type { Problem } from "../../srft/task.ts";
import { continueTexts } from "./continue-texts.ts";
import { directionOf } from "./cross-sample.ts";
import { measureTexts, randomMarks } from "./swap-criterion.ts";
import { type Direction, rewardOf, type SwapOptions, type SwapPlan, type Swapper, swapPlan } from "./swap-plan.ts";

/** One position of one completion. */
export interface SwapEffect {
  readonly writer: "a" | "b";
  /** Index of the problem. */
  readonly problem: number;
  /** What the writer wrote. */
  readonly completion: Int32Array;
  readonly position: number;
  /** The writer's token, and the other's first choice in its place. */
  readonly token: number;
  readonly otherToken: number;
  /** The criterion's measure at the position, in its unit; 1 where positions are taken at random. */
  readonly measured: number;
  /** Rewards of the continuations of either token, [samples]. */
  readonly rewards: Float64Array;
  readonly otherRewards: Float64Array;
  /** Mean of otherRewards minus mean of rewards. */
  readonly effect: number;
}

/**
 * Replaces single tokens: one completion of each problem, and at every position where the criterion holds the effect of
 * the other's first choice. Writer by writer, problem by problem, positions ascending.
 *
 * Checks its arguments at once; the writing begins with the first `next()`. `samples` defaults to 8.
 *
 * @throws {TypeError} If the criterion's measure is none of those there are.
 * @throws {RangeError} If an option is out of range, there are no problems, or the vocabularies differ; while it runs,
 *   if a reward is not finite.
 * @example
 * const options = { task, problems: task.problems.slice(0, 2), writers: ["a"], maxTokens: 32, seed: 7 };
 * for await (const { position, effect } of swapEffects(base, policy, options)) {
 *   Math.abs(effect) <= 1; // true
 * }
 */
export function swapEffects<P extends Problem>(
  a: Swapper,
  b: Swapper,
  options: SwapOptions<P>,
): AsyncGenerator<SwapEffect, void, undefined> {
  const plan = swapPlan("swapEffects", { a, b }, { samples: 8, ...options });
  return effects(plan.temperature === 0 ? { ...plan, samples: 1 } : plan);
}

async function* effects<P extends Problem>(plan: SwapPlan<P>): AsyncGenerator<SwapEffect, void, undefined> {
  for (const writer of plan.writers) {
    const direction = await directionOf(plan, writer);
    for (let first = 0; first < plan.problems.length; first += plan.batchSize) {
      const forks = await forksOf(plan, { direction, first });
      const chunk = Math.max(1, Math.floor(plan.batchSize / (2 * plan.samples)));
      for (let at = 0; at < forks.length; at += chunk) {
        yield* effectsOf(plan, { direction, forks: forks.slice(at, at + chunk) });
      }
    }
  }
}

interface Fork {
  readonly problem: number;
  readonly prompt: ArrayLike<number>;
  readonly completion: Int32Array;
  readonly position: number;
  readonly measured: number;
}

/** The positions of the problems' completions where the criterion holds. */
async function forksOf<P extends Problem>(
  plan: SwapPlan<P>,
  { direction, first }: { direction: Direction; first: number },
): Promise<Fork[]> {
  const { when, random } = plan;
  const prompts = plan.problems.slice(first, first + plan.batchSize).map(({ prompt }) => ({ prompt, completion: [] }));
  const completions = await continueTexts(direction.writing, prompts, plan);
  const texts = prompts.map(({ prompt }, i) => ({ prompt, completion: completions[i]! }));
  const measured =
    when.measure === "random"
      ? texts.map(({ completion }) => randomMarks(completion.length, { share: when.share, random }))
      : await measureTexts(direction, texts, when);
  return texts.flatMap(({ prompt, completion }, i) =>
    Array.from(completion.keys()).flatMap((position) => {
      const value = measured[i]![position]!;
      if (!(value > direction.threshold)) return [];
      return [{ problem: first + i, prompt, completion, position, measured: value }];
    }),
  );
}

async function* effectsOf<P extends Problem>(
  plan: SwapPlan<P>,
  { direction, forks }: { direction: Direction; forks: readonly Fork[] },
): AsyncGenerator<SwapEffect, void, undefined> {
  const begun = forks.map(({ prompt, completion, position }) => ({
    prompt,
    completion: completion.subarray(0, position),
  }));
  const choices = await continueTexts(direction.other, begun, { ...plan, temperature: 0, ahead: 2 });
  const branches = forks.flatMap((fork, i): Branch[] => {
    const own = { fork, token: tokenOf(fork), ended: fork.position === fork.completion.length - 1 };
    const other = { fork, token: choices[i]![0]!, ended: choices[i]!.length === 1 };
    return own.token === other.token ? [own] : [own, other];
  });
  const rewards = await rewardsOf(plan, { direction, branches });
  let at = 0;
  for (const [i, { problem, completion, position, measured }] of forks.entries()) {
    const [token, otherToken] = [tokenOf(forks[i]!), choices[i]![0]!];
    const own = rewards[at++]!;
    const otherRewards = token === otherToken ? own : rewards[at++]!;
    const effect = meanOf(otherRewards) - meanOf(own);
    const place = { writer: direction.writer, problem, completion, position, token, otherToken, measured };
    yield { ...place, rewards: own, otherRewards, effect };
  }
}

interface Branch {
  readonly fork: Fork;
  readonly token: number;
  /** The token ends the text, which then has no continuation. */
  readonly ended: boolean;
}

/** Rewards of the continuations of each branch, [samples] each. */
async function rewardsOf<P extends Problem>(
  plan: SwapPlan<P>,
  { direction, branches }: { direction: Direction; branches: readonly Branch[] },
): Promise<Float64Array[]> {
  const texts = branches.map(({ fork: { prompt, completion, position }, token }) => ({
    prompt,
    completion: [...completion.subarray(0, position), token],
  }));
  const open = branches.flatMap(({ ended }, i) => (ended ? [] : Array<number>(plan.samples).fill(i)));
  const further = await continueTexts(
    direction.writing,
    open.map((i) => texts[i]!),
    plan,
  );
  const finished: Int32Array[][] = texts.map(() => []);
  for (const [row, i] of open.entries()) finished[i]!.push(Int32Array.of(...texts[i]!.completion, ...further[row]!));
  const all: Float64Array[] = [];
  for (const [i, { fork, ended }] of branches.entries()) {
    const problem = plan.problems[fork.problem]!;
    const reward = (text: ArrayLike<number>) => rewardOf("swapEffects", { task: plan.task, problem }, text);
    if (ended) all.push(new Float64Array(plan.samples).fill(await reward(texts[i]!.completion)));
    else all.push(Float64Array.from(await Promise.all(finished[i]!.map(reward))));
  }
  return all;
}

const tokenOf = ({ completion, position }: Fork) => completion[position]!;

const meanOf = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
