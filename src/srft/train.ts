/**
 * The training loop: rollout → score → loss → backward → step, as an async generator of records. The caller plots,
 * saves or breaks; the policy is updated in place, before its record is yielded.
 *
 * One step draws `promptsPerStep` problems without replacement, samples `groupSize` completions of each, puts each
 * problem's demonstration into its group, and adds demonstrations of further problems, in no group, until there are
 * `demonstrationsPerStep`. What the objective does not use is not drawn. Every batch is used for one update, so the
 * rollouts' own log-probabilities and entropies serve as their scores (ratio 1) and only demonstrations are scored.
 * Rows without a gradient (groups of equal rewards) cost no backward pass.
 * At a temperature other than 1 the samples come from another distribution than the one trained; this is not corrected.
 */

import { createRandom, type Random, sampleWithoutReplacement } from "../random.ts";
import { type Batch, type Loss, nonzeroRows, type Objective } from "./batch.ts";
import type { Policy, Scores } from "./policy.ts";
import { longestCompletion, type RewardedRollouts, rollout } from "./rollout.ts";
import { checkTask, demonstrationOf, type Problem, type Task } from "./task.ts";

export interface TrainOptions {
  readonly objective: Objective;
  /** Number of updates. */
  readonly steps: number;
  /** Completions a prompt, not counting its demonstration. Default 8. */
  readonly groupSize?: number;
  /** Default 24. */
  readonly promptsPerStep?: number;
  /** At least promptsPerStep where rollouts and demonstrations are mixed. Default 2 · promptsPerStep. */
  readonly demonstrationsPerStep?: number;
  /** AdamW's, constant. Default 2e-4. */
  readonly learningRate?: number;
  /** Largest global gradient norm. Default 1. */
  readonly clipNorm?: number;
  /** Default 0. */
  readonly weightDecay?: number;
  /** Longest completion, in tokens. Default: what the context leaves after the longest prompt. */
  readonly maxTokens?: number;
  /** Of sampling, > 0. Default 1. */
  readonly temperature?: number;
  /** Of createRandom, used where `random` is not given. Default 0. */
  readonly seed?: number;
  readonly random?: Random;
  /** No step begins after so many seconds. */
  readonly maxSeconds?: number;
  /** Ends the loop, without an error, before the next update. */
  readonly signal?: AbortSignal;
}

/** What one update was. */
export interface StepRecord {
  /** From 1. */
  readonly step: number;
  readonly loss: number;
  readonly terms: Loss["terms"];
  /** Mean reward of the rollouts; absent where there are none. */
  readonly reward?: number;
  /** Mean token entropy of the rollouts, or of the demonstrations where there are none, in nats, before the update. */
  readonly entropy: number;
  readonly weights: { readonly sft: number; readonly rl: number };
  /** Global gradient norm before the clip. */
  readonly gradNorm: number;
  /** Completion tokens sampled, and completion tokens the gradient came from. */
  readonly tokens: { readonly sampled: number; readonly trained: number };
  /** Mean length of the rollouts, or of the demonstrations where there are none, in tokens. */
  readonly completionLength: number;
  /** Wall time of the step and of its parts. */
  readonly seconds: number;
  readonly secondsSampling: number;
  readonly secondsScoring: number;
  readonly secondsUpdating: number;
}

/**
 * Trains a policy on a task.
 *
 * Checks its arguments at once; the training begins with the first `next()`.
 *
 * @throws {RangeError} If an option is out of range, a token is outside the vocabulary, a demonstration is empty or
 *   does not fit the context, or a group of one could never have an advantage; while it runs, if a reward is not finite.
 * @throws {TypeError} If the objective needs demonstrations and the task has none.
 * @example
 * for await (const { step, reward } of train(policy, task, { objective: srft(), steps: 120 })) {
 *   if (reward > 0.95) break;
 * }
 */
export function train<P extends Problem>(
  policy: Policy,
  task: Task<P>,
  options: TrainOptions,
): AsyncGenerator<StepRecord, void, undefined> {
  const plan = planOf(policy, task, options);
  return steps({ policy, task, plan, options });
}

