/**
 * Draws a plotly figure as static SVG without a browser: plotly.js under jsdom.
 *
 * jsdom lays nothing out, so the sizes of texts are estimates from the widths of Arial's letters. The same figure gives
 * the same bytes: plotly's random ids come from a generator that is reset for each figure, and every id begins with a
 * hash of the figure, so that several figures can stand in one page. Scripts in the document are not run.
 */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Layout, PlotData } from "plotly.js";

/** One trace, in plotly.js's own words. */
export type Trace = Partial<PlotData>;

/** What plotly.js draws, in its own words: https://plotly.com/javascript/reference/ */
export interface PlotlyFigure {
  readonly data: readonly Trace[];
  readonly layout: Partial<Layout>;
}

interface Plotly {
  toImage(figure: unknown, options: Readonly<Record<string, unknown>>): Promise<string>;
}

interface DrawingWindow {
  readonly window: Record<string, unknown> & { eval(code: string): unknown; Plotly: Plotly; Math: Math; close(): void };
}

/** One jsdom window with plotly.js a process: it takes about a second to make. */
let loaded: DrawingWindow["window"] | undefined;
let lastDraw: Promise<unknown> = Promise.resolve();

/**
 * Draws a figure; the first call in a process loads jsdom and plotly.js. Drawings happen one after the other.
 *
 * @param figure `layout.width` and `layout.height` are in pixels; 720 × 400 if left out.
 * @returns An `<svg>` element, the same for the same figure.
 * @throws {Error} What plotly.js throws for a figure it cannot draw.
 * @example
 * await staticSvg({ data: [{ x: [1, 2], y: [3, 4] }], layout: {} }); // "<svg class=\"main-svg\" …"
 */
export function staticSvg(figure: PlotlyFigure): Promise<string> {
  const draw = lastDraw.then(() => drawFigure(figure));
  lastDraw = draw.catch(() => undefined);
  return draw;
}

async function drawFigure({ data, layout }: PlotlyFigure) {
  loaded ??= loadPlotly();
  const { width = 720, height = 400 } = layout;
  const json = JSON.stringify({ data, layout });
  loaded.Math.random = seededRandom();
  const svg = await loaded.Plotly.toImage(JSON.parse(json), { format: "svg", imageDataOnly: true, width, height });
  return prefixIds(svg, `f${createHash("sha256").update(json).digest("hex").slice(0, 10)}`);
}

/** plotly.js only needs different numbers; it tries again when an id is taken. */
function seededRandom() {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function prefixIds(svg: string, prefix: string) {
  const ids = [...svg.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]!);
  return ids.reduce(
    (text, id, i) =>
      text
        .replaceAll(` id="${id}"`, ` id="${prefix}-${i}"`)
        .replaceAll(`#${id}'`, `#${prefix}-${i}'`)
        .replaceAll(`#${id}"`, `#${prefix}-${i}"`)
        .replaceAll(`#${id})`, `#${prefix}-${i})`)
        .replaceAll(`#${id}&quot;`, `#${prefix}-${i}&quot;`),
    svg,
  );
}

function loadPlotly(): DrawingWindow["window"] {
  const require = createRequire(import.meta.url);
  const { JSDOM } = require("jsdom") as { JSDOM: new (html: string, options: object) => DrawingWindow };
  const { window } = new JSDOM("<!doctype html><body></body>", { pretendToBeVisual: true, runScripts: "outside-only" });
  addMissingApis(window);
  window.eval(readFileSync(require.resolve("plotly.js-basic-dist-min"), "utf8"));
  return window;
}

/** What plotly.js asks of a browser and jsdom lacks. */
function addMissingApis(window: DrawingWindow["window"]) {
  const prototypeOf = (name: string) => (window[name] as { prototype: Record<string, unknown> }).prototype;
  (window.URL as Record<string, unknown>).createObjectURL = () => "blob:none";
  window.matchMedia = () => ({ matches: false, addEventListener() {}, removeEventListener() {} });
  prototypeOf("HTMLCanvasElement").getContext = () => null;
  prototypeOf("SVGElement").getComputedTextLength = function (this: Element) {
    return textBox(this).width;
  };
  prototypeOf("SVGElement").getBBox = function (this: Element) {
    return textBox(this);
  };
  prototypeOf("Element").getBoundingClientRect = function (this: Element) {
    return textBox(this);
  };
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
