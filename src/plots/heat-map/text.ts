/**
 * Token texts as they can be shown: everything visible, nothing executed, no token's letters moving another's.
 */

/** Letters without a shape of their own: controls, zero-width and bidi marks, variation selectors, lone surrogates. */
const hidden = /\p{C}|\p{Default_Ignorable_Code_Point}/u;

/** What joins emoji into one picture, inside one token; at a token's edge a joiner is shown as a code point. */
const emojiJoints =
  /(?<=\p{Extended_Pictographic}|\p{Emoji_Modifier}|\ufe0f)(?:\ufe0f|\u200d(?=\p{Extended_Pictographic}))/gu;

/**
 * A token's text with all that is invisible made visible: spaces as "·" (U+00B7), line breaks as "↵", tabs as "⇥", other
 * hidden letters as their code point, the empty text as "∅". An emoji of several letters that is whole in the token stays.
 *
 * @example
 * visibleText(" a\n\u200b"); // "·a↵⟨U+200B⟩"
 */
export function visibleText(text: string): string {
  if (text === "") return "∅";
  const joints = new Set(Array.from(text.matchAll(emojiJoints), ({ index }) => index));
  let at = 0;
  return Array.from(text, (letter) => {
    const shown = joints.has(at) ? letter : visibleLetter(letter);
    at += letter.length;
    return shown;
  }).join("");
}

/**
 * The same for text that is laid out as text: a line break also breaks the line, and a line may break before a space.
 *
 * @example
 * laidOutText("a b\n"); // "a\u200b·b↵\n"
 */
export function laidOutText(text: string): string {
  const lines = text.split("\n").map((line) => line.split(" ").map(visiblePart).join("\u200b·"));
  return text === "" ? visibleText(text) : lines.join("↵\n");
}

const visiblePart = (part: string) => (part === "" ? "" : visibleText(part));

function visibleLetter(letter: string) {
  if (letter === "\n") return "↵";
  if (letter === "\t") return "⇥";
  if (letter === " ") return "·";
  if (!hidden.test(letter) && !/\p{Z}/u.test(letter)) return letter;
  return `⟨U+${letter.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}⟩`;
}

/**
 * A name as one line: line breaks, controls and other hidden letters, which XML may not even hold, become spaces.
 *
 * @example
 * oneLine("a\n\u0000b"); // "a b"
 */
export function oneLine(text: string): string {
  return text.replace(/(?:\s|\p{C})+/gu, " ");
}

/**
 * Text for HTML and SVG, inside elements and inside quoted attributes.
 *
 * @example
 * escapeMarkup("<a b='c'>"); // "&lt;a b=&#39;c&#39;&gt;"
 */
export function escapeMarkup(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => entities[letter]!);
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/**
 * Columns that a text takes in a fixed-width font: 2 for East Asian wide letters and emoji, 0 for combining marks.
 *
 * @example
 * columnsOf("a語😀"); // 5
 */
export function columnsOf(text: string): number {
  return Array.from(text).reduce((sum, letter) => sum + letterColumns(letter), 0);
}

function letterColumns(letter: string) {
  if (/\p{M}/u.test(letter)) return 0;
  return /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u.test(
    letter,
  )
    ? 2
    : 1;
}
