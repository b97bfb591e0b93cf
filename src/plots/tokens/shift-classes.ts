/**
 * Unshifted, marginal and shifted positions, a stacked bar a model (after URIAL, arXiv 2312.01552, figure 2).
 */

import { type Category, categories, categoryOf } from "../../analysis/category.ts";
import type { ShiftColumns, TokenColumns } from "../../analysis/token-table.ts";
import { createFigure, type Figure, literal } from "../figure.ts";
import type { Trace } from "../plotly/static-svg.ts";

/** Okabe–Ito; the classes differ in lightness too. */
const looks: Record<Category, { readonly color: string; readonly label: string }> = {
  unshifted: { color: "#56B4E9", label: "unshifted (base rank 1)" },
  marginal: { color: "#E69F00", label: "marginal (2–3)" },
  shifted: { color: "#D55E00", label: "shifted (> 3)" },
};

/**
 * Draws the shares of the three classes for each model.
 *
 * @example
 * shiftClasses(table).summary; // for example "… of the base rollouts: sft 20.9 / 15.1 / 64.0 %"
 */
export function shiftClasses(table: TokenColumns): Figure {
  const shares = table.models.map(classShares);
  const data = categories.map(
    (category, c): Trace => ({
      type: "bar",
      orientation: "h",
      name: looks[category].label,
      marker: { color: looks[category].color },
      y: table.models.map(({ name }) => literal(name)),
      x: shares.map((share) => share[c]),
      text: shares.map((share) => (share[c]! < 5 ? "" : `${share[c]!.toFixed(1)} %`)),
      textposition: "inside",
      insidetextanchor: "middle",
      textangle: 0,
      textfont: { color: "#000000" },
      hovertemplate: "%{x:.2f} %",
    }),
  );
  const percents = table.models.map(
    ({ name }, m) => `${name} ${shares[m]!.map((share) => share.toFixed(1)).join(" / ")} %`,
  );
  return createFigure({
    title: `Rank, under ${table.base.name}, of each model's first choice`,
    caption: `text: ${table.source}; n = ${table.tokens.length} tokens of ${table.prompts.length} texts`,
    summary: `Unshifted / marginal / shifted tokens of the ${table.source}: ${percents.join(", ")}`,
    data,
    layout: {
      barmode: "stack",
      height: 200 + 40 * table.models.length,
      margin: { l: 110, r: 20, t: 70, b: 60 },
      xaxis: { title: { text: "share of tokens (%)" }, range: [0, 100] },
      yaxis: { autorange: "reversed", type: "category" },
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", traceorder: "normal" },
    },
  });
}

function classShares({ baseRanks }: ShiftColumns): number[] {
  const counts = categories.map(() => 0);
  for (const rank of baseRanks) counts[categories.indexOf(categoryOf(rank))]!++;
  return counts.map((count) => (100 * count) / baseRanks.length);
}
