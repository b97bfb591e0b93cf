/**
 * A figure: plotly JSON for front ends that draw it, a static SVG for those that do not, and one true line of text.
 *
 * Common style: transparent background and mid-grey text, readable on light and dark pages; the Okabe–Ito palette
 * (https://jfly.uni-koeln.de/color/), which colour-blind readers can tell apart; units on the axes; a caption under the
 * title that says how many tokens, texts or seeds are shown, and whose text it is.
 */

import { oneLine } from "./heat-map/text.ts";
import { type PlotlyFigure, staticSvg } from "./plotly/static-svg.ts";

/** The method by which a notebook asks a value for its MIME bundle. */
export const display: unique symbol = Symbol.for("Jupyter.display") as typeof display;

export interface Figure extends PlotlyFigure {
  /** What the figure shows, in one line. */
  readonly summary: string;
  /** The figure as an `<svg>` element. */
  svg(): Promise<string>;
  /** application/vnd.plotly.v1+json, image/svg+xml, text/html (the same drawing) and text/plain. */
  [display](): Promise<Readonly<Record<string, unknown>>>;
}

/** Okabe–Ito without black and yellow, which vanish on dark or light pages. */
export const palette = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"] as const;

/** Grey of texts and lines: contrast 4.3 on white, 4 on near black. */
export const ink = "#7a7a7a";

/** Pixels from the top edge to the title. */
const titleTop = 20;

const axis = {
  gridcolor: "rgba(128,128,128,0.25)",
  zerolinecolor: "rgba(128,128,128,0.5)",
  linecolor: ink,
  ticks: "outside",
  tickcolor: ink,
  automargin: false,
  // without it plotly.js hides labels that lie outside the page, as all do where nothing is laid out
  ticklabeloverflow: "allow",
};

export interface FigureOptions extends PlotlyFigure {
  /** What the static SVG shows where plotly.js cannot draw the figure without a browser, as anything in 3-D. */
  readonly still?: PlotlyFigure;
  /** Plain text; shown literally. */
  readonly title: string;
  /** n, seeds, source; plain text. */
  readonly caption: string;
  /** The line for terminals; default: title and caption. */
  readonly summary?: string;
}

/**
 * Makes a figure from traces in the common style. `layout` adds to the style; the axes it names get the style's grid.
 *
 * @example
 * const figure = createFigure({ data: [{ x: [1], y: [2] }], layout: {}, title: "Reward", caption: "1 seed" });
 * figure.summary; // "Reward (1 seed)"
 */
export function createFigure({ still, ...options }: FigureOptions): Figure {
  const figure = styled(options);
  const line = options.summary ?? `${options.title} (${options.caption})`;
  const drawn = still ? styled({ ...options, ...still }) : figure;
  const svg = () => staticSvg(drawn);
  return Object.freeze({
    ...figure,
    summary: line,
    svg,
    [display]: async () => {
      const image = await svg();
      return {
        "application/vnd.plotly.v1+json": figure,
        "image/svg+xml": image,
        "text/html": `<div style="overflow-x:auto">${image}</div>`,
        "text/plain": line,
      };
    },
  });
}

function styled({ data, layout, title, caption }: Omit<FigureOptions, "still">): PlotlyFigure {
  const axes = Object.entries({ xaxis: {}, yaxis: {}, ...layout }).filter(([key]) => /^[xy]axis\d*$/.test(key));
  return {
    data,
    layout: {
      width: 720,
      height: 400,
      margin: { l: 70, r: 20, t: 70, b: 60 },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "Arial, Helvetica, sans-serif", size: 12, color: ink },
      colorway: [...palette],
      ...layout,
      ...Object.fromEntries(axes.map(([key, value]) => [key, { ...axis, ...(value as object) }])),
      title: {
        text: `${literal(title)}<br><span style="font-size:11px">${literal(caption)}</span>`,
        x: 0.02,
        xanchor: "left",
        y: 1 - titleTop / (layout.height ?? 400),
        yanchor: "top",
        font: { size: 15 },
      },
    },
  };
}

/**
 * Text that plotly.js shows as it is: its pseudo-HTML and formulas are escaped, line breaks and hidden letters become
 * spaces. Names that every object has, such as "constructor", are escaped too: plotly.js keeps categories in objects.
 *
 * @example
 * literal("a<b>"); // "a&lt;b&gt;"
 */
export function literal(text: string): string {
  const line = oneLine(text);
  const escaped = line.replace(/[&<>$]/g, (letter) => entities[letter]!);
  return line in {} ? `&#${line.charCodeAt(0)};${line.slice(1)}` : escaped;
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", $: "&#36;" };

/**
 * The colour of the i-th series; it begins again after six.
 *
 * @example
 * colorOf(0); // "#0072B2"
 */
export function colorOf(i: number): string {
  return palette[i % palette.length]!;
}
