/**
 * Chain arithmetic: "9 - 8 + 2 + 5 =", evaluated from left to right modulo 10, answered in one of three dialects.
 *
 *   D  direct           > 8 <eos>
 *   C  running results  1 3 8 > 8 <eos>
 *   E  the expert's     [ 9 - 8 : 1 ] [ 1 + 2 : 3 ] [ 3 + 5 : 8 ] > 8 <eos>
 *
 * Small enough for a policy of 0.3 M parameters, and it separates the methods: the expert's dialect can be foreign to
 * the base policy, in its support, or rare in it (arithmetic-documents.ts).
 */

import { type Random, randomInteger } from "../random.ts";

/** The text of each token id. */
export const arithmeticVocabulary: readonly string[] = ["<pad>", "<bos>", "<eos>", ..."0123456789+-*=>[:]"];

const ids = new Map(arithmeticVocabulary.map((token, id) => [token, id]));
const idOf = (token: string) => ids.get(token)!;
const [bos, eos, equals, arrow] = [idOf("<bos>"), idOf("<eos>"), idOf("="), idOf(">")];
const [open, colon, close] = [idOf("["), idOf(":"), idOf("]")];
const zero = idOf("0");

export type Operator = "+" | "-" | "*";
export type Dialect = "D" | "C" | "E";

export interface ArithmeticProblem {
  /** Digits, 2 or more. */
  readonly operands: readonly number[];
  /** One fewer than operands. */
  readonly operators: readonly Operator[];
  /** The digit that is rewarded. */
  readonly answer: number;
  /** `<bos> 9 - 8 + 2 + 5 =`. */
  readonly prompt: Int32Array;
}

export interface ProblemOptions {
  /** Smallest and largest number of operands. */
  readonly operands: readonly [least: number, most: number];
  /** Operators to draw from, for example "+-". */
  readonly operators: string;
  /** An operator that occurs at least once. */
  readonly containing?: Operator;
}

/** Errors of a careless writer. */
export interface Noise {
  readonly random: Random;
  /** Probability that a result (D: the answer; C and E: each step's) is replaced by a digit drawn uniformly. */
  readonly error: number;
}

/**
 * Text → token ids.
 *
 * @param text Tokens with white space between them.
 * @throws {SyntaxError} If a word is not in the vocabulary.
 * @example
 * encodeArithmetic("> 8 <eos>"); // Int32Array [17, 11, 2]
 */
export function encodeArithmetic(text: string): Int32Array {
  const words = text.split(/\s+/).filter((word) => word !== "");
  return Int32Array.from(words, (word, position) => {
    const id = ids.get(word);
    if (id !== undefined) return id;
    throw new SyntaxError(
      `encodeArithmetic: expected a token of the vocabulary but found "${word}" at position ${position}; ` +
        `the tokens are ${arithmeticVocabulary.join(" ")}, with spaces between them`,
    );
  });
}

/**
 * Token ids → text, with a space between tokens.
 *
 * @throws {RangeError} If an id is outside the vocabulary.
 * @example
 * decodeArithmetic([17, 11, 2]); // "> 8 <eos>"
 */
export function decodeArithmetic(tokens: ArrayLike<number>): string {
  return Array.from(tokens, (id, position) => {
    const token = arithmeticVocabulary[id];
    if (token !== undefined) return token;
    throw new RangeError(
      `decodeArithmetic: expected ids in [0, ${arithmeticVocabulary.length}) but found ${id} at position ${position}`,
    );
  }).join(" ");
}

/**
 * A problem from its numbers.
 *
 * @throws {RangeError} If an operand is no digit or the operators are not one fewer than the operands, at least one.
 * @example
 * arithmeticProblem([9, 8, 2, 5], ["-", "+", "+"]).answer; // 8
 */
export function arithmeticProblem(operands: readonly number[], operators: readonly Operator[]): ArithmeticProblem {
  if (operators.length < 1 || operators.length !== operands.length - 1) {
    throw new RangeError(
      `arithmeticProblem: expected at least 1 operator, one fewer than operands, but found ${operators.length} for ${operands.length}`,
    );
  }
  const wrong = operands.find((digit) => !(Number.isInteger(digit) && digit >= 0 && digit <= 9));
  if (wrong !== undefined) throw new RangeError(`arithmeticProblem: expected digits 0-9 but found ${wrong}`);
  const prompt = [bos, zero + operands[0]!];
  for (const [i, operator] of operators.entries()) prompt.push(idOf(operator), zero + operands[i + 1]!);
  prompt.push(equals);
  const answer = stepsOf({ operands, operators }).at(-1)!.result;
  return { operands, operators, answer, prompt: Int32Array.from(prompt) };
}

