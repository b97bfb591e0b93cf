/**
 * One training of a reproduction, from a plan that is plain data to records, evaluations and checkpoints on disk. A run
 * is kept under the hash of everything it depends on (plan, base, problems, code of the library, version of Node's
 * architecture), so a second notebook, or a second day, re-uses it, and a changed parameter re-runs only what it touches.
 * A run is written into a folder of its own that gets its name when it is complete.
 */

import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { TransformerPolicy } from "../models/transformer/transformer-policy.ts";
import { type Evaluation, evaluate } from "../srft/evaluation/evaluate.ts";
import { inStages, type StageRecord } from "../srft/pipelines/stages.ts";
import type { TrainOptions } from "../srft/train.ts";
import { type MethodName, objectiveNamed } from "./methods.ts";
import type { Setting } from "./setting.ts";

/** A stage of a run: an objective by name, its options, and how long. */
export interface StagePlan {
  readonly objective: MethodName;
  readonly options?: object;
  readonly steps: number;
  /** Options of `train` that are plain data; they win over the run's. */
  readonly train?: PlainTrainOptions;
}

export type PlainTrainOptions = Partial<
  Pick<
    TrainOptions,
    | "groupSize"
    | "promptsPerStep"
    | "demonstrationsPerStep"
    | "demonstrated"
    | "epochs"
    | "miniBatches"
    | "clipNorm"
    | "weightDecay"
    | "temperature"
    | "maxTokens"
    | "optimizer"
  > & { readonly learningRate: number }
>;

export interface RunPlan {
  /** What plots and tables call the method. */
  readonly name: string;
  readonly seed: number;
  readonly stages: readonly StagePlan[];
  readonly train?: PlainTrainOptions;
  /** A checkpoint after every so many steps, the base being step 0. Default: none but the last. */
  readonly checkpointEvery?: number;
  /** Greedy accuracy on the split "id" after every so many steps. Default: never. */
  readonly evaluateEvery?: number;
  /** What is evaluated at the end: 200 problems of each split, 8 samples of 50 of them. */
  readonly evaluation?: { readonly problems?: number; readonly sampledProblems?: number };
}

/** What is kept of a run. */
export interface Run {
  readonly plan: RunPlan;
  readonly records: readonly StageRecord[];
  readonly evaluations: Readonly<Record<string, Evaluation>>;
  /** Wall time of the training, in seconds, when it was run. */
  readonly seconds: number;
  /** Whether it was found on disk. */
  readonly reused: boolean;
  readonly policy: () => Promise<TransformerPolicy>;
  /** Ascending; the last is the end of the run. */
  readonly checkpoints: readonly { readonly step: number; readonly policy: () => Promise<TransformerPolicy> }[];
}

/** Where runs are kept if nothing is said. */
const usualFolder = () => process.env.SRFT_RUNS ?? join("out", "runs");

/**
 * The run of a plan: from disk where it was made before, else trained now.
 *
 * @param folder Default: the environment's SRFT_RUNS, else "out/runs" in the folder one works in.
 * @throws {RangeError} If the plan has no stage, or as `train`.
 * @example
 * const setting = await reproductionSetting();
 * const train = { promptsPerStep: 2, groupSize: 2 };
 * const plan = { name: "GRPO", seed: 1, stages: [{ objective: "grpo", steps: 2 }], train, evaluation: { problems: 10, sampledProblems: 2 } };
 * (await runOf(setting, plan)).records.length; // 2
 */
