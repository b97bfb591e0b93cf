/**
 * The lab's question, what did tuning change and does it cause the gain, as one run: tune a shipped base by a method, read
 * both on each other's text, and swap tokens between them. Used by the benchmark and, with fewer steps, by a test.
 */

import { join } from "node:path";
import type { ArithmeticTask } from "../../../src/data/arithmetic-task.ts";
import {
  type BudgetPoint,
  budgetCurve,
  type CrossAnswer,
  createRandom,
  crossSample,
  dynamicsMap,
  evaluate,
  forkingShare,
  grpo,
  loadPolicy,
  type Policy,
  rollout,
  type SwapCriterion,
  sft,
  srft,
  type TrainOptions,
  tokenShift,
  train,
} from "../../../src/index.ts";

const root = join(import.meta.dirname, "../../../..");

export type Base = "foreign" | "in-support";
export type Method = "SFT" | "GRPO" | "SRFT";

/** The study's: advantages without the deviation, and on the foreign base a learning rate for each. */
const objectives: Readonly<Record<Method, TrainOptions["objective"]>> = {
  SFT: sft(),
  GRPO: grpo({ std: "none" }),
  SRFT: srft(),
};
export const learningRates: Readonly<Record<Base, Readonly<Record<Method, number>>>> = {
  foreign: { SFT: 5e-4, GRPO: 1.5e-4, SRFT: 2e-4 },
  "in-support": { SFT: 2e-4, GRPO: 2e-4, SRFT: 2e-4 },
};

export interface Size {
  readonly steps: number;
  readonly promptsPerStep: number;
  readonly demonstrationsPerStep: number;
  /** Problems that are read, and that are evaluated. */
  readonly problems: number;
  /** Problems, and completions of each, that tokens are swapped in. */
  readonly swapped: number;
  readonly samples: number;
}

export const fullSize: Size = {
  ...{ steps: 100, promptsPerStep: 16, demonstrationsPerStep: 32 },
  ...{ problems: 100, swapped: 60, samples: 2 },
};

/** What tuning changed on one set of texts; shares of tokens. */
export interface TextShift {
  readonly unshifted: number;
  readonly marginal: number;
  readonly shifted: number;
  /** Mean KL(tuned‖base), nats a token. */
  readonly kl: number;
  /** Tokens with a total variation above 0.1. */
  readonly moved: number;
  /** Share of the KL at the base's top 20 % of entropy. */
  readonly forks: number;
}

export interface Outcome {
  readonly base: Base;
  readonly method: Method;
  readonly seed: number;
  /** Greedy accuracy of the tuned and of the base on the splits. */
  readonly id: number;
  readonly oodOp: number;
  readonly baseId: number;
  readonly baseOodOp: number;
  /** Mean length of the greedy completions, in tokens. */
  readonly length: number;
  /** On the tuned policy's own greedy completions, and on the base's. */
  readonly own: TextShift;
  readonly common: TextShift;
  /** a is the base, b the tuned; JS > 0.1, and positions at random. */
  readonly cross: readonly BudgetPoint[];
  readonly control: readonly BudgetPoint[];
  /** Monte-Carlo KL of the expert and of the base from the tuned policy, nats a token. */
  readonly fromExpert: number;
  readonly fromBase: number;
  readonly seconds: number;
}

interface Run {
  readonly base: Base;
  readonly method: Method;
  readonly seed: number;
  readonly task: ArithmeticTask;
  readonly size?: Size;
}

/** Tunes, reads and swaps. */
export async function runExperiment({ base, method, seed, task, size = fullSize }: Run): Promise<Outcome> {
  const begin = performance.now();
  const file = join(root, "notebooks/checkpoints", `${base}.safetensors`);
  const [before, tuned] = [await loadPolicy(file), await loadPolicy(file)];
  const { steps, promptsPerStep, demonstrationsPerStep } = size;
  const [objective, learningRate] = [objectives[method], learningRates[base][method]];
  const shared = { steps, promptsPerStep, demonstrationsPerStep, groupSize: 8, maxTokens: 40 };
  for await (const _ of train(tuned, task, { objective, learningRate, ...shared, seed }));
  const read = { before, tuned, task, size, seed };
  const [scores, baseScores] = [await scoresOf(tuned, read), await scoresOf(before, read)];
  const cross = await swap({ measure: "js", above: 0.1 }, read);
  return {
    ...{ base, method, seed, ...scores, baseId: baseScores.id, baseOodOp: baseScores.oodOp },
    own: await shiftOn(tuned, read),
    common: await shiftOn(before, read),
    cross,
    control: await swap({ measure: "random", share: 0.3 }, read),
    ...(await distances(read)),
    seconds: (performance.now() - begin) / 1000,
  };
}

interface Read {
  readonly before: Policy;
  readonly tuned: Policy;
  readonly task: ArithmeticTask;
  readonly size: Size;
  readonly seed: number;
}

async function scoresOf(policy: Policy, { task, size }: Read) {
  const on = (split: "id" | "ood-op") =>
    evaluate(policy, task, { problems: task.splits[split].slice(0, size.problems), samples: 0, maxTokens: 48 });
  const [id, oodOp] = [await on("id"), await on("ood-op")];
  return { id: id.greedy, oodOp: oodOp.greedy, length: id.greedyLength };
}

/** The shift on the greedy completions of one of the two. */
async function shiftOn(writer: Policy, { before, tuned, task, size }: Read): Promise<TextShift> {
  const problems = task.splits.id.slice(0, size.problems);
  const { sequences } = await rollout(writer, task, { problems, groupSize: 1, maxTokens: 48, temperature: 0 });
  const source = writer === tuned ? "tuned greedy completions" : "base greedy completions";
  const table = await tokenShift([before, tuned], { on: sequences, source, names: ["base", "tuned"] });
  const { categories, meanKl } = table.summary().models[0]!;
  const [forks] = forkingShare(table, { resamples: 1 });
  return {
    unshifted: categories.unshifted.share,
    marginal: categories.marginal.share,
    shifted: categories.shifted.share,
    kl: meanKl,
    moved: table.models[0]!.tv.filter((tv) => tv > 0.1).length / table.tokens.length,
    forks: forks!.measured ?? 0,
  };
}

async function swap(when: SwapCriterion, { before, tuned, task, size, seed }: Read): Promise<BudgetPoint[]> {
  const answers: CrossAnswer[] = [];
  const problems = task.splits.id.slice(0, size.swapped);
  const options = { task, problems, when, budget: [1, 2, Infinity], samples: size.samples, maxTokens: 48, seed };
  for await (const answer of crossSample(before, tuned, options)) answers.push(answer);
  return budgetCurve(answers);
}

async function distances({ before, tuned, task, size, seed }: Read) {
  const problems = task.splits.id.slice(0, size.problems);
  const random = createRandom(seed);
  const { sequences } = await rollout(before, task, { problems, groupSize: 1, maxTokens: 48, random });
  const references = [
    { name: "expert", texts: task.texts.slice(0, size.problems), writer: "certain" },
    { name: "base", texts: sequences, writer: before },
  ] as const;
  const [expert, base] = await dynamicsMap([{ name: "tuned", policy: tuned }], { references, resamples: 1 });
  return { fromExpert: expert!.distance, fromBase: base!.distance };
}

/** Accuracy of one writer at one budget. */
export function accuracyAt(points: readonly BudgetPoint[], writer: "a" | "b", budget: number): number {
  return points.find((point) => point.writer === writer && point.budget === budget)!.accuracy;
}
