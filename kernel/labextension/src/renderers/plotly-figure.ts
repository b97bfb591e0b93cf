/** What of a figure in a notebook is given to plotly.js: the notebook may be a stranger's. */

/** A figure, ready for `Plotly.react`. */
export interface Figure {
  readonly data: readonly Readonly<Record<string, unknown>>[];
  readonly layout: Readonly<Record<string, unknown>>;
  readonly config: Readonly<Record<string, unknown>>;
  readonly frames: readonly unknown[];
}

/** The traces that plotly.js-basic-dist-min draws. */
export const basicTraces: ReadonlySet<string> = new Set(["bar", "pie", "scatter"]);

/** Settings that a notebook may make; the others name servers, hold tokens or HTML, or send figures elsewhere. */
const allowedConfig = ["displayModeBar", "doubleClick", "editable", "locale", "scrollZoom", "staticPlot"];

const grid = { gridcolor: "rgba(128,128,128,0.25)", zerolinecolor: "rgba(128,128,128,0.5)" };

/** What a figure looks like that does not say it itself: readable on light and dark pages. */
const template = {
  layout: {
    ...{ paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: "#7a7a7a" } },
    ...{ xaxis: grid, yaxis: grid },
  },
};

/** Whether the basic bundle draws every trace. */
export const isBasic = ({ data }: Pick<Figure, "data">) =>
  data.every(({ type = "scatter" }) => basicTraces.has(String(type)));

/** The figure in a payload, with our settings and those a notebook may make. */
export function safeFigure(payload: unknown): Figure {
  const { data, layout = {}, config = {}, frames = [] } = (payload ?? {}) as Partial<Figure>;
  if (!Array.isArray(data)) throw new TypeError(`plotly: expected a list of traces but found ${typeof data}`);
  const wanted = Object.entries(config ?? {}).filter(([key]) => allowedConfig.includes(key));
  return {
    data: data as Figure["data"],
    layout: { autosize: layout?.width === undefined, template, ...layout },
    config: { ...Object.fromEntries(wanted), displaylogo: false, showSendToCloud: false, responsive: false },
    frames: Array.isArray(frames) ? frames : [],
  };
}
