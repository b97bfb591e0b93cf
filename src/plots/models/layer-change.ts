/**
 * How much tuning changed the weights, layer by layer: ‖ΔW‖ / ‖W‖ of each kind of matrix. Models differ in colour, kinds
 * of matrix in symbol and dash, so neither needs the other to be told.
 */

import type { ParameterDiff } from "../../analysis/parameter-diff/parameter-diff.ts";
import { createFigure, type Figure, literal, palette } from "../figure.ts";
import type { Trace } from "../plotly/static-svg.ts";

/** The change of one kind of matrix in one layer of one model. */
export interface LayerChange {
  readonly model: string;
  /** From 0; null for what lies in no layer, such as the embedding. */
  readonly layer: number | null;
  /** Such as "attention", "mlp", "norm", "embedding". */
  readonly part: string;
  /** ‖ΔW‖ / ‖W‖, Frobenius, >= 0. */
  readonly relativeChange: number;
}

export interface LayerChangeOptions {
  /** The base, the number of parameters, seeds; plain text. */
  readonly caption: string;
}

const symbols = ["circle", "square", "diamond", "triangle-up", "cross", "x"] as const;

/**
 * The rows of a comparison of two checkpoints, for each layer as a whole, or for each kind of matrix in it.
 *
 * @example
 * const rows = layerChangesOf("tuned", await parameterDiff("models/tiny-qwen2", "models/tiny-qwen2"));
 * rows[0]; // { model: "tuned", layer: null, part: "all", relativeChange: 0 }
 */
export function layerChangesOf(
  model: string,
  { layers, tensors }: Pick<ParameterDiff, "layers" | "tensors">,
  { by = "layer" }: { readonly by?: "layer" | "module" } = {},
): LayerChange[] {
  if (by === "layer") {
    return layers.map(({ layer, relativeNorm }) => ({ model, layer, part: "all", relativeChange: relativeNorm }));
  }
  return tensors.map(({ layer, module, relativeNorm }) => ({
    model,
    layer,
    part: module,
    relativeChange: relativeNorm,
  }));
}

/**
 * Draws the relative change by layer: a colour a model, a symbol a part; what lies in no layer stands left of layer 0.
 *
 * @throws {RangeError} If there are no rows, or a change is not a finite number >= 0.
 * @example
 * layerChange([{ model: "sft", layer: 0, part: "mlp", relativeChange: 0.1 }], { caption: "334,464 parameters" });
 */
export function layerChange(rows: readonly LayerChange[], { caption }: LayerChangeOptions): Figure {
  checkRows(rows);
  const models = [...new Set(rows.map(({ model }) => model))];
  const parts = [...new Set(rows.map(({ part }) => part))];
  const layers = [...new Set(rows.flatMap(({ layer }) => (layer === null ? [] : [layer])))].sort((a, b) => a - b);
  const series = models.flatMap((model) => parts.map((part) => ({ model, part })));
  const data = series.flatMap(({ model, part }) => {
    const found = rows.filter((row) => row.model === model && row.part === part);
    const look = { color: palette[models.indexOf(model) % palette.length]!, symbol: parts.indexOf(part) };
    return found.length === 0 ? [] : [partTrace(found, look)];
  });
  const outside = rows.some(({ layer }) => layer === null);
  return createFigure({
    title: "How much tuning changed the weights",
    caption,
    summary: `Relative change of the weights (${caption}): ${models.map((model) => spoken(model, rows)).join("; ")}`,
    data,
    layout: {
      showlegend: true,
      legend: { x: 1.02, y: 1 },
      margin: { l: 70, r: 20, t: 70, b: 60 },
      xaxis: {
        title: { text: "layer" },
        tickvals: [...(outside ? [-1] : []), ...layers],
        ticktext: [...(outside ? ["outside"] : []), ...layers.map(String)],
      },
      yaxis: { title: { text: "‖ΔW‖ / ‖W‖" }, rangemode: "tozero" },
    },
  });
}

function checkRows(rows: readonly LayerChange[]) {
  if (rows.length === 0) throw new RangeError("layerChange: expected at least one row but found none");
  for (const { model, part, relativeChange } of rows) {
    if (relativeChange >= 0 && relativeChange < Infinity) continue;
    throw new RangeError(
      `layerChange: expected a finite change >= 0 but found ${relativeChange} of ${part} in ${model}`,
    );
  }
}

function partTrace(found: readonly LayerChange[], { color, symbol }: { color: string; symbol: number }): Trace {
  const sorted = found.toSorted((a, b) => (a.layer ?? -1) - (b.layer ?? -1));
  return {
    type: "scatter",
    mode: "lines+markers",
    name: literal(`${found[0]!.model}: ${found[0]!.part}`),
    line: { color, width: 1.5, dash: symbol % 2 === 0 ? "solid" : "dot" },
    marker: { color, size: 8, symbol: symbols[symbol % symbols.length]! },
    x: sorted.map(({ layer }) => layer ?? -1),
    y: sorted.map(({ relativeChange }) => relativeChange),
    hovertemplate: "layer %{x}: %{y:.3g}",
  };
}

function spoken(model: string, rows: readonly LayerChange[]) {
  const most = rows
    .filter((row) => row.model === model)
    .reduce((a, b) => (b.relativeChange > a.relativeChange ? b : a));
  const where = most.layer === null ? "" : ` of layer ${most.layer}`;
  return `${model} most in ${most.part}${where}, ${Number(most.relativeChange.toPrecision(3))}`;
}
