/** What the examples speak of: small real policies, a task, a batch, a token table, and files in a temporary folder. */

import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { pathToFileURL } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { parseSync } from "oxc-parser";
import { Publisher } from "zeromq";
import { barrier } from "../../kernel/link.ts";
import { readNotebook } from "../../kernel/notebook/notebook.ts";
import { createWidgets } from "../../kernel/widgets/widgets.ts";
import * as srft from "../../src/index.ts";
import type { Sequence } from "../../src/srft/policy.ts";
import { gather } from "../../src/srft/training/experience.ts";
import { planOf } from "../../src/srft/training/plan.ts";
import { update } from "../../src/srft/training/update.ts";
import type { Scope } from "./expect.ts";
import { root, sourceFiles } from "./extract.ts";

const built = join(import.meta.dirname, "../..");

/** The exports of a source file, from its build. */
async function exportsOf(file: string): Promise<Scope> {
  return import(pathToFileURL(join(built, file.replace(/\.ts$/, ".js"))).href);
}

/** Writes the files that the examples name into the working folder. */
export function writeFiles(): void {
  for (const folder of ["notebooks", "out", "models/tuned", "rollouts"]) mkdirSync(folder, { recursive: true });
  cpSync(join(root, "test/golden/hugging-face/qwen2"), "models/tiny-qwen2", { recursive: true });
  cpSync(join(root, "test/golden/transformers-js"), "models/tiny-qwen2-onnx", { recursive: true });
  cpSync(join(root, "test/golden/servers/by-hand/vllm.jsonl"), "vllm.jsonl");
  cpSync(join(root, "notebooks/checkpoints"), "notebooks/checkpoints", { recursive: true });
  const cell = (seconds?: number) => ({
    cell_type: "code",
    source: "1 + 1",
    outputs: [],
    execution_count: null,
    metadata: seconds === undefined ? {} : { execution: timesOf(seconds) },
  });
  const kernelspec = { name: "srft", display_name: "TypeScript (srft)", language: "typescript" };
  const file = (cells: object[]) => JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: { kernelspec }, cells });
  writeFileSync("notebooks/01.ipynb", file([cell()]));
  writeFileSync("notebooks/01-srft-in-five-minutes.ipynb", file([cell()]));
  writeFileSync("out/01.ipynb", file([cell(0.2), cell(31.5), cell()]));
  writeFileSync("rollouts/12.jsonl", `${JSON.stringify({ input: "2 + 2 =", output: " 4", score: 1, step: 12 })}\n`);
  writeFileSync("demonstrations.jsonl", `${JSON.stringify({ prompt: "2 + 2 =", completion: "4" })}\n`);
}

const timesOf = (seconds: number) => ({
  "iopub.execute_input": new Date(0).toISOString(),
  "shell.execute_reply": new Date(1000 * seconds).toISOString(),
});

type Run<Options, Item> = (policy: srft.Policy, task: srft.Task, options: Options) => AsyncGenerator<Item>;

const small = { promptsPerStep: 2, demonstrationsPerStep: 2, groupSize: 4, maxTokens: 24 };

/** The first three steps, small ones, after the arguments as given were checked. */
function bounded<Options extends object, Item>(run: Run<Options, Item>): Run<Options, Item> {
  return async function* (policy, task, options) {
    run(policy, task, options);
    let steps = 0;
    for await (const item of run(policy, task, { ...options, ...small })) {
      yield item;
      if (++steps === 3) return;
    }
  };
}

/** What trains, by name; long runs in the examples become short ones. */
const trainers = ["train", "relift", "inStages"];

const task = srft.arithmeticTask({ seed: 7, problems: 64, splitSize: 12 });

const threeSteps = (policy: srft.Policy, objective: srft.Objective) =>
  srft.train(policy, task, { objective, steps: 3, ...small });

async function policies() {
  const base = await srft.loadPolicy(join(root, "notebooks/checkpoints/in-support.safetensors"));
  const [policy, sft, grpo] = [await base.clone(), await base.clone(), await base.clone()];
  for await (const _ of threeSteps(sft, srft.sft()));
  for await (const _ of threeSteps(grpo, srft.grpo()));
  const records: srft.StepRecord[] = [];
  for await (const record of threeSteps(await base.clone(), srft.srft())) records.push(record);
  return { base, policy, sft, grpo, records };
}

