import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { launch, noBrowser, type TrappedPage } from "../chromium.ts";
import { attack, cells, indexOf } from "./cells.ts";
import { assertNoError, choose, openJupyterPage, openNotebook, outputsOf, picture, ready, runAll } from "./page.ts";
import { type Jupyter, jupyterMissing, startJupyter, writeNotebook } from "./server.ts";

const missing = noBrowser || jupyterMissing();
const skip = missing ? `${missing}; 10 tests of JupyterLab` : false;
if (skip) console.error(`SKIPPED 10 tests of JupyterLab: ${missing}`);

describe("JupyterLab", { skip }, () => {
  let jupyter: Jupyter;
  let browser: Browser;
  let watched: TrappedPage;
  let page: Page;

  before(async () => {
    [jupyter, browser] = await Promise.all([startJupyter(), launch()]);
    watched = await openJupyterPage(browser, jupyter);
    page = watched.page;
    writeNotebook(jupyter, "renderers.ipynb", Object.values(cells));
    await openNotebook(page, jupyter, { name: "renderers.ipynb" });
    await runAll(page);
  });
  after(async () => {
    await browser?.close();
    await jupyter?.close();
  });

  const at = (name: keyof typeof cells) => outputsOf(page, indexOf(name));
  const quiet = () => assert.deepEqual(watched.happened, []);

  test("draws figures, the rare kinds too, with hostile names as text", async () => {
    const figure = at("figure").locator(".js-plotly-plot");
    await figure.locator(".scatterlayer .trace").waitFor();
    assert.equal(await at("figure").locator("img").count(), 0);
    await at("histogram").locator(".js-plotly-plot .bars .point").first().waitFor();
    await at("figure").scrollIntoViewIfNeeded();
    await page.waitForTimeout(paintDelay);
    await picture(page, "lab-figure");
    await assertNoError(page);
    quiet();
  });

  test("draws the token heat map, its hostile texts as text", async () => {
    const map = at("heatMap").locator('[data-srft="token-heat-map"]');
    await map.locator(".chunk span").first().waitFor();
    assert.ok((await map.locator(".chunk").allTextContents()).join("").replaceAll("·", " ").includes("<script>"));
    await at("heatMap").scrollIntoViewIfNeeded();
    await page.waitForTimeout(paintDelay);
    await picture(page, "lab-heat-map");
    quiet();
  });

  test("draws a live chart whose every record arrived, with hostile names as text", async () => {
    const chart = at("liveChart").locator(".srft-live-chart");
    assert.equal(await chart.getAttribute("data-records"), "80");
    assert.equal(await chart.locator("polyline").count(), 4);
    const shown = await chart.locator("text").allTextContents();
    assert.ok(
      shown.some((text) => text.startsWith(attack.slice(0, 30))),
      shown.join("\n"),
    );
    quiet();
  });

  test("keeps controls and code in step, and shows what handlers say below their cell", async () => {
    const slider = at("slider").locator('input[type="range"]');
    await slider.focus();
    await page.keyboard.press("ArrowRight");

    await at("slider").getByText("rate is 4").waitFor();
    assert.ok((await at("slider").locator("label").textContent())?.startsWith(attack));
    const others = at("others");
    await others.locator("select").selectOption("grpo");
    await others.getByText("chose grpo").waitFor();
    await others.locator('input[type="checkbox"]').check();
    await others.getByText("flag true").waitFor();
    await others.locator('input[type="text"]').fill("Ada <b>");
    await others.getByText("name Ada <b>").waitFor();
    await others.locator("button").click();
    await others.getByText("pressed 1").waitFor();
    quiet();
  });

  test("runs a widget's own view, which hears of changes and messages", async () => {
    const button = at("custom").locator("button");
    await button.click();
    await button.click();
    await at("custom").getByText("count is 2").waitFor();
    await at("custom").locator('button[title="two"]').waitFor();
    quiet();
  });

  test("keeps two views of one output in step", async () => {
    await at("slider")
      .locator(".srft-widget")
      .click({ button: "right", position: { x: 5, y: 3 } });
    await page.locator(".lm-Menu-itemLabel", { hasText: "Create New View for Cell Output" }).click();
    const view = page.locator('.jp-LinkedOutputView input[type="range"]');
    await view.waitFor();
    await view.focus();
    await page.keyboard.press("ArrowRight");
    await at("slider").getByText("rate is 5").waitFor();
    assert.equal(await at("slider").locator('input[type="range"]').inputValue(), "5");
    await picture(page, "lab-two-views");
    quiet();
  });

  test("underlines type errors until the cell is edited", async () => {
    const cell = page.locator(".jp-Notebook .jp-CodeCell").nth(indexOf("diagnostics"));
    assert.deepEqual(await cell.locator(".srft-squiggle").allTextContents(), ["two", "1"]);
    assert.ok((await at("diagnostics").locator("button").first().textContent())?.includes(attack));
    await cell.scrollIntoViewIfNeeded();
    await picture(page, "lab-diagnostics");
    await cell.locator(".cm-content").click();
    await page.keyboard.type(" ");
    await cell.locator(".srft-squiggle").first().waitFor({ state: "detached" });
    quiet();
  });

  test("draws everything again after a reload, and a control's value is the one it had", async () => {
    await page.waitForTimeout(keepDelay);
    await choose(page, "File", /^Save Notebook/);
    const saved = join(jupyter.folder, "renderers.ipynb");
    while (!readFileSync(saved, "utf8").includes("rate is 5")) await page.waitForTimeout(100);
    const slider = JSON.parse(readFileSync(saved, "utf8")).cells[indexOf("slider")];
    const last = slider.outputs.at(-1).data;
    assert.equal(last["application/vnd.srft.widget+json"].state.value, 5);
    assert.match([last["text/plain"]].flat().join(""), /: 5$/);
    await page.reload();
    await ready(page);
    await at("slider").locator('.srft-widget[data-live="true"] input').waitFor();
    assert.equal(await at("slider").locator("input").inputValue(), "5");
    await at("custom").getByText("count is 2").waitFor();
    await at("figure").locator(".js-plotly-plot .scatterlayer .trace").waitFor();
    await at("histogram").locator(".js-plotly-plot .bars .point").first().waitFor();
    await at("heatMap").locator('[data-srft="token-heat-map"] .chunk span').first().waitFor();
    assert.equal(await at("liveChart").locator("polyline").count(), 4);
    quiet();
  });

  test("shows controls without a kernel as they were, and does not let them be changed", async () => {
    await choose(page, "Kernel", /^Restart Kernel…/);
    await page.locator(".jp-Dialog-button.jp-mod-accept").click();
    await at("slider").locator('.srft-widget[data-live="false"]').waitFor();
    assert.equal(await at("slider").locator("input").isDisabled(), true);
    assert.equal(await at("slider").locator("input").inputValue(), "5");
    await at("custom").getByText('widget {"count":2}').waitFor();
    quiet();
  });

  test("is readable in the dark theme", async () => {
    await page.evaluate(`jupyterapp.commands.execute("apputils:change-theme", { theme: "JupyterLab Dark" })`);
    await page.locator('body[data-jp-theme-light="false"]').waitFor({ state: "attached" });
    for (const name of ["figure", "heatMap", "liveChart", "slider"] as const) {
      await at(name).first().scrollIntoViewIfNeeded();
      await page.waitForTimeout(paintDelay);
      await picture(page, `lab-dark-${name}`);
    }
    const ink = await at("liveChart").locator("text").first().evaluate(brightness);
    assert.ok(ink > 110, `a text's brightness is ${ink} of 255`);
    quiet();
  });
});

/** The extension brings a notebook's output up to date this long after the last change, in milliseconds; twice that. */
const keepDelay = 600;

/** What is scrolled into view is painted some frames later. */
const paintDelay = 500;

/** Of a text's colour, from 0 to 255. */
function brightness(node: unknown): number {
  const { getComputedStyle } = globalThis as unknown as { getComputedStyle(node: unknown): { fill: string } };
  const [r = 0, g = 0, b = 0] = (getComputedStyle(node).fill.match(/\d+/g) ?? []).map(Number);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
