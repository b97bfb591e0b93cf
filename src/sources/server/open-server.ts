/**
 * A model behind a server, as a reader: log-probs and likeliest tokens of given texts, and completions.
 *
 * What the server does not tell of itself is null in `provenance`; say it, or let `tokenizer` say it, so that it is
 * compared with what other columns say. Answers whose lengths or ids are not those that were asked for are errors.
 * Prompts and completions that are given as text are encoded apart, as in training, and without special tokens.
 */

import { WrongField } from "../../data/dumps/fields.ts";
import { type TokenLogprobs, topLogprobsOf } from "../../data/dumps/position-scores.ts";
import type { HuggingFaceTokenizer } from "../../models/hugging-face/tokenizer.ts";
import { randomInteger } from "../../random.ts";
import type { Rollouts, SampleOptions, Sequence } from "../../srft/policy.ts";
import type { Provenance, Reader } from "../../srft/reader.ts";
import { checkNucleusSampling } from "../check-sampling.ts";
import { createClient, type HttpClient, type HttpOptions } from "../http/client.ts";
import { inOrder } from "../http/limit.ts";
import type { Completion, Engine, Identity, Sampling, Text } from "./engine.ts";
import { llamaCpp } from "./llama-cpp.ts";
import { openai } from "./openai.ts";
import { sglang } from "./sglang.ts";
import { vllm } from "./vllm.ts";

export interface ServerOptions extends HttpOptions {
  readonly engine: "vllm" | "llama.cpp" | "sglang" | "openai";
  /** For example "http://127.0.0.1:8000", without /v1. Recordings do not hold it. */
  readonly url: string;
  /** Default: the first that the server names. */
  readonly model?: string;
  /** V. Needed where the server does not tell it: vocab_size of the model's config.json. */
  readonly vocabularySize?: number;
  /** Needed where the server does not tell it. */
  readonly contextLength?: number;
  /** Encodes texts, and names tokenizer and template in the provenance. Default: the server encodes. */
  readonly tokenizer?: HuggingFaceTokenizer;
  /** What you know and the server does not tell. */
  readonly provenance?: Partial<Provenance>;
}

export interface ServerSampleOptions extends SampleOptions {
  /** Default 1. */
  readonly topP?: number;
  /** k of the likeliest tokens that come with each token. Default 0. */
  readonly topK?: number;
}

/** Completions; entropies are NaN, since a server does not tell them. */
export interface ServerRollouts extends Rollouts {
  /** Of every completion, in the engine's word, such as "stop" or "length". */
  readonly finishReasons: readonly string[];
  readonly top: TokenLogprobs;
}

