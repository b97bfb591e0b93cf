/**
 * How much of a demonstration a rollout begins with: a share in [0, 1], drawn anew for each prompt.
 */

import type { Random } from "../../random.ts";
import { cosineSchedule } from "./schedules.ts";

/** The share of the demonstration, at a step counted from 1. */
export type PrefixShare = (step: number, random: Random) => number;

export interface CosinePrefixOptions {
  /** Step at which the lower bound reaches 0. */
  readonly steps: number;
  /** Upper bound, and first lower bound. Default 0.95. */
  readonly high?: number;
}

/**
 * Prefix-RFT (arXiv 2507.01679): uniform between a lower bound that falls from `high` to 0 by a cosine, and `high`.
 *
 * @throws {RangeError} If `high` is outside [0, 1] or steps is not positive.
 * @example
 * cosinePrefix({ steps: 100 })(100, random); // uniform in [0, 0.95)
 */
export function cosinePrefix({ steps, high = 0.95 }: CosinePrefixOptions): PrefixShare {
  if (!(high >= 0 && high <= 1)) throw new RangeError(`cosinePrefix: expected high in [0, 1] but found ${high}`);
  const low = cosineSchedule({ from: high, steps });
  return (step, random) => low(step) + (high - low(step)) * random();
}

export interface HintShareOptions {
  /** Steps with hints; none afterwards. */
  readonly hintSteps: number;
  /** Into how many parts the demonstration falls. Default 5. */
  readonly segments?: number;
  /** Least and greatest probability of a segment. Default [0.05, 0.95]. */
  readonly range?: readonly [least: number, most: number];
}

/**
 * UFT (arXiv 2505.16984): Binomial(segments, p) of the segments, p falling by a cosine over the hint steps.
 *
 * @throws {RangeError} If a number is out of range.
 * @example
 * hintShare({ hintSteps: 300 })(301, random); // 0
 */
export function hintShare({ hintSteps, segments = 5, range = [0.05, 0.95] }: HintShareOptions): PrefixShare {
  const [least, most] = range;
  if (!(least >= 0 && most <= 1 && least <= most && Number.isInteger(segments) && segments >= 1)) {
    throw new RangeError(
      `hintShare: expected 0 <= least <= most <= 1 and whole segments >= 1 but found [${range}] and ${segments}`,
    );
  }
  const probability = cosineSchedule({ from: most, to: least, steps: hintSteps });
  return (step, random) => {
    if (step > hintSteps) return 0;
    let shown = 0;
    for (let i = 0; i < segments; i++) if (random() < probability(step)) shown++;
    return shown / segments;
  };
}
