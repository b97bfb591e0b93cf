/**
 * Rollouts: groups of completions sampled from the policy and rewarded by the task. What the policy said while it
 * sampled is kept, so that the first update of a batch needs no second forward pass.
 */

import type { Random } from "../random.ts";
import type { Policy, Rollouts, Sequence } from "./policy.ts";
import type { Problem, Task } from "./task.ts";

export interface RolloutOptions<P extends Problem> {
  readonly problems: readonly P[];
  /** Completions a problem. Default 8. */
  readonly groupSize?: number;
  /** Longest completion, in tokens. */
  readonly maxTokens: number;
  /** 0 is greedy. Default 1. */
  readonly temperature?: number;
  /** Not needed when temperature is 0. */
  readonly random?: Random;
}

/** Row i answers problem floor(i / groupSize). */
export interface RewardedRollouts extends Rollouts {
  readonly sequences: readonly Sequence[];
  /** [rows]. */
  readonly rewards: Float64Array;
}

/**
 * Samples `groupSize` completions of every problem and rewards them.
 *
 * @throws {RangeError} If prompt + maxTokens exceeds the context, or a reward is not finite; names the problem.
 * @example
 * const { rewards } = await rollout(policy, task, { problems: task.problems.slice(0, 2), maxTokens: 32, random });
 * rewards.length; // 16
 */
export async function rollout<P extends Problem>(
  policy: Policy,
  task: Task<P>,
  options: RolloutOptions<P>,
): Promise<RewardedRollouts> {
  const { problems, groupSize = 8, maxTokens, temperature = 1, random } = options;
  const prompts = problems.map((problem) => problem.prompt);
  checkPrompts(policy, prompts, maxTokens);
  const sampled = await policy.sample(prompts, { groupSize, maxTokens, temperature, ...(random && { random }) });
  const rewards = new Float64Array(sampled.completions.length);
  const sequences: Sequence[] = [];
  for (const [row, completion] of sampled.completions.entries()) {
    const index = Math.floor(row / groupSize);
    rewards[row] = await task.reward(problems[index]!, completion);
    if (!Number.isFinite(rewards[row])) throw new RangeError(unrewarded(task, prompts[index]!, rewards[row]!));
    sequences.push({ prompt: prompts[index]!, completion });
  }
  return { ...sampled, sequences, rewards };
}

/**
 * The longest completion that fits the policy's context after every prompt.
 *
 * @throws {RangeError} If a prompt fills the context.
 * @example
 * longestCompletion(policy, task.problems); // contextLength − the longest prompt, in tokens
 */
export function longestCompletion(policy: Policy, problems: readonly Problem[]): number {
  const longest = problems.reduce((length, { prompt }) => Math.max(length, prompt.length), 0);
  if (longest >= policy.contextLength) {
    throw new RangeError(
      `longestCompletion: expected prompts shorter than the context of ${policy.contextLength} tokens but found one of ${longest}`,
    );
  }
  return policy.contextLength - longest;
}

function checkPrompts(policy: Policy, prompts: readonly ArrayLike<number>[], maxTokens: number) {
  if (!(Number.isInteger(maxTokens) && maxTokens >= 1)) {
    throw new RangeError(`rollout: expected an integer maxTokens >= 1 but found ${maxTokens}`);
  }
  for (const [row, prompt] of prompts.entries()) {
    if (prompt.length + maxTokens > policy.contextLength) {
      throw new RangeError(
        `rollout: expected prompt + maxTokens <= ${policy.contextLength}, the policy's context, but found ` +
          `${prompt.length} + ${maxTokens} for problem ${row}; lower maxTokens`,
      );
    }
  }
}

function unrewarded<P extends Problem>(task: Task<P>, prompt: ArrayLike<number>, reward: number) {
  return `rollout: expected a finite reward but found ${reward} for the prompt "${task.decode(prompt)}"`;
}
