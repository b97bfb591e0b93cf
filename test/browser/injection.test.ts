import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { htmlReport } from "../../kernel/notebook/report.ts";
import { display } from "../../src/plots/figure.ts";
import { type PlotlyFigure, staticSvg } from "../../src/plots/plotly/static-svg.ts";
import { tokenHeatMap } from "../../src/plots/token-heat-map.ts";
import { shiftClasses } from "../../src/plots/tokens/shift-classes.ts";
import { launch, noBrowser, openPage } from "./chromium.ts";
import { askingFigure, hostileTexts } from "./hostile.ts";
import { curvesOf, hostileNotebook, hostileTable } from "./notebook.ts";

const folder = mkdtempSync(join(tmpdir(), "srft-injection-"));
let browser: Browser;
before(async () => {
  if (!noBrowser) browser = await launch();
});
after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

const skip = noBrowser;
const pageOf = (body: string) => `<!doctype html><meta charset="utf-8"><title>t</title><body>${body}</body>`;

/** Opens a file with the traps set, pokes at what it shows, and says what happened. */
async function provoked(html: string, poke: (page: Page) => Promise<void> = async () => {}) {
  const file = join(folder, "page.html");
  writeFileSync(file, html);
  const { page, happened } = await openPage(browser);
  await page.goto(pathToFileURL(file).href);
  await poke(page);
  await page.waitForTimeout(300);
  assert.equal(page.url(), pathToFileURL(file).href, "the page stays where it was");
  await page.context().close();
  return happened;
}

async function pokeHeatMaps(page: Page) {
  for (const map of await page.locator("[data-srft]").all()) {
    const tokens = map.locator(".chunk span");
    await tokens.first().hover();
    await tokens.first().click();
    await map.locator(".texts").press("ArrowRight");
    await map.locator("select").selectOption("class");
    await map.locator('input[type="checkbox"]').first().click();
  }
}

test("the traps notice a script, a request, a dialog and a handler", { skip }, async () => {
  const happened = await provoked(
    pageOf(
      "<script>srftHostile()</script><img src=https://hostile.example/x onerror=alert(1)><style>@import url(https://hostile.example/y)</style>",
    ),
  );
  for (const what of [/^hostile call/, /^request https:\/\/hostile.example\/x/, /^dialog 1/, /^request .*\/y/]) {
    assert.ok(
      happened.some((one) => what.test(one)),
      `${what} in ${happened.join("; ")}`,
    );
  }
});

test("hostile texts execute nothing in the heat map's HTML, several in a page", { skip }, async () => {
  const bodies = hostileTexts.map((text) => tokenHeatMap(hostileTable(text)).html());
  for (let first = 0; first < bodies.length; first += 11) {
    const some = bodies.slice(first, first + 11);
    const happened = await provoked(pageOf(some.join("\n")), async (page) => {
      assert.equal(await page.locator("[data-srft] .map").count(), some.length, "each is drawn");
      assert.equal(
        await page.locator("[data-srft]").first().locator("iframe, img, script, a, form, base, link").count(),
        0,
      );
      await pokeHeatMaps(page);
    });
    assert.deepEqual(happened, []);
  }
});

async function svgsOf(text: string) {
  const table = hostileTable(text);
  return [tokenHeatMap(table).svg(), await shiftClasses(table).svg(), await curvesOf(text).svg()];
}

test("hostile texts execute nothing in static SVGs in a page", { skip }, async () => {
  for (let first = 0; first < hostileTexts.length; first += 11) {
    const svgs = await Promise.all(hostileTexts.slice(first, first + 11).map(svgsOf));
    assert.deepEqual(await provoked(pageOf(svgs.flat().join(""))), []);
  }
});

test("hostile texts execute nothing in static SVGs by themselves, which are well-formed", { skip }, async () => {
  for (const text of [hostileTexts[0]!, hostileTexts[6]!, hostileTexts[29]!, "__proto__"]) {
    for (const svg of await svgsOf(text)) {
      const file = join(folder, "alone.svg");
      writeFileSync(file, svg);
      const { page, happened } = await openPage(browser);
      await page.goto(pathToFileURL(file).href);
      assert.equal(await page.locator("parsererror").count(), 0, "well-formed");
      assert.deepEqual(happened, [], text);
      await page.context().close();
    }
  }
});

test("hostile texts execute nothing in the HTML report", { skip }, async () => {
  const html = htmlReport(await hostileNotebook(), { name: hostileTexts[0]! });
  const happened = await provoked(html, async (page) => {
    await page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true");
    for (const figure of await page.locator(".figure").all()) await figure.scrollIntoViewIfNeeded();
    await page.locator("[data-srft] .map").last().waitFor();
    assert.equal(await page.locator(".js-plotly-plot").count(), 16);
    await pokeHeatMaps(page);
  });
  assert.deepEqual(happened, []);
});

