/**
 * Tokens → expression: sums, products (also without a sign), powers, fractions, roots, functions, mixed numbers,
 * factorials, percent, degrees. ± is read as one of its signs; the caller asks for both.
 */

import {
  add,
  constant,
  divide,
  type Expression,
  imaginaryUnit,
  multiply,
  negate,
  opaque,
  power,
  rationalValue,
  root,
  symbol,
} from "./expression.ts";
import { applyFunction, binomial, factorial } from "./functions.ts";
import { decimal, one, rational, rationalNumber } from "./rational.ts";
import { deepest, type Token } from "./tokens.ts";

/** How ± is read. */
export interface ExpressionOptions {
  /** What ± means; ∓ means the opposite. */
  readonly sign: 1 | -1;
}

/**
 * The expression that all the tokens spell.
 *
 * @throws {SyntaxError} If they spell none; the message names the token.
 * @throws {RangeError} If it is too large to write out, or divides by 0.
 * @example
 * parseExpression(tokensOf("3\\frac12", "thousands"), { sign: 1 }); // 7/2
 */
export function parseExpression(tokens: readonly Token[], { sign }: ExpressionOptions): Expression {
  const cursor: Cursor = { tokens: [...tokens], at: 0, sign, nested: 0, radians: false };
  const value = parseSum(cursor);
  if (cursor.at < cursor.tokens.length) throw unexpected(cursor);
  return value;
}

interface Cursor {
  readonly tokens: Token[];
  at: number;
  readonly sign: 1 | -1;
  nested: number;
  /** Inside a trigonometric function, where ° is π/180. */
  radians: boolean;
}

const peek = ({ tokens, at }: Cursor) => tokens[at];
const next = (cursor: Cursor) => cursor.tokens[cursor.at++];
const isNext = (cursor: Cursor, ...values: readonly string[]) => {
  const token = peek(cursor);
  return token !== undefined && token.kind !== "text" && values.includes(token.value);
};

function unexpected(cursor: Cursor) {
  const token = peek(cursor);
  return new SyntaxError(
    `parseExpression: expected a term but found ${token ? `"${token.value}"` : "the end"} at token ${cursor.at}`,
  );
}

function expect(cursor: Cursor, value: string) {
  if (!isNext(cursor, value)) throw unexpected(cursor);
  cursor.at++;
}

function parseSum(cursor: Cursor): Expression {
  if (++cursor.nested > deepest * 2) throw new RangeError("parseExpression: expected less nesting but found more");
  let sum = isNext(cursor, "+", "-", "±", "∓") ? constant(rational(0n)) : parseProduct(cursor);
  while (isNext(cursor, "+", "-", "±", "∓")) {
    const operator = next(cursor)!.value;
    const term = parseSigned(cursor);
    const isMinus = operator === "-" || (operator === "±" && cursor.sign < 0) || (operator === "∓" && cursor.sign > 0);
    sum = add(sum, isMinus ? negate(term) : term);
  }
  cursor.nested--;
  return sum;
}

function parseSigned(cursor: Cursor): Expression {
  let isNegative = false;
  while (isNext(cursor, "+", "-")) isNegative = (next(cursor)!.value === "-") !== isNegative;
  const value = parseProduct(cursor);
  return isNegative ? negate(value) : value;
}

function parseProduct(cursor: Cursor): Expression {
  let product = parseFactor(cursor);
  for (;;) {
    if (isNext(cursor, "*")) {
      cursor.at++;
      product = multiply(product, parseSignedFactor(cursor));
    } else if (isNext(cursor, "/", ":")) {
      cursor.at++;
      product = divide(product, parseSignedFactor(cursor));
    } else if (startsFactor(peek(cursor))) product = multiply(product, parseFactor(cursor));
    else return product;
  }
}

function parseSignedFactor(cursor: Cursor): Expression {
  if (!isNext(cursor, "-", "+")) return parseFactor(cursor);
  return next(cursor)!.value === "-" ? negate(parseFactor(cursor)) : parseFactor(cursor);
}

const startsFactor = (token: Token | undefined) =>
  token !== undefined && ["number", "symbol", "function", "open", "text"].includes(token.kind);

/** A primary with its powers, factorials, percents and degrees; units are dropped with their powers. */
function parseFactor(cursor: Cursor): Expression {
  if (peek(cursor)?.kind === "text") return parseUnits(cursor);
  let value = parsePrimary(cursor);
  for (;;) {
    if (isNext(cursor, "^")) {
      cursor.at++;
      value = power(value, parseExponent(cursor));
    } else if (isNext(cursor, "!")) {
      cursor.at++;
      value = factorial(value);
    } else if (isNext(cursor, "%")) {
      cursor.at++;
      value = multiply(value, constant(rational(1n, 100n)));
    } else if (isNext(cursor, "°")) {
      cursor.at++;
      if (cursor.radians) value = multiply(value, multiply(symbol("π"), constant(rational(1n, 180n))));
    } else return value;
  }
}

function parseUnits(cursor: Cursor): Expression {
  if (cursor.at === 0) throw unexpected(cursor);
  cursor.at++;
  if (isNext(cursor, "^")) {
    cursor.at++;
    parseExponent(cursor);
  }
  return constant(one);
}

