/**
 * Text → answer: what stands at the outside (lists, relations, unions, brackets, matrices), and parse-expression.ts
 * for what stands inside. Which forms are recognised: recognised.ts.
 */

import type { MathAnswer, SetAnswer, TextAnswer } from "./answer.ts";
import { negate, symbol } from "./expression/expression.ts";
import { parseExpression } from "./expression/parse-expression.ts";
import { type Commas, type Token, tokensOf } from "./expression/tokens.ts";
import { intervalOf, isRelation, parseRelation, splitAt, unionOf } from "./parse-relation.ts";

/** Characters of an answer that are read as mathematics, at most; longer ones are text. */
export const longestAnswer = 2000;
/** Items of a list, at most. */
const mostItems = 200;

/**
 * Reads an answer exactly: integers, fractions and decimals as fractions of BigInts, roots, π, e and letters as
 * symbols. Takes time linear in the text, bounded for what is inside (length, depth, terms, digits).
 *
 * @param latex LaTeX or plain text, with or without $…$ and \boxed{…}.
 * @returns The value. What is not recognised, or is too long, is `{ kind: "text", reason }`; nothing throws.
 * @example
 * parseMathAnswer("\\frac{1}{2}").kind; // "expression"
 * parseMathAnswer("[0, \\infty)").kind; // "interval"
 */
export function parseMathAnswer(latex: string): MathAnswer {
  const reading = read(latex, "thousands");
  if (!/\d,\d{3}(?!\d)/.test(latex.slice(0, longestAnswer))) return reading;
  const other = read(latex, "separators");
  return other.kind === "text" || reading.kind === other.kind ? reading : { ...reading, alternative: other };
}

function read(latex: string, commas: Commas): MathAnswer {
  const plain = latex.slice(0, longestAnswer).replaceAll(/[\s$]+/g, "");
  const unread = (reason: string): TextAnswer => ({ kind: "text", text: plain, reason });
  if (latex.length > longestAnswer) {
    return { ...unread(`longer than ${longestAnswer} characters`), text: latex.replaceAll(/[\s$]+/g, "") };
  }
  try {
    return parseAnswer(trimTokens(tokensOf(latex, commas)));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return unread(error.message);
    throw error;
  }
}

/** The text by which answers are compared that are not mathematics: "\text{(C)}" and "C" alike. */
const textOf = (tokens: readonly Token[]) => tokens.map(({ value }) => value.replaceAll(/\s+/g, "")).join("");

function parseAnswer(tokens: readonly Token[]): MathAnswer {
  const text = textOf(tokens);
  if (tokens.length > 0 && tokens.every(({ kind }) => kind === "text")) {
    return { kind: "text", text: text.replace(/^\((.*)\)$/, "$1"), reason: "words" };
  }
  const content = withoutLeadingWords(tokens);
  const lists = splitAt(content, [",", ";", "or"]);
  if (lists.length > 1) return parseList(lists, { text, bare: true });
  if (isRelation(content)) return parseRelation(content, { text, parseAnswer });
  const parts = splitAt(content, ["∪", "∖"]);
  if (parts.length > 1) return unionOf(content, { text, parseAnswer });
  if (content[0]?.kind === "environment") return parseMatrix(content, text);
  return parseBracket(content, text) ?? parseTerm(content, text);
}

function parseBracket(tokens: readonly Token[], text: string): MathAnswer | undefined {
  if (!isWhole(tokens)) return undefined;
  const [open, close] = [tokens[0]!.value, tokens.at(-1)!.value];
  const inside = trimTokens(tokens.slice(1, -1));
  const items = splitAt(inside, [",", ";", "or"]);
  const isBraces = open.endsWith("{") && close.endsWith("}");
  if (open === "\\{" && isBraces) return parseList(inside.length === 0 ? [] : items, { text, bare: false });
  const isTransparent = open === "{" || open === "(" || inside[0]?.kind === "environment";
  if (items.length === 1) return isTransparent ? parseInside(inside) : undefined;
  if (isBraces) return parseList(items, { text, bare: false });
  if (isBraces !== (open.endsWith("{") || close.endsWith("}"))) return undefined;
  return items.length === 2
    ? parsePair(items, { open, close, text })
    : { kind: "tuple", text, items: parseItems(items) };
}

/** (C) is C, {5} is 5, ((1, 2)) is (1, 2); for a formula in brackets the expression parser does the same. */
const parseInside = (inside: readonly Token[]) => (inside.length === 0 ? undefined : parseAnswer(inside));

interface PairOptions {
  readonly open: string;
  readonly close: string;
  readonly text: string;
}

