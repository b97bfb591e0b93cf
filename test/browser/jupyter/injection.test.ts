import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import type { Browser, Locator, Page } from "playwright-core";
import { launch, noBrowser, type TrappedPage } from "../chromium.ts";
import { askingFigure, hostileTexts, mapFigure } from "../hostile.ts";
import { hostileCells, liveSource, probe, widgetCount } from "./hostile-cells.ts";
import { errorOutput, type FrontEnd, openJupyterPage, openNotebook, picture } from "./page.ts";
import {
  type Cell,
  type Jupyter,
  jupyterMissing,
  startJupyter,
  writeNotebook,
  writeTrustedNotebook,
} from "./server.ts";

const missing = noBrowser || jupyterMissing();
const skip = missing ? `${missing}; 10 tests of hostile notebooks` : false;
if (skip) console.error(`SKIPPED 10 tests of hostile notebooks: ${missing}`);

const n = hostileTexts.length;

for (const frontEnd of ["lab", "notebook"] as const)
  describe(`Hostile texts in ${frontEnd === "lab" ? "JupyterLab" : "Notebook 7"}`, { skip }, () => testIn(frontEnd));

function testIn(frontEnd: FrontEnd) {
  let jupyter: Jupyter;
  let browser: Browser;
  let trapped: TrappedPage;
  let page: Page;
  let cells: readonly Cell[];

  before(async () => {
    [jupyter, browser, cells] = await Promise.all([startJupyter(), launch(), hostileCells()]);
  });
  afterEach(async () => {
    await page.context().close();
  });
  after(async () => {
    await browser?.close();
    await jupyter?.close();
  });

  const open = async (name: string) => {
    trapped = await openJupyterPage(browser, jupyter);
    page = trapped.page;
    await openNotebook(page, jupyter, { name, frontEnd });
    await page
      .locator(".js-plotly-plot .scatterlayer .trace")
      .nth(n - 1)
      .waitFor({ timeout: 120_000 });
    await page
      .locator(".srft-squiggle")
      .nth(n - 1)
      .waitFor();
  };
  const isTrusted = () => page.evaluate("document.body.dataset.trusted === 'yes'");
  const quiet = async () => {
    await page.waitForTimeout(500);
    assert.ok(page.url().startsWith(jupyter.origin), page.url());
    assert.deepEqual(trapped.happened, []);
  };

  test("every renderer draws them and executes nothing, in an untrusted notebook", async () => {
    writeNotebook(jupyter, "untrusted.ipynb", cells);
    await open("untrusted.ipynb");
    assert.equal(await isTrusted(), false);
    await assertDrawn(page);
    await poke(page);
    await picture(page, `${frontEnd}-hostile-untrusted`);
    await quiet();
  });

  test("every renderer and the kernel's HTML execute nothing, in a trusted notebook", async () => {
    await writeTrustedNotebook(jupyter, "trusted.ipynb", cells);
    await open("trusted.ipynb");
    assert.equal(await isTrusted(), true);
    await assertDrawn(page, { ofHtml: 1 });
    await poke(page);
    await picture(page, `${frontEnd}-hostile-trusted`);
    await quiet();
  });

  test("a cell that shows them all when it is run executes none", async () => {
    writeNotebook(jupyter, "live.ipynb", [liveSource]);
    trapped = await openJupyterPage(browser, jupyter);
    page = trapped.page;
    await openNotebook(page, jupyter, { name: "live.ipynb", frontEnd });
    await page.locator(".jp-Notebook .cm-content").click();
    await page.keyboard.press("Control+Enter");
    await page.locator(errorOutput).waitFor();
    await page
      .locator(".js-plotly-plot .scatterlayer .trace")
      .nth(n - 1)
      .waitFor();
    assert.deepEqual(await page.locator(".srft-squiggle").allTextContents(), ["wrong"]);
    const message = await page.locator(".srft-diagnostics button").textContent();
    assert.match(message!, /'"<img src=x onerror=srftHostile\(\)>"'/);
    assert.deepEqual(await page.locator(".jp-RenderedHTML th").allTextContents(), hostileTexts.map(inHtml));
    const select = page.locator('.srft-widget[data-live="true"] select');
    await select.selectOption(hostileTexts[3]!);
    await page.getByText(`chose ${hostileTexts[3]}`).waitFor();
    await noElements(page.locator(".jp-OutputArea"));
    await picture(page, `${frontEnd}-hostile-live`);
    await quiet();
  });

  for (const isTrusting of [false, true])
    test(`a figure asks the network for nothing, in ${isTrusting ? "a trusted" : "an untrusted"} notebook`, async () => {
      const figures = isTrusting ? [askingFigure] : [askingFigure, mapFigure];
      const outputs = [
        { "text/html": probe },
        ...figures.map((figure) => ({ [plotlyType]: figure, "text/plain": "a figure" })),
      ];
      const shown = outputs.map((data) => ({ output_type: "display_data", data, metadata: {} }));
      const write = isTrusting ? writeTrustedNotebook : writeNotebook;
      await write(jupyter, "asking.ipynb", [{ source: "1", outputs: shown }]);
      trapped = await openJupyterPage(browser, jupyter);
      page = trapped.page;
      const own: string[] = [];
      page.on("request", (request) => /relative/.test(request.url()) && own.push(request.url()));
      await openNotebook(page, jupyter, { name: "asking.ipynb", frontEnd });
      const figure = page.locator(".js-plotly-plot");
      await figure.locator(".point").first().waitFor({ timeout: 120_000 });
      assert.equal(await isTrusted(), isTrusting);
      await pointAt(figure.locator(".point").first());
      for (const button of await figure.locator(".updatemenu-button").all()) await button.click({ force: true });
      if (!isTrusting) await page.getByText("expected a trusted notebook for maps from the network").waitFor();
      await picture(page, `${frontEnd}-asking-${isTrusting ? "trusted" : "untrusted"}`);
      await quiet();
      assert.deepEqual(own, []);
    });
}

