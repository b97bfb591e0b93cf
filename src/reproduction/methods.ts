/** Objectives by name, so that a run is plain data: it can be written down, compared and hashed. */

import type { Objective } from "../srft/batch.ts";
import { grpo } from "../srft/objectives/grpo.ts";
import { luffy } from "../srft/objectives/hybrids/luffy.ts";
import { weightedSum } from "../srft/objectives/hybrids/parts/weighted-sum.ts";
import { sftKl } from "../srft/objectives/imitation/sft-kl.ts";
import { sft } from "../srft/objectives/sft.ts";
import { srft } from "../srft/objectives/srft.ts";

/** L_SFT + L_RL with equal weights, the single stage of the paper's figure 5. */
const sftPlusRl = () => weightedSum({ name: "sft+rl", factors: { rl: 1, sft: 1 }, weight: () => 1 }, {});

const makers = { sft, sftKl, grpo, srft, luffy, sftPlusRl } as const;

export type MethodName = keyof typeof makers;

/**
 * @throws {RangeError} If an option is out of range.
 * @throws {TypeError} If there is no such objective.
 * @example
 * objectiveNamed("srft", { sftSign: 1 }).name; // "srft"
 */
export function objectiveNamed(name: MethodName, options: object = {}): Objective {
  if (!Object.hasOwn(makers, name)) {
    throw new TypeError(`objectiveNamed: expected ${Object.keys(makers).join(", ")} but found ${name}`);
  }
  return (makers[name] as (given: object) => Objective)(options);
}
