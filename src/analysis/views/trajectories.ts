/**
 * The way a training took: over its step records, which cost nothing more, and over its checkpoints, which are read on
 * texts that stay the same: how far from the base, how near to the expert, how certain, how good.
 */

import { type EvaluateOptions, type Evaluation, evaluate } from "../../srft/evaluation/evaluate.ts";
import type { Policy, Sequence } from "../../srft/policy.ts";
import type { Problem, Task } from "../../srft/task.ts";
import type { StepRecord } from "../../srft/train.ts";
import { dynamicsMap } from "../maps/dynamics-map.ts";
import { type Reader, tokenShift } from "../token-shift.ts";

/** A step, each number the mean over the window that ends with it; NaN where the run has no such number. */
export interface RunPoint {
  readonly step: number;
  readonly reward: number;
  /** Nats. */
  readonly entropy: number;
  /** Tokens. */
  readonly completionLength: number;
  readonly gradNorm: number;
  /** Share of groups whose rewards differ. */
  readonly informative: number;
  /** The weights of the two kinds of terms. */
  readonly sft: number;
  readonly rl: number;
}

/** What of a record the trajectory needs; a `StepRecord` has it. */
export type RunRecord = Pick<
  StepRecord,
  "step" | "reward" | "entropy" | "completionLength" | "gradNorm" | "informative" | "weights"
>;

/**
 * The steps of a run, smoothed.
 *
 * @param options.window Records in a mean, the step's own and those before; fewer at the beginning. Default 1.
 * @throws {RangeError} If the window is not an integer >= 1.
 * @example
 * const run = runTrajectory(records, { window: 2 });
 * run.map(({ step }) => step); // [1, 2, 3]
 */
export function runTrajectory(
  records: readonly RunRecord[],
  { window = 1 }: { readonly window?: number } = {},
): RunPoint[] {
  if (!(Number.isInteger(window) && window >= 1)) {
    throw new RangeError(`runTrajectory: expected an integer window >= 1 but found ${window}`);
  }
  return records.map(({ step }, i) => {
    const some = records.slice(Math.max(0, i + 1 - window), i + 1);
    const mean = (of: (record: RunRecord) => number | undefined) =>
      some.reduce((sum, record) => sum + (of(record) ?? Number.NaN), 0) / some.length;
    return {
      step,
      reward: mean(({ reward }) => reward),
      entropy: mean(({ entropy }) => entropy),
      completionLength: mean(({ completionLength }) => completionLength),
      gradNorm: mean(({ gradNorm }) => gradNorm),
      informative: mean(({ informative }) => informative),
      sft: mean(({ weights }) => weights.sft),
      rl: mean(({ weights }) => weights.rl),
    };
  });
}

/** A policy as it was after a step. */
export interface Checkpoint {
  readonly step: number;
  readonly policy: Policy;
}

export interface CheckpointTrajectoryOptions<P extends Problem> {
  /** What the checkpoints are compared with. */
  readonly base: Reader;
  /** Texts that all read, the same for every checkpoint; each completion has a token or more. */
  readonly on: readonly Sequence[];
  /** Whose text `on` is, such as "base rollouts". */
  readonly source: string;
  /** The expert's texts, for `crossEntropy`. */
  readonly demonstrations?: readonly Sequence[];
  /** With a task each checkpoint is evaluated. */
  readonly task?: Task<P>;
  /** Of the evaluation; without `random`, so that all checkpoints are drawn alike. */
  readonly evaluation?: Omit<EvaluateOptions<P>, "random">;
}

/** One checkpoint; nats, means over the tokens of `on`. */
export interface CheckpointPoint {
  readonly step: number;
  readonly source: string;
  /** KL(checkpoint‖base), and KL(base‖checkpoint). */
  readonly kl: number;
  readonly reverseKl: number;
  readonly js: number;
  /** Share of tokens whose base rank is > 3. */
  readonly shiftedShare: number;
  /** Of the checkpoint's distributions. */
  readonly entropy: number;
  /** −log p of the expert's tokens, the mean over texts of their means over tokens; absent without demonstrations. */
  readonly crossEntropy?: number;
  /** Absent without a task. */
  readonly evaluation?: Evaluation;
}

/**
 * Reads checkpoints as they come: they can be yielded by a loop that trains one and the same policy.
 *
 * @throws {RangeError} As `tokenShift` and `evaluate`.
 * @example
 * const checkpoints = [{ step: 0, policy: base }, { step: 3, policy }];
 * const options = { base, on: texts.slice(0, 8), source: "demonstrations" };
 * for await (const { step, kl } of checkpointTrajectory(checkpoints, options)) {
 *   step > 0 || kl === 0; // true
 * }
 */
export async function* checkpointTrajectory<P extends Problem>(
  checkpoints: Iterable<Checkpoint> | AsyncIterable<Checkpoint>,
  { base, on, source, demonstrations, task, evaluation = {} }: CheckpointTrajectoryOptions<P>,
): AsyncGenerator<CheckpointPoint, void, undefined> {
  for await (const { step, policy } of checkpoints) {
    const name = `step ${step}`;
    const table = await tokenShift([base, policy], { on, source, names: ["base", name] });
    const { meanKl, meanReverseKl, meanJs, meanEntropy, categories } = table.summary().models[0]!;
    const shift = { kl: meanKl, reverseKl: meanReverseKl, js: meanJs, entropy: meanEntropy };
    const expert = demonstrations && (await crossEntropyOf({ name, policy }, demonstrations));
    const evaluated = task && (await evaluate(policy, task, evaluation));
    yield {
      ...{ step, source, ...shift, shiftedShare: categories.shifted.share },
      ...(expert !== undefined && { crossEntropy: expert }),
      ...(evaluated && { evaluation: evaluated }),
    };
  }
}

async function crossEntropyOf(model: { name: string; policy: Policy }, texts: readonly Sequence[]) {
  const references = [{ name: "demonstrations", texts }];
  const [found] = await dynamicsMap([model], { references, distance: "cross-entropy", resamples: 1 });
  return found!.distance;
}
