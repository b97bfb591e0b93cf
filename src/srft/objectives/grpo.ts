/**
 * Group relative policy optimisation (arXiv 2402.03300; SRFT, arXiv 2506.19767, equations 2 and 3):
 *
 *   L = −1/G Σ_k 1/|y_k| Σ_t min( r_kt Â_k , clip(r_kt, 1 − ε_low, 1 + ε_high) Â_k ),   r = π / π_old
 *
 * Without `oldLogprobs` (the first update of a batch) r = 1 and the gradient is that of −Â log π.
 * The paper does not print ε (0.2 here, as in PPO), nor which deviation divides ("population" here), and has no KL
 * term; nor have we. `std: "none"` with a constant reduction is Dr. GRPO; "token-mean" with clipRange [0.2, 0.28] are
 * two of DAPO's changes. Demonstrations in the batch get no gradient and do not enter the groups.
 */

import { advantages, type Deviation } from "../advantages.ts";
import { type Batch, checkBatch, type Loss, type Objective, rowsOf, tokenRatios } from "../batch.ts";
import { type Reduction, ratioMetrics, reduce, tokenMean } from "../reduction.ts";

export interface GrpoOptions {
  /** Default "population". */
  readonly std?: Deviation;
  /** Added to the deviation. Default 0. */
  readonly epsilon?: number;
  /** How far the ratio may fall below and rise above 1 before its gradient stops. Default [0.2, 0.2]. */
  readonly clipRange?: readonly [low: number, high: number];
  /** Default "sequence-mean". */
  readonly reduction?: Reduction;
}

/**
 * Reinforces rollouts that beat the mean of their group.
 *
 * @returns An objective with the single term `policy`.
 * @throws {RangeError} If the clip range is not two numbers ≥ 0, the lower one ≤ 1.
 * @example
 * grpo({ std: "none" }).loss(batch).metrics.clippedShare; // 0 on the first update of a batch
 */
export function grpo(options: GrpoOptions = {}): Objective {
  const [low, high] = options.clipRange ?? [0.2, 0.2];
  if (!(low >= 0 && low <= 1 && high >= 0)) {
    throw new RangeError(`grpo: expected a clipRange [low in [0, 1], high >= 0] but found [${low}, ${high}]`);
  }
  return { name: "grpo", rollouts: true, demonstrations: "none", loss: (batch) => grpoLoss(batch, options) };
}

function grpoLoss(batch: Batch, options: GrpoOptions): Loss {
  checkBatch("grpo", batch);
  const { clipRange = [0.2, 0.2], reduction = "sequence-mean", ...deviation } = options;
  const rows = rowsOf(batch, { source: "rollout", required: "grpo" });
  const groups = batch.groups.map((group, row) => (batch.sources[row] === "rollout" ? group : -1));
  const advantage = advantages(batch.rewards, groups, deviation);
  const gradient = new Float64Array(batch.logprobs.length);
  const ratios = tokenRatios("grpo", batch, rows);
  const surrogate = (t: number, row: number) => clippedSurrogate(ratios[t]!, advantage[row]!, clipRange);
  const value = reduce(batch, { rows, reduction, gradient }, (t, row) => {
    const { objective, slope } = surrogate(t, row);
    return { value: -objective, slope: -slope };
  });
  return {
    value,
    gradients: { logprobs: Float32Array.from(gradient) },
    terms: { policy: value },
    metrics: {
      meanEntropy: tokenMean(batch, rows, (t) => batch.entropies[t]!),
      weights: { sft: 0, rl: 1 },
      ...ratioMetrics(batch, rows, ratios),
      clippedShare: tokenMean(batch, rows, (t, row) => (surrogate(t, row).clipped ? 1 : 0)),
    },
  };
}

/** min(r A, clip(r) A) and its derivative with respect to log π; ∂r/∂log π = r. */
function clippedSurrogate(ratio: number, advantage: number, [low, high]: readonly [number, number]) {
  const clippedRatio = Math.min(Math.max(ratio, 1 - low), 1 + high);
  const clipped = clippedRatio * advantage < ratio * advantage;
  return clipped
    ? { objective: clippedRatio * advantage, slope: 0, clipped }
    : { objective: ratio * advantage, slope: ratio * advantage, clipped };
}
