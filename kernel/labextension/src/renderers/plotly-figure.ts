/** What of a figure in a notebook is given to plotly.js: the notebook may be a stranger's. */

import { mapTraces, offline } from "../../../../src/plots/plotly/offline.ts";
import { readable } from "../../../../src/plots/plotly/readable.ts";

/** A figure, ready for `Plotly.react`. */
export interface Figure {
  readonly data: readonly Readonly<Record<string, unknown>>[];
  readonly layout: Readonly<Record<string, unknown>>;
  readonly config: Readonly<Record<string, unknown>>;
  readonly frames: readonly unknown[];
}

/** Settings that a notebook may make; the others name servers, hold tokens or HTML, or send figures elsewhere. */
const allowedConfig = ["displayModeBar", "doubleClick", "editable", "locale", "scrollZoom", "staticPlot"];

/**
 * The figure in a payload, with our settings and those a notebook may make. It asks the network for nothing, but for the
 * maps of a figure that the reader trusts.
 */
export function safeFigure(payload: unknown, { isTrusted }: { readonly isTrusted: boolean }): Figure {
  const { data, layout, config, frames } = offline((payload ?? {}) as Partial<Figure>);
  if (!Array.isArray(data)) throw new TypeError(`plotly: expected a list of traces but found ${typeof data}`);
  const maps = mapTraces({ data });
  if (maps.length > 0 && !isTrusted)
    throw new TypeError(`plotly: expected a trusted notebook for maps from the network but found ${maps[0]}`);
  const wanted = Object.entries(config ?? {}).filter(([key]) => allowedConfig.includes(key));
  return {
    data,
    layout: { autosize: layout?.width === undefined, ...readable(layout) },
    config: { ...Object.fromEntries(wanted), displaylogo: false, showSendToCloud: false, responsive: false },
    frames: Array.isArray(frames) ? frames : [],
  };
}
