/**
 * SuperRL (arXiv 2506.01096): supervision only where reinforcement has no signal.
 *
 *   L = (1 − c) L_SFT + c L_PG per prompt,   c = 1[ max_k R_k > 0 ]
 *
 * The gate is that of HPT with γ = 0; L_PG is GRPO with the deviation. The paper's variant without a gate is
 * `superRlMixture`.
 */

import type { Objective } from "../../batch.ts";
import type { GrpoOptions } from "../grpo.ts";
import { gate } from "./parts/gate.ts";

/**
 * @throws {RangeError} If an option is out of range.
 * @example
 * superRl().loss(batch).terms.sft; // 0 where every prompt has a solved rollout
 */
export function superRl(options: GrpoOptions = {}): Objective {
  const imitates = (rewards: readonly number[]) => rewards.every((reward) => reward <= 0);
  return gate({ name: "superRl", imitates, sftScale: 1 }, { std: "population", ...options });
}
