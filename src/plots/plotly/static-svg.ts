/**
 * Draws a plotly figure as static SVG without a browser: plotly.js under jsdom.
 *
 * jsdom lays nothing out, so the sizes of texts are estimates from the widths of Arial's letters. The same figure gives
 * the same bytes: plotly's random ids come from a generator that is reset for each figure, and every id begins with a
 * hash of the figure, so that several figures can stand in one page. Scripts in the document are not run, and the drawing
 * asks the network for nothing, neither here nor where it is shown.
 */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Layout, PlotData } from "plotly.js";
import { type DrawingWindow, drawingWindow } from "./drawing-window.ts";
import { basicTraces, type FigureJson, isBasic, mapTraces, offline, webglTraces } from "./offline.ts";
import { readable } from "./readable.ts";

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

type Bundle = "plotly.js-basic-dist-min" | "plotly.js-dist-min";

/** One window a process, and each bundle of plotly.js once: they take about half a second each to make. */
let window: DrawingWindow | undefined;
const loaded = new Map<Bundle, Plotly>();
let lastDraw: Promise<unknown> = Promise.resolve();

/**
 * Draws a figure; the first call in a process loads jsdom and plotly.js: its basic bundle, or the whole for traces that
 * the basic one does not know. Drawings happen one after the other.
 *
 * @param figure `layout.width` and `layout.height` are in pixels; 720 × 400 if left out.
 * @returns An `<svg>` element, the same for the same figure.
 * @throws {TypeError} If a trace needs WebGL or a map. @throws {Error} What plotly.js throws for a figure it cannot draw.
 * @example
 * await staticSvg({ data: [{ x: [1, 2], y: [3, 4] }], layout: {} }); // "<svg class=\"main-svg\" …"
 */
export function staticSvg(figure: PlotlyFigure): Promise<string> {
  const draw = lastDraw.then(() => drawFigure(figure));
  lastDraw = draw.catch(() => undefined);
  return draw;
}

async function drawFigure({ data, layout }: PlotlyFigure) {
  const { width = 720, height = 400 } = layout;
  const json = JSON.stringify({ data, layout });
  const figure = labelled(drawable(offline(JSON.parse(json) as FigureJson)));
  window ??= drawingWindow();
  const plotly = loadPlotly(window, isBasic(figure) ? "plotly.js-basic-dist-min" : "plotly.js-dist-min");
  window.Math.random = seededRandom();
  const svg = await plotly.toImage(figure, { format: "svg", imageDataOnly: true, width, height });
  return prefixIds(svg, `f${createHash("sha256").update(json).digest("hex").slice(0, 10)}`);
}

/** The same figure without WebGL, which jsdom has not: what is drawn by it in two dimensions can be drawn without. */
function drawable(figure: FigureJson): FigureJson {
  const beyond = [...webglTraces(figure), ...mapTraces(figure)];
  if (beyond.length > 0)
    throw new TypeError(`staticSvg: expected traces that need neither WebGL nor maps but found ${beyond.join(", ")}`);
  const data = figure.data.map((trace) =>
    typeof trace?.type === "string"
      ? { ...trace, type: trace.type.replace(/^(scatter|scatterpolar)gl$/, "$1") }
      : trace,
  );
  return { ...figure, data };
}

interface Json {
  readonly [name: string]: Json | undefined;
}

const overflow = { ticklabeloverflow: "allow" };

/** Without this plotly.js hides labels that lie outside the page, as all do where nothing is laid out. */
function labelled({ data, layout }: FigureJson): FigureJson {
  const { template, coloraxis, ...rest } = readable(layout) as Json;
  const own = template?.layout;
  const axes = { xaxis: { ...overflow, ...own?.xaxis }, yaxis: { ...overflow, ...own?.yaxis } };
  const withBar = (scale: object) => ({ ...scale, colorbar: { ...overflow, ...(scale as Json).colorbar } });
  const traces = data.map((trace) => ({
    ...(basicTraces.has(String(trace?.type ?? "scatter")) ? trace : withBar(trace)),
    ...((trace as Json)?.marker?.colorscale ? { marker: withBar(trace.marker as object) } : {}),
  }));
  const barred = coloraxis ? { coloraxis: withBar(coloraxis) } : {};
  return { data: traces, layout: { ...rest, ...barred, template: { ...template, layout: { ...own, ...axes } } } };
}

function loadPlotly(target: DrawingWindow, bundle: Bundle): Plotly {
  const known = loaded.get(bundle);
  if (known) return known;
  target.eval(readFileSync(createRequire(import.meta.url).resolve(bundle), "utf8"));
  const plotly = target.Plotly as Plotly;
  loaded.set(bundle, plotly);
  return plotly;
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