/**
 * Draws a problem: the number of operands, the digits and the operators, each uniformly.
 *
 * @example
 * drawProblem(createRandom(7), { operands: [2, 4], operators: "+-" }).operands.length; // 2, 3 or 4
 */
export function drawProblem(random: Random, options: ProblemOptions): ArithmeticProblem {
  const [least, most] = options.operands;
  const count = least + randomInteger(random, most - least + 1);
  const operands = Array.from({ length: count }, () => randomInteger(random, 10));
  const operators = Array.from(
    { length: count - 1 },
    () => options.operators[randomInteger(random, options.operators.length)] as Operator,
  );
  if (options.containing && !operators.includes(options.containing)) {
    operators[randomInteger(random, count - 1)] = options.containing;
  }
  return arithmeticProblem(operands, operators);
}

/**
 * An answer in a dialect, up to and including `<eos>`; right unless there is noise.
 *
 * @example
 * decodeArithmetic(answerIn("C", arithmeticProblem([9, 8, 2, 5], ["-", "+", "+"]))); // "1 3 8 > 8 <eos>"
 */
export function answerIn(dialect: Dialect, problem: ArithmeticProblem, noise?: Noise): Int32Array {
  const answer = (digit: number) => [arrow, zero + digit, eos];
  switch (dialect) {
    case "D":
      return Int32Array.from(answer(careless(problem.answer, noise)));
    case "C": {
      const steps = stepsOf(problem, noise);
      return Int32Array.from([...steps.map(({ result }) => zero + result), ...answer(steps.at(-1)!.result)]);
    }
    case "E": {
      const steps = stepsOf(problem, noise);
      return Int32Array.from([...steps.flatMap(writtenOut), ...answer(steps.at(-1)!.result)]);
    }
    default:
      throw new TypeError(`answerIn: expected a dialect D, C or E but found ${dialect satisfies never}`);
  }
}

/**
 * The expert's first step alone, `[ 9 - 8 : 1 ] <eos>`.
 *
 * @example
 * decodeArithmetic(factOf(arithmeticProblem([9, 8], ["-"]))); // "[ 9 - 8 : 1 ] <eos>"
 */
export function factOf(problem: ArithmeticProblem): Int32Array {
  return Int32Array.from([...writtenOut(stepsOf(problem)[0]!), eos]);
}

/**
 * Verifies a completion: 1 if it has exactly one `>`, and ends with `>`, the right digit and `<eos>`; else 0.
 *
 * @example
 * arithmeticReward(arithmeticProblem([9, 8], ["-"]), encodeArithmetic("> 1 <eos>")); // 1
 */
export function arithmeticReward(problem: ArithmeticProblem, completion: ArrayLike<number>): 0 | 1 {
  const [last, digit, mark] = [1, 2, 3].map((back) => completion[completion.length - back]);
  const arrows = Array.from(completion).filter((id) => id === arrow).length;
  return last === eos && digit === zero + problem.answer && mark === arrow && arrows === 1 ? 1 : 0;
}

interface Step {
  readonly left: number;
  readonly operator: Operator;
  readonly right: number;
  readonly result: number;
}

/** A careless writer goes on from the wrong result. */
function stepsOf({ operands, operators }: Pick<ArithmeticProblem, "operands" | "operators">, noise?: Noise): Step[] {
  let left = operands[0]!;
  return operators.map((operator, i) => {
    const right = operands[i + 1]!;
    const step = { left, operator, right, result: careless(apply(operator, left, right), noise) };
    left = step.result;
    return step;
  });
}

function apply(operator: Operator, left: number, right: number) {
  switch (operator) {
    case "+":
      return (left + right) % 10;
    case "-":
      return (left - right + 10) % 10;
    case "*":
      return (left * right) % 10;
    default:
      throw new TypeError(`arithmeticProblem: expected an operator +, - or * but found ${operator satisfies never}`);
  }
}

const writtenOut = ({ left, operator, right, result }: Step) => [
  open,
  zero + left,
  idOf(operator),
  zero + right,
  colon,
  zero + result,
  close,
];

const careless = (digit: number, noise?: Noise) =>
  noise && noise.random() < noise.error ? randomInteger(noise.random, 10) : digit;
