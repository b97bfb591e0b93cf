/** A text of a dump, in one form for all formats. */

import type { TokenLogprobs } from "./position-scores.ts";

/** The formats that `readDump` knows. */
export type DumpFormat = "verl" | "trl" | "prime-rl" | "vllm" | "lm-eval";

/** What a dump says of the tokens of one text. */
export interface DumpTokens {
  readonly prompt: Int32Array;
  /** N tokens. */
  readonly completion: Int32Array;
  /** 1 = counts, [N]; 0 for what a multi-turn environment wrote between the model's turns. */
  readonly mask: Uint8Array;
  /** log π of the dump's model, and its likeliest tokens as far as they are known, [N]; NaN where nothing is known. */
  readonly scores?: TokenLogprobs;
  /** log π as the engine that sampled gave it, [N] nats. */
  readonly behaviorLogprobs?: Float32Array;
  /** [N] nats. */
  readonly entropies?: Float32Array;
  /** [N]. */
  readonly advantages?: Float32Array;
}

/** One completion of a dump. */
export interface DumpRow {
  readonly format: DumpFormat;
  readonly file: string;
  /** JSONL: line from 1. JSON: answer from 1. Parquet: row from 0. */
  readonly line: number;
  /** Text, where the format has it. */
  readonly prompt?: string;
  readonly completion?: string;
  /** Ids, where the format has them; texts without are encoded and scored again. */
  readonly tokens?: DumpTokens;
  readonly step?: number;
  readonly reward?: number;
  /** Of the whole completion. */
  readonly advantage?: number;
  /** Sum over the completion's tokens, nats. */
  readonly totalLogprob?: number;
  /** All that the row has beside these, under its own names; int64 as numbers where that is exact, else as text. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A row before it is told where it stands. */
export type DumpContent = Omit<DumpRow, "format" | "file" | "line">;
