/** A jsdom window for plotly.js: what plotly.js asks of a browser and jsdom lacks. jsdom lays nothing out. */

import { createRequire } from "node:module";
import { type PixelContext, pixelContext } from "./pixel-canvas.ts";

/** A window that runs our code alone, never a document's, and loads nothing. */
export interface DrawingWindow extends Record<string, unknown> {
  eval(code: string): unknown;
  Math: Math;
}

/**
 * Makes a window; it takes about half a second.
 *
 * @example
 * drawingWindow().eval("document.body.tagName"); // "BODY"
 */
export function drawingWindow(): DrawingWindow {
  const require = createRequire(import.meta.url);
  const { JSDOM } = require("jsdom") as { JSDOM: new (html: string, options: object) => { window: DrawingWindow } };
  const { window } = new JSDOM("<!doctype html><body></body>", { pretendToBeVisual: true, runScripts: "outside-only" });
  addMissingApis(window);
  return window;
}

function addMissingApis(window: DrawingWindow) {
  const prototypeOf = (name: string) => (window[name] as { prototype: Record<string, unknown> }).prototype;
  (window.URL as Record<string, unknown>).createObjectURL = () => "blob:none";
  window.matchMedia = () => ({ matches: false, addEventListener() {}, removeEventListener() {} });
  Object.assign(window, { TextDecoder, TextEncoder });
  addCanvas(prototypeOf("HTMLCanvasElement"));
  Object.assign(prototypeOf("SVGElement"), {
    getComputedTextLength(this: Element) {
      return textBox(this).width;
    },
    getBBox(this: Element) {
      return textBox(this);
    },
    getTotalLength: () => 0,
    getPointAtLength: () => ({ x: 0, y: 0 }),
  });
  prototypeOf("Element").getBoundingClientRect = function (this: Element) {
    return textBox(this);
  };
}

/** WebGL there is none. */
function addCanvas(prototype: Record<string, unknown>) {
  const contexts = new WeakMap<object, PixelContext>();
  const contextOf = (canvas: { readonly width: number; readonly height: number }) => {
    const context = contexts.get(canvas) ?? pixelContext(canvas);
    contexts.set(canvas, context);
    return context;
  };
  prototype.getContext = function (this: HTMLCanvas, kind: string) {
    return kind === "2d" ? contextOf(this) : null;
  };
  prototype.toDataURL = function (this: HTMLCanvas) {
    return contextOf(this).toDataURL();
  };
}

interface HTMLCanvas {
  readonly width: number;
  readonly height: number;
}

interface Element {
  readonly textContent: string | null;
  readonly style?: { readonly fontSize: string };
  readonly parentNode: Element | null;
  getAttribute(name: string): string | null;
  querySelectorAll(selector: string): ArrayLike<Element> & Iterable<Element>;
}

/** The box of a text anchored at the origin, its baseline at y = 0; of anything without text, an empty box. */
function textBox(element: Element) {
  const size = fontSize(element);
  const tspans = [...element.querySelectorAll("tspan.line")];
  const lines = (tspans.length > 0 ? tspans : [element]).map(({ textContent }) => textContent ?? "");
  const width = Math.max(...lines.map((line) => textWidth(line, size)));
  if (width === 0) return { x: 0, y: 0, left: 0, top: 0, right: 0, bottom: 0, width: 0, height: 0 };
  const height = 1.2 * size * lines.length;
  const left = -width * (anchorShares[anchorOf(element)] ?? 0);
  return { x: left, y: 0, left, top: -size, right: left + width, bottom: height - size, width, height };
}

/** How much of a text lies left of its place. */
const anchorShares: Readonly<Record<string, number>> = { start: 0, middle: 0.5, end: 1 };

/** Annotations alone are placed by their left edge; plotly.js keeps the titles of axes clear of boxes it takes for absolute. */
function anchorOf(element: Element) {
  const text = element.querySelectorAll("text")[0] ?? element;
  const isAnnotation = text.getAttribute("class")?.includes("annotation-text");
  return (isAnnotation && text.getAttribute("text-anchor")) || "start";
}

function fontSize(element: Element): number {
  for (let at: Element | null = element.querySelectorAll("text")[0] ?? element; at !== null; at = at.parentNode) {
    const size = Number.parseFloat(at.style?.fontSize ?? "");
    if (size > 0) return size;
  }
  return 12;
}

/** Pixels of a text in Arial, to about 5 %. */
function textWidth(text: string, size: number) {
  let em = 0;
  for (const letter of text) {
    if (/[iljtfrI.,:;'|!()[\] ]/u.test(letter)) em += 0.29;
    else if (/[mwMW%@]/u.test(letter)) em += 0.86;
    else if (/[A-Z]/u.test(letter)) em += 0.69;
    else if (letter > "\u2e80") em += 1;
    else em += 0.555;
  }
  return em * size;
}
