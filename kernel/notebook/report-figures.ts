/**
 * The interactive figures of a report: plotly figures and token heat maps. Each stands in the page as JSON beside its
 * static drawing, which one script replaces when the reader comes near; what draws them is inlined once a page.
 */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type FigureJson, isBasic, offline, readable } from "srft/plotly";
import { escapeHtml } from "../display/display.ts";
import type { MimeBundle } from "../link.ts";

/** What draws a figure. */
export type FigureKind = "plotly" | "heat-map";

export interface ReportFigure {
  readonly kind: FigureKind;
  /** What the figure is given to draw. */
  readonly value: unknown;
}

/**
 * The interactive form of a bundle, if it has one that a report can draw.
 *
 * @example
 * figureOf({ "application/vnd.plotly.v1+json": { data: [], layout: {} } })?.kind; // "plotly"
 */
export function figureOf(bundle: MimeBundle): ReportFigure | undefined {
  const heatMap = bundle["application/vnd.srft.token-heat-map+json"];
  if (isObject(heatMap)) return { kind: "heat-map", value: heatMap };
  const plotly = bundle["application/vnd.plotly.v1+json"];
  return isBasicFigure(plotly) ? { kind: "plotly", value: offline(plotly) } : undefined;
}

/** Figures with other traces keep their static drawing. */
const isBasicFigure = (value: unknown): value is FigureJson =>
  isObject(value) && Array.isArray(value.data) && value.data.every(isObject) && isBasic({ data: value.data });

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  value !== null && typeof value === "object" && !Array.isArray(value);

/**
 * The figure's place in the page.
 *
 * @param options `drawing`: what is shown until, or instead of, the interactive form; HTML. `label`: plain text.
 * @example
 * figureHtml({ kind: "plotly", value: { data: [], layout: {} } }, { drawing: "<img>", label: "Reward" });
 */
export function figureHtml({ kind, value }: ReportFigure, options: { drawing: string; label: string }): string {
  const label = escapeHtml(options.label.slice(0, 300));
  return (
    `<div class="figure" data-figure="${kind}" role="group" aria-label="${label}">` +
    `<script type="application/json">${scriptJson(value)}</script><div class="drawing">${options.drawing}</div></div>`
  );
}

/** JSON of which no letter can end or open an element. */
function scriptJson(value: unknown) {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (letter) => {
    return `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/**
 * The scripts that draw the figures of a page: only those of the kinds that are in it.
 *
 * @throws {Error} If the package was not built.
 * @example
 * figureScripts(new Set(["heat-map"])); // "<script>…</script>"
 */
export function figureScripts(kinds: ReadonlySet<FigureKind>): string {
  if (kinds.size === 0) return "";
  const sources = [...kinds].map((kind) => (kind === "plotly" ? plotlySource() : heatMapSource()));
  return [...sources, drawScript].map((source) => `<script>${inScript(source)}</script>`).join("\n");
}

function plotlySource() {
  return readFileSync(createRequire(import.meta.url).resolve("plotly.js-basic-dist-min"), "utf8");
}

function heatMapSource() {
  const file = join(import.meta.dirname, "heat-map.script.js");
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new Error(`htmlReport: expected the heat map's script in ${file}: run npm run build`, { cause });
  }
}

/** In code that we ship these letters stand in strings and regular expressions only, where the escape means the same. */
const inScript = (code: string) => code.replace(/<(?=\/script|!--)/gi, "\\x3c");

const drawScript = `(() => {
  const drawers = {
    plotly(host, { data, layout }) {
      const still = { ...${JSON.stringify(readable({}))}, ...layout, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)" };
      return Plotly.newPlot(host, data, still, { displaylogo: false, responsive: false });
    },
    "heat-map": (host, payload) => srftHeatMap.renderHeatMap(host, payload),
  };
  const draw = async (figure) => {
    observer.unobserve(figure);
    const drawing = figure.querySelector(".drawing");
    if (!drawing || figure.dataset.drawn) return;
    figure.dataset.drawn = "yes";
    const host = document.createElement("div");
    drawing.before(host);
    try {
      await drawers[figure.dataset.figure](host, JSON.parse(figure.querySelector("script").textContent));
      drawing.remove();
    } catch {
      host.remove();
    }
  };
  const observer = new IntersectionObserver(
    (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => draw(entry.target)),
    { rootMargin: "600px 0px" },
  );
  document.querySelectorAll(".figure").forEach((figure) => observer.observe(figure));
  addEventListener("beforeprint", () => {
    const late = document.querySelectorAll("[data-figure=heat-map]:not([data-drawn])");
    late.forEach(draw);
    if (late.length > 0) dispatchEvent(new Event("beforeprint")); // what was just drawn has not heard it
  });
})();`;
