/**
 * Replaces pieces of a text and remembers where each remaining character came from, so that a position in the result
 * can be told in the original. Offsets are UTF-16 code units.
 */

/** One replacement: the characters from `start` up to `end` become `text`. Insertions have start = end. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** A stretch of the result that was copied from the original. */
interface Piece {
  readonly at: number;
  readonly from: number;
  readonly length: number;
}

/** The edited text and the way back. */
export interface EditedText {
  readonly text: string;
  /** The original offset of an offset in the result; that of the character before where the result is inserted text. */
  originalOffset(offset: number): number;
  /** The offset lies in the head or the tail. */
  isFrame(offset: number): boolean;
}

/** Text around the result and ranges to move. */
export interface EditOptions {
  readonly head?: string;
  /** Ranges to take out of their place and put behind `tail`, each on a line of its own, with their edits applied. */
  readonly moved?: readonly (readonly [number, number])[];
  readonly tail?: string;
}

/**
 * Applies edits to a text. At one place insertions come first, in the order given; an edit that begins inside an
 * earlier one is dropped.
 *
 * @example
 * applyEdits("const a = 1", [{ start: 0, end: 5, text: "var  " }]).text; // "var   a = 1"
 */
export function applyEdits(original: string, edits: readonly Edit[], options: EditOptions = {}): EditedText {
  const { head = "", moved = [], tail = "" } = options;
  const sorted = [...edits].sort((a, b) => a.start - b.start || Number(a.end > a.start) - Number(b.end > b.start));
  const pieces: Piece[] = [];
  let text = head;
  const copy = (from: number, to: number) => {
    if (to <= from) return;
    pieces.push({ at: text.length, from, length: to - from });
    text += original.slice(from, to);
  };
  const render = (from: number, to: number) => {
    let done = from;
    for (const edit of sorted) {
      if (edit.start < done || edit.start >= to) continue;
      copy(done, edit.start);
      text += edit.text;
      done = edit.end;
    }
    copy(done, to);
  };
  let done = 0;
  for (const [from, to] of moved) {
    render(done, from);
    done = to;
  }
  render(done, original.length);
  for (const edit of sorted) if (edit.start >= original.length) text += edit.text;
  const tailStart = text.length;
  text += tail;
  for (const [from, to] of moved) {
    text += "\n";
    render(from, to);
  }
  return {
    text,
    originalOffset: (offset) => originalOffset(pieces, offset),
    isFrame: (offset) => offset < head.length || (offset >= tailStart && offset < tailStart + tail.length),
  };
}

function originalOffset(pieces: readonly Piece[], offset: number) {
  const before = pieces.filter((piece) => piece.at <= offset).at(-1);
  return before ? before.from + Math.min(offset - before.at, before.length) : 0;
}

/**
 * Line (1-based) and column (0-based, code units) of an offset.
 *
 * @example
 * positionAt("a\nbc", 3); // { line: 2, column: 1 }
 */
export function positionAt(text: string, offset: number) {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: offset - lineStart };
}

/**
 * Offset of a line (1-based) and column (0-based); the end of the text for a line it does not have.
 *
 * @example
 * offsetAt("a\nbc", 2, 1); // 3
 */
export function offsetAt(text: string, line: number, column: number) {
  let start = 0;
  for (let n = 1; n < line; n++) {
    const next = text.indexOf("\n", start);
    if (next < 0) return text.length;
    start = next + 1;
  }
  return Math.min(start + column, text.length);
}
