/**
 * The training loop: rollout → score → loss → backward → step, as an async generator of records. The caller plots,
 * saves or breaks; the policy is updated in place, before its record is yielded.
 *
 * One step draws `promptsPerStep` problems without replacement, samples `groupSize` completions of each, puts each
 * problem's demonstration into its group, and adds demonstrations of further problems, in no group, until there are
 * `demonstrationsPerStep`. What the objective does not use is not drawn. A batch is used for `epochs` × `miniBatches`
 * updates; for the first (by default the only) one the rollouts' own log-probabilities and entropies serve as their
 * scores (ratio 1) and only demonstrations are scored. Rows without a gradient (groups of equal rewards) cost no
 * backward pass. At a temperature other than 1 the samples come from another distribution than the one trained; this
 * is not corrected.
 */

import type { Random } from "../random.ts";
import type { Loss, Objective } from "./batch.ts";
import { type EvaluateOptions, type Evaluation, evaluate } from "./evaluation/evaluate.ts";
import type { Policy } from "./policy.ts";
import type { Problem, Task } from "./task.ts";
import { type Experience, gather } from "./training/experience.ts";
import { type Plan, planOf } from "./training/plan.ts";
import type { PrefixShare } from "./training/prefixes.ts";
import { type CheckpointOptions, loadProgress, saveProgress } from "./training/progress.ts";
import { summaryOf } from "./training/summary.ts";
import { update } from "./training/update.ts";
import type { Alarm, WatchOptions } from "./training/watch.ts";

export interface TrainOptions<P extends Problem = Problem> {
  /** The objective, or one for each step (from 1), given the record of the step before; its data needs must not change. */
  readonly objective: Objective | ((step: number, last?: StepRecord) => Objective);
  /** Number of steps; each is epochs · miniBatches updates. */
  readonly steps: number;
  /** Completions a prompt, not counting its demonstration. Default 8. */
  readonly groupSize?: number;
  /** Default 24. */
  readonly promptsPerStep?: number;
  /** At least promptsPerStep where both prompted and further problems are demonstrated. Default 2 · promptsPerStep. */
  readonly demonstrationsPerStep?: number;
  /** Whose demonstrations are shown: the prompted problems', further problems' (in no group), or both. Default both. */
  readonly demonstrated?: "prompted" | "further" | "prompted+further";
  /** AdamW's, constant or a function of the step (from 1). Default 2e-4. */
  readonly learningRate?: number | ((step: number) => number);
  /** Largest global gradient norm. Default 1. */
  readonly clipNorm?: number;
  /** Default 0. */
  readonly weightDecay?: number;
  /** Updates whose gradient norm is above are not taken, and counted as skipped. Default Infinity. */
  readonly skipNorm?: number;
  /** AdamW's moments, by name: trainings of one policy that name others do not share them. Default "". */
  readonly optimizer?: string;
  /** Times that a batch is gone through. Default 1. */
  readonly epochs?: number;
  /** Updates in one epoch, each on a part of the groups. Default 1. */
  readonly miniBatches?: number;
  /** Rows of one backward pass; more are accumulated, which saves memory and changes no number. Default: all. */
  readonly rowsPerBackward?: number;
  /** Longest completion, in tokens. Default: what the context leaves after the longest prompt. */
  readonly maxTokens?: number;
  /** Of sampling, > 0. Default 1. */
  readonly temperature?: number;
  /** A policy that stays as it is, for KL terms and iw-SFT: `await policy.clone()`. */
  readonly reference?: Policy;
  /** For objectives over rollouts that begin with a part of the demonstration. */
  readonly prefixShare?: PrefixShare;
  /** DAPO's: problems whose rollouts have equal rewards are replaced, so many times at most. Default: kept. */
  readonly dynamicSampling?: { readonly rounds: number };
  /** Evaluates after every so many steps and after the last; random numbers of its own. Default: never. */
  readonly evaluation?: EvaluateOptions<P> & { readonly every: number };
  /** When the records' alarms are given. */
  readonly watch?: WatchOptions;
  /** Alarms that end the run, after their record. Default: none. */
  readonly stopOn?: readonly Alarm[];
  /** Of createRandom, used where `random` is not given. Default 0. */
  readonly seed?: number;
  readonly random?: Random;
  /**
   * Keeps the run in a file, and goes on from it: only further steps are yielded. On the CPU a run that was killed ends
   * with the same bits as one that was not; alarms count their steps anew.
   */
  readonly checkpoint?: CheckpointOptions;
  /** No step begins after so many seconds. */
  readonly maxSeconds?: number;
  /** Ends the loop, without an error, before the next update. */
  readonly signal?: AbortSignal;
}