export interface ServerReader extends Reader {
  readonly provenance: Provenance;
  topLogprobs(sequences: readonly Sequence[], options?: { readonly topK: number }): Promise<TokenLogprobs>;
  sample(prompts: readonly ArrayLike<number>[], options: ServerSampleOptions): Promise<ServerRollouts>;
  /** Prompts and completions as token ids. */
  encode(texts: readonly { readonly prompt: string; readonly completion: string }[]): Promise<Sequence[]>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Asks a server who it is and makes it a reader. With a `recording`, what was asked before is answered from the file, and
 * with `network: "never"` all of it.
 *
 * @throws {TypeError} If the address, the key's variable or the engine is none.
 * @throws {RangeError} If a number is out of range, or V or the context length is not known.
 * @throws {ServerError} If the server gives no answer.
 * @example
 * const recorded = { recording: "vllm.jsonl", network: "never", vocabularySize: 32 };
 * const server = await openServer({ engine: "vllm", url: "http://127.0.0.1:8000", ...recorded });
 * const { logprobs, ranks } = await server.topLogprobs([{ prompt: [1, 5], completion: [9, 2] }], { topK: 2 });
 * logprobs; // Float32Array [-0.5, -2.25]
 * ranks; // Int32Array [1, 4]
 * await server.close();
 */
export async function openServer(options: ServerOptions): Promise<ServerReader> {
  const engine = engineOf(options);
  const client = await createClient(options.url, options);
  try {
    const identity = await named(engine, () => engine.identify(client));
    return readerOf({ engine, client, identity }, options);
  } catch (error) {
    await client.close();
    throw error;
  }
}

function engineOf({ engine }: ServerOptions): Engine {
  switch (engine) {
    case "vllm":
      return vllm;
    case "llama.cpp":
      return llamaCpp;
    case "sglang":
      return sglang;
    case "openai":
      return openai;
    default:
      throw new TypeError(
        `openServer: expected an engine vllm, llama.cpp, sglang or openai but found ${engine satisfies never}`,
      );
  }
}

interface Server {
  readonly engine: Engine;
  readonly client: HttpClient;
  readonly identity: Identity;
}

function readerOf({ engine, client, identity }: Server, options: ServerOptions): ServerReader {
  const vocabularySize = knownSize("vocabularySize", options.vocabularySize ?? identity.vocabularySize);
  const contextLength = knownSize("contextLength", options.contextLength ?? identity.contextLength);
  const sizes = { vocabularySize, contextLength };
  const asking = { client, model: options.model ?? identity.model ?? "" };
  const each = <Item, Result>(items: readonly Item[], task: (item: Item, i: number) => Promise<Result>) =>
    inOrder(items, (item, i) => named(engine, () => task(item, i)), { most: client.concurrency });
  const close = () => client.close();
  return {
    ...sizes,
    provenance: provenanceOf({ engine, identity }, options),
    async topLogprobs(sequences, { topK } = { topK: 0 }) {
      checkTopK("topLogprobs", topK, vocabularySize);
      const room = { ...sizes, contextLength: contextLength - engine.scoringRoom };
      const texts = sequences.map((sequence, i) => textOf(sequence, { ...room, where: `topLogprobs: text ${i}` }));
      const parts = await each(texts, async (text) => packed(await engine.score(text, { topK, ...asking }), topK));
      return joined(parts, topK);
    },
    async sample(prompts, given) {
      const sampling = samplingOf(given, vocabularySize);
      const seeds = prompts.map(() => (given.random ? randomInteger(given.random, 2 ** 31) : 0));
      const groups = await each(prompts, (prompt, i) => {
        const ids = idsOf(prompt, { ...sizes, where: `sample: prompt ${i}`, room: sampling.maxTokens });
        return engine.sample(ids, { ...sampling, seed: seeds[i]!, ...asking });
      });
      return rolloutsOf(groups.flat(), { ...sampling, mode: options.provenance?.mode ?? engine.sampledLogprobs });
    },
    encode: (texts) =>
      each(texts, async ({ prompt, completion }) => ({
        prompt: await encode(prompt),
        completion: await encode(completion),
      })),
    close,
    [Symbol.asyncDispose]: close,
  };

  async function encode(text: string): Promise<Int32Array> {
    if (text === "") return new Int32Array(0);
    return options.tokenizer?.encode(text) ?? Int32Array.from(await engine.tokenize(text, asking));
  }
}

/** Says whose answer it is that does not hold what it should. */
async function named<T>({ name }: Engine, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    if (error instanceof WrongField) throw new TypeError(`${name}: ${error.message}`, { cause: error });
    throw error;
  }
}

function knownSize(name: string, value: number | null): number {
  if (value !== null && Number.isInteger(value) && value >= 1) return value;
  throw new RangeError(
    `openServer: expected an integer ${name} >= 1 but found ${value === null ? "none, and the server does not tell it" : value}: ` +
      "see the model's config.json",
  );
}

function provenanceOf(
  { engine, identity }: Omit<Server, "client">,
  { tokenizer, provenance }: ServerOptions,
): Provenance {
  return {
    engine: engine.name,
    version: identity.version,
    mode: "raw",
    temperature: 1,
    topP: 1,
    dtype: identity.dtype,
    tokenizerHash: tokenizer?.fingerprint.tokenizer ?? null,
    templateHash: tokenizer?.fingerprint.template ?? null,
    weightsHash: null,
    seed: null,
    ...provenance,
  };
}

