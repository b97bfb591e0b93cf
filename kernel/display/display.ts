/**
 * A value as a MIME bundle: what the value says itself through `Symbol.for("Jupyter.display")`, then shapes we know
 * without importing their packages. Every bundle has a text/plain, free of ANSI colours.
 */

import { stripVTControlCharacters } from "node:util";
import type { MimeBundle } from "../link.ts";
import { plainText } from "./plain-text.ts";
import { tableBundle } from "./table.ts";
import { tensorBundle } from "./tensor.ts";

export { escapeHtml, plainText } from "./plain-text.ts";

/** The method by which a value says how it is shown; its result, a MIME bundle, may be a promise. */
export const displaySymbol = Symbol.for("Jupyter.display");

/** Marks what is not to be shown as a cell's value: it is already on the page. */
export const alreadyShown = Symbol("already shown");

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
  return { ...bundle, "text/plain": typeof text === "string" ? stripVTControlCharacters(text) : text };
}

type Shape = Record<string, unknown>;

function knownShape(value: unknown): MimeBundle | undefined {
  if (value === null || typeof value !== "object") return undefined;
  try {
    if (value instanceof Uint8Array) return imageBundle(value);
    const shape = value as Shape;
    const known = tableBundle(shape) ?? tensorBundle(shape) ?? vegaBundle(shape) ?? canvasBundle(shape);
    return known ?? (isFigure(shape) ? figureBundle(shape) : elementBundle(shape));
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

/** A specification of Vega or Vega-Lite, or an object that gives one, as vega-lite-api's. */
function vegaBundle(shape: Shape): MimeBundle | undefined {
  const spec = typeof shape.toSpec === "function" ? (shape.toSpec() as Shape) : shape;
  const [, kind, version = "5"] = /vega\.github\.io\/schema\/(vega|vega-lite)\/v(\d+)/.exec(String(spec.$schema)) ?? [];
  if (kind === undefined) return undefined;
  const type = `application/vnd.${kind.replace("-", "")}.v${version}+json`;
  return {
    [type]: JSON.parse(JSON.stringify(spec, plainArrays)),
    "text/plain": `${kind} specification, version ${version}`,
  };
}

function canvasBundle(shape: Shape): MimeBundle | undefined {
  const url = typeof shape.toDataURL === "function" ? String(shape.toDataURL()) : "";
  const [, type, data] = /^data:(image\/[a-z]+);base64,(.*)$/s.exec(url) ?? [];
  return type ? { [type]: data, "text/plain": `canvas as ${type}` } : undefined;
}

/** An element, or a document by its root. */
function elementBundle({ outerHTML, namespaceURI, documentElement }: Shape): MimeBundle | undefined {
  if (documentElement !== null && typeof documentElement === "object") return elementBundle(documentElement as Shape);
  if (typeof outerHTML !== "string") return undefined;
  const isSvg = namespaceURI === "http://www.w3.org/2000/svg";
  return { [isSvg ? "image/svg+xml" : "text/html"]: outerHTML, "text/plain": outerHTML.slice(0, 200) };
}