/** Three groups of eight rollouts, each followed by its demonstration; the policy is still the one that sampled. */
async function batchOf(policy: srft.Policy, reference: srft.Policy) {
  const problems = task.problems.slice(0, 3);
  const rollouts = await srft.rollout(policy, task, { problems, maxTokens: 24, random: srft.createRandom(7) });
  const sequences: Sequence[] = [];
  const rewards: number[] = [];
  for (const [group, problem] of problems.entries()) {
    sequences.push(...rollouts.sequences.slice(8 * group, 8 * group + 8), srft.demonstrationOf(task, problem));
    rewards.push(...rollouts.rewards.slice(8 * group, 8 * group + 8), 1);
  }
  const scores = await policy.score(sequences);
  const { logprobs } = await reference.score(sequences);
  const batch = {
    ...scores,
    sources: sequences.map((_, row) => (row % 9 === 8 ? "demonstration" : "rollout") as srft.Source),
    groups: Int32Array.from(sequences, (_, row) => Math.floor(row / 9)),
    rewards: Float64Array.from(rewards),
    oldLogprobs: scores.logprobs.slice(),
    referenceLogprobs: logprobs,
  } satisfies srft.Batch;
  return { batch, oldLogprobs: logprobs };
}

async function sharedContext({ base, policy, sft, grpo, records }: Awaited<ReturnType<typeof policies>>) {
  const { batch, oldLogprobs } = await batchOf(policy, sft);
  const rows = srft.rowsOf(batch, { source: "rollout" });
  const texts = task.texts;
  const on = { on: texts, source: "demonstrations", decode: (id: number) => task.decode([id]) };
  const table = await srft.tokenShift([base, sft, grpo], { ...on, names: ["base", "sft", "grpo"] });
  const shared = {
    readFile,
    policy,
    base,
    task,
    batch,
    oldLogprobs,
    rows,
    records,
    table,
    texts,
    columns: table,
  };
  return { ...shared, random: srft.createRandom(7), a: texts[0], b: texts[1], logprobs: Float32Array.of(-1, -2, -3) };
}

type Shared = Awaited<ReturnType<typeof sharedContext>>;

/** One step of training, taken apart. */
async function trainingContext(policy: srft.Policy) {
  const objective = srft.srft();
  const planned = planOf(policy, task, { objective, steps: 1, ...small });
  const plan = { ...planned, optimizer: { ...planned.optimizer, learningRate: 1e-4 } };
  const experience = await gather({ policy, task, plan, objective, step: 1 });
  const updates = await update({ policy: await policy.clone(), objective, plan }, experience);
  const options = { problems: task.problems.slice(0, 2), groupSize: 4, maxTokens: 24, random: srft.createRandom(7) };
  return { objective, plan, experience, updates, options };
}

/** The module that a user of srft/tfjs passes, on its plainest backend. */
async function tensorflowContext() {
  tf.env().set("PROD", true); // no greeting
  await tf.setBackend("cpu");
  return { tf };
}

/** A text of a dump with the log-probs of its two tokens. */
function dumpRow() {
  const scores = { ranks: new Int32Array(2), topK: 0, topIds: new Int32Array(0), topLogprobs: new Float32Array(0) };
  const tokens = { prompt: Int32Array.of(1, 5), completion: Int32Array.of(9, 2), mask: Uint8Array.of(1, 1) };
  const logprobs = Float32Array.of(-0.5, -2.25);
  const place = { format: "vllm", file: "dump.jsonl", line: 1, fields: {} } as const;
  return { ...place, tokens: { ...tokens, scores: { ...scores, logprobs } } } satisfies srft.DumpRow;
}

