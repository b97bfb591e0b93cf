import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import type { Browser, Locator, Page } from "playwright-core";
import { launch, noBrowser, type TrappedPage } from "../chromium.ts";
import { hostileTexts } from "../hostile.ts";
import { hostileCells, liveSource, widgetCount } from "./hostile-cells.ts";
import { errorOutput, openJupyterPage, openNotebook, picture } from "./page.ts";
import {
  type Cell,
  type Jupyter,
  jupyterMissing,
  startJupyter,
  writeNotebook,
  writeTrustedNotebook,
} from "./server.ts";

const missing = noBrowser || jupyterMissing();
const skip = missing ? `${missing}; 3 tests of hostile notebooks` : false;
if (skip) console.error(`SKIPPED 3 tests of hostile notebooks: ${missing}`);

const n = hostileTexts.length;

describe("Hostile texts in JupyterLab", { skip }, () => {
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
    await openNotebook(page, jupyter, { name });
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
    await picture(page, "lab-hostile-untrusted");
    await quiet();
  });

  test("every renderer and the kernel's HTML execute nothing, in a trusted notebook", async () => {
    await writeTrustedNotebook(jupyter, "trusted.ipynb", cells);
    await open("trusted.ipynb");
    assert.equal(await isTrusted(), true);
    await assertDrawn(page, { ofHtml: 1 });
    await poke(page);
    await picture(page, "lab-hostile-trusted");
    await quiet();
  });

  test("a cell that shows them all when it is run executes none", async () => {
    writeNotebook(jupyter, "live.ipynb", [liveSource]);
    trapped = await openJupyterPage(browser, jupyter);
    page = trapped.page;
    await openNotebook(page, jupyter, { name: "live.ipynb" });
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
    await picture(page, "lab-hostile-live");
    await quiet();
  });
});

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

/** Points at, clicks and types into what can be. */
async function poke(page: Page) {
  const some = async (selector: string, act: (found: Locator) => Promise<unknown>) => {
    const found = await page.locator(selector).all();
    assert.ok(found.length > 0, selector);
    for (const one of found.filter((_, i) => i % 6 === 3)) await act(one);
  };
  await some(".js-plotly-plot", async (figure) => {
    await figure.locator(".scatterlayer .point").first().hover({ force: true });
    await figure.locator(".annotation").first().hover({ force: true });
  });
  await some('.srft-output [data-srft="token-heat-map"]', async (map) => {
    await map.locator(".chunk span").nth(3).click();
    await map.locator(".texts").press("ArrowRight");
    await map.locator("select").first().selectOption("class");
    await map.locator('input[type="checkbox"]').first().click();
  });
  await some(".srft-live-chart svg", (chart) => chart.hover());
  await some(".srft-squiggle", (mark) => mark.hover({ force: true }));
  await some(".srft-diagnostics button", (line) => line.click());
}
