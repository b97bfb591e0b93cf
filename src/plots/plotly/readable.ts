/** What a figure looks like that does not say it itself: readable on light and dark pages, the same in every place. */

type Json = Readonly<Record<string, unknown>>;

const grid = { gridcolor: "rgba(128,128,128,0.25)", zerolinecolor: "rgba(128,128,128,0.5)" };

const template = {
  layout: {
    ...{ paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: "#7a7a7a" } },
    ...{ xaxis: grid, yaxis: grid },
  },
};

/**
 * A layout with a template, unless it has one.
 *
 * @example
 * readable({ width: 300 }).width; // 300
 */
export const readable = (layout: Json | undefined): Json => ({ template, ...layout });
