/** Where diagnostics stand in an editor: they count lines from one and code points from zero, editors UTF-16 units. */

/** A place in a cell. */
export interface Place {
  /** From one. */
  readonly line: number;
  /** From zero, in code points. */
  readonly column: number;
}

/** What the kernel's type checker says about a part of a cell. */
export interface Diagnostic {
  readonly message: string;
  readonly code?: number | string;
  readonly severity?: string;
  readonly start: Place;
  readonly end: Place;
}

/** A document as CodeMirror knows it; its lines count from one. */
export interface Text {
  readonly lines: number;
  line(n: number): { readonly from: number; readonly text: string };
}

/** A part of a document that is not empty, or undefined where the place is not in it. */
export function rangeIn(text: Text, { start, end }: Pick<Diagnostic, "start" | "end">) {
  const [from, to] = [offsetOf(text, start), offsetOf(text, end)];
  if (from === undefined || to === undefined) return undefined;
  if (to > from) return { from, to };
  const line = text.line(start.line);
  const last = line.from + line.text.length;
  if (line.text.length === 0) return undefined;
  return from < last ? { from, to: from + 1 } : { from: last - 1, to: last };
}

function offsetOf(text: Text, { line, column }: Place): number | undefined {
  if (!(Number.isInteger(line) && line >= 1 && line <= text.lines && column >= 0)) return undefined;
  const { from, text: letters } = text.line(line);
  const before = Array.from(letters).slice(0, column).join("");
  return from + before.length;
}