/** Names that mean something of their own in one file or folder. */
async function ownContexts(
  { batch, rows, policy, table }: Shared,
  { sft, grpo, tiny }: { sft: srft.Policy; grpo: srft.Policy; tiny: srft.TransformerPolicy },
) {
  const { config } = tiny;
  const shade = { rgb: [213, 94, 0], opacity: 0.6 } as const;
  const token = { text: "8", shade, details: "ΔlogP 0.5", endsLine: false };
  const blocks = [{ heading: "sft", prompt: "9 - 1 =", tokens: [token] }];
  const content = { title: "What tuning changed", caption: "1 of 1 texts", measure: "deltaLogprob", limit: 3, blocks };
  const connection = { transport: "tcp", ip: "127.0.0.1", key: "secret", shell_port: 0, iopub_port: 0 };
  return {
    "src/analysis/token-shift.ts": { sft, grpo },
    "src/models/hugging-face/": { policy: tiny, config, V: config.vocabularySize, width: config.width },
    "src/models/softmax-table.ts": {
      policy: new srft.SoftmaxTable({ vocabularySize: 3, contextLength: 8, endToken: 2 }),
    },
    "src/plots/heat-map": { content, payload: srft.tokenHeatMap(table, { sequences: [0], models: ["sft"] }).payload },
    "src/sources/dump-reader.ts": { row: dumpRow() },
    "src/srft/losses/policy-gradient.ts": { advantages: srft.groupRelative()(batch, rows) },
    "src/srft/losses/terms.ts": {
      options: { name: "sft", rows, reduction: "token-mean" },
      loss: (t: number) => ({ value: -batch.logprobs[t]!, slope: -1 }),
      metrics: { meanEntropy: 0.5, weights: { sft: 1, rl: 0 } },
    },
    "src/srft/training/": await trainingContext(policy),
    "src/tfjs/": await tensorflowContext(),
    "kernel/cell/cell-rewrite.ts": { parse: (text: string) => parseSync("cell.ts", text).program },
    "kernel/protocol/channels.ts": {
      connection: { ...connection, stdin_port: 0, control_port: 0, hb_port: 0 },
      received: () => {},
      socket: new Publisher(),
      messages: [[Buffer.from("status")]],
    },
    "README.md": { widgets: createWidgets(() => {}) },
    "kernel/": { notebook: readNotebook("out/01.ipynb") },
    "kernel/display/display-globals.ts": {
      port: { cell: () => 1, send: () => {}, hold: () => {}, follower: { show: () => {}, forget: () => {} } },
    },
    "kernel/executor/": { outputs: [], pipe: new PassThrough(), texts: [], barrier },
  } satisfies Record<string, Scope>;
}

/** Files whose exports the examples of a file or folder see beside their own and the library's. */
const neighbours: Readonly<Record<string, readonly string[]>> = {
  "kernel/": ["kernel/notebook/notebook.ts"],
  "kernel/display/": ["kernel/display/drawings.ts"],
  "src/": sourceFiles("src/graph"),
  "src/analysis/cross-sampling/": ["src/analysis/cross-sampling/swap-plan.ts"],
  "src/data/math/": sourceFiles("src/data").filter((file) => file.startsWith("src/data/math/")),
  "src/token-stats/": ["src/token-stats/token-statistics.ts"],
};

/** Makes the scopes: the neighbours, the library, what is here, and the file's own exports, the later ones first. */
export async function makeScopes(): Promise<(file: string) => Promise<Scope>> {
  const trained = await policies();
  const shared = await sharedContext(trained);
  const tiny = await srft.loadHuggingFace("models/tiny-qwen2");
  const own = await ownContexts(shared, { ...trained, tiny });
  return async (file) => {
    const at = <T>(places: Readonly<Record<string, T>>) =>
      Object.entries(places).flatMap(([place, entry]) => (file.startsWith(place) ? [entry] : []));
    const beside = await Promise.all(at(neighbours).flat().map(exportsOf));
    const library = file.startsWith("kernel/") ? [] : [srft, shared, { batch: structuredClone(shared.batch) }];
    const exported = file.endsWith(".ts") ? await exportsOf(file) : {};
    const scope: Record<string, unknown> = Object.assign({}, ...beside, ...library, exported, ...at<Scope>(own));
    for (const name of trainers) if (name in scope) scope[name] = bounded(scope[name] as typeof srft.train);
    return scope;
  };
}
