import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { launch, noBrowser, type TrappedPage } from "../chromium.ts";
import { choose, openJupyterPage, openNotebook, outputsOf, picture } from "./page.ts";
import { type Jupyter, jupyterMissing, startJupyter, writeNotebook } from "./server.ts";

const missing = noBrowser || jupyterMissing();
const skip = missing ? `${missing}; 3 tests of squiggles` : false;
if (skip) console.error(`SKIPPED 3 tests of squiggles: ${missing}`);

const source = 'const smile = "😀"; const wrong: number = smile;\nconsole.log("ran", wrong);';
const message = "Type 'string' is not assignable to type 'number'.";

describe("Squiggles of the kernel's own type errors", { skip }, () => {
  let jupyter: Jupyter;
  let browser: Browser;
  let trapped: TrappedPage;
  let page: Page;

  before(async () => {
    [jupyter, browser] = await Promise.all([startJupyter(), launch()]);
    trapped = await openJupyterPage(browser, jupyter);
    page = trapped.page;
    writeNotebook(jupyter, "types.ipynb", [source]);
    await openNotebook(page, jupyter, { name: "types.ipynb" });
  });
  after(async () => {
    await browser?.close();
    await jupyter?.close();
  });

  const cell = (index: number) => page.locator(".jp-Notebook .jp-CodeCell").nth(index);
  const squiggles = (index: number) => cell(index).locator(".srft-squiggle");
  const quiet = () => assert.deepEqual(trapped.happened, []);

  test("a cell that is run has its squiggle at the wrong word, above its output", async () => {
    await cell(0).locator(".cm-content").click();
    await page.keyboard.press("Control+Enter");
    await squiggles(0).first().waitFor();
    assert.deepEqual(await squiggles(0).allTextContents(), ["wrong"]);
    assert.equal(await squiggles(0).getAttribute("title"), message);
    assert.match((await squiggles(0).getAttribute("class"))!, /srft-squiggle-error/);
    assert.equal(await outputsOf(page, 0).locator(".srft-diagnostics button").textContent(), `1:26 TS2322 ${message}`);
    await outputsOf(page, 0).getByText("ran 😀").waitFor();
    await picture(page, "lab-squiggle");
    quiet();
  });

  test("an output whose cell was changed elsewhere lists its errors and underlines nothing", async () => {
    await choose(page, "File", /^Save Notebook/);
    const file = join(jupyter.folder, "types.ipynb");
    while (!readFileSync(file, "utf8").includes(message)) await page.waitForTimeout(100);
    const { outputs } = JSON.parse(readFileSync(file, "utf8")).cells[0];
    const other = source.replace("smile", "laugh").replace("= smile", "= laugh");
    writeNotebook(jupyter, "changed.ipynb", [
      { source: other, outputs },
      { source, outputs },
    ]);
    await openNotebook(page, jupyter, { name: "changed.ipynb" });
    await squiggles(1).first().waitFor();
    await page.waitForTimeout(editorDelay);
    assert.deepEqual(await squiggles(1).allTextContents(), ["wrong"]);
    assert.equal(await squiggles(0).count(), 0);
    assert.equal(await outputsOf(page, 0).locator(".srft-diagnostics button").count(), 1);
    quiet();
  });

  test("an edit clears the squiggle, and a run without mistakes leaves none", async () => {
    await cell(1).locator(".cm-content").click();
    await page.keyboard.press("Control+Home");
    await page.keyboard.type(" ");
    await squiggles(1).first().waitFor({ state: "detached" });
    await page.keyboard.press("Control+A");
    await page.keyboard.type('console.log("no mistake")');
    await page.keyboard.press("Control+Enter");
    await outputsOf(page, 1).getByText("no mistake").waitFor();
    assert.equal(await squiggles(1).count(), 0);
    assert.equal(await outputsOf(page, 1).locator(".srft-diagnostics").count(), 0);
    quiet();
  });
});

/** A view waits up to 60 frames for its cell's editor, in milliseconds; more than that. */
const editorDelay = 1200;
