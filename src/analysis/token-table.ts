/**
 * The token table: what several models say of every token of one set of texts, as a struct of typed arrays.
 *
 * Row i is one completion token; N is their number. All numbers at a row are conditioned on the same text before it
 * (teacher forcing), and whose text that is stands in `source`: on text that a model wrote itself its change looks
 * small by construction, so the table never goes anywhere without it. Log-probs, entropies and divergences are in nats.
 */

import { type ColumnTable, table } from "arquero";
import { categoryOf } from "./category.ts";
import { summarizeTokens, type TokenSummary } from "./token-summary.ts";

/** What one model says of the N tokens. */
export interface ModelColumns {
  readonly name: string;
  /** log π(y_t), [N] nats. */
  readonly logprobs: Float32Array;
  /** Entropy of the distribution at the position, [N] nats. */
  readonly entropies: Float32Array;
  /** Rank of the text's token, [N]; 1 is the first choice, equals share the best rank. */
  readonly ranks: Int32Array;
  /** The model's first choice, [N] ids; of equals the smallest id. */
  readonly greedyTokens: Int32Array;
}

/** A tuned model P beside the base Q. */
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
  /** Rank, under the base, of the model's first choice, [N]. */
  readonly baseRanks: Int32Array;
}

export interface TokenColumns {
  /** Whose text was scored, such as "base rollouts" or "demonstrations". */
  readonly source: string;
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
  readonly base: ModelColumns;
  readonly models: readonly ShiftColumns[];
  /** Text of a token id; "#12" where no tokenizer was given. */
  readonly decode: (id: number) => string;
}

export interface TokenTable extends TokenColumns {
  /** Means, classes and the share of KL at forking positions, for each model; means by position. */
  summary(): TokenSummary;
  /**
   * One row for each model and token: source, model, sequence, position, token, text, logprob, entropy, rank,
   * baseLogprob, baseEntropy, deltaLogprob, deltaProb, kl, reverseKl, js, tv, baseRank, category.
   */
  toArquero(): ColumnTable;
}

/**
 * Gives columns their methods and a display; `tokenShift` is what makes the columns.
 *
 * @example
 * createTokenTable(columns).summary().models[0].categories.shifted.share; // for example 0.017
 */
export function createTokenTable(columns: TokenColumns): TokenTable {
  return Object.freeze({
    ...columns,
    summary: () => summarizeTokens(columns),
    toArquero: () => arqueroTable(columns),
    [Symbol.for("Jupyter.display")]: () => ({ "text/plain": describe(columns) }),
  });
}

function describe({ source, tokens, prompts, base, models }: TokenColumns) {
  const names = models.map(({ name }) => name).join(", ");
  return `token table: ${tokens.length} tokens of ${prompts.length} texts (${source}), ${names} against ${base.name}`;
}

function arqueroTable(columns: TokenColumns): ColumnTable {
  const { source, sequences, positions, tokens, base, models, decode } = columns;
  const texts = Array.from(tokens, (id) => decode(id));
  const each = (column: (model: ShiftColumns) => ArrayLike<unknown>) => models.flatMap((m) => Array.from(column(m)));
  const same = (column: ArrayLike<unknown>) => each(() => column);
  return table({
    source: same(Array(tokens.length).fill(source)),
    model: each(({ name }) => Array(tokens.length).fill(name)),
    sequence: same(sequences),
    position: same(positions),
    token: same(tokens),
    text: same(texts),
    logprob: each(({ logprobs }) => logprobs),
    entropy: each(({ entropies }) => entropies),
    rank: each(({ ranks }) => ranks),
    baseLogprob: same(base.logprobs),
    baseEntropy: same(base.entropies),
    deltaLogprob: each(({ deltaLogprobs }) => deltaLogprobs),
    deltaProb: each(({ deltaProbs }) => deltaProbs),
    kl: each(({ kl }) => kl),
    reverseKl: each(({ reverseKl }) => reverseKl),
    js: each(({ js }) => js),
    tv: each(({ tv }) => tv),
    baseRank: each(({ baseRanks }) => baseRanks),
    category: each(({ baseRanks }) => Array.from(baseRanks, categoryOf)),
  });
}
