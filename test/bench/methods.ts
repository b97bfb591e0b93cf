/**
 * Every method from the same base, on the same data, for the same number of steps:
 *
 *     npm run bench -- methods [--steps 100] [--seeds 3] [--seconds 900] [--write]
 *
 * Base: the in-support checkpoint. A step is 8 prompts × 8 rollouts and, where the method has demonstrations, 8 or 16
 * of these; AdamW, learning rate 2e-4, norm clip 1, none of it tuned to a method. Evaluated at the end: 150 problems
 * of the split "id" (mean@1 and pass@8 from 8 samples of 60 of them) and 150 of "ood-op", greedy. Seeds are gone
 * through one after another, so that a run that ends at --seconds has whole seeds and says how many.
 * --write appends the table to test/bench/RESULTS.md.
 */

import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { type ArithmeticTask, arithmeticTask } from "../../src/data/arithmetic-task.ts";
import {
  adaptiveEntropy,
  chord,
  cispo,
  cosinePrefix,
  cosineSchedule,
  dapo,
  dft,
  drGrpo,
  evaluate,
  grpo,
  gspo,
  hintShare,
  hpt,
  inStages,
  iwSft,
  loadPolicy,
  logSigmas,
  luffy,
  type Policy,
  prefixRft,
  psft,
  reinforcePlusPlus,
  relift,
  rloo,
  rlPlus,
  type StepRecord,
  sft,
  sftKl,
  srft,
  srftPresets,
  stepsToReward,
  superRl,
  superRlMixture,
  type TrainOptions,
  train,
  uft,
  wReinforce,
} from "../../src/index.ts";
import type { BenchRow } from "./row.ts";

const root = join(import.meta.dirname, "../../..");
const checkpoint = join(root, "notebooks/checkpoints/in-support.safetensors");
const maxTokens = 48;
const shared = { groupSize: 8, promptsPerStep: 8, maxTokens };

interface Inputs {
  readonly policy: Policy;
  readonly task: ArithmeticTask;
  readonly steps: number;
  readonly seed: number;
}

type Run = (inputs: Inputs) => Promise<AsyncIterable<StepRecord>>;
type Options = Partial<TrainOptions>;

/** A method that is one objective. */
const one =
  (objective: TrainOptions["objective"], more: Options | ((inputs: Inputs) => Options) = {}): Run =>
  async (inputs) => {
    const { policy, task, steps, seed } = inputs;
    const own = typeof more === "function" ? more(inputs) : more;
    const needs = typeof objective !== "function" && objective.reference ? { reference: await policy.clone() } : {};
    return train(policy, task, { objective, steps, seed, ...shared, ...needs, ...own });
  };

const halves =
  (first: TrainOptions["objective"], second: TrainOptions["objective"]): Run =>
  async ({ policy, task, steps, seed }) => {
    const half = Math.floor(steps / 2);
    const stages = [
      { objective: first, steps: half },
      { objective: second, steps: steps - half },
    ];
    return inStages(policy, task, { stages, seed, ...shared });
  };

const own = { demonstrated: "prompted" } as const;
const methods: Readonly<Record<string, Run>> = {
  SFT: one(sft()),
  "SFT + KL": one(sftKl()),
  DFT: one(dft()),
  "iw-SFT": one(iwSft()),
  "PSFT, 2 epochs": one(psft(), { epochs: 2 }),
  GRPO: one(grpo()),
  "GRPO, 2 epochs": one(grpo(), { epochs: 2 }),
  "GRPO + k3 KL": one(grpo({ kl: { coefficient: 0.04 } })),
  "GRPO + entropy": one(grpo({ entropyBonus: 0.01 })),
  "GRPO + adaptive entropy": async (inputs) => {
    const bonus = adaptiveEntropy({ target: 0.2, delta: 0.001 });
    return one((_, last) => grpo({ entropyBonus: bonus(last?.entropy) }))(inputs);
  },
  "GRPO, 80/20": one(grpo({ entropyShare: 0.2 })),
  "Dr. GRPO": one(drGrpo({ maxTokens })),
  DAPO: one(dapo({ overlong: { maxTokens, buffer: 12 } }), { dynamicSampling: { rounds: 2 } }),
  GSPO: one(gspo()),
  RLOO: one(rloo()),
  "REINFORCE++": one(reinforcePlusPlus()),
  CISPO: one(cispo()),
  "W-REINFORCE": one(wReinforce()),
  "SRFT, paper": one(srft({ ...srftPresets.paper })),
  "SRFT, released": one(srft({ ...srftPresets.released })),
  "SRFT, independent": one(srft({ ...srftPresets.independent, reduction: { constant: maxTokens } })),
  LUFFY: one(luffy(), { ...own, groupSize: 7 }),
  ReLIFT: async ({ policy, task, steps, seed }) => relift(policy, task, { steps, seed, ...shared, bufferSize: 16 }),
  "Prefix-RFT": one(prefixRft(), ({ steps }) => ({ prefixShare: cosinePrefix({ steps }) })),
  "RL-PLUS": one(rlPlus(), { ...own, groupSize: 7 }),
  "CHORD-mu": async (inputs) => {
    const mu = cosineSchedule({ from: 0.9, to: 0.05, steps: inputs.steps });
    return one((step) => chord({ mu: mu(step), weight: "one" }), { demonstrated: "further" })(inputs);
  },
  "CHORD-phi": one(chord(), { demonstrated: "further" }),
  HPT: one(hpt(), { ...own, skipNorm: 80 }),
  SuperRL: one(superRl(), own),
  "SuperRL, mixture": async (inputs) => {
    const sigmas = logSigmas();
    return one((_, last) => superRlMixture({ logSigmas: sigmas(last) }), { demonstrated: "further" })(inputs);
  },
  UFT: one(uft(), ({ steps }) => ({ prefixShare: hintShare({ hintSteps: Math.ceil(0.6 * steps) }) })),
  "SFT → GRPO": halves(sft(), grpo()),
  "GRPO → SFT": halves(grpo(), sft()),
};