export async function runOf(setting: Setting, plan: RunPlan, folder: string = usualFolder()): Promise<Run> {
  const key = await runKey(setting, plan);
  const path = join(folder, key);
  const kept = await readRun(path);
  if (kept) return present({ setting, path, content: kept, reused: true });
  const temporary = `${path}.${process.pid}.tmp`;
  await mkdir(temporary, { recursive: true });
  try {
    const content = await trainRun(setting, plan, temporary);
    await writeFile(join(temporary, "run.json"), JSON.stringify(content));
    await rename(temporary, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    });
    return present({ setting, path, content, reused: false });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

interface Content {
  readonly plan: RunPlan;
  readonly records: readonly StageRecord[];
  readonly evaluations: Readonly<Record<string, Evaluation>>;
  readonly seconds: number;
  readonly steps: readonly number[];
}

/**
 * The hash of everything that the numbers of a run depend on; a run's name is not among it.
 *
 * @example
 * const plan = { name: "SFT", seed: 1, stages: [{ objective: "sft", steps: 2 }] };
 * (await runKey(await reproductionSetting(), plan)).length; // 20
 */
export async function runKey(setting: Setting, { name: _, ...plan }: RunPlan): Promise<string> {
  const parts = [setting.fingerprint, await codeFingerprint(), process.arch, JSON.stringify(plan)];
  return createHash("sha256").update(parts.join("\n")).digest("hex").slice(0, 20);
}

async function trainRun(setting: Setting, plan: RunPlan, folder: string): Promise<Content> {
  if (plan.stages.length === 0) throw new RangeError("runOf: expected at least one stage but found none");
  const policy = await setting.base();
  const begin = performance.now();
  const [records, steps]: [StageRecord[], number[]] = [[], []];
  const keep = async (step: number) => {
    steps.push(step);
    await policy.save(join(folder, `step-${step}.safetensors`));
  };
  if (plan.checkpointEvery) await keep(0);
  for await (const record of inStages(policy, setting.task, await trainOptions(setting, plan, policy))) {
    records.push(record);
    if (plan.checkpointEvery && record.step % plan.checkpointEvery === 0) await keep(record.step);
  }
  const seconds = (performance.now() - begin) / 1000;
  const last = records.at(-1)!.step;
  if (steps.at(-1) !== last) await keep(last);
  return { plan, records, evaluations: await evaluations(setting, plan, policy), seconds, steps };
}

async function trainOptions(setting: Setting, plan: RunPlan, policy: TransformerPolicy) {
  const stages = plan.stages.map(({ objective, options, steps, train = {} }) => ({
    objective: objectiveNamed(objective, options),
    steps,
    ...train,
  }));
  const needsReference = stages.some(({ objective }) => objective.reference);
  const problems = setting.splits.id.slice(0, 100);
  return {
    maxTokens: setting.maxTokens,
    ...plan.train,
    ...(needsReference && { reference: await policy.clone() }),
    ...(plan.evaluateEvery && { evaluation: { every: plan.evaluateEvery, problems, samples: 0 } }),
    seed: plan.seed,
    stages,
  };
}

async function evaluations(setting: Setting, { seed, evaluation = {} }: RunPlan, policy: TransformerPolicy) {
  const { problems = 200, sampledProblems = 50 } = evaluation;
  const results: Record<string, Evaluation> = {};
  for (const [split, all] of Object.entries(setting.splits)) {
    const options = { problems: all.slice(0, problems), sampledProblems, batchSize: 800, seed };
    results[split] = await evaluate(policy, setting.task, { ...options, maxTokens: setting.maxTokens + 16 });
  }
  return results;
}

async function readRun(path: string): Promise<Content | undefined> {
  try {
    return JSON.parse(await readFile(join(path, "run.json"), "utf8")) as Content;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function present({
  setting,
  path,
  content,
  reused,
}: {
  setting: Setting;
  path: string;
  content: Content;
  reused: boolean;
}): Run {
  const { steps, ...kept } = content;
  const policyAt = (step: number) => () => setting.load(join(path, `step-${step}.safetensors`));
  const checkpoints = steps.map((step) => ({ step, policy: policyAt(step) }));
  return { ...kept, reused, checkpoints, policy: policyAt(steps.at(-1)!) };
}

let code: Promise<string> | undefined;

/**
 * The hash of the library's code that trains and evaluates.
 *
 * @example
 * (await codeFingerprint()).length; // 64
 */
export function codeFingerprint(): Promise<string> {
  code ??= hashFolders(["srft", "graph", "models", "data"]);
  return code;
}

async function hashFolders(names: readonly string[]): Promise<string> {
  const root = fileURLToPath(new URL("../", import.meta.url));
  const hash = createHash("sha256");
  for (const name of names) {
    const files = await readdir(join(root, name), { recursive: true, withFileTypes: true });
    const paths = files
      .filter((file) => file.isFile() && file.name.endsWith(".js"))
      .map((file) => join(file.parentPath, file.name));
    for (const path of paths.sort()) hash.update(relative(root, path)).update(await readFile(path));
  }
  return hash.digest("hex");
}