function parseExponent(cursor: Cursor): Expression {
  if (isNext(cursor, "-")) {
    cursor.at++;
    return negate(parseExponent(cursor));
  }
  const base = parsePrimary(cursor);
  if (!isNext(cursor, "^")) return base;
  cursor.at++;
  return power(base, parseExponent(cursor));
}

function parsePrimary(cursor: Cursor): Expression {
  const token = next(cursor);
  switch (token?.kind) {
    case "number":
      return parseNumber(cursor, token.value);
    case "symbol":
      return token.value === "i" ? imaginaryUnit : symbol(token.value);
    case "function":
      return parseFunction(cursor, token.value);
    case "open":
      return parseGroup(cursor, token.value);
    case "operator":
      if (token.value === "|") return parseBetween(cursor, { close: "|", name: "abs", compute: Math.abs });
  }
  cursor.at--;
  throw unexpected(cursor);
}

/** A number, or a mixed number: digits and then a fraction of digits. */
function parseNumber(cursor: Cursor, literal: string): Expression {
  const value = constant(decimal(literal), literal.includes(".") && !literal.includes("("));
  if (!/^\d+$/.test(literal)) return value;
  const [first, second, third] = cursor.tokens.slice(cursor.at, cursor.at + 3);
  const isFraction = first?.value === "frac" && (second?.kind === "number" || isNumberGroup(cursor, cursor.at + 1));
  const isPlain = first?.kind === "number" && second?.value === "/" && third?.kind === "number";
  if (isFraction) return add(value, parsePrimary(cursor));
  if (!isPlain) return value;
  cursor.at += 3;
  return add(value, divide(constant(decimal(first.value)), constant(decimal(third.value))));
}

const isNumberGroup = ({ tokens }: Cursor, at: number) =>
  tokens[at]?.value === "{" && tokens[at + 1]?.kind === "number" && tokens[at + 2]?.value === "}";

const closeOf: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}", "\\{": "\\}", "⌊": "⌋", "⌈": "⌉" };

function parseGroup(cursor: Cursor, open: string): Expression {
  const close = closeOf[open]!;
  if (open === "⌊") return parseBetween(cursor, { close, name: "floor", compute: Math.floor });
  if (open === "⌈") return parseBetween(cursor, { close, name: "ceil", compute: Math.ceil });
  const value = parseSum(cursor);
  expect(cursor, close);
  return value;
}

interface Between {
  readonly close: string;
  readonly name: string;
  readonly compute: (value: number) => number;
}

function parseBetween(cursor: Cursor, { close, name, compute }: Between): Expression {
  const inside = parseSum(cursor);
  expect(cursor, close);
  const value = rationalValue(inside);
  if (value && name === "abs") return value.n < 0n ? negate(inside) : inside;
  if (value) return constant(rational(BigInt(compute(rationalNumber(value)))));
  return opaque(name, [inside], compute);
}

function parseFunction(cursor: Cursor, name: string): Expression {
  if (name === "frac") return divide(parseArgument(cursor), parseArgument(cursor));
  if (name === "binom") return binomial(parseArgument(cursor), parseArgument(cursor));
  if (name === "sqrt") return parseRoot(cursor);
  const exponent = parseFunctionExponent(cursor);
  if (exponent && rationalValue(exponent)?.n === -1n) return applyFunction(`arc${name}`, parseInput(cursor, name));
  const value = applyFunction(name, parseInput(cursor, name));
  return exponent ? power(value, exponent) : value;
}

/** The 2 of \sin^2 x. */
function parseFunctionExponent(cursor: Cursor): Expression | undefined {
  if (!isNext(cursor, "^")) return undefined;
  cursor.at++;
  return parseExponent(cursor);
}

/** \frac12 takes a digit at a time. */
function parseArgument(cursor: Cursor): Expression {
  const token = peek(cursor);
  if (token?.kind !== "number" || token.value.length === 1) return parsePrimary(cursor);
  const rest = { ...token, value: token.value.slice(1) };
  cursor.tokens.splice(cursor.at, 1, { ...token, value: token.value[0]! }, rest);
  return constant(decimal(next(cursor)!.value));
}

function parseRoot(cursor: Cursor): Expression {
  if (!isNext(cursor, "[")) return root(parsePrimary(cursor), 2);
  cursor.at++;
  const degree = parseSum(cursor);
  expect(cursor, "]");
  const k = rationalValue(degree);
  const radicand = parsePrimary(cursor);
  if (k?.d === 1n && k.n >= 1n && k.n <= 64n) return root(radicand, Number(k.n));
  return power(radicand, divide(constant(one), degree));
}

/** A bracket, or the factors up to the next sign or function: \sin 2x \cos y is sin(2x)·cos(y). */
function parseInput(cursor: Cursor, name: string): Expression {
  const outside = cursor.radians;
  cursor.radians = /^(?:sin|cos|tan|cot|sec|csc)$/.test(name);
  const isBracket = peek(cursor)?.kind === "open";
  let value = parseFactor(cursor);
  while (!isBracket && (peek(cursor)?.kind === "number" || peek(cursor)?.kind === "symbol")) {
    value = multiply(value, parseFactor(cursor));
  }
  cursor.radians = outside;
  return value;
}