interface Outcome {
  readonly reward: number;
  readonly entropy: number;
  readonly oodOp: number;
  readonly pass8: number;
  readonly stepsTo: number | undefined;
  readonly finite: boolean;
  readonly seconds: number;
}

async function measure(run: Run, inputs: Omit<Inputs, "policy">): Promise<Outcome> {
  const policy = await loadPolicy(checkpoint);
  const records: StepRecord[] = [];
  const begin = performance.now();
  for await (const record of await run({ ...inputs, policy })) records.push(record);
  const seconds = (performance.now() - begin) / 1000;
  const { splits } = inputs.task;
  const options = { seed: 100 + inputs.seed, maxTokens: 64 };
  const id = await evaluate(policy, inputs.task, {
    ...options,
    problems: splits.id.slice(0, 150),
    sampledProblems: 60,
  });
  const ood = await evaluate(policy, inputs.task, { ...options, problems: splits["ood-op"].slice(0, 150), samples: 0 });
  return {
    ...{ reward: id.sampled!.meanAt1, entropy: id.sampled!.entropy, pass8: id.sampled!.passAtK },
    oodOp: ood.greedy,
    stepsTo: stepsToReward(records),
    finite: records.every(({ loss, gradNorm }) => Number.isFinite(loss) && Number.isFinite(gradNorm)),
    seconds,
  };
}

const option = (flags: readonly string[], name: string, fallback: number) =>
  flags.includes(name) ? Number(flags[flags.indexOf(name) + 1]) : fallback;

/** Trains by every method; a row is ok when no loss and no gradient norm was NaN or infinite. */
export async function methodRows(flags: readonly string[]): Promise<BenchRow[]> {
  const steps = option(flags, "--steps", 100);
  const [seeds, seconds] = [option(flags, "--seeds", 3), option(flags, "--seconds", 900)];
  const task = arithmeticTask({ seed: 7 });
  const outcomes = new Map<string, Outcome[]>(["base", ...Object.keys(methods)].map((name) => [name, []]));
  const none: Run = async () => (async function* () {})();
  const begin = performance.now();
  let [done, table] = [0, ""];
  while (done < seeds) {
    for (const [name, all] of outcomes) {
      all.push(await measure(methods[name] ?? none, { task, steps, seed: done + 1 }));
      const { reward, seconds } = all.at(-1)!;
      console.error(`seed ${done + 1}  ${name}  reward ${reward.toFixed(3)}  ${seconds.toFixed(0)} s`);
    }
    done++;
    const elapsed = (performance.now() - begin) / 1000;
    table = markdown(outcomes, { steps, seeds: done, minutes: elapsed / 60 });
    console.error(table);
    if (elapsed * (1 + 1 / done) > seconds) break;
  }
  if (flags.includes("--write")) await appendFile(join(root, "test/bench/RESULTS.md"), table);
  return [...outcomes].map(([name, all]) => rowOf(name, all));
}

function rowOf(name: string, all: readonly Outcome[]): BenchRow {
  const cells = cellsOf(all);
  const note = `entropy ${cells[1]}, OOD-op ${cells[2]}, pass@8 ${cells[3]}, steps to 0.9 ${cells[4]}`;
  const ok = all.every(({ finite }) => finite);
  const ours = Number(mean(all.map(({ reward }) => reward)).toFixed(3));
  return { name, ours, peer: null, unit: "reward, mean@1", ratio: null, target: 0, ok, note };
}

function markdown(
  outcomes: ReadonlyMap<string, readonly Outcome[]>,
  run: { steps: number; seeds: number; minutes: number },
) {
  const lines = [...outcomes].map(([name, all]) => `| ${name} | ${cellsOf(all).join(" | ")} |`);
  return [
    "",
    `## Methods: ${run.steps} steps from the in-support base, ${run.seeds} seed${run.seeds === 1 ? "" : "s"}`,
    "",
    `\`npm run bench -- methods --steps ${run.steps} --seeds ${run.seeds} --write\`, ${run.minutes.toFixed(1)} minutes; mean ± sd (n − 1) over seeds.`,
    "",
    "| method | reward (mean@1) | entropy (nats) | OOD-op (greedy) | pass@8 | steps to 0.9 | s a run |",
    "| --- | --- | --- | --- | --- | --- | --- |",
    ...lines,
    "",
  ].join("\n");
}

function cellsOf(all: readonly Outcome[]): string[] {
  const cell = (pick: (outcome: Outcome) => number, digits: number) => {
    const values = all.map(pick);
    const centre = mean(values);
    if (values.length < 2) return centre.toFixed(digits);
    const deviation = Math.sqrt(values.reduce((sum, one) => sum + (one - centre) ** 2, 0) / (values.length - 1));
    return `${centre.toFixed(digits)} ± ${deviation.toFixed(digits)}`;
  };
  const reached = all.flatMap(({ stepsTo }) => (stepsTo === undefined ? [] : [stepsTo]));
  return [
    cell(({ reward }) => reward, 3),
    cell(({ entropy }) => entropy, 3),
    cell(({ oodOp }) => oodOp, 3),
    cell(({ pass8 }) => pass8, 3),
    reached.length === 0 ? "–" : `${mean(reached).toFixed(0)} (${reached.length} of ${all.length})`,
    cell(({ seconds }) => seconds, 0),
  ];
}

const mean = (values: readonly number[]) => values.reduce((sum, one) => sum + one, 0) / values.length;
