/**
 * Rewards of the form: a thought between tags, then a solution, with its answer in a box. The template of SRFT and
 * LUFFY: `<think>\n…</think>\n` and then a solution with \boxed{} (SRFT, arXiv 2506.19767, appendix B).
 */

import { extractBoxed } from "./math/boxed.ts";

/** What surrounds a thought. */
export interface ThoughtTags {
  /** Default "<think>". */
  readonly open?: string;
  /** Default "</think>". */
  readonly close?: string;
  /**
   * Who writes the opening tag. "prompt": the template ends with it, and the completion begins inside the thought.
   * Default "completion".
   */
  readonly opening?: "completion" | "prompt";
}

/** The parts of a completion. */
export interface Thought {
  readonly thought: string;
  /** What follows the closing tag. */
  readonly solution: string;
}

/**
 * Parts a completion at its tags.
 *
 * @returns The parts without white space around them; undefined unless each tag occurs exactly once, in order, with
 *   nothing before the opening one.
 * @throws {TypeError} If a tag is empty.
 * @example
 * splitThought("<think>1 + 1</think> 2"); // { thought: "1 + 1", solution: "2" }
 */
export function splitThought(completion: string, tags: ThoughtTags = {}): Thought | undefined {
  const { open = "<think>", close = "</think>", opening = "completion" } = tags;
  if (open === "" || close === "") throw new TypeError("splitThought: expected tags but found an empty text");
  const text = opening === "prompt" ? open + completion : completion.trimStart();
  const isOrdered = text.startsWith(open) && text.lastIndexOf(open) === 0;
  const end = text.indexOf(close, open.length);
  if (!isOrdered || end < 0 || end !== text.lastIndexOf(close)) return undefined;
  return { thought: text.slice(open.length, end).trim(), solution: text.slice(end + close.length).trim() };
}

/** Tags, and whether a box is needed. */
export interface FormatRewardOptions extends ThoughtTags {
  /** Whether the solution needs an answer in \boxed{…} or \fbox{…}. Default "required". */
  readonly box?: "required" | "optional";
}

/**
 * 1 if the completion has a thought that is not empty, then a solution that is not empty and (unless optional) holds a
 * box; else 0.
 *
 * @throws {TypeError} If a tag is empty.
 * @example
 * formatReward()("<think>1 + 1</think> It is \\boxed{2}."); // 1
 */
export function formatReward(options: FormatRewardOptions = {}): (completion: string) => 0 | 1 {
  const { box = "required" } = options;
  splitThought("", options);
  return (completion) => {
    const parts = splitThought(completion, options);
    if (!parts || parts.thought === "" || parts.solution === "") return 0;
    return box === "optional" || extractBoxed(parts.solution) !== undefined ? 1 : 0;
  };
}
