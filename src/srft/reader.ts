/**
 * The part of a policy that reading needs, and how what it read is described: log-probs mean little without the engine,
 * the mode and the temperature they were computed with. Whatever gives log-probs (a policy, a server, a file) is a Reader.
 */

import type { Random } from "../random.ts";
import type { Rollouts, SampleOptions, Sequence } from "./policy.ts";

/** How log-probs came about; null is what nobody knows. Two columns are compared only where no known entry differs. */
export interface Provenance {
  /** For example "srft", "transformers.js", "vllm". */
  readonly engine: string;
  readonly version: string | null;
  /** "raw": of the model's own softmax; "processed": after temperature, top-p, top-k or penalties. */
  readonly mode: "raw" | "processed";
  /** What the log-probs were divided by; 1 for raw ones. */
  readonly temperature: number;
  /** 1 where nothing was cut off. */
  readonly topP: number;
  /** Of the weights, for example "float32", "bfloat16", "q4". */
  readonly dtype: string | null;
  /** SHA-256 of tokenizer.json, of the chat template's text and of the weights, in hexadecimal. */
  readonly tokenizerHash: string | null;
  readonly templateHash: string | null;
  readonly weightsHash: string | null;
  readonly seed: number | null;
}

/** What is taken for granted of log-probs of which nothing else is known: raw, at temperature 1. */
export const plainProvenance: Provenance = {
  engine: "srft",
  version: null,
  mode: "raw",
  temperature: 1,
  topP: 1,
  dtype: null,
  tokenizerHash: null,
  templateHash: null,
  weightsHash: null,
  seed: null,
};

/** The k likeliest tokens, and the text's token, at each of N positions; all a server tells. */
export interface TopLogprobs {
  /** log π(y_t), [N] nats. */
  readonly logprobs: ArrayLike<number>;
  /** Rank of the text's token, [N]; 0 where it is not known. Default: counted in the list, 0 beyond it. */
  readonly ranks?: ArrayLike<number>;
  /** k, the same at every position. */
  readonly topK: number;
  /** The k likeliest in descending order, [N, k]. */
  readonly topIds: ArrayLike<number>;
  /** Their log-probs, [N, k] nats, never renormalised. */
  readonly topLogprobs: ArrayLike<number>;
}

/** What reads texts; every Policy is one. Either `logits` or `topLogprobs` is there, of all completion tokens. */
export interface Reader {
  readonly vocabularySize: number;
  readonly contextLength: number;
  /** Logits of every completion token, [N, V], unnormalised. */
  logits?(sequences: readonly Sequence[]): Promise<Float32Array>;
  /** The same as blocks of at most `rows` rows each; one buffer may be filled again and again. Preferred over `logits`. */
  logitBlocks?(
    sequences: readonly Sequence[],
    options: { readonly rows: number },
  ): AsyncIterable<Float32Array> | Iterable<Float32Array>;
  /** The k likeliest at every completion token; asked only where there are no logits. */
  topLogprobs?(sequences: readonly Sequence[], options: { readonly topK: number }): Promise<TopLogprobs>;
  /** Draws completions; asked only for a model's own text. */
  sample?(
    prompts: readonly ArrayLike<number>[],
    options: SampleOptions & { readonly random?: Random },
  ): Promise<Rollouts>;
  /** What is known; the rest is taken for raw log-probs at temperature 1 by `srft`. */
  readonly provenance?: Partial<Provenance>;
}
