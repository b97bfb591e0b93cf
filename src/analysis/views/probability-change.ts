/**
 * How much tuning changed the probability of the tokens of one text: as a histogram (SRFT, arXiv 2506.19767, figure 2b)
 * and token by token (figure 2a). The paper says neither its measure nor its thresholds; both are arguments here, and
 * whose text it is stands in `source`: in figure 2a it is the tuned model's own.
 */

import type { TokenColumns } from "../token-table.ts";
import { measureColumn } from "./measures.ts";

export interface ProbabilityChangeOptions {
  /** P(y) − Q(y), or log P(y) − log Q(y) in nats. Default "deltaProb". */
  readonly measure?: "deltaProb" | "deltaLogprob";
  /** Odd, so that one bin is centred on 0. Default 41. */
  readonly bins?: number;
  /** Values beyond ±limit count in the outermost bins. Default 1 for deltaProb, 8 for deltaLogprob. */
  readonly limit?: number;
}

export interface ProbabilityChange {
  readonly source: string;
  readonly measure: "deltaProb" | "deltaLogprob";
  /** Number of tokens, N. */
  readonly tokens: number;
  /** Ascending, [bins + 1], in the measure's unit; bin i holds edges[i] <= x < edges[i + 1]. */
  readonly edges: Float64Array;
  /** Tokens in each bin, [bins]; their sum is N. */
  readonly models: readonly { readonly name: string; readonly counts: Int32Array }[];
}

/**
 * The histogram of the change, for each model.
 *
 * @throws {RangeError} If `bins` is not an odd integer >= 3, `limit` is not > 0, a change is not known, or the table has
 *   texts of several sources.
 * @example
 * const { edges, models } = probabilityChange(table, { bins: 3 });
 * edges; // Float64Array [-1, -0.33333333333333337, 0.33333333333333326, 1]
 * models[0].counts.reduce((sum, count) => sum + count) === table.tokens.length; // true
 */
export function probabilityChange(table: TokenColumns, options: ProbabilityChangeOptions = {}): ProbabilityChange {
  const { measure = "deltaProb", bins = 41, limit = measure === "deltaProb" ? 1 : 8 } = options;
  if (!(Number.isInteger(bins) && bins >= 3 && bins % 2 === 1)) {
    throw new RangeError(`probabilityChange: expected an odd number of bins >= 3 but found ${bins}`);
  }
  if (!(limit > 0 && limit < Infinity)) {
    throw new RangeError(`probabilityChange: expected a finite limit > 0 but found ${limit}`);
  }
  const models = table.models.map((model) => {
    const counts = new Int32Array(bins);
    for (const value of measureColumn("probabilityChange", model, measure)) {
      const bin = Math.floor(((value + limit) / (2 * limit)) * bins);
      counts[Math.min(Math.max(bin, 0), bins - 1)]!++;
    }
    return { name: model.name, counts };
  });
  const edges = Float64Array.from({ length: bins + 1 }, (_, i) => -limit + (i * 2 * limit) / bins);
  return { source: table.source, measure, tokens: table.tokens.length, edges, models };
}

/** The legend of figure 2a. */
export type ChangeWord = "lower" | "similar" | "higher";

/** One token of one text under one model. */
export interface ChangedToken {
  readonly model: string;
  /** Index of the text. */
  readonly sequence: number;
  /** Index in the completion, from 0. */
  readonly position: number;
  readonly token: number;
  readonly text: string;
  /** In the measure's unit. */
  readonly change: number;
  readonly word: ChangeWord;
}

export interface ChangedTokensOptions {
  readonly measure?: "deltaProb" | "deltaLogprob";
  /** Changes up to this size, in the measure's unit, are "similar"; ours, for the paper names none. Default 0.1. */
  readonly similar?: number;
  /** Indices of the texts. Default: all. */
  readonly sequences?: readonly number[];
}

/**
 * The tokens of texts with the change of their probability, model by model, text by text.
 *
 * @throws {RangeError} If a text is not in the table, `similar` is negative, a change is not known, or the table has
 *   texts of several sources.
 * @example
 * const [first] = changedTokens(table, { sequences: [0], similar: 1 });
 * [first.model, first.position, first.word]; // ["sft", 0, "similar"]
 */
export function changedTokens(table: TokenColumns, options: ChangedTokensOptions = {}): ChangedToken[] {
  const { measure = "deltaProb", similar = 0.1, sequences = table.prompts.map((_, s) => s) } = options;
  void table.source; // throws for several sources
  if (!(similar >= 0)) throw new RangeError(`changedTokens: expected similar >= 0 but found ${similar}`);
  const missing = sequences.find((sequence) => table.prompts[sequence] === undefined);
  if (missing !== undefined) {
    throw new RangeError(`changedTokens: expected texts in [0, ${table.prompts.length}) but found ${missing}`);
  }
  return table.models.flatMap((model) => {
    const column = measureColumn("changedTokens", model, measure);
    return sequences.flatMap((sequence) => {
      const [begin, end] = [table.offsets[sequence]!, table.offsets[sequence + 1]!];
      return Array.from(column.subarray(begin, end), (change, position): ChangedToken => {
        const token = table.tokens[begin + position]!;
        const word = Math.abs(change) <= similar ? "similar" : change < 0 ? "lower" : "higher";
        return { model: model.name, sequence, position, token, text: table.decode(token), change, word };
      });
    });
  });
}