/** What one step was; numbers of several updates are their means. */
export interface StepRecord {
  /** From 1. */
  readonly step: number;
  readonly loss: number;
  readonly terms: Loss["terms"];
  /** Gradient norm of each term at the log-probabilities, and its share in the sum of the norms. */
  readonly termGradients?: Loss["termGradients"];
  /** Mean reward of the rollouts; absent where there are none, like the next three. */
  readonly reward?: number;
  /** Mean over the groups of the population deviation of their rewards. */
  readonly rewardDeviation?: number;
  /** Share of groups whose rewards differ. */
  readonly informative?: number;
  /** Prompted problems none of whose rollouts has a reward > 0, as indices of task.problems. */
  readonly unsolved?: readonly number[];
  /** Mean token entropy of the rollouts, or of the demonstrations where there are none, in nats, before the update. */
  readonly entropy: number;
  readonly weights: { readonly sft: number; readonly rl: number };
  /** π / π_old over the rollout tokens, and the share whose gradient the clip removes; absent where there are none. */
  readonly ratio?: { readonly mean: number; readonly max: number; readonly clippedShare?: number };
  /** Global gradient norm before the clip. */
  readonly gradNorm: number;
  readonly learningRate: number;
  /** How often the policy was updated, and how often that was left undone (`skipNorm`). */
  readonly updates: number;
  readonly skipped: number;
  /** Completion tokens sampled, and completion tokens the gradient came from. */
  readonly tokens: { readonly sampled: number; readonly trained: number };
  /** Mean length of the rollouts, or of the demonstrations where there are none, in tokens. */
  readonly completionLength: number;
  readonly alarms: readonly Alarm[];
  /** The alarm that ended the run. */
  readonly stopped?: Alarm;
  /** Absent where this step was not evaluated. */
  readonly evaluation?: Evaluation;
  /** Wall time of the step and of its parts; the evaluation is not counted. */
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
 * @throws {TypeError} If the objective needs demonstrations and the task has none, or a reference or prefixShare and
 *   the options have none.
 * @example
 * for await (const { step, reward } of train(policy, task, { objective: srft(), steps: 120 })) {
 *   if (reward > 0.95) break;
 * }
 */
export function train<P extends Problem>(
  policy: Policy,
  task: Task<P>,
  options: TrainOptions<P>,
): AsyncGenerator<StepRecord, void, undefined> {
  const plan = planOf(policy, task, options);
  return steps({ policy, task, plan, options });
}

interface Run<P extends Problem> {
  readonly policy: Policy;
  readonly task: Task<P>;
  readonly plan: Plan;
  readonly options: TrainOptions<P>;
}

async function* steps<P extends Problem>(begun: Run<P>): AsyncGenerator<StepRecord, void, undefined> {
  const { steps, signal, maxSeconds = Infinity, checkpoint } = begun.options;
  const begin = performance.now();
  const found = checkpoint && (await loadProgress(begun.policy, checkpoint.file));
  const run = found ? { ...begun, plan: { ...begun.plan, random: found.random } } : begun;
  let last = found?.last;
  if (last?.stopped) return;
  for (let step = 1 + (found?.step ?? 0); step <= steps; step++) {
    if (signal?.aborted || (performance.now() - begin) / 1000 >= maxSeconds) return;
    last = await takeStep(run, step, last);
    if (!last) return;
    await keep(run, last);
    yield last;
    if (last.stopped) return;
  }
}

async function keep<P extends Problem>({ policy, plan, options }: Run<P>, last: StepRecord): Promise<void> {
  if (!options.checkpoint) return;
  const { file, every = 10 } = options.checkpoint;
  const due = last.step % every === 0 || last.step === options.steps || last.stopped !== undefined;
  if (due) await saveProgress(policy, file, { step: last.step, last, random: plan.random });
}

async function takeStep<P extends Problem>(run: Run<P>, step: number, last: StepRecord | undefined) {
  const { policy, task, plan, options } = run;
  const begin = performance.now();
  const objective = objectiveAt(run, step, last);
  const experience = await gather({ policy, task, plan, objective, step });
  if (options.signal?.aborted) return undefined;
  const learningRate = plan.rateAt(step);
  const optimizer = { ...plan.optimizer, learningRate };
  const updates = await update({ policy, objective, plan: { ...plan, optimizer } }, experience);
  const times = timesOf(begin, experience);
  const summary = summaryOf(experience, { updates, groupSize: plan.groupSize });
  const alarms = plan.alarms(summary);
  const stopped = plan.stopOn.find((alarm) => alarms.includes(alarm));
  const evaluation = await evaluateAt(run, step, stopped !== undefined);
  return {
    ...{ step, ...summary, learningRate, alarms },
    ...(stopped && { stopped }),
    ...(evaluation && { evaluation }),
    ...times,
  };
}

function timesOf(begin: number, { sampledAt, scoredAt }: Experience) {
  const end = performance.now();
  return {
    seconds: (end - begin) / 1000,
    secondsSampling: (sampledAt - begin) / 1000,
    secondsScoring: (scoredAt - sampledAt) / 1000,
    secondsUpdating: (end - scoredAt) / 1000,
  };
}

function objectiveAt<P extends Problem>({ plan, options }: Run<P>, step: number, last: StepRecord | undefined) {
  if (typeof options.objective !== "function" || step === 1) return plan.objective;
  const objective = options.objective(step, last);
  const needs = ({ rollouts, demonstrations, reference = false, prefixed }: Objective) =>
    `rollouts ${rollouts}, demonstrations ${demonstrations}, reference ${reference}, prefixed ${prefixed ?? "none"}`;
  if (needs(objective) !== needs(plan.objective)) {
    throw new RangeError(
      `train: expected an objective that needs ${needs(plan.objective)} but found ${needs(objective)} in step ${step}; change objectives with inStages`,
    );
  }
  return objective;
}

async function evaluateAt<P extends Problem>({ policy, task, options }: Run<P>, step: number, ends: boolean) {
  if (!options.evaluation) return undefined;
  const { every, ...rest } = options.evaluation;
  return step % every === 0 || step === options.steps || ends ? evaluate(policy, task, rest) : undefined;
}
