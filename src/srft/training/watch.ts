/**
 * Signs that a run is over or in trouble, as fields of its records. A sign is given once its condition has held for
 * `patience` steps in a row:
 *
 *   "rewards-equal"    the mean over groups of the rewards' deviation is at most `rewardDeviation`: nothing to learn
 *                      from by comparison; all solved or all failed, the record's reward says which
 *   "entropy-floor"    the mean token entropy is at most `entropyFloor`: the policy has stopped exploring
 *   "reward-reached"   the mean reward is at least `reward`
 */

export type Alarm = "rewards-equal" | "entropy-floor" | "reward-reached";

export interface WatchOptions {
  /** In nats. Default 0.01. */
  readonly entropyFloor?: number;
  /** Default 0: every group's rewards are equal. */
  readonly rewardDeviation?: number;
  /** Default: not watched. */
  readonly reward?: number;
  /** Steps in a row, ≥ 1. Default 3. */
  readonly patience?: number;
}

export interface Watched {
  readonly entropy: number;
  readonly reward?: number;
  readonly rewardDeviation?: number;
}

/**
 * A watchman: tell it each step, get the alarms of that step.
 *
 * @throws {RangeError} If the patience is no whole number ≥ 1.
 * @example
 * const alarms = watch({ entropyFloor: 0.1, patience: 1 });
 * alarms({ entropy: 0.05 }); // ["entropy-floor"]
 */
export function watch(options: WatchOptions = {}): (step: Watched) => readonly Alarm[] {
  const { entropyFloor = 0.01, rewardDeviation = 0, reward = Infinity, patience = 3 } = options;
  if (!(Number.isInteger(patience) && patience >= 1)) {
    throw new RangeError(`watch: expected a whole patience >= 1 but found ${patience}`);
  }
  const inARow: Record<Alarm, number> = { "rewards-equal": 0, "entropy-floor": 0, "reward-reached": 0 };
  return (step) => {
    const holds: Record<Alarm, boolean> = {
      "rewards-equal": step.rewardDeviation !== undefined && step.rewardDeviation <= rewardDeviation,
      "entropy-floor": step.entropy <= entropyFloor,
      "reward-reached": step.reward !== undefined && step.reward >= reward,
    };
    return (Object.keys(inARow) as Alarm[]).filter((alarm) => {
      inARow[alarm] = holds[alarm] ? inARow[alarm] + 1 : 0;
      return inARow[alarm] >= patience;
    });
  };
}
