/**
 * A model folder of transformers.js as a reader: full-vocabulary logits, and completions by our own sampler, since the
 * library's `generate` returns no scores. Nothing is fetched; the folder must hold config.json, tokenizer.json,
 * tokenizer_config.json and onnx/model*.onnx.
 *
 * Logits are those of the model: raw, temperature 1. Texts are read one by one, in pieces of at most 64 MiB of logits.
 */

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type HuggingFaceTokenizer, loadTokenizer } from "../../models/hugging-face/tokenizer.ts";
import type { Rollouts, SampleOptions, Scores, Sequence } from "../../srft/policy.ts";
import type { Provenance, Reader } from "../../srft/reader.ts";
import { tokenStatistics } from "../../token-stats/token-statistics.ts";
import { checkNucleusSampling } from "../check-sampling.ts";
import { hashFiles } from "../hash-files.ts";
import { type DrawnToken, sampleToken } from "../sample-token.ts";
import { startRun } from "./forward.ts";
import { loadRuntime, type Runtime, type RuntimeOptions } from "./runtime.ts";

export interface TransformersJsOptions extends RuntimeOptions {
  /** Longest prompt + completion. Default: max_position_embeddings of config.json. */
  readonly contextLength?: number;
  /** Token ids that end a completion. Default: eos_token_id of config.json. */
  readonly endTokens?: readonly number[];
}

export interface TransformersJsSampleOptions extends SampleOptions {
  /** Default 1. */
  readonly topP?: number;
}