/** [a, b) is an interval; (a, b) is a point unless an end is infinite. */
function parsePair(items: readonly Token[][], { open, close, text }: PairOptions): MathAnswer {
  const parsed = parseItems(items);
  const isOpen = open === "(" && close === ")";
  const isInfinite = items.some((tokens) => tokens.some(({ value }) => value === "∞"));
  if (isOpen && !isInfinite) return { kind: "tuple", text, items: parsed };
  return intervalOf(parsed, { text, closedFrom: open === "[", closedTo: close === "]" });
}

const parseItems = (items: readonly (readonly Token[])[]) => items.flatMap((tokens) => expand(parseAnswer(tokens)));

/** "1 ± √2" in a list is two items. */
const expand = (answer: MathAnswer): readonly MathAnswer[] =>
  answer.kind === "set" && answer.bare && answer.items.length === 2 ? answer.items : [answer];

function parseList(lists: readonly (readonly Token[])[], { text, bare }: { text: string; bare: boolean }): MathAnswer {
  if (lists.length > mostItems) {
    throw new RangeError(`parseMathAnswer: expected at most ${mostItems} items but found ${lists.length}`);
  }
  const items = parseItems(lists.filter((tokens) => tokens.length > 0));
  if (bare && items.length === 1) return items[0]!;
  return alternatives(items, text) ?? ({ kind: "set", text, items, bare } satisfies SetAnswer);
}

/** "x < 1 or x > 5" is one solution set. */
function alternatives(items: readonly MathAnswer[], text: string): MathAnswer | undefined {
  const solutions = items.map((item) => (item.kind === "relation" ? item.solution : undefined));
  const [first] = solutions;
  if (!first || solutions.some((solution) => solution?.symbol !== first.symbol)) return undefined;
  const parts = solutions.flatMap(({ set } = first) => (set.kind === "union" ? set.parts : [set]));
  return {
    kind: "relation",
    text,
    relations: [],
    solution: { symbol: first.symbol, set: { kind: "union", text, parts } },
  };
}

function parseMatrix(tokens: readonly Token[], text: string): MathAnswer {
  const last = tokens.at(-1);
  if (last?.kind !== "environment" || last.value !== "end" || last.depth !== tokens[0]!.depth) {
    throw new SyntaxError("parseMathAnswer: expected one matrix but found more");
  }
  const lines = splitAt(tokens.slice(1, -1), ["newline"]).filter((line) => line.length > 0);
  const rows = lines.map((line) => splitAt(line, ["&"]).map((cell) => parseAnswer(cell)));
  if (rows.some((row) => row.length !== rows[0]!.length)) {
    throw new SyntaxError("parseMathAnswer: expected rows of one length but found others");
  }
  return { kind: "matrix", text, rows };
}

function parseTerm(tokens: readonly Token[], text: string): MathAnswer {
  if (tokens.length === 1 && tokens[0]!.value === "∅") return { kind: "set", text, items: [], bare: false };
  if (tokens.length === 1 && tokens[0]!.value === "R") return { ...realLine(text), text };
  const percent = tokens.at(-1)?.value === "%" && tokens.filter(({ value }) => value === "%").length === 1;
  const term = (sign: 1 | -1): MathAnswer => ({
    kind: "expression",
    text,
    value: parseExpression(tokens, { sign }),
    percent,
  });
  const isDouble = tokens.some(({ value }) => value === "±" || value === "∓");
  return isDouble ? { kind: "set", text, items: [term(1), term(-1)], bare: true } : term(1);
}

function realLine(text: string): MathAnswer {
  const infinity = symbol("∞");
  const minus = negate(infinity);
  return { kind: "interval", text, from: minus, to: infinity, closedFrom: false, closedTo: false };
}

/** "\text{Area: } 5" is 5. */
function withoutLeadingWords(tokens: readonly Token[]) {
  const start = tokens.findIndex(({ kind }) => kind !== "text");
  return tokens.slice(Math.max(start, 0));
}

const isWhole = (tokens: readonly Token[]) =>
  tokens.length >= 2 &&
  tokens[0]!.kind === "open" &&
  tokens.at(-1)!.kind === "close" &&
  tokens.slice(1, -1).every(({ depth }) => depth > tokens[0]!.depth);

/** Without punctuation at the ends. */
function trimTokens(tokens: readonly Token[]) {
  let [start, end] = [0, tokens.length];
  while (start < end && /^[,.;:]$/.test(tokens[start]!.value)) start++;
  while (end > start && /^[,.;:]$/.test(tokens[end - 1]!.value)) end--;
  return tokens.slice(start, end);
}
