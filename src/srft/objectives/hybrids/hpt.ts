/**
 * Hybrid post-training (arXiv 2509.04419; repository TsinghuaC3I/Unify-Post-Training): a prompt whose success rate
 * over its rollouts is at most γ is imitated, the others are reinforced.
 *
 *   L = α L_RL + β L_SFT,   (α, β) = (0, 1) if mean 1[R > 0] ≤ γ else (1, 0)
 *
 * γ = 0 (only where every rollout fails) for Qwen, 2/8 for Llama in the paper. L_RL is in the manner of Dr. GRPO:
 * no deviation; the constant length is an option (`reduction: { constant }`). Updates with a gradient norm above 80
 * are not taken there: `train(policy, task, { objective: hpt(), skipNorm: 80, … })`.
 */

import type { Objective } from "../../batch.ts";
import type { GrpoOptions } from "../grpo.ts";
import { gate } from "./parts/gate.ts";

export interface HptOptions extends GrpoOptions {
  /** γ in [0, 1]. Default 0. */
  readonly threshold?: number;
  /** Factor of L_SFT. Default 1 (0.3 for the paper's 1.5 B models). */
  readonly sftScale?: number;
}

/**
 * @throws {RangeError} If an option is out of range.
 * @example
 * hpt({ threshold: 2 / 8 }).loss(batch).metrics.weights.sft; // share of prompts that were imitated
 */
export function hpt({ threshold = 0, sftScale = 1, ...options }: HptOptions = {}): Objective {
  if (!(threshold >= 0 && threshold <= 1)) {
    throw new RangeError(`hpt: expected a threshold in [0, 1] but found ${threshold}`);
  }
  const imitates = (rewards: readonly number[]) =>
    rewards.filter((reward) => reward > 0).length <= threshold * rewards.length;
  return gate({ name: "hpt", imitates, sftScale }, options);
}
