/** Cells whose outputs hold every hostile text in every place that the extension's renderers and the kernel's HTML have. */

import { diagnosticsBundle } from "../../../kernel/supervisor/diagnostics.ts";
import { type Kind, widgetBundle } from "../../../kernel/widgets/fallback.ts";
import { display } from "../../../src/plots/figure.ts";
import { liveChart } from "../../../src/plots/live-chart/live-chart.ts";
import { tokenHeatMap } from "../../../src/plots/token-heat-map.ts";
import { hostileTexts } from "../hostile.ts";
import { hostileColumns, hostileTable } from "../notebook.ts";
import type { Output } from "./server.ts";

type Bundle = Readonly<Record<string, unknown>>;

/** JupyterLab shows this many outputs of a cell at most. */
const most = 50;

const widgetKinds: readonly Kind[] = ["slider", "select", "checkbox", "text", "button", "custom"];

/** A figure whose names, titles, axes, labels, hover texts and colours are a text. */
export const hostileFigure = (text: string) => ({
  data: [
    {
      ...{ type: "scatter", mode: "markers+text", x: [1, 2], y: [1, 2], name: text, text: [text, text] },
      ...{
        hovertemplate: text,
        hovertext: text,
        customdata: [text, text],
        marker: { color: text, size: 20 },
        meta: text,
      },
    },
    { type: "bar", x: [text, `${text} `], y: [1, 2], name: text, legendgroup: text, legendgrouptitle: { text } },
  ],
  layout: {
    ...{ height: 200, showlegend: true, paper_bgcolor: text, font: { family: text } },
    title: { text, subtitle: { text } },
    xaxis: { title: { text }, tickvals: [1, 2], ticktext: [text, text], ticksuffix: text },
    yaxis: { title: { text }, tickprefix: text, tickformat: text },
    annotations: [{ text, hovertext: text, x: 1, y: 1, captureevents: true }],
    updatemenus: [{ type: "buttons", buttons: [{ label: text, method: "relayout", args: [{}] }] }],
  },
  config: { plotlyServerURL: "https://hostile.example/plotly", modeBarButtonsToAdd: [{ name: text }], locale: text },
});

const hostileChart = (text: string) => ({
  ...{ id: text, title: text, x: text, records: 2 },
  panels: [{ label: text, lines: [{ name: text, color: text, x: [1, 2], y: [1, 2] }] }],
});

/** The heat map's own type alone: valid, so that it is drawn. */
function heatMap(text: string): Bundle {
  const type = "application/vnd.srft.token-heat-map+json";
  const bundle: Bundle = tokenHeatMap(hostileTable(text))[display]();
  return { [type]: bundle[type], "text/plain": text };
}

const widget = (kind: Kind, text: string) =>
  widgetBundle({
    ...{ id: `${kind} ${text}`, kind },
    state: { label: text, options: [text, ...hostileTexts], value: text, min: text, max: text, step: text },
  });

const diagnosed = "x".repeat(hostileTexts.length);

function diagnostics() {
  const problems = hostileTexts.map((message, column) => ({
    ...{ message, code: 1000 + column, severity: "error" as const },
    ...{ start: { line: 1, column }, end: { line: 1, column: column + 1 } },
  }));
  return diagnosticsBundle(problems, { count: 1, source: diagnosed });
}

function chartHtml() {
  const chart = liveChart({ title: hostileTexts[3]!, series: ["reward"], by: "method" });
  for (const [step, method] of hostileTexts.entries()) chart.push({ step, reward: step, method });
  return chart[display]()["text/html"];
}

/** What shows where no extension is, which trusted notebooks take as it is: tables, widgets, charts, heat maps. */
const onlyHtml = async () => [
  (await hostileColumns())["text/html"],
  chartHtml(),
  tokenHeatMap(hostileTable(hostileTexts[1]!)).html(),
  ...hostileTexts.map((text) => widget("select", text)["text/html"]),
];

const shown = (data: Bundle): Output => ({ output_type: "display_data", data, metadata: {} });

/** Says in the page that the notebook is trusted; an untrusted one's scripts do not run. */
export const probe = `<script>document.body.dataset.trusted = "yes"</script><b>probe</b>`;

/** The cells; none has more outputs than JupyterLab shows. */
export async function hostileCells() {
  const of = (bundleOf: (text: string) => Bundle) => hostileTexts.map((text) => shown(bundleOf(text)));
  const text = hostileTexts.join("\n");
  const cells: (readonly [source: string, outputs: readonly Output[]])[] = [
    ["probe", [shown({ "text/html": probe })]],
    [
      "figures",
      of((text) => ({ "application/vnd.plotly.v1+json": hostileFigure(text), "text/html": probe, "text/plain": text })),
    ],
    ["heat maps", of(heatMap)],
    ["charts", of((text) => ({ "application/vnd.srft.live-chart+json": hostileChart(text), "text/plain": text }))],
    ...widgetKinds.map((kind) => [kind, of((text) => widget(kind, text))] as const),
    [diagnosed, [shown(diagnostics())]],
    ["html", (await onlyHtml()).map((html) => shown({ "text/html": html }))],
    ["text", of((text) => ({ "text/plain": text }))],
    [
      "streams and errors",
      [
        { output_type: "stream", name: "stdout", text },
        { output_type: "error", ename: hostileTexts[3]!, evalue: text, traceback: [text] },
      ],
    ],
  ];
  const tooLong = cells.find(([, outputs]) => outputs.length > most);
  if (tooLong) throw new RangeError(`hostileCells: expected at most ${most} outputs in "${tooLong[0]}"`);
  return cells.map(([source, outputs]) => ({ source, outputs }));
}

/** Widgets on the page. */
export const widgetCount = widgetKinds.length * hostileTexts.length;

/** A cell that shows the texts when it is run: a type error, a table, figures, a chart, widgets, lines and an error. */
export const liveSource = `import { liveChart } from "srft";
const texts: string[] = ${JSON.stringify(hostileTexts)};
const wrong: "<img src=x onerror=srftHostile()>" = texts.length;
display({ numRows: () => 2, numCols: () => texts.length, columnNames: () => texts, get: (name) => name });
const chart = liveChart({ title: texts[3], series: ["reward"], by: "method" });
for (const [step, method] of texts.entries()) chart.push({ step, reward: step, method });
const choice = widgets.select({ label: texts[0], options: texts }).onChange((value) => console.log("chose " + value));
display(choice);
display(widgets.button({ label: texts[3] }));
display({ data: texts.map((name, i) => ({ x: [i], y: [i], name, type: "scatter" })), layout: { title: { text: texts[3] } } });
for (const text of texts) console.log(text);
throw new TypeError(texts.join("\\n"));`;
