/**
 * How good a policy is on problems it is not trained on: greedy accuracy, mean@1 and pass@k, with the unbiased
 * estimator of pass@k, 1 − C(n − c, k) / C(n, k) for c of n samples solved (arXiv 2107.03374, equation 1).
 * A completion is solved when its reward is > 0.
 */

import { createRandom, type Random } from "../../random.ts";
import type { Policy } from "../policy.ts";
import { longestCompletion, rollout } from "../rollout.ts";
import type { Problem, Task } from "../task.ts";

export interface EvaluateOptions<P extends Problem> {
  /** Default: the task's training problems. */
  readonly problems?: readonly P[];
  /** Completions sampled for each problem, ≥ k; 0 = greedy decoding only. Default 8. */
  readonly samples?: number;
  /** Sampling is dear: only the first so many problems are sampled. Default: all. */
  readonly sampledProblems?: number;
  /** Default 8. */
  readonly k?: number;
  /** Default: what the context leaves after the longest prompt. */
  readonly maxTokens?: number;
  /** Of sampling. Default 1. */
  readonly temperature?: number;
  /** Completions in one call of `policy.sample`. Default 192. */
  readonly batchSize?: number;
  /** Of createRandom, used where `random` is not given. Default 0. */
  readonly seed?: number;
  readonly random?: Random;
}

export interface Evaluation {
  /** Problems decoded greedily. */
  readonly problems: number;
  /** Share of problems solved by the greedy completion. */
  readonly greedy: number;
  /** Mean length of the greedy completions, in tokens. */
  readonly greedyLength: number;
  /** What sampling shows; absent where samples is 0. */
  readonly sampled?: {
    readonly problems: number;
    /** Share of samples solved. */
    readonly meanAt1: number;
    /** Expected share of problems solved by at least one of k samples. */
    readonly passAtK: number;
    readonly k: number;
    /** Mean token entropy, in nats. */
    readonly entropy: number;
    /** Mean length, in tokens. */
    readonly length: number;
  };
}

/**
 * Evaluates a policy.
 *
 * @throws {RangeError} If there are no problems, or k > samples.
 * @example
 * const { greedy, sampled } = await evaluate(policy, task, { problems: task.splits.id, seed: 1 });
 */
export async function evaluate<P extends Problem>(
  policy: Policy,
  task: Task<P>,
  options: EvaluateOptions<P> = {},
): Promise<Evaluation> {
  const { problems = task.problems, samples = 8, k = 8, batchSize = 192, seed = 0 } = options;
  if (problems.length === 0) throw new RangeError("evaluate: expected at least one problem but found none");
  if (samples > 0 && k > samples) {
    throw new RangeError(`evaluate: expected k <= samples but found ${k} > ${samples}; raise samples`);
  }
  const { maxTokens = longestCompletion(policy, problems), random = createRandom(seed) } = options;
  const shared = { policy, task, maxTokens, batchSize, random };
  const greedy = await solve({ ...shared, problems, groupSize: 1, temperature: 0 });
  const result = { problems: problems.length, greedy: shareSolved(greedy), greedyLength: greedy.tokens / greedy.rows };
  if (samples === 0) return result;

  const some = problems.slice(0, options.sampledProblems ?? problems.length);
  const sampled = await solve({ ...shared, problems: some, groupSize: samples, temperature: options.temperature ?? 1 });
  const passed = sampled.solved.reduce((sum, correct) => sum + passAtK({ samples, correct, k }), 0);
  return {
    ...result,
    sampled: {
      problems: some.length,
      meanAt1: shareSolved(sampled),
      passAtK: passed / some.length,
      k,
      entropy: sampled.entropy / sampled.tokens,
      length: sampled.tokens / sampled.rows,
    },
  };
}

/**
 * Probability that at least one of k samples, drawn without replacement from `samples` of which `correct` are
 * solved, is solved.
 *
 * @returns 1 − C(n − c, k) / C(n, k), in [0, 1].
 * @throws {RangeError} Unless 0 ≤ correct ≤ samples and 1 ≤ k ≤ samples.
 * @example
 * passAtK({ samples: 4, correct: 1, k: 2 }); // 0.5
 */
export function passAtK({ samples, correct, k }: { samples: number; correct: number; k: number }): number {
  if (!(correct >= 0 && correct <= samples && k >= 1 && k <= samples)) {
    throw new RangeError(
      `passAtK: expected 0 <= correct <= samples and 1 <= k <= samples but found ${correct} of ${samples}, k = ${k}`,
    );
  }
  let missed = 1;
  for (let i = 0; i < k; i++) missed *= Math.max(samples - correct - i, 0) / (samples - i);
  return 1 - missed;
}

interface Solve<P extends Problem> {
  readonly policy: Policy;
  readonly task: Task<P>;
  readonly problems: readonly P[];
  readonly groupSize: number;
  readonly temperature: number;
  readonly maxTokens: number;
  readonly batchSize: number;
  readonly random: Random;
}

/** Solved completions of each problem, and sums over all completions. */
async function solve<P extends Problem>({ policy, task, problems, batchSize, ...options }: Solve<P>) {
  const solved: number[] = [];
  const totals = { rows: 0, tokens: 0, entropy: 0 };
  const chunk = Math.max(1, Math.floor(batchSize / options.groupSize));
  for (let at = 0; at < problems.length; at += chunk) {
    const part = problems.slice(at, at + chunk);
    const { rewards, entropies } = await rollout(policy, task, { ...options, problems: part });
    for (let i = 0; i < part.length; i++) {
      const group = rewards.subarray(i * options.groupSize, (i + 1) * options.groupSize);
      solved.push(group.filter((reward) => reward > 0).length);
    }
    totals.rows += rewards.length;
    totals.tokens += entropies.length;
    totals.entropy += entropies.reduce((sum, entropy) => sum + entropy, 0);
  }
  return { solved, ...totals };
}

const shareSolved = ({ solved, rows }: { solved: readonly number[]; rows: number }) =>
  solved.reduce((sum, count) => sum + count, 0) / rows;