test("a hostile figure, heat map or HTML output reaches nothing of the report's page", { skip }, async () => {
  const label = "<img src=https://hostile.example/a onerror=srftHostile()><a href='javascript:srftHostile()'>x</a>";
  const figure = {
    data: [{ type: "bar", x: [label], y: [1], text: [label], hovertemplate: label, name: label }],
    layout: {
      title: { text: label },
      images: [{ source: "https://hostile.example/layout.png", x: 0, y: 1, sizex: 1, sizey: 1 }],
      annotations: [{ text: label, x: 0, y: 1, hovertext: label, captureevents: true }],
      paper_bgcolor: "url(https://hostile.example/paper)",
    },
  };
  const frame =
    "<script>try{parent.document.title='x';parent.srftHostile()}catch{}</script><img src=https://hostile.example/frame>";
  const outputs = [
    { "application/vnd.plotly.v1+json": figure, "text/plain": label },
    { "application/vnd.srft.token-heat-map+json": { version: 1, source: label }, "text/plain": label },
    { "text/html": frame, "text/plain": label },
    {
      "image/svg+xml": `<svg xmlns="http://www.w3.org/2000/svg" onload="srftHostile()"><script>srftHostile()</script><image href="https://hostile.example/svg"/></svg>`,
    },
  ].map((data) => ({ output_type: "display_data" as const, data, metadata: {} }));
  const cell = { cell_type: "code" as const, source: "", metadata: {}, execution_count: 1, outputs };
  const html = htmlReport({ nbformat: 4, nbformat_minor: 4, metadata: {}, cells: [cell] }, { name: "t" });
  const happened = await provoked(html, async (page) => {
    await page.locator(".js-plotly-plot .bars path").first().hover({ force: true });
    await page.waitForTimeout(500);
    assert.equal(await page.title(), "t");
  });
  const blocked = (what: string) => /^console .*(Content Security Policy|violates)/.test(what);
  assert.deepEqual(
    happened.filter((what) => !blocked(what)),
    [],
  );
});

test("a figure asks the network for nothing, as static SVG and in the report", { skip }, async () => {
  const svg = await staticSvg(askingFigure as unknown as PlotlyFigure);
  assert.match(svg, />a title</);
  assert.deepEqual(await provoked(pageOf(svg)), []);
  const data = { "application/vnd.plotly.v1+json": askingFigure, "image/svg+xml": svg, "text/plain": "a figure" };
  const outputs = [{ output_type: "display_data" as const, data, metadata: {} }];
  const cell = { cell_type: "code" as const, source: "", metadata: {}, execution_count: 1, outputs };
  const html = htmlReport({ nbformat: 4, nbformat_minor: 4, metadata: {}, cells: [cell] }, { name: "t" });
  const happened = await provoked(html, async (page) => {
    await page.locator(".js-plotly-plot .point").first().hover({ force: true });
    for (const button of await page.locator(".updatemenu-button").all()) await button.click({ force: true });
    assert.equal(await page.locator(".js-plotly-plot").count(), 1);
  });
  assert.deepEqual(happened, []);
});

/** Why nbconvert cannot run; false where it can. */
function noNbconvert() {
  const python = process.env.SRFT_PYTHON;
  if (!python) return "SRFT_PYTHON names no Python";
  const { status } = spawnSync(python, ["-c", "import nbconvert"]);
  return status === 0 ? false : `${python} has no nbconvert`;
}

test("hostile texts execute nothing in nbconvert's HTML", { skip: skip || noNbconvert() }, async () => {
  const notebook = await hostileNotebook();
  // markdown, errors and LaTeX are nbconvert's to escape: what is ours are the outputs of figures and heat maps
  const cells = notebook.cells.filter(({ outputs }) =>
    outputs?.some((output) => "data" in output && "text/html" in output.data),
  );
  assert.equal(cells.length, 9, "a table, and eight of figures");
  for (const cell of cells) cell.source = "figure";
  const file = join(folder, "hostile.ipynb");
  writeFileSync(file, JSON.stringify({ ...notebook, cells }));
  execFileSync(process.env.SRFT_PYTHON!, ["-m", "nbconvert", "--to", "html", file], { stdio: "pipe" });
  const html = readFileSync(join(folder, "hostile.html"), "utf8");
  const happened = await provoked(html, async (page) => {
    await page.locator("[data-srft] .map").last().waitFor();
    assert.equal(await page.locator("[data-srft] .map").count(), 8);
    await pokeHeatMaps(page);
  });
  const theirs = (what: string) =>
    /^request https:\/\/(cdnjs\.cloudflare|cdn\.jsdelivr|unpkg)|^console Failed to load|^page error (require|.*MathJax|.*mermaid)/.test(
      what,
    );
  assert.deepEqual(
    happened.filter((what) => !theirs(what)),
    [],
  );
});

test("a figure's HTML is its static SVG in a box, which executes nothing, and no more", async () => {
  for (const text of hostileTexts.slice(0, 8)) {
    const bundle = await curvesOf(text)[display]();
    assert.equal(bundle["text/html"], `<div style="overflow-x:auto">${bundle["image/svg+xml"]}</div>`);
  }
});
