/**
 * What sort of token it is, by rule on its text: digits, operators, connectives, format. The rules are a list, the first
 * that fits decides, and a caller may give other rules; nothing is learned and nothing is guessed from numbers.
 */

import { categoryOf } from "../category.ts";
import type { TokenColumns } from "../token-table.ts";
import { measureColumn, promptUnits, ratioWithInterval, type ShiftMeasure } from "./measures.ts";
import { checkResampling, type Interval, type ResampleOptions } from "./resample.ts";

/** A kind, and which texts are of it. The text comes without the space or the mark for it ("Ġ", "▁") around it. */
export interface TokenKindRule {
  readonly kind: string;
  readonly fits: (text: string) => boolean;
}

const connectives =
  "also although alternatively and because but finally first hence here however if instead let maybe next now or " +
  "otherwise perhaps since so suppose that then therefore thus wait when where while";
const connectiveSet = new Set(connectives.split(" "));

/**
 * In this order: "format" for special tokens (<eos>, <|im_end|>, </think>), \boxed, empty text and line ends, and marks
 * of punctuation and brackets; "digit" for numbers; "operator" for signs of arithmetic, comparison and LaTeX's names of
 * them; "connective" for a list of English words that join or turn an argument (wait, so, because, …); "word" for other
 * letters. Everything else is "other".
 */
export const tokenKindRules: readonly TokenKindRule[] = [
  {
    kind: "format",
    fits: (text) => text === "" || /^<[^<>\s]+>$/.test(text) || /^\\?(boxed|text|quad|left|right)$/.test(text),
  },
  { kind: "digit", fits: (text) => /^[-+]?\p{Nd}+([.,]\p{Nd}+)*$/u.test(text) },
  {
    kind: "operator",
    fits: (text) =>
      /^([-+*/^=<>≤≥≠±×÷·√%!|~≈&]+|\\?(times|div|cdot|frac|sqrt|pm|leq?|geq?|neq?|sum|prod|int))$/.test(text),
  },
  { kind: "format", fits: (text) => /^[\p{P}\p{S}\\\s]+$/u.test(text) },
  { kind: "connective", fits: (text) => connectiveSet.has(text.toLowerCase()) },
  { kind: "word", fits: (text) => /\p{L}/u.test(text) },
];

/**
 * The kind of a token's text.
 *
 * @param text As the tokenizer decodes it, white space and marks for it included.
 * @example
 * [" 42", "Ġ+", " therefore", "<eos>", "[", " apple", "\n\n"].map((text) => tokenKind(text));
 * // ["digit", "operator", "connective", "format", "format", "word", "format"]
 */
export function tokenKind(text: string, rules: readonly TokenKindRule[] = tokenKindRules): string {
  const bare = text.replace(/^[\sĠ▁Ċ]+|[\sĠ▁Ċ]+$/gu, "");
  return rules.find(({ fits }) => fits(bare))?.kind ?? "other";
}

export interface ShiftByKindOptions extends ResampleOptions {
  /** Default `tokenKindRules`. */
  readonly rules?: readonly TokenKindRule[];
  /** Default "kl". */
  readonly measure?: ShiftMeasure;
}

/** One model's change at one kind of token. */
export interface KindShift {
  readonly source: string;
  readonly model: string;
  readonly kind: string;
  readonly tokens: number;
  /** Of all tokens, in [0, 1]. */
  readonly share: number;
  /** Mean of the measure, in its unit, with its interval over prompts. */
  readonly mean: number;
  readonly interval: Interval;
  /** Share of the kind's tokens whose base rank is > 3. */
  readonly shiftedShare: number;
}

/**
 * The change by kind of token, model by model, kinds in order of the rules; kinds without a token are left out.
 *
 * @throws {RangeError} If a measure is not known, or the table has texts of several sources.
 * @example
 * shiftByKind(table).filter(({ model }) => model === "sft").map(({ kind }) => kind); // ["format", "digit", "operator"]
 */
export function shiftByKind(table: TokenColumns, options: ShiftByKindOptions = {}): KindShift[] {
  const { rules = tokenKindRules, measure = "kl", ...resampling } = options;
  checkResampling("shiftByKind", resampling);
  const units = promptUnits(table);
  const kindOf = new Map([...new Set(table.tokens)].map((id) => [id, tokenKind(table.decode(id), rules)]));
  const kinds = [...new Set([...rules.map(({ kind }) => kind), "other"])];
  return table.models.flatMap((model) => {
    const values = measureColumn("shiftByKind", model, measure);
    return kinds.flatMap((kind): KindShift[] => {
      const own = units.map((rows) => rows.filter((row) => kindOf.get(table.tokens[row]!) === kind));
      const rows = own.flat();
      if (rows.length === 0) return [];
      const over = own.map((some) => some.reduce((sum, row) => sum + values[row]!, 0));
      const { value, interval } = ratioWithInterval({ over, under: own.map((some) => some.length) }, resampling);
      const shifted = rows.filter((row) => categoryOf(model.baseRanks[row]!) === "shifted").length;
      const counts = { tokens: rows.length, share: rows.length / values.length, shiftedShare: shifted / rows.length };
      return [{ source: table.source, model: model.name, kind, ...counts, mean: value, interval }];
    });
  });
}
