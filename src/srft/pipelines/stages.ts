/**
 * One training after another on the same policy: SFT → RL, RL → SFT, or any sequence. The optimizer's moments carry
 * over from stage to stage; whoever wants fresh ones goes on with `await policy.clone()`.
 */

import { createRandom } from "../../random.ts";
import type { Policy } from "../policy.ts";
import type { Problem, Task } from "../task.ts";
import { type StepRecord, type TrainOptions, train } from "../train.ts";

/** What a stage must say; everything else is inherited. */
export type Stage<P extends Problem = Problem> = Partial<TrainOptions<P>> &
  Pick<TrainOptions<P>, "objective" | "steps">;

export interface StagesOptions<P extends Problem = Problem> extends Omit<TrainOptions<P>, "objective" | "steps"> {
  readonly stages: readonly Stage<P>[];
}

export interface StageRecord extends StepRecord {
  /** From 0. */
  readonly stage: number;
}

/**
 * Trains in stages; `step` counts on through all of them. Every stage is checked before the first begins. One generator
 * of random numbers serves all stages.
 *
 * @throws {RangeError} If there is no stage, or as `train`.
 * @example
 * inStages(policy, task, { stages: [{ objective: sft(), steps: 50 }, { objective: grpo(), steps: 50 }], seed: 1 });
 */
export function inStages<P extends Problem>(
  policy: Policy,
  task: Task<P>,
  { stages, ...shared }: StagesOptions<P>,
): AsyncGenerator<StageRecord, void, undefined> {
  if (stages.length === 0) throw new RangeError("inStages: expected at least one stage but found none");
  const random = shared.random ?? createRandom(shared.seed ?? 0);
  const runs = stages.map((stage) => train(policy, task, { ...shared, random, ...stage }));
  return numbered(runs);
}

async function* numbered(runs: readonly AsyncGenerator<StepRecord, void, undefined>[]) {
  let before = 0;
  for (const [stage, run] of runs.entries()) {
    let last = 0;
    for await (const record of run) {
      last = record.step;
      yield { ...record, step: before + record.step, stage };
    }
    before += last;
  }
}
