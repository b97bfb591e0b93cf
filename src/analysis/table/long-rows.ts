/** A token table in long form: one row for each model and token, models outermost, as arquero, Arrow and DuckDB want it. */

import { type ColumnTable, table } from "arquero";
import { type Category, categoryOf } from "../category.ts";
import { type TokenRole, tokenRoles } from "../roles.ts";
import type { ShiftColumns, TokenColumns } from "../token-table.ts";

/** One model at one token; NaN is what is not known. */
export interface TokenRow {
  readonly source: string;
  readonly model: string;
  readonly sequence: number;
  readonly position: number;
  readonly token: number;
  readonly text: string;
  readonly logprob: number;
  readonly entropy: number;
  readonly rank: number;
  readonly baseLogprob: number;
  readonly baseEntropy: number;
  readonly deltaLogprob: number;
  readonly deltaProb: number;
  readonly kl: number;
  readonly reverseKl: number;
  readonly js: number;
  readonly tv: number;
  readonly baseRank: number;
  /** null where the base's list is too short to tell. */
  readonly category: Category | null;
  readonly role: TokenRole;
  readonly reward: number;
  readonly advantage: number;
  /** π(y) / π_behaviour(y). */
  readonly ratio: number;
}

const mostRows = 1_000_000;

const classOf = (baseRank: number) => (baseRank === 0 ? null : categoryOf(baseRank));

/** One object a row. */
export function* tokenRowsOf(columns: Required<TokenColumns>): Generator<TokenRow> {
  const n = columns.tokens.length;
  if (n * columns.models.length > mostRows) {
    throw new RangeError(
      `TokenTable.rows: expected at most ${mostRows} rows but found ${n * columns.models.length}: ` +
        "use the columns, or tokenFrame and its verbs",
    );
  }
  for (const model of columns.models) for (let row = 0; row < n; row++) yield rowOf(columns, model, row);
}

function rowOf(columns: Required<TokenColumns>, model: ShiftColumns, row: number): TokenRow {
  const sequence = columns.sequences[row]!;
  return {
    source: columns.sources[columns.sourceIds[sequence]!]!,
    model: model.name,
    sequence,
    position: columns.positions[row]!,
    token: columns.tokens[row]!,
    text: columns.decode(columns.tokens[row]!),
    logprob: model.logprobs[row]!,
    entropy: model.entropies[row]!,
    rank: model.ranks[row]!,
    baseLogprob: columns.base.logprobs[row]!,
    baseEntropy: columns.base.entropies[row]!,
    deltaLogprob: model.deltaLogprobs[row]!,
    deltaProb: model.deltaProbs[row]!,
    kl: model.kl[row]!,
    reverseKl: model.reverseKl[row]!,
    js: model.js[row]!,
    tv: model.tv[row]!,
    baseRank: model.baseRanks[row]!,
    category: classOf(model.baseRanks[row]!),
    role: tokenRoles[columns.roles[row]!]!,
    reward: columns.rewards[sequence]!,
    advantage: columns.advantages[row]!,
    ratio: Math.exp(model.logprobs[row]! - columns.behaviorLogprobs[row]!),
  };
}

/** All rows as an arquero table. */
export function arqueroTable(columns: Required<TokenColumns>): ColumnTable {
  const { source: _, sources, sourceIds, sequences, tokens, base, models, decode } = columns;
  const n = tokens.length;
  const each = (column: (model: ShiftColumns) => ArrayLike<unknown>) => models.flatMap((m) => Array.from(column(m)));
  const same = (column: ArrayLike<unknown>) => each(() => column);
  const ratios = ({ logprobs }: ShiftColumns) => logprobs.map((x, row) => Math.exp(x - columns.behaviorLogprobs[row]!));
  return table({
    source: same(Array.from(sequences, (sequence) => sources[sourceIds[sequence]!])),
    model: each(({ name }) => Array(n).fill(name)),
    sequence: same(sequences),
    position: same(columns.positions),
    token: same(tokens),
    text: same(Array.from(tokens, (id) => decode(id))),
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
    category: each(({ baseRanks }) => Array.from(baseRanks, classOf)),
    role: same(Array.from(columns.roles, (role) => tokenRoles[role])),
    reward: same(Array.from(sequences, (sequence) => columns.rewards[sequence])),
    advantage: same(columns.advantages),
    ratio: each(ratios),
    ...boundColumns(columns, each),
  });
}

/** klLower, klUpper, …, NaN for models that have none; no column where no model has any. */
function boundColumns(
  { tokens, models }: Required<TokenColumns>,
  each: (column: (model: ShiftColumns) => ArrayLike<unknown>) => unknown[],
) {
  if (!models.some(({ bounds }) => bounds)) return {};
  const unknown = new Float32Array(tokens.length).fill(Number.NaN);
  const side = (measure: "kl" | "reverseKl" | "js" | "tv", end: "lower" | "upper") =>
    each(({ bounds }) => bounds?.[measure][end] ?? unknown);
  return {
    klLower: side("kl", "lower"),
    klUpper: side("kl", "upper"),
    reverseKlLower: side("reverseKl", "lower"),
    reverseKlUpper: side("reverseKl", "upper"),
    jsLower: side("js", "lower"),
    jsUpper: side("js", "upper"),
    tvLower: side("tv", "lower"),
    tvUpper: side("tv", "upper"),
  };
}
