/**
 * Countdown: reach a target from given numbers with + − × ÷ and brackets. Verified exactly, with fractions of BigInts;
 * nothing is evaluated as code.
 */

import { type Random, randomInteger, sampleWithoutReplacement } from "../random.ts";
import {
  addRational,
  divideRational,
  equalRational,
  multiplyRational,
  negateRational,
  type Rational,
  rational,
  rationalText,
} from "./math/expression/rational.ts";

/** Numbers to reach a target with. */
export interface CountdownProblem {
  /** Integers >= 1. */
  readonly numbers: readonly number[];
  readonly target: number;
}

/** A problem with one of its solutions. */
export interface SolvedCountdown extends CountdownProblem {
  /** For example "(25 - 5) * 3". */
  readonly solution: string;
}

/** Sizes of the problems drawn. */
export interface CountdownOptions {
  /** Integers of the problem: 2 to 8. Default 4. */
  readonly count?: number;
  /** Numbers are drawn from 1 to this. Default 99. */
  readonly largestNumber?: number;
  /** Targets are from 1 to this. Default 99. */
  readonly largestTarget?: number;
}

/** What an expression comes to, or the first thing that is wrong with it. */
export type CountdownVerdict =
  | { readonly solved: true }
  | {
      readonly solved: false;
      /** "7 is used 2 times, given 1", "it is 24, not 25", … */
      readonly reason: string;
    };

/** Characters of an expression, at most. */
const longestExpression = 1000;
const deepest = 64;

/**
 * Draws a solvable problem: numbers uniformly, then a random way of putting them together whose steps are positive
 * integers and whose result is the target. All numbers are used.
 *
 * @throws {RangeError} If an option is out of range, or no target within reach turned up in 10,000 draws.
 * @example
 * const { numbers, target, solution } = drawCountdown(createRandom(7), { count: 3 });
 * countdownVerdict({ numbers, target }, solution); // { solved: true }
 */
export function drawCountdown(random: Random, options: CountdownOptions = {}): SolvedCountdown {
  const { count = 4, largestNumber = 99, largestTarget = 99 } = options;
  checkOptions({ count, largestNumber, largestTarget });
  for (let draw = 0; draw < 10_000; draw++) {
    const numbers = Array.from({ length: count }, () => 1 + randomInteger(random, largestNumber));
    const { value, text } = combine(random, numbers);
    if (value <= largestTarget && !numbers.includes(value)) return { numbers, target: value, solution: text };
  }
  throw new RangeError(
    `drawCountdown: expected targets <= ${largestTarget} from ${count} numbers <= ${largestNumber} but found none in 10000 draws`,
  );
}

interface Part {
  readonly value: number;
  readonly text: string;
}

function combine(random: Random, numbers: readonly number[]): Part {
  let parts: Part[] = numbers.map((value) => ({ value, text: `${value}` }));
  while (parts.length > 1) {
    const [a, b] = sampleWithoutReplacement(random, parts, 2) as [Part, Part];
    const choices = combinations(a, b);
    parts = [...parts.filter((part) => part !== a && part !== b), choices[randomInteger(random, choices.length)]!];
  }
  const [{ value, text }] = parts as [Part];
  return { value, text: text.startsWith("(") ? text.slice(1, -1) : text };
}

/** Each operation whose result is a positive safe integer; a sum always is, in range. */
function combinations(a: Part, b: Part): Part[] {
  const [high, low] = a.value >= b.value ? [a, b] : [b, a];
  const written = (operator: string, value: number) => ({ value, text: `(${high.text} ${operator} ${low.text})` });
  const all = [
    written("+", high.value + low.value),
    written("*", high.value * low.value),
    written("-", high.value - low.value),
    written("/", high.value / low.value),
  ];
  return all.filter(({ value }) => Number.isSafeInteger(value) && value >= 1);
}

function checkOptions(options: Required<CountdownOptions>) {
  const ranges = { count: [2, 8], largestNumber: [1, 10_000], largestTarget: [1, 1_000_000] } as const;
  for (const [name, [least, most]] of Object.entries(ranges)) {
    const found = options[name as keyof typeof ranges];
    if (!(Number.isInteger(found) && found >= least && found <= most)) {
      throw new RangeError(`drawCountdown: expected an integer ${name} in [${least}, ${most}] but found ${found}`);
    }
  }
}

/** Which numbers must be used. */
export interface CountdownRules {
  /** "all": each number exactly once (TinyZero). "some": each at most once (the game). Default "all". */
  readonly use?: "all" | "some";
}

/**
 * Verifies an expression: its numbers are given ones, its exact value is the target.
 *
 * @param expression Integers, + - * / ( ), also × ÷ − · \times \div \cdot; no signs before numbers.
 * @returns Whether it solves the problem, else why not; never throws on an expression.
 * @example
 * countdownVerdict({ numbers: [25, 5, 3], target: 60 }, "(25 - 5) * 3"); // { solved: true }
 */
