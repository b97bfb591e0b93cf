/**
 * A value as a MIME bundle: what the value says itself through `Symbol.for("Jupyter.display")`, then shapes we know
 * without importing their packages. Every bundle has a text/plain, free of ANSI colours.
 */

import { inspect } from "node:util";
import type { MimeBundle } from "./link.ts";

/** The method by which a value says how it is shown; its result, a MIME bundle, may be a promise. */
export const displaySymbol = Symbol.for("Jupyter.display");

/** Marks what is not to be shown as a cell's value: it is already on the page. */
export const alreadyShown = Symbol("already shown");

/** Rows of a table that are shown; the rest is counted. */
const shownRows = 20;

/**
 * Gives the bundle of any value.
 *
 * @returns A bundle with at least text/plain, or a promise of one where the value's own method is asynchronous.
 * @example
 * displayBundle([1, 2]); // { "text/plain": "[ 1, 2 ]" }
 */
export function displayBundle(value: unknown): MimeBundle | Promise<MimeBundle> {
  const own = ownBundle(value);
  if (own instanceof Promise) return own.then((bundle) => withText(bundle, value));
  return withText(own ?? knownShape(value) ?? {}, value);
}

/**
 * The text of a value, as in Node's console, without colours.
 *
 * @example
 * plainText({ a: [1] }); // "{ a: [ 1 ] }"
 */
export function plainText(value: unknown): string {
  try {
    if (ArrayBuffer.isView(value) && "length" in value) return typedArrayText(value as unknown as Float64Array);
    return inspect(value, { colors: false, depth: 4, maxArrayLength: 100, maxStringLength: 10_000, breakLength: 100 });
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

function ownBundle(value: unknown): MimeBundle | Promise<MimeBundle> | undefined {
  const method = value === null || value === undefined ? undefined : (value as Record<symbol, unknown>)[displaySymbol];
  if (typeof method !== "function") return undefined;
  const bundle: unknown = method.call(value);
  if (bundle instanceof Promise) return bundle.then(checkBundle);
  return checkBundle(bundle);
}

function checkBundle(bundle: unknown): MimeBundle {
  if (bundle !== null && typeof bundle === "object" && !Array.isArray(bundle)) return bundle as MimeBundle;
  throw new TypeError(`display: expected a MIME bundle from Symbol.for("Jupyter.display") but found ${typeof bundle}`);
}

function withText(bundle: MimeBundle, value: unknown): MimeBundle {
  const text = bundle["text/plain"] ?? plainText(value);
  return { ...bundle, "text/plain": text };
}

type Shape = Record<string, unknown>;

function knownShape(value: unknown): MimeBundle | undefined {
  if (value === null || typeof value !== "object") return undefined;
  try {
    if (value instanceof Uint8Array) return imageBundle(value);
    const shape = value as Shape;
    if (isTable(shape)) return tableBundle(shape);
    if (isFigure(shape)) return figureBundle(shape);
    return elementBundle(shape);
  } catch {
    return undefined; // a getter or a proxy that throws: its text must do
  }
}

function imageBundle(bytes: Uint8Array): MimeBundle | undefined {
  const head = Buffer.from(bytes.subarray(0, 256)).toString("latin1");
  const base64 = () => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
  const text = (kind: string) => `${kind} image, ${bytes.length} bytes`;
  if (head.startsWith("\x89PNG\r\n\x1a\n")) return { "image/png": base64(), "text/plain": text("PNG") };
  if (head.startsWith("\xff\xd8\xff")) return { "image/jpeg": base64(), "text/plain": text("JPEG") };
  if (/^\s*(<\?xml[^>]*>\s*)?<svg[\s>]/.test(head))
    return { "image/svg+xml": new TextDecoder().decode(bytes), "text/plain": text("SVG") };
  return undefined;
}

interface Table {
  numRows(): number;
  numCols(): number;
  columnNames(): string[];
  get(column: string, row: number): unknown;
}

function isTable(shape: object): shape is Table {
  const { numRows, numCols, columnNames, get } = shape as Partial<Table>;
  return [numRows, numCols, columnNames, get].every((method) => typeof method === "function");
}

function tableBundle(table: Table): MimeBundle {
  const names = table.columnNames();
  const size = `${table.numRows().toLocaleString("en")} rows x ${names.length} columns`;
  const rows = Array.from({ length: Math.min(shownRows, table.numRows()) }, (_, row) =>
    names.map((name) => cellText(table.get(name, row))),
  );
  return { "text/html": tableHtml(names, rows, size), "text/plain": tableText(names, rows, size) };
}

const cellText = (value: unknown) =>
  typeof value === "string" ? value : typeof value === "number" ? String(round(value)) : plainText(value);

const round = (value: number) => (Number.isInteger(value) ? value : Number(value.toPrecision(6)));

function tableHtml(names: readonly string[], rows: readonly string[][], size: string) {
  const cells = (tag: string, values: readonly string[]) =>
    `<tr>${values.map((value) => `<${tag}>${escapeHtml(value)}</${tag}>`).join("")}</tr>`;
  const body = rows.map((row) => cells("td", row)).join("");
  return `<table><thead>${cells("th", names)}</thead><tbody>${body}</tbody></table><p>${size}</p>`;
}

function tableText(names: readonly string[], rows: readonly string[][], size: string) {
  const widths = names.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]!.length)));
  const line = (values: readonly string[]) =>
    values
      .map((value, column) => value.padEnd(widths[column]!))
      .join("  ")
      .trimEnd();
  return [line(names), ...rows.map(line), size].join("\n");
}

const isFigure = ({ data, layout }: Shape) =>
  Array.isArray(data) &&
  layout !== null &&
  typeof layout === "object" &&
  data.every((trace) => trace !== null && typeof trace === "object");

function figureBundle({ data, layout, config, frames }: Shape): MimeBundle {
  const traces = data as { type?: string }[];
  const figure = JSON.parse(JSON.stringify({ data, layout, config, frames }, plainArrays)) as object;
  const kinds = [...new Set(traces.map((trace) => trace.type ?? "scatter"))].join(", ");
  return {
    "application/vnd.plotly.v1+json": figure,
    "text/plain": `Figure of ${traces.length} traces (${kinds})`,
  };
}

const plainArrays = (_key: string, value: unknown) =>
  ArrayBuffer.isView(value) && "length" in value ? Array.from(value as unknown as ArrayLike<number>) : value;

function elementBundle({ outerHTML, namespaceURI }: Shape): MimeBundle | undefined {
  if (typeof outerHTML !== "string") return undefined;
  const isSvg = namespaceURI === "http://www.w3.org/2000/svg";
  return { [isSvg ? "image/svg+xml" : "text/html"]: outerHTML, "text/plain": outerHTML.slice(0, 200) };
}

type Numbers = ArrayLike<number | bigint> & { readonly constructor: { readonly name: string } };

function typedArrayText(array: Numbers) {
  const { length } = array;
  const first = Array.from({ length: Math.min(length, 8) }, (_, index) => String(cellText(array[index])));
  const list = `${array.constructor.name}(${length}) [ ${first.join(", ")}${length > 8 ? ", …" : ""} ]`;
  return length > 8 && typeof array[0] === "number" ? `${list} ${summary(array as ArrayLike<number>)}` : list;
}

function summary(array: ArrayLike<number>) {
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
