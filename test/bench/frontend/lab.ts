/**
 * The same heat map in JupyterLab, a plotly figure, and a live chart: milliseconds from when JupyterLab's page has read a
 * message, before it acts on it, until the frame that shows it has ended.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { openJupyterPage, openNotebook } from "../../browser/jupyter/page.ts";
import { type Jupyter, jupyterMissing, startJupyter, writeNotebook } from "../../browser/jupyter/server.ts";
import type { BenchRow } from "../row.ts";
import { type ActionTimes, actionRows, budgetRow, measureActions } from "./times.ts";

const records = 50;

const cells = {
  heatMap: `import { readFileSync } from "node:fs"; display(JSON.parse(readFileSync("heat-map.json", "utf8")), { raw: true }); undefined`,
  figure: `({ data: [{ x: Array.from({ length: 1000 }, (_, i) => i), y: Array.from({ length: 1000 }, (_, i) => Math.sin(i / 50)) }], layout: {} })`,
  chart: `import { liveChart } from "srft";
const chart = liveChart({ series: ["reward", "entropy"] });
for (let step = 1; step <= ${records}; step++) {
  chart.push({ step, reward: step, entropy: 1 / step });
  await new Promise<void>((resolve) => setTimeout(resolve, 100));
}`,
} as const;

/** Writes down when an output of a type is heard, and when a frame has shown what it drew. */
const listen = `(() => {
  window.heard = []; window.painted = [];
  const { kernel } = jupyterapp.shell.currentWidget.sessionContext.session;
  kernel.anyMessage.connect((_, { msg: { header, content }, direction }) => {
    if (direction !== "recv" || !/display_data|execute_result/.test(header.msg_type)) return;
    if (Object.keys(content.data).some((type) => /plotly|heat-map|live-chart/.test(type))) window.heard.push(performance.now());
  });
  window.whenPainted = () => new Promise((done) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => done(performance.now());
    channel.port2.postMessage(0);
  }));
  window.untilDrawn = async (isDrawn) => {
    while (!isDrawn()) await new Promise(requestAnimationFrame);
    return (await window.whenPainted()) - window.heard.at(-1);
  };
})()`;

/** Rows of JupyterLab; none, and a line that says why, where it cannot be had. */
export async function labRows(browser: Browser, heatMap: unknown): Promise<BenchRow[]> {
  const missing = jupyterMissing();
  if (missing) {
    console.error(`frontend: no rows of JupyterLab: ${missing}`);
    return [];
  }
  const jupyter = await startJupyter();
  try {
    const json = JSON.stringify(heatMap);
    writeFileSync(join(jupyter.folder, "heat-map.json"), json);
    const note = `10,000 tokens x 4 models, an output of ${(json.length / 1e6).toFixed(1)} MB; the peer is a budget`;
    const rows = [
      ...(await heatMapRows(browser, jupyter)).map((row) => budgetRow(row, note)),
      ...(await figureRows(browser, jupyter)).map((row) =>
        budgetRow(row, "a line of 1,000 points; the peer is a budget"),
      ),
      ...(await chartRows(browser, jupyter)).map((row) =>
        budgetRow(row, `${records} records, one every 100 ms; the peer is a budget`),
      ),
    ];
    return rows.map((row) => ({ ...row, name: `JupyterLab, ${row.name}` }));
  } finally {
    await jupyter.close();
  }
}

async function open(browser: Browser, jupyter: Jupyter, cell: keyof typeof cells): Promise<Page> {
  const { page } = await openJupyterPage(browser, jupyter);
  writeNotebook(jupyter, `${cell}.ipynb`, [cells[cell]]);
  await openNotebook(page, jupyter, { name: `${cell}.ipynb` });
  await page.evaluate(listen);
  return page;
}

const run = (page: Page) => page.evaluate(`jupyterapp.commands.execute("notebook:run-cell")`);

/** Clears the output, runs the cell, and waits until what the selector names is painted. */
async function paintTime(page: Page, isDrawn: string) {
  await page.evaluate(`jupyterapp.commands.execute("notebook:clear-cell-output")`);
  const time = page.evaluate(`(async () => {
    const before = window.heard.length;
    return window.untilDrawn(() => window.heard.length > before && ${isDrawn});
  })()`) as Promise<number>;
  await run(page);
  return time;
}

async function paintTimes(page: Page, { isDrawn, rounds }: { isDrawn: string; rounds: number }) {
  const times: number[] = [];
  await paintTime(page, isDrawn); // loads what draws
  for (let i = 0; i < rounds; i++) times.push(await paintTime(page, isDrawn));
  return times;
}

async function heatMapRows(browser: Browser, jupyter: Jupyter) {
  const page = await open(browser, jupyter, "heatMap");
  const isDrawn = `document.querySelector('.jp-OutputArea [data-srft]')?.shadowRoot?.querySelector(".chunk span")`;
  const times = await paintTimes(page, { isDrawn, rounds: 5 });
  const actions = [(await page.evaluate(measureActions)) as ActionTimes];
  await page.context().close();
  const rows = [{ name: "from message to paint", times, budget: 1000 }, ...actionRows(actions)];
  return rows.map((row) => ({ ...row, name: `heat map: ${row.name}` }));
}

async function figureRows(browser: Browser, jupyter: Jupyter) {
  const page = await open(browser, jupyter, "figure");
  const times = await paintTimes(page, {
    isDrawn: `document.querySelector(".jp-OutputArea .js-plotly-plot .trace")`,
    rounds: 9,
  });
  await page.context().close();
  return [{ name: "plotly figure: from message to paint", times, budget: 200 }];
}

/** Each update is timed, and the distance between updates: one is held back by nothing but the chart's own pace. */
async function chartRows(browser: Browser, jupyter: Jupyter) {
  const page = await open(browser, jupyter, "chart");
  const done = page.evaluate(`new Promise((done) => {
    const times = [], at = [];
    let last;
    const look = async () => {
      const records = document.querySelector(".srft-live-chart")?.dataset.records;
      if (records !== undefined && records !== last) {
        last = records;
        const now = await window.whenPainted();
        times.push(now - window.heard.at(-1));
        at.push(now);
      }
      if (Number(records) >= ${records}) done({ times, gaps: at.slice(1).map((time, i) => time - at[i]) });
      else requestAnimationFrame(look);
    };
    look();
  })`) as Promise<{ readonly times: number[]; readonly gaps: number[] }>;
  await run(page);
  const { times, gaps } = await done;
  await page.context().close();
  return [
    { name: "live chart: from message to paint", times, budget: 50 },
    { name: "live chart: from update to update", times: gaps, budget: 150 },
  ];
}
