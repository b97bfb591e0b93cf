/** Positions as the front end counts them, in code points, and texts without the names of our virtual files. */

import { hiddenPrefix } from "./scope.ts";

/** A place in a cell: line from 1, column from 0 in code points. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/**
 * Offset in UTF-16 code units of a number of code points; the end of the text where there are fewer.
 *
 * @example
 * toUnits("😀.length", 2); // 3
 */
export function toUnits(text: string, points: number): number {
  let units = 0;
  for (let point = 0; point < points && units < text.length; point++)
    units += text.codePointAt(units)! > 0xffff ? 2 : 1;
  return units;
}

/**
 * Number of code points before an offset in UTF-16 code units.
 *
 * @example
 * toPoints("😀.length", 3); // 2
 */
export const toPoints = (text: string, units: number): number => [...text.slice(0, units)].length;

/**
 * Place of an offset in UTF-16 code units.
 *
 * @example
 * placeOf("one\n😀 two", 7); // { line: 2, column: 2 }
 */
export function placeOf(text: string, units: number): Place {
  const before = text.slice(0, units);
  const lineStart = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: toPoints(before.slice(lineStart), before.length) };
}

/**
 * The part of an identifier that ends at an offset.
 *
 * @example
 * identifierBefore("policy.sam", 10); // "sam"
 */
export const identifierBefore = (text: string, units: number): string =>
  /[\p{ID_Continue}$\u200c\u200d]*$/u.exec(text.slice(Math.max(0, units - 200), units))![0];

/**
 * A text of the compiler as the author of a cell should read it.
 *
 * @example
 * withoutFiles('import("/work/__srft_3").Point'); // "Point"
 */
export const withoutFiles = (text: string): string =>
  text
    .replace(new RegExp(`import\\("[^"]*${hiddenPrefix}[^"]*"\\)\\.`, "g"), "")
    .replace(new RegExp(`\\b${hiddenPrefix}(?=[\\p{ID_Start}$_])`, "gu"), "");
