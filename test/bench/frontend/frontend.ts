/**
 * How soon the token heat map is seen and how soon it answers, in headless Chromium: 10,000 tokens read by 4 models, in a
 * plain page and in JupyterLab, and there figures and live charts too.
 *
 * There is no peer that shows several models: ours is measured against a budget, 1 s to the first paint and 50 ms from
 * an action to the frame that shows it. `ratio` says how many times as fast as the budget.
 */

import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import { display } from "../../../src/plots/figure.ts";
import { tokenHeatMap } from "../../../src/plots/token-heat-map.ts";
import { launch, noBrowser } from "../../browser/chromium.ts";
import { heatTable } from "../../browser/heat-map-table.ts";
import type { BenchRow } from "../row.ts";
import { labRows } from "./lab.ts";
import { type ActionTimes, actionRows, budgetRow, measureActions } from "./times.ts";

const words = [" the", " sum", " of", "\n", " ten", ".", " is", " not", "able", " 8", " 語", "<|end|>"];

/** Stands after the heat map: milliseconds from the start of the navigation to the end of the frame that shows it. */
const whenDrawn =
  "<script>requestAnimationFrame(() => setTimeout(() => { window.drawn = performance.now() }))</script>";

/** The rows; throws where there is no browser, and says where there is no JupyterLab. */
export async function frontendRows(): Promise<BenchRow[]> {
  if (noBrowser) throw new Error(`frontend: ${noBrowser}`);
  const models = ["sft", "grpo", "srft@60", "srft@120"];
  const table = heatTable({ texts: words, models, lengths: Array(20).fill(500), topK: 5 });
  const map = tokenHeatMap(table, { sequences: [...table.prompts.keys()] });
  const browser = await launch();
  try {
    return [...(await pageRows(browser, map.html())), ...(await labRows(browser, map[display]()))];
  } finally {
    await browser.close();
  }
}

async function pageRows(browser: Browser, html: string): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), "srft-frontend-"));
  const file = join(folder, "heat-map.html");
  writeFileSync(file, `<!doctype html><meta charset="utf-8"><title>t</title>${html}${whenDrawn}`);
  const paints: number[] = [];
  const actions: ActionTimes[] = [];
  for (let i = 0; i < 5; i++) {
    const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
    await page.goto(pathToFileURL(file).href);
    paints.push((await page.waitForFunction("window.drawn").then((drawn) => drawn.jsonValue())) as number);
    actions.push((await page.evaluate(measureActions)) as ActionTimes);
    await page.close();
  }
  const note = `10,000 tokens x 4 models, a page of ${(statSync(file).size / 1e6).toFixed(1)} MB; the peer is a budget`;
  rmSync(folder, { recursive: true });
  const rows = [{ name: "first paint", times: paints, budget: 1000 }, ...actionRows(actions)];
  return rows.map((row) => budgetRow({ ...row, name: `page, heat map: ${row.name}` }, note));
}
