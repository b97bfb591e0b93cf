/**
 * What a base policy has read before it is fine-tuned: documents in the dialects of arithmetic.ts, in three mixes that
 * differ in how well the expert's dialect E is known. Problems have 2–6 operands and all of + − ×.
 */

import type { Random } from "../random.ts";
import type { Sequence } from "../srft/policy.ts";
import { answerIn, type Dialect, drawProblem, encodeArithmetic, factOf } from "./arithmetic.ts";

/** Share of the documents, and the probability of an error (D: of the answer; C and E: of each step). */
export interface DialectShare {
  readonly share: number;
  readonly error: number;
}

/** Shares add up to 1. */
export interface DocumentMix extends Readonly<Record<Dialect, DialectShare>> {
  /** Share of single steps `[ a op b : c ]`, always right. */
  readonly facts: number;
}

export type DocumentVariant = "foreign" | "in-support" | "rare";

/**
 * The mixes. Bases are trained on "foreign" or "in-support" from the beginning; "rare" is what a "foreign" base reads
 * for `rareSteps` further steps: 3 % E, taken from the share of C.
 */
export const documentMixes: Readonly<Record<DocumentVariant, DocumentMix>> = {
  foreign: {
    facts: 0.12,
    D: { share: 0.4, error: 0.1 },
    C: { share: 0.48, error: 0.2 },
    E: { share: 0, error: 0 },
  },
  "in-support": {
    facts: 0.1,
    D: { share: 0.35, error: 0.1 },
    C: { share: 0.43, error: 0.2 },
    E: { share: 0.12, error: 0.2 },
  },
  rare: {
    facts: 0.12,
    D: { share: 0.4, error: 0.1 },
    C: { share: 0.45, error: 0.2 },
    E: { share: 0.03, error: 0.2 },
  },
};

/** How long a "foreign" base reads the "rare" mix. */
export const rareSteps = 450;

const beginning = encodeArithmetic("<bos>");

/**
 * Draws a document. The prompt is the question (for a fact: `<bos>` alone); losses are taken on the completion only.
 *
 * @example
 * const { prompt, completion } = drawDocument(createRandom(7), documentMixes.foreign);
 * decodeArithmetic([...prompt, ...completion]); // for example "<bos> 3 + 4 = > 7 <eos>"
 */
export function drawDocument(random: Random, mix: DocumentMix): Sequence {
  const kind = random();
  if (kind < mix.facts) {
    return { prompt: beginning, completion: factOf(drawProblem(random, { operands: [2, 2], operators: "+-*" })) };
  }
  const dialect = dialectAt(mix, kind - mix.facts);
  const problem = drawProblem(random, { operands: [2, 6], operators: "+-*" });
  const completion = answerIn(dialect, problem, { random, error: mix[dialect].error });
  return { prompt: problem.prompt, completion };
}

function dialectAt(mix: DocumentMix, position: number): Dialect {
  if (position < mix.D.share) return "D";
  return position < mix.D.share + mix.C.share || mix.E.share === 0 ? "C" : "E";
}
