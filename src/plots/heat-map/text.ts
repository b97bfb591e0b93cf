/**
 * Token texts as they can be shown: everything visible, nothing executed, no token's letters moving another's.
 */

/** Letters without a shape of their own: controls, zero-width and bidi marks, variation selectors, lone surrogates. */
const hidden = /\p{C}|\p{Default_Ignorable_Code_Point}/u;

/**
 * A token's text with all that is invisible made visible: spaces as "·" (U+00B7), line breaks as "↵", tabs as "⇥", other
 * hidden letters as their code point, the empty text as "∅".
 *
 * Joiners inside an emoji are shown as code points too: a token may hold half an emoji.
 *
 * @example
 * visibleText(" a\n\u200b"); // "·a↵⟨U+200B⟩"
 */
export function visibleText(text: string): string {
  if (text === "") return "∅";
  return Array.from(text, visibleLetter).join("");
}

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
