/**
 * Group-relative advantages: Â_k = (R_k − mean_j R_j) / std_j R_j over the rows of one group (GRPO, arXiv 2402.03300;
 * SRFT, arXiv 2506.19767, equation 2, and 7 where the demonstration is a row of its prompt's group).
 *
 * Conventions with two answers: the deviation is "population" (divide by n, the default), "unbiased" (by n − 1, as in
 * torch.std, verl and TRL) or "none" (Dr. GRPO, arXiv 2503.20783); nothing is added to it unless `epsilon` says so
 * (the paper adds nothing, verl 1e-6, TRL 1e-4); equal rewards give zeros, and rewards that differ by no more than
 * float64 rounding (1e-12 of their size, or 1e-12) are equal.
 */

export type Deviation = "population" | "unbiased" | "none";

export interface AdvantageOptions {
  /** Which standard deviation divides. Default "population". */
  readonly std?: Deviation;
  /** Added to the deviation, ≥ 0. Default 0. */
  readonly epsilon?: number;
  /** 1 = the reward counts in its group's mean and deviation, one a row. Default: all count. */
  readonly mask?: ArrayLike<number>;
}

const rounding = 1e-12;

/**
 * One advantage a row.
 *
 * A row that the mask leaves out still gets an advantage, measured against the rows that count: that is the
 * demonstration beside the group.
 *
 * @param rewards One a row, finite.
 * @param groups The group of each row; −1 = in no group, which gives 0.
 * @returns [rows]; zeros in a group whose counted rewards are all equal (with "none" too, except for rows left out).
 * @throws {RangeError} If the lengths differ, a reward is not finite, or a group has fewer than two rows that count.
 * @example
 * advantages([1, 0, 0, 1], [0, 0, 0, 0]); // [1, -1, -1, 1]
 */
export function advantages(
  rewards: ArrayLike<number>,
  groups: ArrayLike<number>,
  options: AdvantageOptions = {},
): Float64Array {
  checkRows(rewards, groups, options);
  const result = new Float64Array(rewards.length);
  for (const [group, rows] of membersOf(groups)) {
    const counted = rows.filter((row) => options.mask?.[row] !== 0);
    if (counted.length < 2) {
      throw new RangeError(
        `advantages: expected at least 2 rows that count in a group but found ${counted.length} in group ${group}; ` +
          "its advantage would always be 0: use groupSize >= 2 or put a demonstration into the group",
      );
    }
    const { mean, scale } = standardize(
      counted.map((row) => rewards[row]!),
      options,
    );
    for (const row of rows) result[row] = (rewards[row]! - mean) * scale;
  }
  return result;
}

function standardize(rewards: readonly number[], { std = "population", epsilon = 0 }: AdvantageOptions) {
  const largest = Math.max(...rewards);
  const equal = largest - Math.min(...rewards) <= rounding * Math.max(1, Math.abs(largest));
  if (equal) return { mean: largest, scale: std === "none" ? 1 : 0 };
  const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
  return { mean, scale: std === "none" ? 1 : 1 / (deviation(rewards, { mean, std }) + epsilon) };
}

function deviation(rewards: readonly number[], { mean, std }: { mean: number; std: "population" | "unbiased" }) {
  const squares = rewards.reduce((sum, reward) => sum + (reward - mean) ** 2, 0);
  return Math.sqrt(squares / (std === "unbiased" ? rewards.length - 1 : rewards.length));
}

function membersOf(groups: ArrayLike<number>) {
  const members = new Map<number, number[]>();
  for (let row = 0; row < groups.length; row++) {
    const group = groups[row]!;
    if (group < 0) continue;
    const rows = members.get(group);
    if (rows) rows.push(row);
    else members.set(group, [row]);
  }
  return members;
}

function checkRows(rewards: ArrayLike<number>, groups: ArrayLike<number>, options: AdvantageOptions) {
  const rows = groups.length;
  if (rewards.length !== rows) {
    throw new RangeError(`advantages: expected ${rows} rewards, one a row, but found ${rewards.length}`);
  }
  if (options.mask && options.mask.length !== rows) {
    throw new RangeError(`advantages: expected a mask of ${rows} rows but found ${options.mask.length}`);
  }
  for (let row = 0; row < rows; row++) {
    if (!Number.isFinite(rewards[row])) {
      throw new RangeError(`advantages: expected a finite reward but found ${rewards[row]} in row ${row}`);
    }
  }
  if (!((options.epsilon ?? 0) >= 0)) {
    throw new RangeError(`advantages: expected epsilon >= 0 but found ${options.epsilon}`);
  }
}
