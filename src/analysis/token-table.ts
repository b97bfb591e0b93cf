/**
 * The token table: what several models say of every token of some texts, as a struct of typed arrays.
 *
 * Row i is one token; N is their number. All numbers at a row are conditioned on the same text before it (teacher forcing),
 * and whose text that is stands in `sources`: on text that a model wrote itself its change looks small by construction, so
 * the table never goes anywhere without it. A table may hold texts of several sources; then `source` and whatever would
 * average over them throw, and `of(source)` takes one without a copy. Log-probs, entropies and divergences are in nats.
 */

import type { ColumnTable } from "arquero";
import type { Provenance } from "../srft/reader.ts";
import { tokenRoles } from "./roles.ts";
import { arqueroTable, type TokenRow, tokenRowsOf } from "./table/long-rows.ts";
import { rowsOfSource } from "./table/slices.ts";
import { summarizeTokens, type TokenSummary } from "./token-summary.ts";

/** The smallest and the largest value that what is known allows, [N] each. */
export interface Bounds {
  readonly lower: Float32Array;
  readonly upper: Float32Array;
}

/** What one model says of the N tokens. */
export interface ModelColumns {
  readonly name: string;
  /** log π(y_t), [N] nats. */
  readonly logprobs: Float32Array;
  /** Entropy of the distribution at the position, [N] nats; NaN where only `entropyBounds` are known. */
  readonly entropies: Float32Array;
  /** Rank of the text's token, [N]; 1 is the first choice, equals share the best rank, 0 is not known. */
  readonly ranks: Int32Array;
  /** The model's first choice, [N] ids; of equals the smallest id. */
  readonly greedyTokens: Int32Array;
  /** "full": the numbers are of the whole vocabulary; "top-k": of a list of the likeliest. Default "full". */
  readonly coverage?: "full" | "top-k";
  /** k of the two columns below. Default 0. */
  readonly topK?: number;
  /** The k likeliest tokens in descending order, [N, k]. */
  readonly topIds?: Int32Array;
  /** Their log-probs, [N, k] nats. */
  readonly topLogprobs?: Float32Array;
  /** Where the coverage is "top-k". */
  readonly entropyBounds?: Bounds;
  readonly provenance?: Provenance;
}

/** A tuned model P beside the base Q; divergences are NaN where only their `bounds` are known. */
export interface ShiftColumns extends ModelColumns {
  /** log P(y_t) − log Q(y_t), [N] nats; 0 where the two are equal, also at −Infinity. */
  readonly deltaLogprobs: Float32Array;
  /** P(y_t) − Q(y_t), [N], in [−1, 1]. */
  readonly deltaProbs: Float32Array;
  /** KL(P‖Q), model from base, over the whole vocabulary, [N] nats. */
  readonly kl: Float32Array;
  /** KL(Q‖P), base from model, [N] nats. */
  readonly reverseKl: Float32Array;
  /** Jensen–Shannon divergence, [N] nats in [0, ln 2]. */
  readonly js: Float32Array;
  /** Total variation, [N] in [0, 1]. */
  readonly tv: Float32Array;
  /** Rank, under the base, of the model's first choice, [N]; beyond a base's list of k it is k + 1. */
  readonly baseRanks: Int32Array;
  /** Where the model's or the base's coverage is "top-k". */
  readonly bounds?: Readonly<Record<"kl" | "reverseKl" | "js" | "tv", Bounds>>;
}

