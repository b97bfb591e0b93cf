/** Any value as text: what text/plain holds, and the pieces of HTML that show text. */

import { inspect, stripVTControlCharacters } from "node:util";

/**
 * The text of a value, as in Node's console, without colours.
 *
 * @example
 * plainText({ a: [1] }); // "{ a: [ 1 ] }"
 */
export function plainText(value: unknown): string {
  try {
    if (ArrayBuffer.isView(value) && "length" in value) return typedArrayText(value as unknown as Float64Array);
    const text = inspect(value, {
      colors: false,
      depth: 4,
      maxArrayLength: 100,
      maxStringLength: 10_000,
      breakLength: 100,
    });
    return stripVTControlCharacters(text);
  } catch (error) {
    return `[${typeof value} whose inspection failed: ${String(error)}]`;
  }
}

/**
 * Text that HTML shows as it is, also inside a quoted attribute.
 *
 * @example
 * escapeHtml("<a>"); // "&lt;a&gt;"
 */
export function escapeHtml(text: string): string {
  const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return text.replace(/[&<>"']/g, (character) => entities[character]!);
}

type Numbers = ArrayLike<number | bigint> & { readonly constructor: { readonly name: string } };

function typedArrayText(array: Numbers) {
  const { length } = array;
  const first = Array.from({ length: Math.min(length, 8) }, (_, index) => numberText(array[index]));
  const list = `${array.constructor.name}(${length}) [ ${first.join(", ")}${length > 8 ? ", …" : ""} ]`;
  return length > 8 && typeof array[0] === "number" ? `${list} ${summary(array as ArrayLike<number>)}` : list;
}

const numberText = (value: unknown) => (typeof value === "number" ? String(round(value)) : plainText(value));

/** A number with six digits at most. */
export const round = (value: number): number => (Number.isInteger(value) ? value : Number(value.toPrecision(6)));

/**
 * Least, most and mean of some numbers.
 *
 * @example
 * summary([1, 2, 6]); // "min 1, max 6, mean 3"
 */
export function summary(array: ArrayLike<number>): string {
  let least = Infinity;
  let most = -Infinity;
  let sum = 0;
  for (let index = 0; index < array.length; index++) {
    least = Math.min(least, array[index]!);
    most = Math.max(most, array[index]!);
    sum += array[index]!;
  }
  return `min ${round(least)}, max ${round(most)}, mean ${round(sum / array.length)}`;
}
