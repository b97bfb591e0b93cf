import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { htmlReport } from "../../kernel/notebook/report.ts";
import { together } from "../../notebooks/reproduce.ts";
import { committed, paperNotebooks } from "../../notebooks/reproduction/executed.ts";
import { fullRuns } from "../../notebooks/reproduction/full-run.ts";
import { seriousFaults } from "./accessibility.ts";
import { launch, noBrowser, openPage, type PageOptions } from "./chromium.ts";
import { figureNotebook } from "./notebook.ts";

const folder = mkdtempSync(join(tmpdir(), "srft-report-"));
const file = join(folder, "report.html");
let browser: Browser;
before(async () => {
  if (noBrowser) return;
  browser = await launch();
  writeFileSync(file, htmlReport(await figureNotebook(), { name: "figures" }));
});
after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

async function opened(options: PageOptions = {}) {
  const { page, happened } = await openPage(browser, options);
  await page.goto(pathToFileURL(file).href);
  return { page, happened };
}

/** Brings each figure into view, one after the other. */
async function seeFigures(page: Page) {
  for (const figure of await page.locator(".figure").all()) {
    await figure.scrollIntoViewIfNeeded();
    await figure.locator(".js-plotly-plot, [data-srft]").first().waitFor();
  }
}

const skip = noBrowser;

test("the report draws each figure when it comes near, and reports no error and asks for nothing", {
  skip,
}, async () => {
  const { page, happened } = await opened();
  await seeFigures(page);
  assert.equal(await page.locator(".js-plotly-plot").count(), 3);
  assert.equal(await page.locator(".drawing").count(), 0);
  assert.deepEqual(happened, []);
});

test("the report's figures answer the pointer", { skip }, async () => {
  const { page } = await opened();
  await seeFigures(page);
  const bar = page.locator('[aria-label^="Unshifted"] .points path').first();
  await bar.hover({ force: true }); // plotly.js listens on a transparent layer above the bars
  await page.locator('[aria-label^="Unshifted"] .hoverlayer .hovertext').first().waitFor();
  const map = page.locator("[data-srft]");
  await map.locator(".chunk span").nth(2).hover();
  assert.match((await map.locator(".details").textContent())!, /^token 2: /);
});

test("the report folds the code and leads to its sections", { skip }, async () => {
  const { page } = await opened();
  assert.equal(await page.locator("details pre").first().isVisible(), false);
  await page.locator("summary").first().click();
  assert.equal(await page.locator("details pre").first().isVisible(), true);
  assert.deepEqual(await page.locator("nav a").allTextContents(), ["Figures", "All of them"]);
});

test("the report without script shows the drawings", { skip }, async () => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(pathToFileURL(file).href);
  assert.equal(await page.locator(".drawing img").count(), 4);
  assert.equal(
    await page
      .locator(".drawing img")
      .first()
      .evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth),
    720,
  );
  await context.close();
});

test("the report prints on light paper, without its contents and folded code, with every token", { skip }, async () => {
  const { page } = await opened({ colorScheme: "dark" });
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  const paper = await page.evaluate("getComputedStyle(document.body).backgroundColor");
  assert.equal(paper, "rgb(255, 255, 255)");
  assert.equal(await page.locator("nav").isVisible(), false);
  assert.equal(await page.locator("summary").first().isVisible(), false);
  await page.evaluate("dispatchEvent(new Event('beforeprint'))");
  assert.equal(await page.locator("[data-srft] .chunk span").count(), 70 * 3);
  assert.ok((await page.pdf({ format: "A4" })).length > 20_000);
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe-core finds no serious fault in the report, ${colorScheme}`, { skip }, async () => {
    const { page, happened } = await opened({ colorScheme });
    await seeFigures(page);
    assert.deepEqual(await seriousFaults(page), []);
    assert.deepEqual(happened, []);
  });
}

test("the report of several notebooks folds its contents, and axe-core finds no serious fault in them", {
  skip,
}, async () => {
  const { page, happened } = await openPage(browser, {});
  const several = join(folder, "several.html");
  const all = paperNotebooks(["04", "07"]).map(committed);
  writeFileSync(several, htmlReport(together(all, fullRuns()), { name: "several" }));
  await page.goto(pathToFileURL(several).href);
  const last = page.locator("nav details a").last();
  assert.equal(await last.isVisible(), false);
  await page.locator("nav summary").last().click();
  await last.click();
  const heading = page.locator(`main [id="${(await last.getAttribute("href"))!.slice(1)}"]`);
  assert.equal(await heading.textContent(), await last.textContent());
  assert.ok((await heading.boundingBox())!.y < page.viewportSize()!.height);
  assert.deepEqual(await seriousFaults(page), []);
  assert.deepEqual(happened, []);
});

test("the report of notebook 01 as committed is one file below 3 MB that asks for nothing", { skip }, async () => {
  const root = join(import.meta.dirname, "../../..");
  const notebook = JSON.parse(readFileSync(join(root, "notebooks/01-srft-in-five-minutes.ipynb"), "utf8"));
  const html = htmlReport(notebook, { name: "01" });
  assert.ok(html.length < 3_000_000, `${html.length} bytes`);
  assert.ok(
    html.includes(
      readFileSync(createRequire(import.meta.url).resolve("plotly.js-basic-dist-min"), "utf8").slice(0, 200),
    ),
  );
  const { page, happened } = await openPage(browser);
  writeFileSync(join(folder, "01.html"), html);
  await page.goto(pathToFileURL(join(folder, "01.html")).href);
  for (const figure of await page.locator('[data-figure="plotly"]').all()) {
    await figure.scrollIntoViewIfNeeded();
    await figure.locator(".js-plotly-plot").first().waitFor();
  }
  assert.deepEqual(happened, []);
});