export function countdownVerdict(
  problem: CountdownProblem,
  expression: string,
  rules: CountdownRules = {},
): CountdownVerdict {
  try {
    const { value, used } = evaluateText(expression);
    const reason = misused(problem.numbers, used, rules.use ?? "all");
    if (reason) return { solved: false, reason };
    const isTarget = equalRational(value, rational(BigInt(problem.target)));
    return isTarget
      ? { solved: true }
      : { solved: false, reason: `it is ${rationalText(value)}, not ${problem.target}` };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return { solved: false, reason: error.message };
    throw error;
  }
}

/**
 * The reward of a completion: 1 if what stands between the last `<answer>` and `</answer>` (without tags: the last line
 * that is not blank) solves the problem, else 0.
 *
 * @example
 * countdownReward({ numbers: [3, 4], target: 7 })("so <answer>3 + 4</answer>"); // 1
 */
export function countdownReward(problem: CountdownProblem, rules: CountdownRules = {}): (completion: string) => 0 | 1 {
  return (completion) => {
    const end = completion.lastIndexOf("</answer>");
    const start = completion.lastIndexOf("<answer>", Math.max(end, 0));
    const isTagged = start >= 0 && end > start;
    const answer = isTagged
      ? completion.slice(start + "<answer>".length, end)
      : completion.trimEnd().split("\n").at(-1)!;
    return countdownVerdict(problem, answer, rules).solved ? 1 : 0;
  };
}

function misused(given: readonly number[], used: readonly bigint[], use: "all" | "some"): string | undefined {
  const count = (list: readonly (number | bigint)[], wanted: bigint) =>
    list.filter((each) => BigInt(each) === wanted).length;
  for (const number of new Set([...used, ...given.map(BigInt)])) {
    const [times, available] = [count(used, number), count(given, number)];
    if (times > available) return `${number} is used ${times} times, given ${available}`;
    if (use === "all" && times < available) return `${number} is given ${available} times, used ${times}`;
  }
  return undefined;
}

interface Cursor {
  readonly tokens: readonly string[];
  at: number;
  depth: number;
  readonly used: bigint[];
}

function evaluateText(expression: string): { value: Rational; used: readonly bigint[] } {
  const cursor: Cursor = { tokens: tokensOf(expression), at: 0, depth: 0, used: [] };
  const value = evaluateSum(cursor);
  if (cursor.at < cursor.tokens.length) throw unexpected(cursor);
  return { value, used: cursor.used };
}

const spellings: Readonly<Record<string, string>> = {
  "×": "*",
  "·": "*",
  "\\times": "*",
  "\\cdot": "*",
  "÷": "/",
  "\\div": "/",
  "−": "-",
  "–": "-",
};

function tokensOf(expression: string): string[] {
  if (expression.length > longestExpression) {
    throw new RangeError(`expected at most ${longestExpression} characters but found ${expression.length}`);
  }
  const found = expression.match(/\d{1,15}(?!\d)|\\(?:times|cdot|div)|[-+*/()×·÷−–]|\s+|[\s\S]/g) ?? [];
  return found.filter((token) => token.trim() !== "").map((token) => spellings[token] ?? token);
}

const unexpected = ({ tokens, at }: Cursor) =>
  new SyntaxError(
    `expected a number or ( but found ${at < tokens.length ? `"${tokens[at]}"` : "the end"} at token ${at}`,
  );

function evaluateSum(cursor: Cursor): Rational {
  let sum = evaluateProduct(cursor);
  for (
    let operator = cursor.tokens[cursor.at];
    operator === "+" || operator === "-";
    operator = cursor.tokens[cursor.at]
  ) {
    cursor.at++;
    const term = evaluateProduct(cursor);
    sum = addRational(sum, operator === "-" ? negateRational(term) : term);
  }
  return sum;
}

function evaluateProduct(cursor: Cursor): Rational {
  let product = evaluateFactor(cursor);
  for (
    let operator = cursor.tokens[cursor.at];
    operator === "*" || operator === "/";
    operator = cursor.tokens[cursor.at]
  ) {
    cursor.at++;
    const factor = evaluateFactor(cursor);
    product = operator === "/" ? divideRational(product, factor) : multiplyRational(product, factor);
  }
  return product;
}

function evaluateFactor(cursor: Cursor): Rational {
  const token = cursor.tokens[cursor.at] ?? "";
  if (token === "(") return evaluateBrackets(cursor);
  if (!/^\d+$/.test(token)) throw unexpected(cursor);
  cursor.at++;
  cursor.used.push(BigInt(token));
  return rational(BigInt(token));
}

function evaluateBrackets(cursor: Cursor): Rational {
  if (++cursor.depth > deepest) throw new RangeError(`expected at most ${deepest} open brackets but found more`);
  cursor.at++;
  const value = evaluateSum(cursor);
  if (cursor.tokens[cursor.at] !== ")") throw new SyntaxError(`expected ) at token ${cursor.at} but found none`);
  cursor.at++;
  cursor.depth--;
  return value;
}
