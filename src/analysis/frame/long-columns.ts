/**
 * Columns of rows in long form, in segments: a token table gives one segment a model, without a copy where it has the column
 * as it is. This is what is written to Arrow files and what the verbs of a frame work on.
 */

import { categories } from "../category.ts";
import { tokenRoles } from "../roles.ts";
import type { Bounds, ModelColumns, ShiftColumns, TokenColumns } from "../token-table.ts";

export type NumberArray = Float32Array | Float64Array | Int32Array | Uint8Array;

/** Numbers; or labels, then the numbers are indices into `labels`; or lists of `width` numbers a row. */
export interface LongColumn {
  readonly segments: readonly NumberArray[];
  readonly labels?: readonly string[];
  /** Numbers a row. Default 1. */
  readonly width?: number;
}

export interface LongColumns {
  /** Rows of each segment. */
  readonly lengths: readonly number[];
  readonly columns: ReadonlyMap<string, LongColumn>;
}

/** The class where the base's list is too short to tell. */
export const noClass = "unknown";

/** A token table in long form; `text` is left out. */
export function longColumnsOf(table: Required<TokenColumns>): LongColumns {
  const { tokens, models, base, sequences } = table;
  const n = tokens.length;
  const columns = new Map<string, LongColumn>();
  const same = (values: NumberArray, rest: Omit<LongColumn, "segments"> = {}) => ({
    segments: models.map(() => values),
    ...rest,
  });
  const each = (of: (model: ShiftColumns, m: number) => NumberArray, rest: Omit<LongColumn, "segments"> = {}) => ({
    segments: models.map(of),
    ...rest,
  });
  const bySequence = <T extends Int32Array | Float32Array>(of: T, into: T) =>
    into.map((_, row) => of[sequences[row]!]!);
  columns.set("source", same(bySequence(table.sourceIds, new Int32Array(n)), { labels: table.sources }));
  columns.set(
    "model",
    each((_, m) => new Int32Array(n).fill(m), { labels: models.map(({ name }) => name) }),
  );
  for (const [name, values] of Object.entries({ sequence: sequences, position: table.positions, token: tokens })) {
    columns.set(name, same(values));
  }
  columns.set("role", same(table.roles, { labels: tokenRoles }));
  columns.set(
    "category",
    each(({ baseRanks }) => Uint8Array.from(baseRanks, classNumber), { labels: [...categories, noClass] }),
  );
  for (const name of Object.keys(ownNames) as (keyof typeof ownNames)[]) {
    columns.set(
      ownNames[name],
      each((model) => model[name]),
    );
  }
  for (const name of Object.keys(baseNames) as (keyof typeof baseNames)[]) {
    columns.set(baseNames[name], same(base[name]));
  }
  columns.set("reward", same(bySequence(table.rewards, new Float32Array(n))));
  columns.set("advantage", same(table.advantages));
  columns.set("behaviorLogprob", same(table.behaviorLogprobs));
  for (const [name, column] of [...listColumns(table), ...boundColumns(table)]) columns.set(name, column);
  return { lengths: models.map(() => n), columns };
}

/** Names in long form of a model's columns. */
export const ownNames = {
  logprobs: "logprob",
  entropies: "entropy",
  ranks: "rank",
  greedyTokens: "greedyToken",
  deltaLogprobs: "deltaLogprob",
  deltaProbs: "deltaProb",
  kl: "kl",
  reverseKl: "reverseKl",
  js: "js",
  tv: "tv",
  baseRanks: "baseRank",
} as const;

/** And of the base's. */
export const baseNames = {
  logprobs: "baseLogprob",
  entropies: "baseEntropy",
  ranks: "baseTokenRank",
  greedyTokens: "baseGreedyToken",
} as const;

const classNumber = (baseRank: number) => (baseRank === 0 ? 3 : baseRank === 1 ? 0 : baseRank <= 3 ? 1 : 2);

function listColumns({ base, models }: Required<TokenColumns>): [string, LongColumn][] {
  const width = base.topK ?? 0;
  if (width === 0 || ![base, ...models].every(({ topK, topIds }) => topK === width && topIds)) return [];
  return [
    ["topIds", { segments: models.map(({ topIds }) => topIds!), width }],
    ["topLogprobs", { segments: models.map(({ topLogprobs }) => topLogprobs!), width }],
    ["baseTopIds", { segments: models.map(() => base.topIds!), width }],
    ["baseTopLogprobs", { segments: models.map(() => base.topLogprobs!), width }],
  ];
}

/** Of every interval two columns; NaN for models whose value is known. */
function boundColumns({ tokens, base, models }: Required<TokenColumns>): [string, LongColumn][] {
  const unknown = new Float32Array(tokens.length).fill(Number.NaN);
  const ends = (name: string, of: (model: ShiftColumns) => Bounds | undefined): [string, LongColumn][] =>
    models.some(of)
      ? [
          [`${name}Lower`, { segments: models.map((model) => of(model)?.lower ?? unknown) }],
          [`${name}Upper`, { segments: models.map((model) => of(model)?.upper ?? unknown) }],
        ]
      : [];
  return [
    ...ends("entropy", ({ entropyBounds }) => entropyBounds),
    ...ends("baseEntropy", () => base.entropyBounds),
    ...(["kl", "reverseKl", "js", "tv"] as const).flatMap((name) => ends(name, ({ bounds }) => bounds?.[name])),
  ];
}

/** What is said of a model beside its columns. */
export const describedModel = ({ name, coverage = "full", topK = 0, provenance }: ModelColumns) => ({
  name,
  coverage,
  topK,
  provenance: provenance ?? null,
});
