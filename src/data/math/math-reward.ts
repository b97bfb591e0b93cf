/** The reward of a mathematical answer: 1 if the last box has the value of the gold answer, else 0. */

import { type ExtractOptions, extractBoxed } from "./boxed.ts";
import { type EqualOptions, equalAnswers } from "./equal.ts";
import { parseMathAnswer } from "./parse.ts";

/** The gold answer, and options of extraction and comparison. */
export interface MathRewardOptions extends ExtractOptions, EqualOptions {
  /** The right answer: LaTeX or plain text, with or without $…$ and \boxed{…}. */
  readonly gold: string;
}

/**
 * A verifier of completions against one gold answer, which is parsed once.
 *
 * @returns completion → 1 or 0; a completion without an answer, or with one that is not recognised and is not the gold
 *   text, gets 0.
 * @throws {SyntaxError} If the gold answer is empty.
 * @throws {RangeError} If decimals is out of range.
 * @see Math-Verify, github.com/huggingface/Math-Verify, which verifies the answers of OpenR1-Math-46k-8192.
 * @example
 * mathReward({ gold: "1/2" })("… so \\boxed{0.5}"); // 1
 */
export function mathReward(options: MathRewardOptions): (completion: string) => 0 | 1 {
  const boxed = extractBoxed(options.gold, { several: "join" });
  const gold = parseMathAnswer(boxed ?? options.gold);
  if (gold.text === "") throw new SyntaxError("mathReward: expected a gold answer but found an empty text");
  equalAnswers(gold, gold, options);
  return (completion) => {
    const answer = extractBoxed(completion, options);
    return answer !== undefined && equalAnswers(gold, parseMathAnswer(answer), options) ? 1 : 0;
  };
}
