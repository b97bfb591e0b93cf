/**
 * What training needs to know of a task: prompts, a verifier, and an expert's answers. Everything is token ids; the
 * text is for people.
 */

import type { Policy, Sequence } from "./policy.ts";

/** One question. Tasks add what their verifier needs. */
export interface Problem {
  /** Token ids, the beginning-of-text token included. */
  readonly prompt: ArrayLike<number>;
}

export interface Task<P extends Problem = Problem> {
  /** The text of each token; its length is the policy's vocabularySize. */
  readonly vocabulary: readonly string[];
  /** Text → token ids. */
  encode(text: string): Int32Array;
  /** Token ids → text. */
  decode(tokens: ArrayLike<number>): string;
  /** The training set. */
  readonly problems: readonly P[];
  /** Verifies one completion. Finite; a reward > 0 counts as solved, and `srft()` reads 1 as success, 0 and −1 as failure. */
  reward(problem: P, completion: ArrayLike<number>): number | Promise<number>;
  /** The expert's completion, up to and including the end token. Tasks without an expert leave it out. */
  demonstration?(problem: P): ArrayLike<number>;
}

/**
 * The text an expert would write for a problem.
 *
 * @throws {TypeError} If the task has no demonstrations.
 * @example
 * demonstrationOf(task, task.problems[0]); // { prompt, completion }
 */
export function demonstrationOf<P extends Problem>(task: Task<P>, problem: P): Sequence {
  if (!task.demonstration) {
    throw new TypeError(
      "demonstrationOf: expected a task with demonstrations but found none; use an objective without them",
    );
  }
  return { prompt: problem.prompt, completion: task.demonstration(problem) };
}

/**
 * Checks a task against a policy, once, at the door of training.
 *
 * @throws {RangeError} If there is no problem, a token is outside the policy's vocabulary, or a demonstration is empty
 *   or does not fit the context; names the problem and the token.
 * @example
 * checkTask(policy, task, { demonstrations: true }); // nothing, or the first thing that is wrong with the task
 */
export function checkTask<P extends Problem>(
  policy: Policy,
  task: Task<P>,
  options: { demonstrations: boolean },
): void {
  if (task.problems.length === 0) throw new RangeError("checkTask: expected at least one problem but found none");
  for (const [row, problem] of task.problems.entries()) {
    checkTokens(policy, problem.prompt, `the prompt of problem ${row}`);
    if (options.demonstrations) checkDemonstration(policy, demonstrationOf(task, problem), row);
  }
}

function checkDemonstration(policy: Policy, { prompt, completion }: Sequence, row: number) {
  checkTokens(policy, completion, `the demonstration of problem ${row}`);
  if (prompt.length + completion.length > policy.contextLength) {
    throw new RangeError(
      `checkTask: expected prompt + demonstration <= ${policy.contextLength}, the policy's context, but found ` +
        `${prompt.length} + ${completion.length} tokens in problem ${row}`,
    );
  }
}

function checkTokens({ vocabularySize }: Policy, tokens: ArrayLike<number>, where: string) {
  if (tokens.length === 0) throw new RangeError(`checkTask: expected at least one token but found none in ${where}`);
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (!(Number.isInteger(token) && token >= 0 && token < vocabularySize)) {
      throw new RangeError(
        `checkTask: expected token ids in [0, ${vocabularySize}) but found ${token} at position ${i} of ${where}`,
      );
    }
  }
}