export interface TransformersJsReader extends Reader {
  readonly provenance: Provenance;
  readonly tokenizer: HuggingFaceTokenizer;
  /** Log-probs and entropies of every completion token. */
  score(sequences: readonly Sequence[]): Promise<Scores>;
  logits(sequences: readonly Sequence[]): Promise<Float32Array>;
  logitBlocks(sequences: readonly Sequence[], options: { readonly rows: number }): AsyncGenerator<Float32Array>;
  sample(prompts: readonly ArrayLike<number>[], options: TransformersJsSampleOptions): Promise<Rollouts>;
  /** Frees the model. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Loads a folder, offline.
 *
 * @throws {Error} If @huggingface/transformers is not installed (the message has the command), or cannot load the folder.
 * @throws {RangeError} If the tokenizer has more tokens than the model, or the context length is not known.
 * @example
 * const reader = await loadTransformersJs("models/tiny-qwen2-onnx");
 * const { logprobs } = await reader.score([{ prompt: [1], completion: [50, 43, 50] }]);
 * logprobs; // Float32Array [-6.858…, -6.712…, -7.926…]
 * await reader.close();
 */
export async function loadTransformersJs(
  folder: string,
  options: TransformersJsOptions = {},
): Promise<TransformersJsReader> {
  const runtime = await loadRuntime(folder, options);
  try {
    const vocabularySize = sizeIn(runtime, "vocab_size", undefined);
    const contextLength = sizeIn(runtime, "max_position_embeddings", options.contextLength);
    const tokenizer = await loadTokenizer(folder, { policy: { vocabularySize } });
    const provenance = await provenanceOf(folder, { runtime, tokenizer, dtype: options.dtype ?? "fp32" });
    return readerOf(
      { runtime, vocabularySize, contextLength, endTokens: endTokensOf(runtime, options) },
      { tokenizer, provenance },
    );
  } catch (error) {
    await runtime.model.dispose();
    throw error;
  }
}

interface Model {
  readonly runtime: Runtime;
  readonly vocabularySize: number;
  readonly contextLength: number;
  readonly endTokens: ReadonlySet<number>;
}

function readerOf(
  model: Model,
  about: { readonly tokenizer: HuggingFaceTokenizer; readonly provenance: Provenance },
): TransformersJsReader {
  const { vocabularySize, contextLength } = model;
  const close = async () => {
    await model.runtime.model.dispose();
  };
  return {
    vocabularySize,
    contextLength,
    ...about,
    score: (sequences) => score(model, sequences),
    logits: (sequences) => logits(model, sequences),
    logitBlocks: (sequences, { rows }) => logitBlocks(model, sequences, rows),
    sample: (prompts, options) => sample(model, prompts, options),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function sizeIn({ model }: Runtime, name: string, given: number | undefined): number {
  const size = given ?? model.config[name];
  if (typeof size === "number" && Number.isInteger(size) && size >= 1) return size;
  const option = name === "vocab_size" ? "" : ": give contextLength";
  throw new RangeError(`loadTransformersJs: expected an integer ${name} >= 1 but found ${String(size)}${option}`);
}

function endTokensOf({ model }: Runtime, { endTokens }: TransformersJsOptions): Set<number> {
  const found = endTokens ?? model.config.eos_token_id ?? [];
  return new Set([found].flat().filter((id): id is number => typeof id === "number"));
}

const suffixes: Readonly<Record<string, string>> = { fp32: "", q8: "_quantized" };

async function provenanceOf(
  folder: string,
  { runtime, tokenizer, dtype }: { runtime: Runtime; tokenizer: HuggingFaceTokenizer; dtype: string },
): Promise<Provenance> {
  const name = `model${suffixes[dtype] ?? `_${dtype}`}.onnx`;
  const files = (await readdir(join(folder, "onnx"))).filter(
    (file) => file === name || file.startsWith(`${name}_data`),
  );
  return {
    engine: "transformers.js",
    version: runtime.version,
    mode: "raw",
    temperature: 1,
    topP: 1,
    dtype,
    tokenizerHash: tokenizer.fingerprint.tokenizer,
    templateHash: tokenizer.fingerprint.template,
    weightsHash: await hashFiles(files.sort().map((file) => join(folder, "onnx", file))),
    seed: null,
  };
}

async function score(model: Model, sequences: readonly Sequence[]): Promise<Scores> {
  checkTexts(model, sequences);
  const labels = Int32Array.from(sequences.flatMap(({ completion }) => Array.from(completion)));
  const offsets = new Int32Array(sequences.length + 1);
  for (const [row, { completion }] of sequences.entries()) offsets[row + 1] = offsets[row]! + completion.length;
  const { vocabularySize } = model;
  const found = await tokenStatistics(logitBlocks(model, sequences, 64), labels, { vocabularySize, threads: 1 });
  return { logprobs: Float32Array.from(found.logprobs), entropies: Float32Array.from(found.entropies), offsets };
}

async function logits(model: Model, sequences: readonly Sequence[]): Promise<Float32Array> {
  const rows = sequences.reduce((sum, { completion }) => sum + completion.length, 0);
  const all = new Float32Array(rows * model.vocabularySize);
  let at = 0;
  for await (const block of logitBlocks(model, sequences, rows)) {
    all.set(block, at);
    at += block.length;
  }
  return all;
}

async function* logitBlocks(model: Model, sequences: readonly Sequence[], rows: number): AsyncGenerator<Float32Array> {
  const { vocabularySize: V } = model;
  checkTexts(model, sequences);
  for (const { prompt, completion } of sequences) {
    // the last token is fed to nothing: its logits are of a token that is not there
    const ids = [...Array.from(prompt), ...Array.from(completion)].slice(0, -1);
    for await (const { start, positions, logits: found } of startRun(model.runtime, V).feed([ids])) {
      const first = Math.max(0, prompt.length - 1 - start);
      for (let at = first; at < positions; at += rows) {
        yield found.subarray(at * V, Math.min(at + rows, positions) * V);
      }
    }
  }
}

function checkTexts(model: Model, sequences: readonly Sequence[]) {
  for (const [i, sequence] of sequences.entries()) checkText(sequence, model, `logits: text ${i}`);
}

function checkText({ prompt, completion }: Sequence, model: Model, where: string) {
  if (completion.length === 0) throw new RangeError(`${where}: expected a completion but found no token`);
  checkIds([...Array.from(prompt), ...Array.from(completion)], { ...model, where });
  if (prompt.length > 0) return;
  throw new RangeError(`${where}: expected a prompt but found no token: begin with the model's first special token`);
}

function checkIds(ids: readonly number[], { where, vocabularySize, contextLength }: Model & { where: string }) {
  const bad = ids.find((id) => !(Number.isInteger(id) && id >= 0 && id < vocabularySize));
  if (bad !== undefined) throw new RangeError(`${where}: expected ids in [0, ${vocabularySize}) but found ${bad}`);
  if (ids.length <= contextLength) return;
  throw new RangeError(`${where}: expected at most ${contextLength} tokens but found ${ids.length}`);
}

type Drawing = Required<Omit<TransformersJsSampleOptions, "random">> & Pick<SampleOptions, "random">;

async function sample(
  model: Model,
  prompts: readonly ArrayLike<number>[],
  options: TransformersJsSampleOptions,
): Promise<Rollouts> {
  const drawing = { groupSize: 1, temperature: 1, topP: 1, ...options };
  checkNucleusSampling(drawing);
  for (const [i, prompt] of prompts.entries()) {
    if (prompt.length === 0) throw new RangeError(`sample: prompt ${i}: expected a token or more but found none`);
    const where = `sample: prompt ${i}`;
    checkIds(Array.from(prompt), { ...model, where, contextLength: model.contextLength - drawing.maxTokens });
  }
  const rows: DrawnToken[][] = [];
  for (const prompt of prompts) rows.push(...(await sampleGroup(model, Array.from(prompt), drawing)));
  const all = rows.flat();
  const offsets = new Int32Array(rows.length + 1);
  for (const [row, tokens] of rows.entries()) offsets[row + 1] = offsets[row]! + tokens.length;
  return {
    completions: rows.map((tokens) => Int32Array.from(tokens, ({ id }) => id)),
    offsets,
    logprobs: Float32Array.from(all, ({ logprob }) => logprob),
    entropies: Float32Array.from(all, ({ entropy }) => entropy),
    behaviorLogprobs: Float32Array.from(all, ({ behaviorLogprob }) => behaviorLogprob),
  };
}

/** The completions of one prompt; rows that have ended are fed on, unread. */
async function sampleGroup(
  { runtime, vocabularySize: V, endTokens }: Model,
  prompt: readonly number[],
  { groupSize, maxTokens, ...choice }: Drawing,
): Promise<DrawnToken[][]> {
  const rows: DrawnToken[][] = Array.from({ length: groupSize }, () => []);
  const ended = (tokens: readonly DrawnToken[]) => tokens.length > 0 && endTokens.has(tokens.at(-1)!.id);
  const run = startRun(runtime, V);
  let next: (readonly number[])[] = rows.map(() => prompt);
  for (let t = 0; t < maxTokens && !rows.every(ended); t++) {
    let last: { positions: number; logits: Float32Array } | undefined;
    for await (const piece of run.feed(next)) last = piece;
    for (const [row, tokens] of rows.entries()) {
      if (ended(tokens)) continue;
      const end = (row + 1) * last!.positions * V;
      tokens.push(sampleToken(last!.logits.subarray(end - V, end), choice));
    }
    next = rows.map((tokens) => [tokens.at(-1)!.id]);
  }
  return rows;
}
