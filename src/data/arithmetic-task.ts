/**
 * Chain arithmetic as a task: a training set of + and − with 2–4 operands, demonstrations in the expert's dialect,
 * and three splits to evaluate on: as trained ("id"), with the operator × that training never shows ("ood-op", a
 * probe for forgetting), and longer than trained ("ood-length").
 *
 * Problems are drawn independently, so a problem of the split "id" may also occur in the training set: there are
 * only 200 problems with two operands.
 */

import { createRandom, type Random } from "../random.ts";
import type { Sequence } from "../srft/policy.ts";
import type { Task } from "../srft/task.ts";
import {
  type ArithmeticProblem,
  answerIn,
  arithmeticReward,
  arithmeticVocabulary,
  type Dialect,
  decodeArithmetic,
  drawProblem,
  encodeArithmetic,
  type ProblemOptions,
} from "./arithmetic.ts";
import { type DocumentVariant, documentMixes, drawDocument } from "./arithmetic-documents.ts";

export interface ArithmeticTaskOptions {
  /** Integer in [0, 2^32); determines the problems and the splits, each by a generator of its own. */
  readonly seed: number;
  /** Size of the training set. Default 2000. */
  readonly problems?: number;
  /** Default [2, 4]. */
  readonly operands?: readonly [least: number, most: number];
  /** Default "+-". */
  readonly operators?: string;
  /** Default "E". */
  readonly demonstrationDialect?: Dialect;
  /** Problems in each split. Default 300. */
  readonly splitSize?: number;
  /** Operands of the split "ood-length". Default [5, 6]. */
  readonly longOperands?: readonly [least: number, most: number];
}

export type ArithmeticSplit = "id" | "ood-op" | "ood-length";

export interface ArithmeticTask extends Task<ArithmeticProblem> {
  readonly splits: Readonly<Record<ArithmeticSplit, readonly ArithmeticProblem[]>>;
  /** Demonstrations of the split "id": one text on which policies can be compared. */
  readonly texts: readonly Sequence[];
  reward(problem: ArithmeticProblem, completion: ArrayLike<number>): 0 | 1;
  demonstration(problem: ArithmeticProblem): Int32Array;
  /** A document for pre-training a base policy. */
  document(random: Random, variant: DocumentVariant): Sequence;
}

/**
 * The task a seed determines.
 *
 * @throws {RangeError} If an option is out of range.
 * @example
 * const task = arithmeticTask({ seed: 7 });
 * task.decode(task.demonstration(task.problems[0])); // "[ … ] > … <eos>"
 */
export function arithmeticTask(options: ArithmeticTaskOptions): ArithmeticTask {
  const { seed, problems = 2000, operands = [2, 4], operators = "+-", demonstrationDialect = "E" } = options;
  const { splitSize = 300, longOperands = [5, 6] } = options;
  checkOptions({ problems, splitSize, operands, longOperands, operators });
  const id = drawSplit({ seed, index: 1, count: splitSize, operands, operators });
  const demonstration = (problem: ArithmeticProblem) => answerIn(demonstrationDialect, problem);
  return {
    vocabulary: arithmeticVocabulary,
    encode: encodeArithmetic,
    decode: decodeArithmetic,
    problems: drawSplit({ seed, index: 0, count: problems, operands, operators }),
    splits: {
      id,
      "ood-op": drawSplit({
        seed,
        index: 2,
        count: splitSize,
        operands,
        operators: withTimes(operators),
        containing: "*",
      }),
      "ood-length": drawSplit({ seed, index: 3, count: splitSize, operands: longOperands, operators }),
    },
    texts: id.map((problem) => ({ prompt: problem.prompt, completion: demonstration(problem) })),
    reward: arithmeticReward,
    demonstration,
    document: (random, variant) => drawDocument(random, documentMixes[variant]),
  };
}

interface SplitOptions extends ProblemOptions {
  readonly seed: number;
  readonly index: number;
  readonly count: number;
}

/** Split i has a generator of its own, so that its problems do not depend on the size of another split. */
function drawSplit({ seed, index, count, ...options }: SplitOptions) {
  const random = createRandom(index === 0 ? seed : (seed + index * 0x9e3779b9) >>> 0);
  return Array.from({ length: count }, () => drawProblem(random, options));
}

const withTimes = (operators: string) => (operators.includes("*") ? operators : `${operators}*`);

interface Checked {
  readonly problems: number;
  readonly splitSize: number;
  readonly operands: readonly [number, number];
  readonly longOperands: readonly [number, number];
  readonly operators: string;
}

function checkOptions({ problems, splitSize, operands, longOperands, operators }: Checked) {
  for (const [name, count] of Object.entries({ problems, splitSize })) {
    if (!(Number.isInteger(count) && count >= 1)) {
      throw new RangeError(`arithmeticTask: expected an integer ${name} >= 1 but found ${count}`);
    }
  }
  for (const [name, [least, most]] of Object.entries({ operands, longOperands })) {
    if (!(Number.isInteger(least) && Number.isInteger(most) && least >= 2 && most >= least)) {
      throw new RangeError(
        `arithmeticTask: expected ${name} [least >= 2, most >= least] but found [${least}, ${most}]`,
      );
    }
  }
  if (!/^[-+*]+$/.test(operators)) {
    throw new RangeError(`arithmeticTask: expected operators among "+-*" but found "${operators}"`);
  }
}
