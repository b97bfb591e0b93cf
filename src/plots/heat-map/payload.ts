/**
 * The token heat map as data: what `application/vnd.srft.token-heat-map+json` holds. One structure of arrays; all
 * readings are of the same N tokens, one after the other in the order of the texts.
 *
 * JSON has no infinities: they are written "inf" and "-inf", and null says that a number is not known. Numbers have four
 * significant digits.
 */

import type { HeatMeasure } from "./colors.ts";

/** The MIME type under which front ends draw the interactive heat map. */
export const heatMapMime = "application/vnd.srft.token-heat-map+json";

/** A number that may be infinite or not known. */
export type HeatNumber = number | "inf" | "-inf" | null;

/** What a model's distribution holds at each token: its `count` likeliest tokens, best first. */
export interface HeatTop {
  /** k. */
  readonly count: number;
  /** Indices into `pieces`, [N × k]. */
  readonly pieces: readonly number[];
  /** [N × k] nats. */
  readonly logprobs: readonly HeatNumber[];
}

/** What one model says of the N tokens. */
export interface HeatReading {
  readonly name: string;
  /** log π(y_t), [N] nats. */
  readonly logprobs: readonly HeatNumber[];
  /** [N] nats. */
  readonly entropies: readonly HeatNumber[];
  /** Rank of the text's token, [N]; 1 is the first choice. */
  readonly ranks: readonly HeatNumber[];
  /** The model's first choice, [N] indices into `pieces`. */
  readonly firstChoices?: readonly number[];
  readonly top?: HeatTop;
}

/** A tuned model beside the base. */
export interface HeatModel extends HeatReading {
  /** Training step of the checkpoint; checkpoints of one name are shown one at a time, by a slider. */
  readonly step?: number;
  /** log P(y_t) − log Q(y_t), [N] nats. */
  readonly deltaLogprobs: readonly HeatNumber[];
  /** KL(P‖Q), [N] nats. */
  readonly kl: readonly HeatNumber[];
  /** Rank, under the base, of the model's first choice, [N]. */
  readonly baseRanks: readonly HeatNumber[];
}

/** One text: a prompt and the tokens that were scored, as indices into `pieces`. */
export interface HeatText {
  readonly name: string;
  readonly prompt: readonly number[];
  readonly tokens: readonly number[];
}

/** All that the heat map shows. */
export interface HeatMapPayload {
  readonly version: 1;
  /** Whose text was scored, such as "base rollouts". */
  readonly source: string;
  readonly caption: string;
  /** What is shown first. */
  readonly measure: HeatMeasure;
  /** Where the colour is strongest. */
  readonly limits: HeatLimits;
  /** Texts of tokens, each once. */
  readonly pieces: readonly string[];
  readonly texts: readonly HeatText[];
  readonly base: HeatReading;
  readonly models: readonly HeatModel[];
  /** Advantage of each token of the texts, [N], where they are rollouts that were rewarded. */
  readonly advantages?: readonly HeatNumber[];
}

/** For each measure but the class, the value at which its colour is strongest; nats, and the advantage's own unit. */
export type HeatLimits = Readonly<Record<Exclude<HeatMeasure, "class">, number>>;
