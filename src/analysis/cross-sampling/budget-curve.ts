/**
 * The answers of `crossSample` as a curve: accuracy against the number of tokens that may be swapped, for each writer.
 *
 * A problem's accuracy is the share of its samples with a reward > 0; the curve is the mean over problems, and its
 * intervals are bootstrapped over problems. The gain over the writer alone is a difference within problems.
 */

import { checkResampling, type Interval, mean, type ResampleOptions, resampleInterval } from "../views/resample.ts";
import type { CrossAnswer } from "./cross-sample.ts";

/** One writer at one budget. */
export interface BudgetPoint {
  readonly writer: "a" | "b";
  /** Most swaps a completion; 0 is the writer alone. */
  readonly budget: number;
  readonly problems: number;
  /** Completions. */
  readonly answers: number;
  /** Share solved, in [0, 1], with its interval. */
  readonly accuracy: number;
  readonly interval: Interval;
  /** Accuracy minus the writer's alone, with its interval. */
  readonly gain: number;
  readonly gainInterval: Interval;
  /** Mean number of swaps a completion. */
  readonly swaps: number;
  /** Mean number of swaps that changed the token. */
  readonly changed: number;
  /** Swapped tokens among all tokens, in [0, 1]. */
  readonly swappedShare: number;
  /** Mean length, in tokens. */
  readonly length: number;
}

/**
 * Summarizes answers, also of a run that was broken off, as long as each problem has all its budgets.
 *
 * @returns Writer by writer, budgets ascending.
 * @throws {RangeError} If there are no answers, a budget lacks problems that the writer alone has, or an option is out
 *   of range.
 * @example
 * const answer = { writer: "a", problem: 0, sample: 0, completion: [17, 11, 2], changed: 1, threshold: 0.1 };
 * const alone = { ...answer, budget: 0, swaps: [], reward: 0 };
 * const swapped = { ...answer, budget: 1, swaps: [1], reward: 1 };
 * budgetCurve([alone, swapped]).map(({ accuracy, gain }) => [accuracy, gain]); // [[0, 0], [1, 1]]
 */
export function budgetCurve(answers: readonly CrossAnswer[], options: ResampleOptions = {}): BudgetPoint[] {
  if (answers.length === 0) throw new RangeError("budgetCurve: expected answers of crossSample but found none");
  checkResampling("budgetCurve", options);
  const writers = (["a", "b"] as const).filter((writer) => answers.some((answer) => answer.writer === writer));
  return writers.flatMap((writer) => {
    const own = answers.filter((answer) => answer.writer === writer);
    const alone = solvedShares(own.filter(({ budget }) => budget === 0));
    const budgets = [...new Set(own.map(({ budget }) => budget))].sort((a, b) => a - b);
    return budgets.map((budget) =>
      pointOf(
        own.filter((answer) => answer.budget === budget),
        { alone, options },
      ),
    );
  });
}

/** Share of solved samples, problem by problem, in order of the problems. */
function solvedShares(answers: readonly CrossAnswer[]) {
  const solved = new Map<number, number[]>();
  for (const { problem, reward } of answers) {
    if (!solved.has(problem)) solved.set(problem, []);
    solved.get(problem)!.push(reward > 0 ? 1 : 0);
  }
  return new Map([...solved].sort(([a], [b]) => a - b).map(([problem, all]) => [problem, mean(all)]));
}

function pointOf(
  answers: readonly CrossAnswer[],
  { alone, options }: { alone: ReadonlyMap<number, number>; options: ResampleOptions },
): BudgetPoint {
  const { writer, budget } = answers[0]!;
  const shares = solvedShares(answers);
  const [problems, solved] = [[...shares.keys()], [...shares.values()]];
  const gains = problems.map((problem, i) => solved[i]! - (alone.get(problem) ?? Number.NaN));
  if (problems.length !== alone.size || gains.some(Number.isNaN)) {
    throw new RangeError(
      `budgetCurve: expected the ${alone.size} problems of budget 0 at budget ${budget} of writer ${writer} but found ${problems.length}: ` +
        "give all answers of a problem",
    );
  }
  const interval = (values: readonly number[]) => resampleInterval(values.length, meanAt(values), options);
  const tokens = mean(answers.map(({ completion }) => completion.length));
  const swaps = mean(answers.map((answer) => answer.swaps.length));
  return {
    ...{ writer, budget, problems: problems.length, answers: answers.length },
    ...{ accuracy: mean(solved), interval: interval(solved), gain: mean(gains), gainInterval: interval(gains) },
    swaps,
    changed: mean(answers.map(({ changed }) => changed)),
    swappedShare: tokens > 0 ? swaps / tokens : 0,
    length: tokens,
  };
}

const meanAt = (values: readonly number[]) => (units: Int32Array) => {
  let sum = 0;
  for (const unit of units) sum += values[unit]!;
  return sum / units.length;
};
