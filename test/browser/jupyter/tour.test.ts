import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { launch, noBrowser, type TrappedPage } from "../chromium.ts";
import { attack } from "./cells.ts";
import { assertNoError, choose, openJupyterPage, openNotebook, outputsOf, picture, ready, runAll } from "./page.ts";
import { copyNotebook, type Jupyter, jupyterMissing, startJupyter, writeNotebook } from "./server.ts";

const missing = noBrowser || jupyterMissing();
const skip = missing ? `${missing}; 5 tests of JupyterLab and Notebook 7` : false;
if (skip) console.error(`SKIPPED 5 tests of JupyterLab and Notebook 7: ${missing}`);

describe("A notebook in JupyterLab and Notebook 7", { skip }, () => {
  let jupyter: Jupyter;
  let browser: Browser;
  let trapped: TrappedPage;
  let page: Page;

  const freshPage = async () => {
    trapped = await openJupyterPage(browser, jupyter);
    page = trapped.page;
  };
  const tourIsDrawn = async () => {
    for (const drawn of [
      ".srft-live-chart polyline",
      ".js-plotly-plot .trace",
      '[data-srft="token-heat-map"] .chunk span',
    ])
      await page.locator(drawn).first().waitFor();
  };
  before(async () => {
    [jupyter, browser] = await Promise.all([startJupyter(), launch()]);
  });
  afterEach(async () => {
    await page.context().close();
  });
  after(async () => {
    await browser?.close();
    await jupyter?.close();
  });

  test("the launcher's card opens a copy of the tour, and Run All runs it", async () => {
    await freshPage();
    await page.goto(jupyter.address("lab?reset"));
    await page.locator(".jp-LauncherCard", { hasText: "TypeScript (srft) tour" }).click();
    await ready(page);
    assert.ok(existsSync(join(jupyter.folder, "srft-tour.ipynb")));
    await page.waitForTimeout(300);
    await picture(page, "lab-tour-start");
    await runAll(page);
    await assertNoError(page);
    await tourIsDrawn();
    await page.locator('.srft-widget[data-live="true"] input[type="range"]').fill("3");
    await page.getByText("At temperature 3 the policy counts on from 4").waitFor();
    await page.setViewportSize({ width: 1280, height: 1300 });
    await outputsOf(page, 2).first().scrollIntoViewIfNeeded();
    await page.waitForTimeout(500);
    await picture(page, "lab-tour");
    assert.deepEqual(trapped.happened, []);
  });

  test("the help menu and the palette offer the tour, the paper and snippets", async () => {
    await freshPage();
    writeNotebook(jupyter, "snippets.ipynb", [""]);
    await openNotebook(page, jupyter, { name: "snippets.ipynb" });
    await page.locator(".lm-MenuBar-itemLabel", { hasText: /^Help$/ }).click();
    for (const entry of ["TypeScript (srft) tour", "SRFT, the paper"])
      await page.locator(".lm-Menu-item", { hasText: entry }).waitFor();
    await picture(page, "lab-help");
    await page.keyboard.press("Escape");
    await page.locator(".jp-Notebook .cm-content").click();
    await page.keyboard.press("Control+Shift+C");
    await page.locator(".lm-CommandPalette-input").fill("snippet: plotly figure");
    await page.keyboard.press("Enter");
    await page.locator(".jp-Notebook .cm-content", { hasText: 'type: "scatter"' }).waitFor();
    await page.keyboard.press("Shift+Enter");
    await page.locator(".js-plotly-plot .trace").waitFor();
    assert.deepEqual(trapped.happened, []);
  });

  test("a live chart goes on after a reload while its cell runs", async () => {
    await freshPage();
    const code = `import { liveChart } from "srft";
const chart = liveChart({ series: ["reward"] });
for (let step = 1; step <= 400; step++) {
  chart.push({ step, reward: step });
  await new Promise((resolve) => setTimeout(resolve, 100));
}`;
    writeNotebook(jupyter, "running.ipynb", [code]);
    await openNotebook(page, jupyter, { name: "running.ipynb" });
    await choose(page, "Run", /^Run All Cells/);
    const chart = page.locator(".srft-live-chart");
    await chart.waitFor();
    await choose(page, "File", /^Save Notebook/);
    const file = join(jupyter.folder, "running.ipynb");
    while (!readFileSync(file, "utf8").includes("live-chart+json")) await page.waitForTimeout(100);
    const records = async () => Number(await chart.getAttribute("data-records"));
    await page.reload();
    await chart.waitFor();
    const before = await records();
    const grown = `Number(document.querySelector(".srft-live-chart")?.dataset.records) > ${before + 10}`;
    await page.waitForFunction(grown, undefined, { timeout: 30_000 });
    assert.equal(await page.locator(".srft-live-chart").count(), 1);
    assert.deepEqual(trapped.happened, []);
  });

  test("an untrusted notebook is drawn, and nothing in it is executed", async () => {
    await freshPage();
    const figure = {
      data: [{ x: [1, 2], y: [1, 2], name: attack, type: "scatter" }],
      layout: { title: { text: attack } },
    };
    const line = { name: attack, color: `url(javascript:srftHostile())"${attack}`, x: [1, 2], y: [1, 2] };
    const chart = { id: attack, title: attack, x: attack, panels: [{ label: attack, lines: [line] }], records: 2 };
    const widget = (kind: string, state: object) => ({
      "application/vnd.srft.widget+json": { id: attack, kind, state },
    });
    const html = { "text/html": `<b>bold</b>${attack}` };
    const bundles = [
      { "application/vnd.plotly.v1+json": figure, ...html },
      { "application/vnd.srft.live-chart+json": chart, ...html },
      { "application/vnd.srft.token-heat-map+json": { hostile: attack }, ...html },
      { ...widget("slider", { label: attack, min: 0, max: 9, step: 1, value: 4 }), ...html },
      { ...widget("custom", { source: "srftHostile()", value: attack }), ...html, "text/plain": attack },
      {
        "application/vnd.srft.diagnostics+json": {
          diagnostics: [{ message: attack, start: { line: 1, column: 0 }, end: { line: 1, column: 1 } }],
        },
      },
      html,
    ];
    const outputs = bundles.map((data) => ({ output_type: "display_data", data, metadata: {} }));
    writeNotebook(jupyter, "untrusted.ipynb", [{ source: "1", outputs }]);
    await openNotebook(page, jupyter, { name: "untrusted.ipynb" });
    await page.locator(".js-plotly-plot .trace").waitFor();
    assert.equal(await page.locator(".srft-live-chart polyline").count(), 1);
    assert.equal(await page.locator('.srft-widget input[type="range"]').inputValue(), "4");
    assert.equal(await page.locator('.srft-widget input[type="range"]').isDisabled(), true);
    assert.equal(await page.locator(".srft-diagnostics button").count(), 1);
    await page.waitForTimeout(500);
    await picture(page, "lab-untrusted");
    assert.deepEqual(trapped.happened, []);
  });

  test("Notebook 7 draws all that JupyterLab does", async () => {
    await freshPage();
    copyNotebook(jupyter, "00-tour.ipynb");
    await openNotebook(page, jupyter, { name: "00-tour.ipynb", frontEnd: "notebook" });
    await runAll(page);
    await assertNoError(page);
    await tourIsDrawn();
    await page.locator('.srft-widget[data-live="true"] input[type="range"]').fill("2");
    await page.getByText("At temperature 2 the policy counts on from 4").waitFor();
    await picture(page, "notebook-7-tour");
    await choose(page, "File", /^Save Notebook/);
    await page
      .locator(".jp-NotebookCheckpoint, .jp-NotebookKernelStatus", { hasText: /Last Checkpoint/ })
      .first()
      .waitFor();
    await page.waitForFunction(`!document.body.className.includes("jp-mod-dirty")`);
    await page.waitForTimeout(500);
    await page.reload();
    await ready(page);
    await page.locator('.srft-widget[data-live="true"] input[type="range"]').waitFor();
    await page.locator(".lm-MenuBar-itemLabel", { hasText: /^Help$/ }).click();
    await page.locator(".lm-Menu-item", { hasText: "TypeScript (srft) tour" }).waitFor();
    await picture(page, "notebook-7-help");
    assert.deepEqual(trapped.happened, []);
  });
});
