/**
 * A token table in a few numbers: means, classes, positions, and how much of the change lies where the base had a
 * choice ("forking" tokens, arXiv 2506.01939: the 20 % of positions with the highest entropy).
 *
 * Conventions: means are over tokens, not over texts; a mean or share of nothing, and a share of an infinite KL, is
 * null. The forks are exactly the ⌈0.2 N⌉ rows of highest base entropy; of equals the earlier row counts as higher.
 */

import { type Category, categoryOf } from "./category.ts";
import type { ShiftColumns, TokenColumns } from "./token-table.ts";

export interface CategorySummary {
  readonly tokens: number;
  /** Of all tokens, in [0, 1]. */
  readonly share: number;
  /** Mean KL(model‖base), in nats. */
  readonly meanKl: number | null;
  /** Share of the model's summed KL that these tokens carry. */
  readonly klShare: number | null;
}

/** One model against the base; nats. */
export interface ModelSummary {
  readonly name: string;
  readonly meanEntropy: number;
  readonly meanDeltaLogprob: number;
  readonly meanKl: number;
  readonly meanReverseKl: number;
  readonly meanJs: number;
  readonly meanTv: number;
  readonly categories: Readonly<Record<Category, CategorySummary>>;
  /** Share of the summed KL at the base's forks; a change without preference would have `forkShare`. */
  readonly forkKlShare: number | null;
}

/** One model at one position of the completions. */
export interface PositionSummary {
  readonly model: string;
  /** From 0. */
  readonly position: number;
  /** Texts that reach the position. */
  readonly tokens: number;
  readonly meanKl: number;
  readonly meanJs: number;
  readonly meanDeltaLogprob: number;
  readonly shiftedShare: number;
}

export interface TokenSummary {
  readonly source: string;
  readonly tokens: number;
  readonly texts: number;
  readonly baseMeanEntropy: number;
  /** ⌈0.2 N⌉ / N. */
  readonly forkShare: number;
  readonly models: readonly ModelSummary[];
  /** Model by model, positions ascending. */
  readonly byPosition: readonly PositionSummary[];
}

/**
 * Summarizes a token table; the same as `table.summary()`.
 *
 * @throws {RangeError} If the table is of several sources, or a model's distributions are known in part only.
 * @example
 * summarizeTokens(table).models.map(({ name, categories }) => [name, categories.shifted.share]);
 * // for example [["sft", 0.64], ["grpo", 0.017]]
 */
export function summarizeTokens(table: TokenColumns): TokenSummary {
  checkCoverage(table);
  const forks = forkRows(table.base.entropies);
  return {
    source: table.source,
    tokens: table.tokens.length,
    texts: table.prompts.length,
    baseMeanEntropy: meanOf(table.base.entropies),
    forkShare: forks.length / table.tokens.length,
    models: table.models.map((model) => summarizeModel(model, forks)),
    byPosition: table.models.flatMap((model) => summarizePositions(model, table.positions)),
  };
}

function checkCoverage({ base, models }: TokenColumns) {
  const listed = [base, ...models].find(({ coverage }) => coverage === "top-k");
  if (listed === undefined) return;
  throw new RangeError(
    `summarizeTokens: expected whole distributions but found lists of ${listed.topK} of ${listed.name}: ` +
      "their means are not known; read `bounds`",
  );
}

function summarizeModel(model: ShiftColumns, forks: readonly number[]): ModelSummary {
  const rows: Record<Category, number[]> = { unshifted: [], marginal: [], shifted: [] };
  for (const [row, rank] of model.baseRanks.entries()) rows[categoryOf(rank)].push(row);
  return {
    name: model.name,
    meanEntropy: meanOf(model.entropies),
    meanDeltaLogprob: meanOf(model.deltaLogprobs),
    meanKl: meanOf(model.kl),
    meanReverseKl: meanOf(model.reverseKl),
    meanJs: meanOf(model.js),
    meanTv: meanOf(model.tv),
    categories: {
      unshifted: summarizeCategory(model.kl, rows.unshifted),
      marginal: summarizeCategory(model.kl, rows.marginal),
      shifted: summarizeCategory(model.kl, rows.shifted),
    },
    forkKlShare: shareAt(model.kl, forks),
  };
}

function summarizeCategory(kl: Float32Array, rows: readonly number[]): CategorySummary {
  return {
    tokens: rows.length,
    share: rows.length / kl.length,
    meanKl: rows.length === 0 ? null : sumAt(kl, rows) / rows.length,
    klShare: shareAt(kl, rows),
  };
}

function summarizePositions(model: ShiftColumns, positions: Int32Array): PositionSummary[] {
  const rows: number[][] = [];
  for (const [row, position] of positions.entries()) {
    rows[position] ??= [];
    rows[position].push(row);
  }
  return rows.map((at, position) => ({
    model: model.name,
    position,
    tokens: at.length,
    meanKl: sumAt(model.kl, at) / at.length,
    meanJs: sumAt(model.js, at) / at.length,
    meanDeltaLogprob: sumAt(model.deltaLogprobs, at) / at.length,
    shiftedShare: at.filter((row) => categoryOf(model.baseRanks[row]!) === "shifted").length / at.length,
  }));
}

function forkRows(entropies: Float32Array): number[] {
  const rows = Array.from(entropies.keys()).sort((a, b) => entropies[b]! - entropies[a]! || a - b);
  return rows.slice(0, Math.ceil(0.2 * entropies.length));
}

function shareAt(values: Float32Array, rows: readonly number[]): number | null {
  const total = sumOf(values);
  return total > 0 && total < Infinity ? sumAt(values, rows) / total : null;
}

function sumAt(values: Float32Array, rows: readonly number[]) {
  return rows.reduce((sum, row) => sum + values[row]!, 0);
}

function sumOf(values: Float32Array) {
  return values.reduce((sum, value) => sum + value, 0);
}

function meanOf(values: Float32Array) {
  return sumOf(values) / values.length;
}
