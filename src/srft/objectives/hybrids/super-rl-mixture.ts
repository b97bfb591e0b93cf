/**
 * SuperRL's second variant (arXiv 2506.01096): no gate, but both losses by their uncertainty, two scalars σ that are
 * learned with the policy.
 *
 *   L = e^(−2 s₁) L_PG + e^(−2 s₂) L_SFT + s₁ + s₂,   s = log σ        ∂L/∂s₁ = 1 − 2 e^(−2 s₁) L_PG
 *
 * The scalars are no parameters of the policy, so they live in `logSigmas`, which takes one step of plain gradient
 * descent a training step. The paper's rate and bounds were not found: ours are choices. Below L = 0, which a policy
 * gradient often has, s has no minimum: it is kept in [−most, most].
 */

import type { Objective } from "../../batch.ts";
import type { GrpoOptions } from "../grpo.ts";
import { weightedSum } from "./parts/weighted-sum.ts";

/** s₁ and s₂. */
export interface LogSigmas {
  readonly policy: number;
  readonly sft: number;
}

export interface SuperRlMixtureOptions extends GrpoOptions {
  /** Default both 0. */
  readonly logSigmas?: LogSigmas;
}

/**
 * @returns An objective with the terms `policy`, `sft` (their factors included) and `logSigmas`.
 * @throws {RangeError} If a log σ is not finite or an option is out of range.
 * @example
 * superRlMixture({ logSigmas: { policy: 0, sft: Math.log(2) } }).loss(batch).metrics.weights.sft; // 0.25
 */
export function superRlMixture({
  logSigmas = { policy: 0, sft: 0 },
  ...options
}: SuperRlMixtureOptions = {}): Objective {
  const { policy, sft } = logSigmas;
  if (!(Number.isFinite(policy) && Number.isFinite(sft))) {
    throw new RangeError(`superRlMixture: expected finite logSigmas but found ${policy} and ${sft}`);
  }
  const factors = { rl: Math.exp(-2 * policy), sft: Math.exp(-2 * sft) };
  const constants = [{ name: "logSigmas", value: policy + sft }];
  return weightedSum({ name: "superRlMixture", factors, weight: () => 1, constants }, options);
}

export interface LogSigmasOptions {
  /** Of the gradient descent, > 0. Default 0.01. */
  readonly learningRate?: number;
  /** Largest |s|, > 0. Default 2. */
  readonly most?: number;
}

/**
 * The two scalars: tell them the last step's record, get those of the next.
 *
 * @returns A function with a memory; before the first step both are 0.
 * @throws {RangeError} If the rate or the bound is not positive.
 * @example
 * const sigmas = logSigmas();
 * train(policy, task, { steps: 100, objective: (_, last) => superRlMixture({ logSigmas: sigmas(last) }) });
 */
export function logSigmas(options: LogSigmasOptions = {}) {
  const { learningRate = 0.01, most = 2 } = options;
  if (!(learningRate > 0 && learningRate < Infinity && most > 0 && most < Infinity)) {
    throw new RangeError(`logSigmas: expected learningRate > 0 and most > 0 but found ${learningRate} and ${most}`);
  }
  const moved = (s: number, loss: number) => Math.min(most, Math.max(-most, s - learningRate * (1 - 2 * loss)));
  let current: LogSigmas = { policy: 0, sft: 0 };
  return (last?: { readonly terms: Readonly<Record<string, number>> }): LogSigmas => {
    const { policy = 0.5, sft = 0.5 } = last?.terms ?? {};
    current = { policy: moved(current.policy, policy), sft: moved(current.sft, sft) };
    return current;
  };
}
