/**
 * How fast a run learned: the first step at which the mean reward over a window of steps reaches a threshold.
 */

import type { StepRecord } from "../train.ts";

export interface StepsToRewardOptions {
  /** Default 0.9. */
  readonly threshold?: number;
  /** Steps averaged; the answer is the last of them. Default 5. */
  readonly window?: number;
}

/**
 * @returns The step, or undefined if the run never gets there or has no rewards.
 * @throws {RangeError} If the window is no whole number > 0.
 * @example
 * stepsToReward([{ step: 1, reward: 0.8 }, { step: 2, reward: 1 }], { window: 2 }); // 2
 */
export function stepsToReward(
  records: readonly Pick<StepRecord, "step" | "reward">[],
  { threshold = 0.9, window = 5 }: StepsToRewardOptions = {},
): number | undefined {
  if (!(Number.isInteger(window) && window > 0)) {
    throw new RangeError(`stepsToReward: expected a whole window > 0 but found ${window}`);
  }
  const reached = records.findIndex((_, end) => {
    const recent = records.slice(Math.max(0, end + 1 - window), end + 1);
    // the sum is compared, not the mean: 5 · 0.9 is representable where 4.5 / 5 may round below 0.9
    return (
      recent.length === window && recent.reduce((sum, { reward = -Infinity }) => sum + reward, 0) >= threshold * window
    );
  });
  return records[reached]?.step;
}
