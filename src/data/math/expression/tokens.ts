/**
 * LaTeX or plain text → tokens, in one pass. Layout (`\left`, `\,`, `\displaystyle`, `$`) disappears, Unicode and plain
 * spellings become one spelling, and every token knows how many brackets are open around it.
 */

import {
  bracketCommands,
  characters,
  functionNames,
  isGreek,
  operatorCommands,
  symbolCommands,
  unitWords,
  wordMeanings,
} from "./latex-names.ts";

/** A word of the language of answers. */
export interface Token {
  /** "environment" is begin or end of a matrix; "text" is words. */
  readonly kind: "number" | "symbol" | "function" | "text" | "open" | "close" | "operator" | "environment";
  /** A number without separators, a symbol with its subscript, an operator in the spelling of latex-names.ts. */
  readonly value: string;
  /** Open brackets around it; a bracket has the depth of its outside. */
  readonly depth: number;
}

/** How 1,234 outside brackets is read. */
export type Commas = "thousands" | "separators";

/** Brackets in brackets, at most. */
export const deepest = 48;

/**
 * The tokens of an answer.
 *
 * @throws {SyntaxError} If a character or command is unknown, or brackets do not match.
 * @throws {RangeError} If more than `deepest` brackets are open.
 * @example
 * tokensOf("\\frac12", "thousands").map((token) => token.value); // ["frac", "12"]
 */
export function tokensOf(source: string, commas: Commas): Token[] {
  const scan: Scan = { source, commas, at: 0, depth: 0, tokens: [] };
  while (scan.at < source.length) {
    if (!rules.some((rule) => rule(scan))) {
      throw new SyntaxError(`tokensOf: expected mathematics but found "${source[scan.at]}" at character ${scan.at}`);
    }
  }
  if (scan.depth > 0) throw new SyntaxError(`tokensOf: expected brackets that match but found ${scan.depth} open`);
  return scan.tokens;
}

interface Scan {
  readonly source: string;
  readonly commas: Commas;
  at: number;
  depth: number;
  readonly tokens: Token[];
}

type Rule = (scan: Scan) => boolean;

/** A rule that applies where its pattern matches; the action may decline by returning false. */
function rule(pattern: RegExp, action: (scan: Scan, match: RegExpExecArray) => unknown): Rule {
  return (scan) => {
    pattern.lastIndex = scan.at;
    const match = pattern.exec(scan.source);
    if (!match || action(scan, match) === false) return false;
    scan.at += match[0].length;
    return true;
  };
}

const put = (scan: Scan, kind: Token["kind"], value: string) => scan.tokens.push({ kind, value, depth: scan.depth });

function putNumber(scan: Scan, literal: string) {
  put(scan, "number", literal.replaceAll(/[^\d.eE+()-]/g, ""));
}

function putWords(scan: Scan, text: string) {
  const content = text.trim();
  const meaning = wordMeanings.get(content.toLowerCase());
  if (meaning !== undefined) putSpelling(scan, meaning);
  else if (content !== "") put(scan, "text", content);
}

function putSpelling(scan: Scan, spelling: string) {
  if (spelling === "^2" || spelling === "^3") {
    put(scan, "operator", "^");
    put(scan, "number", spelling[1]!);
  } else if (functionNames.has(spelling)) put(scan, "function", spelling);
  else if (/^(?:\p{L}+|∞|∅)$/u.test(spelling) && spelling !== "or" && spelling !== "newline") {
    put(scan, "symbol", spelling);
  } else put(scan, "operator", spelling);
}