type Plan = ReturnType<typeof planOf>;

interface Run<P extends Problem> {
  readonly policy: Policy;
  readonly task: Task<P>;
  readonly plan: Plan;
  readonly options: TrainOptions;
}

async function* steps<P extends Problem>(run: Run<P>): AsyncGenerator<StepRecord, void, undefined> {
  const { steps, signal, maxSeconds = Infinity } = run.options;
  const begin = performance.now();
  for (let step = 1; step <= steps; step++) {
    if (signal?.aborted || (performance.now() - begin) / 1000 >= maxSeconds) return;
    const record = await takeStep(run, step);
    if (!record) return;
    yield record;
  }
}

async function takeStep<P extends Problem>(run: Run<P>, step: number): Promise<StepRecord | undefined> {
  const { policy, options } = run;
  const begin = performance.now();
  const drawn = draw(run);
  const rollouts = await rollOut(run, drawn.prompted);
  const sampledAt = performance.now();
  const scores = drawn.demonstrations.length > 0 ? await policy.score(drawn.demonstrations) : undefined;
  const scoredAt = performance.now();
  if (options.signal?.aborted) return undefined;

  const batch = assemble({ rollouts, scores, groupSize: run.plan.groupSize, prompted: drawn.prompted.length });
  const loss = options.objective.loss(batch);
  const rows = [...(rollouts?.sequences ?? []), ...drawn.demonstrations];
  const trained = nonzeroRows(rows, { offsets: batch.offsets, gradients: loss.gradients });
  await policy.backward(trained.sequences, trained.gradients);
  const { gradNorm } = await policy.step(run.plan.optimizer);
  const end = performance.now();

  const described = rollouts ?? scores!;
  return {
    step,
    loss: loss.value,
    terms: loss.terms,
    ...(rollouts && { reward: mean(rollouts.rewards) }),
    entropy: loss.metrics.meanEntropy,
    weights: loss.metrics.weights,
    gradNorm,
    tokens: { sampled: rollouts?.logprobs.length ?? 0, trained: trained.gradients.logprobs.length },
    completionLength: described.logprobs.length / (described.offsets.length - 1),
    seconds: (end - begin) / 1000,
    secondsSampling: (sampledAt - begin) / 1000,
    secondsScoring: (scoredAt - sampledAt) / 1000,
    secondsUpdating: (end - scoredAt) / 1000,
  };
}

/** Problems to be answered, and the demonstrations: first those of these problems, then further ones. */
function draw<P extends Problem>({ task, plan }: Run<P>) {
  const prompted = plan.prompts > 0 ? sampleWithoutReplacement(plan.random, task.problems, plan.prompts) : [];
  const further = sampleWithoutReplacement(plan.random, task.problems, Math.max(plan.demonstrations - plan.prompts, 0));
  const demonstrated = plan.demonstrations > 0 ? [...prompted, ...further] : [];
  return { prompted, demonstrations: demonstrated.map((problem) => demonstrationOf(task, problem)) };
}

async function rollOut<P extends Problem>({ policy, task, plan }: Run<P>, problems: readonly P[]) {
  if (problems.length === 0) return undefined;
  const { groupSize, maxTokens, temperature, random } = plan;
  return rollout(policy, task, { problems, groupSize, maxTokens, temperature, random });
}

interface Parts {
  readonly rollouts: RewardedRollouts | undefined;
  readonly scores: Scores | undefined;
  readonly groupSize: number;
  readonly prompted: number;
}

/** Rollouts first, then demonstrations; demonstration i < prompted belongs to group i and has reward 1. */
function assemble({ rollouts, scores, groupSize, prompted }: Parts): Batch {
  const sampledRows = rollouts?.completions.length ?? 0;
  const rows = sampledRows + (scores ? scores.offsets.length - 1 : 0);
  const rewards = new Float64Array(rows).fill(1);
  if (rollouts) rewards.set(rollouts.rewards);
  const groupOf = (row: number) => {
    if (row < sampledRows) return Math.floor(row / groupSize);
    return row - sampledRows < prompted ? row - sampledRows : -1;
  };
  return {
    offsets: joinOffsets(rollouts?.offsets, scores?.offsets),
    sources: Array.from({ length: rows }, (_, row) => (row < sampledRows ? "rollout" : "demonstration")),
    groups: Int32Array.from({ length: rows }, (_, row) => groupOf(row)),
    rewards,
    logprobs: joinValues(rollouts?.logprobs, scores?.logprobs),
    entropies: joinValues(rollouts?.entropies, scores?.entropies),
  };
}

