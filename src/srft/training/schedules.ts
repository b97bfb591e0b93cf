/**
 * Numbers that change with the step: learning rates, CHORD's μ, weights. A schedule is a function of the step, counted
 * from 1; beyond its last step it keeps its last value. With n warm-up steps, step t ≤ n has from · t / n.
 *
 *   constant   from
 *   linear     from + (to − from) x
 *   cosine     to + (from − to) (1 + cos πx) / 2          x = (t − n) / (steps − n) in [0, 1]
 */

export type Schedule = (step: number) => number;

export interface ConstantScheduleOptions {
  /** The value after the warm-up. */
  readonly from: number;
  /** Steps of linear warm-up from 0. Default 0. */
  readonly warmup?: number;
}

export interface ScheduleOptions extends ConstantScheduleOptions {
  /** The value at the last step. Default 0. */
  readonly to?: number;
  /** The step at which `to` is reached, > warmup. */
  readonly steps: number;
}

/**
 * @throws {RangeError} If a number is not finite or the warm-up is negative.
 * @example
 * constantSchedule({ from: 1e-3, warmup: 10 })(5); // 5e-4
 */
export function constantSchedule({ from, warmup = 0 }: ConstantScheduleOptions): Schedule {
  checkSchedule("constantSchedule", { from, warmup, to: from, steps: warmup + 1 });
  return (step) => (step <= warmup ? (from * step) / warmup : from);
}

/**
 * @throws {RangeError} If a number is not finite or steps ≤ warmup.
 * @example
 * linearSchedule({ from: 1e-3, steps: 100 })(50); // 5e-4
 */
export function linearSchedule(options: ScheduleOptions): Schedule {
  return shaped("linearSchedule", options, (x) => 1 - x);
}

/**
 * @throws {RangeError} If a number is not finite or steps ≤ warmup.
 * @example
 * cosineSchedule({ from: 0.9, to: 0.05, steps: 200 })(200); // 0.05, CHORD's μ
 */
export function cosineSchedule(options: ScheduleOptions): Schedule {
  return shaped("cosineSchedule", options, (x) => (1 + Math.cos(Math.PI * x)) / 2);
}

function shaped(name: string, { from, to = 0, steps, warmup = 0 }: ScheduleOptions, weight: (x: number) => number) {
  checkSchedule(name, { from, to, steps, warmup });
  return (step: number) => {
    if (step <= warmup) return (from * step) / warmup;
    const rest = weight(Math.min((step - warmup) / (steps - warmup), 1));
    return from * rest + to * (1 - rest);
  };
}

function checkSchedule(name: string, numbers: Required<ScheduleOptions>) {
  const { from, to, steps, warmup } = numbers;
  if (!(Number.isFinite(from) && Number.isFinite(to) && warmup >= 0 && steps > warmup && steps < Infinity)) {
    throw new RangeError(
      `${name}: expected finite from and to, and steps > warmup >= 0, but found ${from}, ${to}, steps ${steps} and warmup ${warmup}`,
    );
  }
}
