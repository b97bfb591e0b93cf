import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { launch, noBrowser } from "../chromium.ts";
import { allRan, assertNoError, choose, openJupyterPage, openNotebook, picture } from "./page.ts";
import { copyNotebook, jupyterMissing, startJupyter } from "./server.ts";

/** It trains for two minutes where nothing else runs, and for ten where five others do. */
function tooBusy() {
  const [load, cores] = [loadavg()[0]!, availableParallelism()];
  if (process.env.SRFT_FULL === "1" || load < 4 * cores) return undefined;
  return `a load average of ${load.toFixed(1)} on ${cores} cores; SRFT_FULL=1 runs it all the same`;
}

const missing = noBrowser || jupyterMissing() || tooBusy();
if (missing) console.error(`SKIPPED the test of notebook 01 in JupyterLab: ${missing}`);

test("notebook 01 runs by Run All in JupyterLab and draws its figures", { skip: missing ?? false }, async () => {
  const [jupyter, browser] = await Promise.all([startJupyter(), launch()]);
  try {
    const { page, happened } = await openJupyterPage(browser, jupyter);
    copyNotebook(jupyter, "01-srft-in-five-minutes.ipynb");
    const file = join(jupyter.folder, "01-srft-in-five-minutes.ipynb");
    const notebook = JSON.parse(readFileSync(file, "utf8"));
    for (const cell of notebook.cells)
      if (cell.cell_type === "code") Object.assign(cell, { outputs: [], execution_count: null });
    writeFileSync(file, JSON.stringify(notebook));
    await openNotebook(page, jupyter, { name: "01-srft-in-five-minutes.ipynb" });
    await choose(page, "Run", /^Run All Cells/);
    await allRan(page, { timeout: 900_000 });
    await assertNoError(page);
    assert.equal(await page.locator(".js-plotly-plot").count(), 4);
    assert.equal(await page.locator('[data-srft="token-heat-map"]').count(), 1);
    await page.setViewportSize({ width: 1280, height: 2400 });
    await page.locator(".js-plotly-plot").nth(1).scrollIntoViewIfNeeded();
    await page.waitForTimeout(500);
    await picture(page, "lab-01");
    assert.deepEqual(happened, []);
  } finally {
    await browser.close();
    await jupyter.close();
  }
});