function joinValues(first: Float32Array | undefined, second: Float32Array | undefined) {
  const joined = new Float32Array((first?.length ?? 0) + (second?.length ?? 0));
  if (first) joined.set(first);
  if (second) joined.set(second, first?.length ?? 0);
  return joined;
}

function joinOffsets(first: Int32Array = Int32Array.of(0), second: Int32Array = Int32Array.of(0)) {
  const tokens = first.at(-1)!;
  return Int32Array.of(...first, ...second.subarray(1).map((offset) => offset + tokens));
}

const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;

function planOf<P extends Problem>(policy: Policy, task: Task<P>, options: TrainOptions) {
  const { objective, groupSize = 8, promptsPerStep = 24, learningRate = 2e-4, clipNorm = 1, weightDecay = 0 } = options;
  const { demonstrationsPerStep = 2 * promptsPerStep, temperature = 1, seed = 0 } = options;
  const needsDemonstrations = objective.demonstrations !== "none";
  checkCounts({ steps: options.steps, groupSize, promptsPerStep, demonstrationsPerStep });
  checkTask(policy, task, { demonstrations: needsDemonstrations });
  const longest = longestCompletion(policy, task.problems);
  const plan = {
    groupSize,
    prompts: objective.rollouts ? promptsPerStep : 0,
    demonstrations: needsDemonstrations ? demonstrationsPerStep : 0,
    maxTokens: checkMaxTokens(options.maxTokens ?? longest, longest),
    temperature,
    random: options.random ?? createRandom(seed),
    optimizer: { learningRate, clipNorm, weightDecay },
  };
  checkPlan(objective, plan, task.problems.length);
  return plan;
}

function checkCounts(counts: Record<string, number>) {
  for (const [name, count] of Object.entries(counts)) {
    if (!(Number.isInteger(count) && count >= 1)) {
      throw new RangeError(`train: expected an integer ${name} >= 1 but found ${count}`);
    }
  }
}

function checkMaxTokens(maxTokens: number, longest: number) {
  if (!(Number.isInteger(maxTokens) && maxTokens >= 1 && maxTokens <= longest)) {
    throw new RangeError(
      `train: expected an integer maxTokens in [1, ${longest}], what the context leaves after the longest prompt, but found ${maxTokens}`,
    );
  }
  return maxTokens;
}

interface Sizes {
  readonly groupSize: number;
  readonly prompts: number;
  readonly demonstrations: number;
  readonly temperature: number;
}

function checkPlan(objective: Objective, { groupSize, prompts, demonstrations, temperature }: Sizes, problems: number) {
  if (prompts > 0 && groupSize === 1 && objective.demonstrations !== "inside") {
    throw new RangeError(
      `train: expected groupSize >= 2 but found 1; ${objective.name} compares the rollouts of a prompt with one another`,
    );
  }
  if (prompts > 0 && demonstrations > 0 && demonstrations < prompts) {
    throw new RangeError(
      `train: expected demonstrationsPerStep >= promptsPerStep, one a group, but found ${demonstrations} < ${prompts}`,
    );
  }
  const needed = Math.max(prompts, demonstrations - prompts);
  if (needed > problems) {
    throw new RangeError(
      `train: expected at least ${needed} problems but found ${problems}; lower promptsPerStep or demonstrationsPerStep`,
    );
  }
  if (prompts > 0 && !(temperature > 0 && temperature < Infinity)) {
    throw new RangeError(`train: expected a temperature > 0 but found ${temperature}; greedy rollouts are all equal`);
  }
}
