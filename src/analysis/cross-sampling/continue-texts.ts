/**
 * Goes on with texts that are of different lengths already. `Policy.sample` has one `maxTokens` for all rows, so rows
 * are taken together as far as the longest text and the longest remainder fit the context, and what a row has too much
 * is cut off: a prefix of a sampled text is distributed as a shorter sample.
 */

import type { Random } from "../../random.ts";
import type { Policy, Sequence } from "../../srft/policy.ts";

/** The part of a policy that writing needs. */
export type Writer = Pick<Policy, "contextLength" | "sample">;

export interface ContinueOptions {
  /** Longest completion, what is already there included, in tokens. */
  readonly maxTokens: number;
  /** At most so many further tokens. Default: as many as maxTokens allows. */
  readonly ahead?: number;
  /** 0 is greedy. */
  readonly temperature: number;
  readonly random: Random;
}

/**
 * Further tokens of each text, up to and including the end token.
 *
 * @param texts Completions shorter than maxTokens; prompt + maxTokens fits the context.
 * @returns One array a text, never empty.
 * @example
 * const [further] = await continueTexts(policy, [{ prompt: a.prompt, completion: [] }], { maxTokens: 4, temperature: 1, random });
 * further.length <= 4; // true
 */
export async function continueTexts(
  policy: Writer,
  texts: readonly Sequence[],
  options: ContinueOptions,
): Promise<Int32Array[]> {
  const { maxTokens, ahead = maxTokens, temperature, random } = options;
  const rows = texts.map(({ prompt, completion }, index) => ({
    index,
    text: [...Array.from(prompt), ...Array.from(completion)],
    left: Math.min(maxTokens - completion.length, ahead),
  }));
  const further: Int32Array[] = new Array(texts.length);
  for (const group of fittingGroups(rows, policy.contextLength)) {
    const tokens = Math.max(...group.map(({ left }) => left));
    const prompts = group.map(({ text }) => text);
    const { completions } = await policy.sample(prompts, { maxTokens: tokens, temperature, random });
    for (const [i, { index, left }] of group.entries()) further[index] = completions[i]!.slice(0, left);
  }
  return further;
}

interface Row {
  readonly index: number;
  readonly text: readonly number[];
  readonly left: number;
}

function fittingGroups(rows: readonly Row[], contextLength: number): Row[][] {
  const groups: Row[][] = [];
  let mostLeft = 0;
  for (const row of rows.toSorted((a, b) => b.text.length - a.text.length || a.index - b.index)) {
    const group = groups.at(-1);
    mostLeft = Math.max(mostLeft, row.left);
    if (group && group[0]!.text.length + mostLeft <= contextLength) group.push(row);
    else {
      groups.push([row]);
      mostLeft = row.left;
    }
  }
  return groups;
}
