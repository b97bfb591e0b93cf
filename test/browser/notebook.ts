/** A notebook whose every text is hostile, and one with every figure: what reports and nbconvert are given. */

import { table } from "arquero";
import { displayBundle } from "../../kernel/display/display.ts";
import type { CellOutput, Notebook, NotebookCell } from "../../kernel/notebook/notebook.ts";
import { display, type Figure } from "../../src/plots/figure.ts";
import { tokenHeatMap } from "../../src/plots/token-heat-map.ts";
import { shiftClasses } from "../../src/plots/tokens/shift-classes.ts";
import { shiftHistogram } from "../../src/plots/tokens/shift-histogram.ts";
import { trainingCurves } from "../../src/plots/training/training-curves.ts";
import { heatTable } from "./heat-map-table.ts";
import { hostileTexts } from "./hostile.ts";

/** A table whose tokens, prompts, model names and source are hostile. */
export function hostileTable(name: string) {
  const models = [`${name} 1`, `${name} 2`];
  return heatTable({ texts: hostileTexts, models, base: name, source: name, lengths: [hostileTexts.length, 20] });
}

/** Training curves of a method of a name. */
export function curvesOf(name: string): Figure {
  const records = [1, 2, 3].map((step) => ({
    step,
    reward: step / 4,
    entropy: 1 / step,
    weights: { sft: 0.25, rl: 0.125 },
  }));
  return trainingCurves([{ name, seed: 7, records }]);
}

const shown = (data: object): CellOutput => ({ output_type: "display_data", data: { ...data }, metadata: {} });

const codeCell = (source: string, outputs: CellOutput[]): NotebookCell => ({
  cell_type: "code",
  source,
  metadata: {},
  execution_count: 1,
  outputs,
});

const markdownCell = (source: string): NotebookCell => ({ cell_type: "markdown", source, metadata: {} });

function notebookOf(cells: NotebookCell[]): Notebook {
  const kernelspec = { name: "srft", display_name: "TypeScript (srft)", language: "typescript" };
  return { nbformat: 4, nbformat_minor: 4, metadata: { kernelspec }, cells };
}

/** Every figure that is made of a table or of runs, and the heat map. */
export async function figureNotebook(): Promise<Notebook> {
  const texts = ["<bos>", " the", " sum", " is", " 8", "."];
  const table = heatTable({ texts, models: ["sft", "srft@20", "srft@40"], lengths: [30, 40] });
  const figures = [curvesOf("SRFT"), shiftHistogram(table), shiftClasses(table), tokenHeatMap(table)];
  const cells = await Promise.all(figures.map(async (figure) => codeCell("figure", [shown(await figure[display]())])));
  const rows = "<table><thead><tr><th>method</th></tr></thead><tbody><tr><td>SRFT</td></tr></tbody></table>";
  const table1 = codeCell("rows", [shown({ "text/html": rows, "text/plain": "rows" })]);
  const text = codeCell("console.log(1)", [{ output_type: "stream", name: "stdout", text: "\u001b[31m1\u001b[0m\n" }]);
  return notebookOf([
    markdownCell("# Figures\n\nText with `code`."),
    markdownCell("## All of them"),
    ...cells,
    table1,
    text,
  ]);
}

/** A table whose columns, values and cells are hostile, as the kernel shows it. */
export async function hostileColumns() {
  const names = hostileTexts.filter((text) => text !== "__proto__"); // which arquero cannot hold
  const columns = Object.fromEntries(names.map((text) => [text, [text, 1]]));
  return displayBundle(table(columns));
}

/** Hostile text in every place that a notebook has; HTML and SVG of outputs are our figures' own. */
export async function hostileNotebook(): Promise<Notebook> {
  const cells: NotebookCell[] = [codeCell("rows", [shown(await hostileColumns())])];
  for (const text of hostileTexts) {
    cells.push(markdownCell(`# ${text}\n\n${text}\n\n- ${text}\n\n| ${text} |\n|---|\n| ${text} |`));
    const error: CellOutput = { output_type: "error", ename: text, evalue: text, traceback: [text] };
    const plain = [shown({ "text/plain": text }), shown({ "text/markdown": text }), shown({ "text/latex": text })];
    cells.push(codeCell(text, [{ output_type: "stream", name: "stdout", text }, error, ...plain]));
  }
  for (const text of hostileTexts.slice(0, 8)) {
    const table = hostileTable(text);
    const bundles = [
      tokenHeatMap(table)[display](),
      await shiftClasses(table)[display](),
      await curvesOf(text)[display](),
    ];
    cells.push(codeCell(text, bundles.map(shown)));
  }
  return notebookOf(cells);
}
