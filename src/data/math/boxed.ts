/**
 * Where the answer stands in a completion: the last \boxed{…} or \fbox{…}, nested braces included, in one pass.
 */

/** Where to look if there is no box: after the last "answer is" or "answer:", or at the last number. */
export type AnswerFallback = "answer-is" | "last-number";

/** Where else to look, and what several boxes mean. */
export interface ExtractOptions {
  /** Tried in this order if there is no box. Default none. */
  readonly fallbacks?: readonly AnswerFallback[];
  /** "join": boxes with only commas, "and", "or" and layout between them are one list. Default "last". */
  readonly several?: "last" | "join";
}

/**
 * The last boxed answer of a text.
 *
 * @param text Any length; time is linear in it.
 * @returns What stands in the last box that is closed, the outermost of nested ones; undefined if there is none. A box
 *   that is never closed (a completion cut short) is no answer.
 * @example
 * extractBoxed("so \\boxed{\\frac{1}{2}}."); // "\\frac{1}{2}"
 * extractBoxed("The answer is $5$.", { fallbacks: ["answer-is"] }); // "5"
 */
export function extractBoxed(text: string, options: ExtractOptions = {}): string | undefined {
  const { fallbacks = [], several = "last" } = options;
  const boxes = boxesIn(text);
  if (boxes.length > 0) {
    return several === "join" ? joinedBoxes(text, boxes) : content(text, boxes.at(-1)!);
  }
  for (const fallback of fallbacks) {
    const found = fallbackOf(text, fallback);
    if (found !== undefined && found !== "") return found;
  }
  return undefined;
}

interface Box {
  /** Position of the backslash. */
  readonly start: number;
  /** The content, without braces. */
  readonly from: number;
  readonly to: number;
  /** Behind the closing brace. */
  readonly end: number;
}

const content = (text: string, { from, to }: Box) => text.slice(from, to).trim();

/** \boxed{…}, \fbox{…}, and \boxed 5 up to the next space, dollar or backslash. */
function boxesIn(text: string): Box[] {
  const boxes: Box[] = [];
  const open: (Omit<Box, "to" | "end"> | undefined)[] = [];
  const mark = /\\(?:boxed|fbox)(?![a-zA-Z])(?:\s{0,9}\{|\s{0,9}([^\s{}$\\.,;]{1,40}))?|\\[\s\S]|[{}]/g;
  for (let match = mark.exec(text); match; match = mark.exec(text)) {
    const [found, bare] = match;
    const end = match.index + found.length;
    if (bare !== undefined) addBox(boxes, { start: match.index, from: end - bare.length, to: end, end });
    else if (found.length > 2 && found.endsWith("{")) open.push({ start: match.index, from: end });
    else if (found === "{") open.push(undefined);
    else if (found === "}") {
      const start = open.pop();
      if (start) addBox(boxes, { ...start, to: match.index, end });
    }
  }
  return boxes;
}

/** Boxes inside the new one are part of it. */
function addBox(boxes: Box[], box: Box) {
  while (boxes.length > 0 && boxes.at(-1)!.start > box.start) boxes.pop();
  boxes.push(box);
}

function joinedBoxes(text: string, boxes: readonly Box[]) {
  let first = boxes.length - 1;
  while (first > 0 && isSeparator(text.slice(boxes[first - 1]!.end, boxes[first]!.start))) first--;
  return boxes
    .slice(first)
    .map((box) => content(text, box))
    .join(", ");
}

const isSeparator = (between: string) =>
  between.length <= 60 && /^(?:[\s,;.$&]|\\(?:quad|qquad|[,;:! ()[\]])|\\text\{|\}|and|or)*$/.test(between);

function fallbackOf(text: string, fallback: AnswerFallback): string | undefined {
  switch (fallback) {
    case "answer-is":
      return answerIs(text);
    case "last-number":
      return text.match(/-?(?:\d+(?:,\d{3})*(?:\.\d+)?(?:\/\d+)?|\.\d+)/g)?.at(-1);
    default:
      throw new TypeError(
        `extractBoxed: expected a fallback answer-is or last-number but found ${fallback satisfies never}`,
      );
  }
}

/** What follows the phrase on its line: the first $…$ or \(…\), else the sentence. */
function answerIs(text: string): string | undefined {
  let start = -1;
  for (const match of text.matchAll(/\banswer(?:\s{1,3}is(?![a-z])|\s{0,3}:)/gi)) start = match.index + match[0].length;
  if (start < 0) return undefined;
  const [line = ""] = text
    .slice(start)
    .replace(/^[\s:*]{1,20}/, "")
    .split("\n", 1);
  const math = /^(?:[^$\\]{0,40})(?:\$\$?([^$]+)\$|\\\(([^\\]*(?:\\[^)\\][^\\]*)*)\\\))/.exec(line);
  const sentence = line.split(/\.(?:\s|$)/, 1)[0]!;
  return (math?.[1] ?? math?.[2] ?? sentence).replaceAll("*", "").trim();
}
