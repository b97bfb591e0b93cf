/**
 * The methods of the paper as plans: what they share (base, data, updates, learning rate) is said once, so that two
 * notebooks that name the same method, seed and size mean the same run.
 *
 * A step of GRPO has `promptsPerStep` × `groupSize` rollouts, one of SFT `demonstrationsPerStep` demonstrations, one of
 * SRFT and LUFFY both. A method in two stages gets half of the steps for each.
 */

import type { PlainTrainOptions, RunPlan, StagePlan } from "./run.ts";

export interface PlanOptions {
  readonly seeds: readonly number[];
  /** Of all stages together. Default 120. */
  readonly steps?: number;
  /** Default 8 prompts × 8 rollouts, 16 demonstrations, learning rate 2e-4. */
  readonly train?: PlainTrainOptions;
  /** Default: a sixth of the steps for the paper's methods, never for variants. */
  readonly checkpointEvery?: number;
  /** Default: a twelfth of the steps for the paper's methods, never for variants. */
  readonly evaluateEvery?: number;
}

const usual: PlainTrainOptions = { promptsPerStep: 8, groupSize: 8, demonstrationsPerStep: 16, learningRate: 2e-4 };

type Stages = readonly (Omit<StagePlan, "steps"> & { readonly share: number })[];

const alone = (objective: StagePlan["objective"], more: Partial<StagePlan> = {}): Stages => [
  { objective, ...more, share: 1 },
];
const first = (objective: StagePlan["objective"]) => ({ objective, share: 0.5 });

/** LUFFY has its demonstrations among the prompts' rollouts, 7 + 1. */
const inGroup: PlainTrainOptions = { demonstrated: "prompted", groupSize: 7 };

const methods = {
  SFT: alone("sft"),
  "SFT + KL": alone("sftKl"),
  GRPO: alone("grpo"),
  SRFT: alone("srft"),
  "SFT + GRPO": alone("sftPlusRl"),
  LUFFY: alone("luffy", { train: inGroup }),
  "SFT → GRPO": [first("sft"), first("grpo")],
  "GRPO → SFT": [first("grpo"), first("sft")],
  "GRPO → SFT + KL": [first("grpo"), first("sftKl")],
} as const satisfies Readonly<Record<string, Stages>>;

export type PaperMethod = keyof typeof methods;

/** The paper's methods, in the order of its tables. */
export const paperMethods = Object.keys(methods) as readonly PaperMethod[];

/**
 * A plan for every seed.
 *
 * @throws {TypeError} If there is no such method.
 * @throws {RangeError} If there is no seed or steps is no even number ≥ 2.
 * @example
 * plansFor("SFT → GRPO", { seeds: [1, 2, 3], steps: 120 }).map(({ stages }) => stages[1].steps); // [60, 60, 60]
 */
export function plansFor(method: PaperMethod, options: PlanOptions): readonly RunPlan[] {
  if (!Object.hasOwn(methods, method)) {
    throw new TypeError(`plansFor: expected ${paperMethods.join(", ")} but found ${method}`);
  }
  const stages: Stages = methods[method];
  const part = (of: number) => Math.max(1, Math.round((options.steps ?? 120) / of));
  return variantPlans(method, { checkpointEvery: part(6), evaluateEvery: part(12), ...options, stages });
}

/**
 * Plans of a method that is not in the paper's tables, or of a variant of one, of the same size.
 *
 * @throws {RangeError} As `plansFor`.
 * @example
 * const stages = [{ objective: "srft", options: { sftSign: 1 }, share: 1 }];
 * variantPlans("SRFT, exp(+H)", { stages, seeds: [1] })[0].stages[0].steps; // 120
 */
export function variantPlans(name: string, options: PlanOptions & { readonly stages: Stages }): readonly RunPlan[] {
  const { seeds, stages, steps = 120, train = {}, ...kept } = options;
  if (seeds.length === 0) throw new RangeError("plansFor: expected at least one seed but found none");
  if (!(Number.isInteger(steps) && steps >= 2 && steps % 2 === 0)) {
    throw new RangeError(`plansFor: expected an even number of steps >= 2 but found ${steps}`);
  }
  const sized = stages.map(({ share, ...stage }) => ({ ...stage, steps: steps * share }));
  return seeds.map((seed) => ({ name, seed, stages: sized, train: { ...usual, ...train }, ...kept }));
}
