/** What the type checker found in a cell, as the front end draws it and as text. */

import { sourceHash } from "../cell/source-hash.ts";
import type { TypeProblem } from "../language/language.ts";
import type { CellError, MimeBundle } from "../link.ts";

/** Problems of one cell; places are lines from 1 and columns from 0 in code points. */
export const diagnosticsType = "application/vnd.srft.diagnostics+json";

/**
 * The bundle of a cell's type problems, with the hash of the source that they are places in.
 *
 * @param cell The number shown beside the cell, and its whole source.
 * @example
 * const place = { line: 1, column: 6 };
 * const problem = { start: place, end: place, code: 2322, severity: "error", message: "Type 'string' is not assignable to type 'number'." };
 * diagnosticsBundle([problem], { count: 3, source: "const n: number = 'one'" })["text/plain"]; // "cell [3], line 1: TS2322: Type 'string' is not assignable to type 'number'."
 */
export const diagnosticsBundle = (
  problems: readonly TypeProblem[],
  { count, source }: { readonly count: number; readonly source: string },
): MimeBundle => ({
  [diagnosticsType]: { execution_count: count, source_hash: sourceHash(source), diagnostics: problems },
  "text/plain": problemLines(problems, count).join("\n"),
});

/**
 * How a cell ends that was refused for its types.
 *
 * @example
 * const place = { line: 2, column: 0 };
 * typeError([{ start: place, end: place, code: 2304, severity: "error", message: "Cannot find name 'x'." }], 1).evalue; // "Cannot find name 'x'. (line 2)"
 */
export function typeError(problems: readonly TypeProblem[], count: number): CellError {
  const [first] = problems;
  const traceback = ["The cell was not run; %types warn runs such cells:", ...problemLines(problems, count)];
  return { ename: "TypeScriptError", evalue: `${first!.message} (line ${first!.start.line})`, traceback };
}

const problemLines = (problems: readonly TypeProblem[], count: number) =>
  problems.map(({ message, code, start }) => `cell [${count}], line ${start.line}: TS${code}: ${message}`);