function putBracket(scan: Scan, value: string) {
  if (/[([{⌊⌈]$/.test(value)) {
    put(scan, "open", value);
    scan.depth++;
    if (scan.depth > deepest)
      throw new RangeError(`tokensOf: expected at most ${deepest} open brackets but found more`);
  } else {
    scan.depth--;
    if (scan.depth < 0)
      throw new SyntaxError(`tokensOf: expected brackets that match but found "${value}" without one`);
    put(scan, "close", value);
  }
}

function putCommand(scan: Scan, name: string) {
  const bracket = bracketCommands.get(name);
  const spelling = operatorCommands.get(name) ?? symbolCommands.get(name);
  if (bracket) putBracket(scan, bracket);
  else if (spelling) putSpelling(scan, spelling);
  else if (functionNames.has(name)) put(scan, "function", name);
  else if (isGreek(name)) put(scan, "symbol", name);
  else throw new SyntaxError(`tokensOf: expected a known command but found \\${name}`);
}

/** Letters that are no known word are symbols, multiplied. */
function putLetters(scan: Scan, letters: string) {
  const word = letters.toLowerCase();
  const followsNumber = scan.tokens.at(-1)?.kind === "number" || scan.tokens.at(-1)?.kind === "text";
  if (wordMeanings.has(word)) putSpelling(scan, wordMeanings.get(word)!);
  else if (functionNames.has(word)) put(scan, "function", word);
  else if (unitWords.has(word) && followsNumber) put(scan, "text", word);
  else for (const letter of letters) put(scan, "symbol", letter);
}

/** x_{12} is the symbol x_12, and 204_5 the symbol 204_5. */
function putSubscript(scan: Scan, subscript: string) {
  const last = scan.tokens.at(-1);
  if (last?.kind !== "symbol" && last?.kind !== "number") {
    if (last?.value !== "log") throw new SyntaxError("tokensOf: expected a symbol before _ but found none");
  }
  scan.tokens[scan.tokens.length - 1] = {
    ...last!,
    kind: last!.kind === "number" ? "symbol" : last!.kind,
    value: `${last!.value}_${subscript.replaceAll(/\\text|[\s{}\\]/g, "")}`,
  };
}

/** In the order in which they are tried; every pattern is sticky and takes time linear in its match. */
const rules: readonly Rule[] = [
  rule(/(?:[\s~$€£¥]|\\[,;:!> $]|\\(?:left|right)(?![a-zA-Z])\s?\.?)+/y, () => {}),
  rule(
    /\\(?:[bB]igg?[lrm]?|displaystyle|textstyle|limits|q?quad|boxed|fbox|math(?:bf|bb|cal|it)|boldsymbol|vec|overline)(?![a-zA-Z])/y,
    () => {},
  ),
  rule(/\\(begin|end)\s?\{([a-zA-Z]{1,12})\*?\}(?:\{[clr|]{0,40}\})?/y, putEnvironment),
  rule(/\^\s?(?:\\circ(?![a-zA-Z])|\{\s?\\circ\s?\}|°)/y, (scan) => put(scan, "operator", "°")),
  rule(/\\(?:text[a-z]{0,6}|mbox|mathrm|operatorname|rm)\s?\{([^{}]*)\}/y, (scan, match) => putText(scan, match)),
  rule(/(\d+\.\d*)\\overline\{(\d+)\}/y, (scan, [, start, period]) => putNumber(scan, `${start}(${period})`)),
  rule(/\d{1,3}(?:(?:\{,\}|,\\!\s?|\\[,;: ]|[ \u00a0\u2009\u202f])\d{3})+(?!\d)(?:\.\d+)?/y, (scan, [all]) =>
    putNumber(scan, all),
  ),
  rule(/\d{1,3}(?:,\d{3})+(?!\d|,\d)(?:\.\d+)?/y, (scan, [all]) =>
    scan.depth === 0 && scan.commas === "thousands" ? putNumber(scan, all) : false,
  ),
  rule(/\d*\.\d+(?:[eE][+-]?\d+)?|\d+(?:[eE]\d+|E[+-]\d+|e[+-]\d\d+)?/y, (scan, [all]) => put(scan, "number", all)),
  rule(/_\s?(?:\{([^{}]*)\}|(\w))/y, (scan, [, group, single]) => putSubscript(scan, group ?? single!)),
  rule(/\\[tdc]frac(?![a-zA-Z])/y, (scan) => put(scan, "function", "frac")),
  rule(/\\([{}])/y, (scan, [all]) => putBracket(scan, all)),
  rule(/[()[\]{}⌊⌋⌈⌉]/y, (scan, [all]) => putBracket(scan, all)),
  rule(/\\([a-zA-Z]+)/y, (scan, [, name]) => putCommand(scan, name!)),
  rule(/[a-zA-Z]+/y, (scan, [all]) => putLetters(scan, all)),
  rule(/\*\*|<=|>=|!=|==|\\[\\%]/y, (scan, [all]) => putSpelling(scan, characters.get(all)!)),
  rule(/[-+*/^=<>≤≥≠≈±∓:;,.!%&|∈∪∖→°]/y, (scan, [all]) => put(scan, "operator", all)),
  rule(/[^\p{ASCII}]/uy, (scan, [all]) => putSpelling(scan, characters.get(all) ?? all)),
];

function putEnvironment(scan: Scan, [, side, name]: RegExpExecArray) {
  if (!/^(?:[bpvBV]?matrix|smallmatrix|array)$/.test(name!)) {
    throw new SyntaxError(`tokensOf: expected a matrix but found the environment ${name}`);
  }
  if (side === "end") scan.depth--;
  if (scan.depth < 0) throw new SyntaxError("tokensOf: expected \\begin before \\end but found none");
  put(scan, "environment", side!);
  if (side === "begin") scan.depth++;
}

/** \mathrm{e} and \operatorname{sin} are mathematics, \text{e} is a word. */
function putText(scan: Scan, [all, content = ""]: RegExpExecArray) {
  const isMath = /^\\(?:mathrm|operatorname|rm)/.test(all) && (functionNames.has(content) || content.length === 1);
  if (isMath) putLetters(scan, content);
  else putWords(scan, content);
}
