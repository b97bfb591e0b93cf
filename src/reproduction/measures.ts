/**
 * What a run is judged by, and how two methods compare: the same seeds, in pairs.
 */

import { stepsToReward } from "../srft/evaluation/steps-to-reward.ts";
import { type Interval, meanInterval, pairedInterval } from "./interval.ts";
import type { Run } from "./run.ts";

/** Numbers of one run; accuracies and pass@8 in [0, 1], entropy in nats, lengths in tokens. */
export interface Measures {
  /** Greedy accuracy on problems as trained, with an operator never trained, and longer than trained. */
  readonly id: number;
  readonly oodOperator: number;
  readonly oodLength: number;
  /** Mean accuracy of samples on problems as trained. */
  readonly meanAt1: number;
  readonly passAt8: number;
  readonly passAt8Length: number;
  /** Of samples on problems as trained, after the training. */
  readonly entropy: number;
  readonly length: number;
  /** Steps until the mean reward of five steps is 0.9; one more than the steps taken where it never is. */
  readonly stepsToReward: number;
  /** Training reward: mean over the last ten steps; NaN without rollouts. */
  readonly lastReward: number;
}

export type Measure = keyof Measures;

/**
 * The numbers of a run.
 *
 * @example
 * const setting = await reproductionSetting();
 * const [plan] = plansFor("SFT", { seeds: [1], steps: 2 });
 * const small = { ...plan, train: { demonstrationsPerStep: 2 }, evaluation: { problems: 4, sampledProblems: 2 } };
 * measuresOf(await runOf(setting, small)).stepsToReward; // 3: never, in two steps
 */
export function measuresOf({ evaluations, records }: Run): Measures {
  const { id, "ood-op": operator, "ood-length": longer } = evaluations;
  const rewards = records.slice(-10).flatMap(({ reward }) => (reward === undefined ? [] : [reward]));
  return {
    id: id!.greedy,
    oodOperator: operator!.greedy,
    oodLength: longer!.greedy,
    meanAt1: id!.sampled!.meanAt1,
    passAt8: id!.sampled!.passAtK,
    passAt8Length: longer!.sampled!.passAtK,
    entropy: id!.sampled!.entropy,
    length: id!.sampled!.length,
    stepsToReward: stepsToReward(records) ?? records.length + 1,
    lastReward: rewards.length > 0 ? rewards.reduce((sum, one) => sum + one, 0) / rewards.length : Number.NaN,
  };
}

/**
 * A measure of a method, seed by seed, in the order of the runs.
 *
 * @throws {TypeError} If the method has no runs.
 * @example
 * const setting = await reproductionSetting();
 * const plans = ["SFT", "GRPO"].flatMap((method) => plansFor(method, { seeds: [1], steps: 2 }));
 * const small = { train: { promptsPerStep: 2, demonstrationsPerStep: 2, groupSize: 2 }, evaluation: { problems: 4, sampledProblems: 2 } };
 * const runs = [await runOf(setting, { ...plans[0], ...small }), await runOf(setting, { ...plans[1], ...small })];
 * measured(runs, "SFT", "stepsToReward"); // [3]
 */
export function measured(runs: readonly Run[], method: string, measure: Measure): number[] {
  const own = runs.filter(({ plan }) => plan.name === method);
  if (own.length === 0) {
    const names = [...new Set(runs.map(({ plan }) => plan.name))].join(", ");
    throw new TypeError(`measured: expected runs of ${names} but found none of ${method}`);
  }
  return own.map((run) => measuresOf(run)[measure]);
}

/**
 * The interval of a − b of two methods' measure, seed by seed.
 *
 * @throws {TypeError} If a method has no runs.
 * @throws {RangeError} If the seeds of the two differ.
 * @example
 * const setting = await reproductionSetting();
 * const plans = ["SFT", "GRPO"].flatMap((method) => plansFor(method, { seeds: [1], steps: 2 }));
 * const small = { train: { promptsPerStep: 2, demonstrationsPerStep: 2, groupSize: 2 }, evaluation: { problems: 4, sampledProblems: 2 } };
 * const runs = [await runOf(setting, { ...plans[0], ...small }), await runOf(setting, { ...plans[1], ...small })];
 * compareRuns(runs, ["SFT", "GRPO"], "stepsToReward").n; // 1
 */
export function compareRuns(runs: readonly Run[], [a, b]: readonly [a: string, b: string], measure: Measure): Interval {
  const seedsOf = (method: string) => runs.filter(({ plan }) => plan.name === method).map(({ plan }) => plan.seed);
  if (seedsOf(a).join() !== seedsOf(b).join()) {
    throw new RangeError(
      `compareRuns: expected the same seeds but found ${seedsOf(a)} of ${a} and ${seedsOf(b)} of ${b}`,
    );
  }
  return pairedInterval(measured(runs, a, measure), measured(runs, b, measure));
}

/**
 * A row a method, a column a measure: mean and interval over the seeds.
 *
 * @param columns What the columns are called.
 * @example
 * const setting = await reproductionSetting();
 * const plans = ["SFT", "GRPO"].flatMap((method) => plansFor(method, { seeds: [1], steps: 2 }));
 * const small = { train: { promptsPerStep: 2, demonstrationsPerStep: 2, groupSize: 2 }, evaluation: { problems: 4, sampledProblems: 2 } };
 * const runs = [await runOf(setting, { ...plans[0], ...small }), await runOf(setting, { ...plans[1], ...small })];
 * measureTable(runs, { stepsToReward: "steps to 0.9" })[0]; // { method: "SFT", seeds: 1, "steps to 0.9": "3" }
 */
export function measureTable(
  runs: readonly Run[],
  columns: Readonly<Partial<Record<Measure, string>>>,
): Record<string, string | number>[] {
  const methods = [...new Set(runs.map(({ plan }) => plan.name))];
  return methods.map((method) => ({
    method,
    seeds: runs.filter(({ plan }) => plan.name === method).length,
    ...Object.fromEntries(
      Object.entries(columns).map(([measure, name]) => [
        name,
        intervalText(measured(runs, method, measure as Measure)),
      ]),
    ),
  }));
}

function intervalText(values: readonly number[]): string {
  if (values.some(Number.isNaN)) return "–";
  const { mean, low, high, n } = meanInterval(values);
  const short = (value: number) => `${Number(value.toPrecision(3))}`;
  return n > 1 ? `${short(mean)} [${short(low)}, ${short(high)}]` : short(mean);
}