function checkTopK(name: string, topK: number, vocabularySize: number) {
  if (Number.isInteger(topK) && topK >= 0 && topK <= vocabularySize) return;
  throw new RangeError(`${name}: expected an integer topK in [0, ${vocabularySize}] but found ${topK}`);
}

interface Bounds {
  readonly where: string;
  readonly vocabularySize: number;
  readonly contextLength: number;
  /** Tokens that are still to come. */
  readonly room?: number;
}

function textOf({ prompt, completion }: Sequence, bounds: Bounds): Text {
  if (completion.length === 0) throw new RangeError(`${bounds.where}: expected a completion but found no token`);
  const ids = idsOf([...Array.from(prompt), ...Array.from(completion)], bounds);
  if (prompt.length === 0) {
    throw new RangeError(
      `${bounds.where}: expected a prompt but found no token: a server gives the first token of a text no log-prob`,
    );
  }
  return { prompt: ids.slice(0, prompt.length), completion: ids.slice(prompt.length) };
}

function idsOf(tokens: ArrayLike<number>, { where, vocabularySize, contextLength, room = 0 }: Bounds): number[] {
  const ids = Array.from(tokens);
  if (ids.length === 0) throw new RangeError(`${where}: expected a token or more but found none`);
  const bad = ids.find((id) => !(Number.isInteger(id) && id >= 0 && id < vocabularySize));
  if (bad !== undefined) throw new RangeError(`${where}: expected ids in [0, ${vocabularySize}) but found ${bad}`);
  if (ids.length + room <= contextLength) return ids;
  throw new RangeError(`${where}: expected at most ${contextLength} tokens but found ${ids.length + room}`);
}

function samplingOf(options: ServerSampleOptions, vocabularySize: number): Omit<Sampling, "seed"> {
  const { groupSize = 1, maxTokens, temperature = 1, topP = 1, topK = 0, random } = options;
  checkNucleusSampling({ groupSize, maxTokens, temperature, topP, ...(random && { random }) });
  checkTopK("sample", topK, vocabularySize);
  return { groupSize, maxTokens, temperature, topP, topK };
}

const packed = (positions: Completion["scores"], topK: number) => topLogprobsOf(positions, { topK });

function joined(parts: readonly TokenLogprobs[], topK: number): TokenLogprobs {
  const size = parts.reduce((sum, { logprobs }) => sum + logprobs.length, 0);
  const all = {
    logprobs: new Float32Array(size),
    ranks: new Int32Array(size),
    topIds: new Int32Array(size * topK),
    topLogprobs: new Float32Array(size * topK),
  };
  let at = 0;
  for (const { logprobs, ranks, topIds, topLogprobs } of parts) {
    all.logprobs.set(logprobs, at);
    all.ranks.set(ranks, at);
    all.topIds.set(topIds, at * topK);
    all.topLogprobs.set(topLogprobs, at * topK);
    at += logprobs.length;
  }
  return { ...all, topK };
}

function rolloutsOf(
  completions: readonly Completion[],
  { topK, temperature, topP, mode }: Omit<Sampling, "seed"> & { readonly mode: "raw" | "processed" },
): ServerRollouts {
  const top = joined(
    completions.map(({ scores }) => packed(scores, topK)),
    topK,
  );
  const given = Float32Array.from(top.logprobs);
  const unknown = new Float32Array(given.length).fill(Number.NaN);
  const same = temperature === 1 && topP === 1;
  const offsets = new Int32Array(completions.length + 1);
  for (const [row, { tokens }] of completions.entries()) offsets[row + 1] = offsets[row]! + tokens.length;
  return {
    completions: completions.map(({ tokens }) => Int32Array.from(tokens)),
    offsets,
    logprobs: same || mode === "raw" ? given : unknown,
    behaviorLogprobs: same || mode === "processed" ? given : unknown,
    entropies: unknown,
    finishReasons: completions.map(({ finishReason }) => finishReason),
    top,
  };
}