const plotlyType = "application/vnd.plotly.v1+json";

/** A page's text is the text, without NUL, which HTML has no way to write. */
const inHtml = (text: string) => text.replaceAll("\0", "");

/** Each text is on the page in each renderer, as text. */
async function assertDrawn(page: Page, { ofHtml = 0 } = {}) {
  const count = (selector: string) => page.locator(selector).count();
  assert.equal(await count(".js-plotly-plot"), n);
  assert.equal(await count('[data-srft="token-heat-map"] .map'), n + ofHtml, "valid heat maps are drawn");
  assert.equal(await count(".srft-live-chart polyline"), n);
  assert.equal(await count(".srft-widget"), widgetCount);
  assert.equal(await count(".srft-diagnostics button"), n);
  const options = page.locator(".srft-widget select").first().locator("option");
  assert.deepEqual((await options.allTextContents()).slice(1), hostileTexts);
  const titles = await page.locator(".srft-squiggle").evaluateAll((marks) => marks.map(({ title }) => title));
  assert.deepEqual(titles, hostileTexts);
  const columns = await page.locator(".jp-RenderedHTML").locator("th").allTextContents();
  assert.deepEqual(columns, hostileTexts.filter((text) => text !== "__proto__").map(inHtml));
  await noElements(page.locator(".srft-output, .srft-widget, .srft-diagnostics, .jp-RenderedHTML table"));
}

/** None of the elements and attributes that hostile texts spell stands in the outputs, also where it did nothing yet. */
async function noElements(outputs: Locator) {
  const elements = "img, iframe, object, embed, video, audio, form, base, link, meta, math, foreignObject, animate";
  const attributes = '[onerror], [onload], [onfocus], [ontoggle], [onmouseover], [onbegin], [href^="javascript:" i]';
  assert.equal(await outputs.locator(`${elements}, ${attributes}`).count(), 0);
}

/** Points at something, also where the page still moves it about. */
async function pointAt(found: Locator, tries = 20): Promise<void> {
  try {
    await found.hover({ force: true });
  } catch (error) {
    if (tries === 0 || !/outside of the viewport/.test(String(error))) throw error;
    await found.page().waitForTimeout(100);
    await pointAt(found, tries - 1);
  }
}

/** Points at, clicks and types into what can be. */
async function poke(page: Page) {
  const some = async (selector: string, act: (found: Locator) => Promise<unknown>) => {
    const found = await page.locator(selector).all();
    assert.ok(found.length > 0, selector);
    for (const one of found.filter((_, i) => i % 6 === 3)) await act(one);
  };
  await some(".js-plotly-plot", async (figure) => {
    await pointAt(figure.locator(".scatterlayer .point").first());
    await pointAt(figure.locator(".annotation").first());
  });
  await some('.srft-output [data-srft="token-heat-map"]', async (map) => {
    await map.locator(".chunk span").nth(3).click();
    await map.locator(".texts").press("ArrowRight");
    await map.locator("select").first().selectOption("class");
    await map.locator('input[type="checkbox"]').first().click();
  });
  await some(".srft-live-chart svg", (chart) => chart.hover());
  await some(".srft-squiggle", pointAt);
  await some(".srft-diagnostics button", (line) => line.click());
}
