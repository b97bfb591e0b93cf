/** What an engine's protocol says, in one form for all engines. */

import type { PositionScores } from "../../data/dumps/position-scores.ts";
import type { HttpClient, ServerError } from "../http/client.ts";

/** Where to ask, and for which model. */
export interface Asking {
  readonly client: HttpClient;
  readonly model: string;
}

/** What a server tells of itself. */
export interface Identity {
  readonly version: string | null;
  readonly model: string | null;
  readonly contextLength: number | null;
  readonly vocabularySize: number | null;
  readonly dtype: string | null;
}

export interface Text {
  /** One token or more: no engine gives the first token of a text a log-prob. */
  readonly prompt: readonly number[];
  readonly completion: readonly number[];
}

export interface Sampling {
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly seed: number;
  /** Completions of one prompt. */
  readonly groupSize: number;
}

export interface Completion {
  readonly tokens: readonly number[];
  readonly scores: readonly PositionScores[];
  readonly finishReason: string;
}

/** An engine's protocol. */
export interface Engine {
  readonly name: "vllm" | "llama.cpp" | "sglang" | "openai";
  /** Whether log-probs of sampled tokens are of the model's softmax, or after temperature and top-p. */
  readonly sampledLogprobs: "raw" | "processed";
  /** Tokens that the context must have room for behind a text that is scored: 1 where each request makes one. */
  readonly scoringRoom: 0 | 1;
  identify(client: HttpClient): Promise<Identity>;
  tokenize(text: string, asking: Asking): Promise<readonly number[]>;
  /** Of every completion token; `topK` likeliest tokens with each. */
  score(text: Text, options: { readonly topK: number } & Asking): Promise<readonly PositionScores[]>;
  sample(prompt: readonly number[], options: Sampling & Asking): Promise<readonly Completion[]>;
}

/** Identity of a server that tells nothing. */
export const unknownIdentity: Identity = {
  version: null,
  model: null,
  contextLength: null,
  vocabularySize: null,
  dtype: null,
};

/** A question whose answer may be refused with 404, as by servers that lack it; then a recording does not hold it either. */
export async function askIfThere<T>(question: () => Promise<T>): Promise<T | undefined> {
  try {
    return await question();
  } catch (error) {
    const { status, attempts } = error as Partial<ServerError>;
    if (status === 404 || attempts === 0) return undefined;
    throw error;
  }
}