export interface TokenColumns {
  /** Whose text was scored, such as "base rollouts" or "demonstrations"; of a table of several sources it throws. */
  readonly source: string;
  /** All of them, in the order of their texts. Default [source]. */
  readonly sources?: readonly string[];
  /** Index into `sources`, never descending, [S]. Default zeros. */
  readonly sourceIds?: Int32Array;
  /** Prompt ids, one array a sequence. */
  readonly prompts: readonly Int32Array[];
  /** Sequence s owns the rows from offsets[s] to offsets[s + 1], [S + 1]. */
  readonly offsets: Int32Array;
  /** Index of the row's sequence, [N]. */
  readonly sequences: Int32Array;
  /** Index of the token in its completion, from 0, [N]. */
  readonly positions: Int32Array;
  /** Token id, [N]. */
  readonly tokens: Int32Array;
  /** Index into `tokenRoles`, [N]. Default "answer". */
  readonly roles?: Uint8Array;
  /** Of the sequence, [S]; NaN where it is not known, as everywhere below. */
  readonly rewards?: Float32Array;
  /** Of the token, [N]. */
  readonly advantages?: Float32Array;
  /** log π of the policy that wrote the token, as it sampled, [N] nats: a model's ratio is exp(logprobs − these). */
  readonly behaviorLogprobs?: Float32Array;
  readonly base: ModelColumns;
  readonly models: readonly ShiftColumns[];
  /** Text of a token id; "#12" where no tokenizer was given. */
  readonly decode: (id: number) => string;
}

export interface TokenTable extends Required<TokenColumns> {
  /** The rows of one source, as a table that shares this one's memory. */
  of(source: string): TokenTable;
  /** Means, classes and the share of KL at forking positions, for each model; means by position. One source only. */
  summary(): TokenSummary;
  /** One object for each model and token, for tables of a million rows or fewer. */
  rows(): Generator<TokenRow>;
  /**
   * One row for each model and token: source, model, sequence, position, token, text, logprob, entropy, rank,
   * baseLogprob, baseEntropy, deltaLogprob, deltaProb, kl, reverseKl, js, tv, baseRank, category, role, reward, advantage,
   * ratio, and lower and upper bounds where a model has them.
   */
  toArquero(): ColumnTable;
}

/**
 * Gives columns their methods and a display; `tokenShift` is what makes the columns.
 *
 * @throws {TypeError} If the sources of the texts are not in order.
 * @example
 * createTokenTable(columns).summary().models[0].categories.shifted.share; // for example 0.017
 */
export function createTokenTable(columns: TokenColumns): TokenTable {
  const all = completed(columns);
  checkSources(all);
  const methods = {
    of: (source: string) => createTokenTable(rowsOfSource(all, source)),
    summary: () => summarizeTokens(table as TokenTable),
    rows: () => tokenRowsOf(all),
    toArquero: () => arqueroTable(all),
    [Symbol.for("Jupyter.display")]: () => ({ "text/plain": describe(all) }),
  };
  const { source: _, ...rest } = all;
  const table = Object.defineProperty({ ...rest, ...methods }, "source", { get: () => soleSource(all) });
  return Object.freeze(table) as TokenTable;
}

/** Columns with every default in place. */
export function completed(columns: TokenColumns): Required<TokenColumns> {
  const [n, texts] = [columns.tokens.length, columns.prompts.length];
  const unknown = (length: number) => new Float32Array(length).fill(Number.NaN);
  return {
    ...columns,
    source: columns.sources?.join(", ") ?? columns.source,
    sources: columns.sources ?? [columns.source],
    sourceIds: columns.sourceIds ?? new Int32Array(texts),
    roles: columns.roles ?? new Uint8Array(n).fill(tokenRoles.indexOf("answer")),
    rewards: columns.rewards ?? unknown(texts),
    advantages: columns.advantages ?? unknown(n),
    behaviorLogprobs: columns.behaviorLogprobs ?? unknown(n),
  };
}

function checkSources({ sources, sourceIds }: Required<TokenColumns>) {
  for (const [text, id] of sourceIds.entries()) {
    if (id >= 0 && id < sources.length && !(id < sourceIds[text - 1]!)) continue;
    throw new TypeError(
      `createTokenTable: expected texts in the order of the ${sources.length} sources but found source ${id} at text ${text}`,
    );
  }
}

function soleSource({ sources }: Required<TokenColumns>): string {
  if (sources.length === 1) return sources[0]!;
  throw new RangeError(
    `TokenTable: expected one source but found ${sources.join(", ")}: numbers of different texts do not mix, ` +
      `take one with table.of(${JSON.stringify(sources[0])}) or group by source`,
  );
}

function describe({ source, tokens, prompts, base, models }: TokenColumns) {
  const names = models.map(({ name }) => name).join(", ");
  return `token table: ${tokens.length} tokens of ${prompts.length} texts (${source}), ${names} against ${base.name}`;
}
