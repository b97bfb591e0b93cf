/**
 * What a token is there for: part of the prompt, of the thinking, of the answer, or mere format. The role is given with a
 * text or found by a rule on the tokens' texts; it is never guessed from numbers.
 */

export type TokenRole = "prompt" | "think" | "answer" | "format";

/** In the order of the numbers in a table's `roles` column. */
export const tokenRoles: readonly TokenRole[] = ["prompt", "think", "answer", "format"];

/** Gives the roles of a completion from its tokens' texts. */
export type RoleRule = (texts: readonly string[]) => readonly TokenRole[];

export interface MarkerRoles {
  /** The token texts around thinking. Default "<think>" and "</think>". */
  readonly think?: readonly [string, string];
  /** Token texts that are format wherever they stand. Default none. */
  readonly format?: readonly string[];
}

/**
 * A rule: markers are format, what stands between the two of thinking is think, all else is answer.
 *
 * Markers are compared with whole tokens without the space around them. Thinking that is not closed lasts to the end.
 *
 * @example
 * markerRoles({ format: ["\n"] })(["<think>", " 2", "</think>", "\n", " 4"]);
 * // ["format", "think", "format", "format", "answer"]
 */
export function markerRoles({ think = ["<think>", "</think>"], format = [] }: MarkerRoles = {}): RoleRule {
  const [opening, closing] = think;
  const isFormat = (text: string) => format.includes(text) || format.includes(text.trim());
  return (texts) => {
    let thinking = false;
    return texts.map((text): TokenRole => {
      const marker = text.trim();
      if (marker !== opening && marker !== closing) return isFormat(text) ? "format" : thinking ? "think" : "answer";
      thinking = marker === opening;
      return "format";
    });
  };
}
