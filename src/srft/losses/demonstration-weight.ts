/**
 * How hard an objective pulls on a demonstration token: g(p), the weight on −∇log p where SFT has 1. It is read off the
 * objective's own gradient, on one group of two failed rollouts and two demonstrations (Â = 1, H as given), before any
 * update (π_old = π_ref = π).
 */

import type { Batch, Objective } from "../batch.ts";

export interface DemonstrationWeightOptions {
  /** p of the demonstration token, in (0, 1]. */
  readonly probability: number;
  /** Entropy of every token, in nats. Default 0. */
  readonly entropy?: number;
  /** What the objective's mean over demonstration tokens runs over: these, or all tokens (LUFFY, RL-PLUS). Default these. */
  readonly meanOver?: "demonstrations" | "all";
}

/**
 * @throws {RangeError} If p is outside (0, 1] or the objective does not pull on demonstrations by this batch.
 * @example
 * demonstrationWeight(dft(), { probability: 0.25 }); // 0.25
 */
export function demonstrationWeight(objective: Objective, options: DemonstrationWeightOptions): number {
  const { probability, entropy = 0, meanOver = "demonstrations" } = options;
  if (!(probability > 0 && probability <= 1)) {
    throw new RangeError(`demonstrationWeight: expected a probability in (0, 1] but found ${probability}`);
  }
  const { gradients } = objective.loss(probe(Math.log(probability), entropy));
  const counted = meanOver === "all" ? 4 : 2;
  return counted * -gradients.logprobs[2]! || 0;
}

function probe(logprob: number, entropy: number): Batch {
  const logprobs = Float64Array.of(-1, -1, logprob, logprob);
  return {
    offsets: Int32Array.of(0, 1, 2, 3, 4),
    sources: ["rollout", "rollout", "demonstration", "demonstration"],
    groups: Int32Array.of(0, 0, 0, 0),
    rewards: Float64Array.of(-1, -1, 1, 1),
    logprobs,
    entropies: new Float64Array(4).fill(entropy),
    referenceLogprobs: logprobs,
  };
}
