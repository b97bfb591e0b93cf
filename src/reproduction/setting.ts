/**
 * What a reproduction runs on: by default the lab policy and chain arithmetic, or, by two parameters, any checkpoint in
 * a Hugging Face folder and any device. The problems are the same; a checkpoint with a tokenizer gets them as text and
 * answers in a box.
 */

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type ArithmeticProblem, answerIn, decodeArithmetic } from "../data/arithmetic.ts";
import { type ArithmeticSplit, arithmeticTask } from "../data/arithmetic-task.ts";
import { textTask } from "../data/text-task.ts";
import type { CompileOptions } from "../graph/session.ts";
import { loadHuggingFace } from "../models/hugging-face/hugging-face.ts";
import { type HuggingFaceTokenizer, loadTokenizer } from "../models/hugging-face/tokenizer.ts";
import { loadPolicy } from "../models/transformer/checkpoint.ts";
import type { TransformerPolicy } from "../models/transformer/transformer-policy.ts";
import type { Problem, Task } from "../srft/task.ts";

/** The lab's base policies: the expert's style is in their support, foreign to them, or rare in them. */
export type LabBase = "in-support" | "foreign" | "rare";

export interface SettingOptions {
  /** A base of the lab or a folder with config.json, safetensors and tokenizer.json. Default "in-support". */
  readonly model?: string;
  /** Default "cpu". */
  readonly device?: NonNullable<CompileOptions["device"]>;
  /** Of the problems. Default 7. */
  readonly seed?: number;
  /** Problems of the training set of a folder's task. Default 500. */
  readonly problems?: number;
  /** How many problems of each split there are to evaluate on. Default: the environment's SRFT_PROBLEMS, else all. */
  readonly heldOut?: number;
}

/** A base policy and what it is trained and evaluated on. */
export interface Setting {
  readonly name: string;
  readonly task: Task<Problem>;
  readonly splits: Readonly<Record<ArithmeticSplit, readonly Problem[]>>;
  /** Longest completion, in tokens. */
  readonly maxTokens: number;
  /** Tells settings apart: the weights, the device and the seed. */
  readonly fingerprint: string;
  /** A fresh copy of the base. */
  readonly base: () => Promise<TransformerPolicy>;
  /** A policy of the same architecture from a file that `save` wrote. */
  readonly load: (file: string) => Promise<TransformerPolicy>;
}

const labBases: readonly string[] = ["in-support", "foreign", "rare"] satisfies readonly LabBase[];
const checkpoints = fileURLToPath(new URL("../../../notebooks/checkpoints/", import.meta.url));

/**
 * @throws {Error} If the folder or a file in it cannot be read, or the device cannot be used.
 * @throws {RangeError} If `heldOut` or SRFT_PROBLEMS is no integer >= 1.
 * @example
 * const { splits } = await reproductionSetting({ model: "in-support", heldOut: 20 });
 * splits.id.length; // 20
 */
export async function reproductionSetting(options: SettingOptions = {}): Promise<Setting> {
  const { model = "in-support", device = "cpu", seed = 7 } = options;
  const setting = await (labBases.includes(model)
    ? labSetting({ model, device, seed })
    : folderSetting({ ...options, model, device, seed }));
  const heldOut = options.heldOut ?? heldOutOf(process.env);
  return heldOut === undefined ? setting : withHeldOut(setting, heldOut);
}

const heldOutOf = ({ SRFT_PROBLEMS: given }: NodeJS.ProcessEnv) => (given === undefined ? undefined : Number(given));

function withHeldOut(setting: Setting, heldOut: number): Setting {
  if (!(Number.isInteger(heldOut) && heldOut >= 1)) {
    throw new RangeError(
      `reproductionSetting: expected an integer heldOut (SRFT_PROBLEMS) >= 1 but found ${heldOut}; leave it out for all`,
    );
  }
  const splits = Object.entries(setting.splits).map(([name, problems]) => [name, problems.slice(0, heldOut)]);
  return {
    ...setting,
    splits: Object.fromEntries(splits) as Setting["splits"],
    fingerprint: `${setting.fingerprint} ${heldOut} held out`,
  };
}

interface Chosen {
  readonly model: string;
  readonly device: NonNullable<CompileOptions["device"]>;
  readonly seed: number;
  readonly problems?: number;
}

async function labSetting({ model, device, seed }: Chosen): Promise<Setting> {
  const file = join(checkpoints, `${model}.safetensors`);
  const task = arithmeticTask({ seed });
  const policy = await loadPolicy(file, { device });
  return {
    name: `lab policy, ${model}`,
    task: task as unknown as Task<Problem>,
    splits: task.splits,
    maxTokens: 48,
    fingerprint: [await sha256(file), device, seed].join(" "),
    base: () => policy.clone(),
    load: (saved) => loadPolicy(saved, { like: policy }),
  };
}

async function folderSetting({ model, device, seed, problems = 500 }: Chosen): Promise<Setting> {
  const policy = await loadHuggingFace(model, { device });
  const tokenizer = await loadTokenizer(model, { policy });
  const { endToken } = policy.config;
  const drawn = arithmeticTask({ seed, problems, splitSize: 100 });
  const asTask = (split: readonly ArithmeticProblem[]) =>
    textTask(
      split.map((problem, i) => rowOf(problem, i, tokenizer)),
      { tokenizer, endToken },
    );
  const [task, ...splits] = await Promise.all([drawn.problems, ...Object.values(drawn.splits)].map(asTask));
  const names = Object.keys(drawn.splits) as ArithmeticSplit[];
  const weights = await sha256(join(model, "config.json"));
  return {
    name: basename(model),
    task: task as unknown as Task<Problem>,
    splits: Object.fromEntries(names.map((name, i) => [name, splits[i]!.problems])) as unknown as Setting["splits"],
    maxTokens: Math.min(512, policy.contextLength >> 1),
    fingerprint: [weights, parametersPrint(await policy.parameters()), device, seed].join(" "),
    base: () => policy.clone(),
    load: (saved) => loadPolicy(saved, { like: policy }),
  };
}

/** The problem in words, and the expert's steps with the answer in a box. */
function rowOf(problem: ArithmeticProblem, i: number, tokenizer: HuggingFaceTokenizer) {
  const question = decodeArithmetic(problem.prompt).replace(/<bos> | =$/g, "");
  const text = `Evaluate from left to right, modulo 10, and put the digit into \\boxed{}: ${question}`;
  const steps = decodeArithmetic(answerIn("E", problem)).replace(/> (\d) <eos>/, "\\boxed{$1}");
  const prompt = hasTemplate(tokenizer) ? [{ role: "user", content: text }] : `${text}\n`;
  return { prompt, completion: steps, answer: `${problem.answer}`, line: i + 1 };
}

function hasTemplate(tokenizer: HuggingFaceTokenizer): boolean {
  try {
    return tokenizer.chat([{ role: "user", content: "" }]) !== "";
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}

const sha256 = async (file: string) =>
  createHash("sha256")
    .update(await readFile(file))
    .digest("hex")
    .slice(0, 16);

function parametersPrint(parameters: Readonly<Record<string, Float32Array>>): string {
  const hash = createHash("sha256");
  for (const data of Object.values(parameters))
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return hash.digest("hex").slice(0, 16);
}
