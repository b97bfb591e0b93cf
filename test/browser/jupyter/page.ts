/** What a person does with an open notebook: run all, wait, look at outputs. JupyterLab and Notebook 7 share the markup. */

import assert from "node:assert/strict";
import { join } from "node:path";
import type { Browser, Locator, Page } from "playwright-core";
import { openPage, type PageOptions } from "../chromium.ts";
import type { Jupyter } from "./server.ts";

export type FrontEnd = "lab" | "notebook";

const patience = 60_000;

/**
 * What the front ends complain of themselves, without our extension as well: JupyterLab 4.6 asks the debugger for modules
 * after every cell, of kernels that have none too; Notebook 7.6 looks for a schema of a plugin that it leaves out, and for
 * JupyterLab's file browser.
 */
const ofJupyter: readonly RegExp[] = [
  /page error No active debugger session/,
  /page error Cannot read properties of undefined \(reading 'schema'\)/,
  /page error Command 'filebrowser:open-path' not registered/,
];

/** Opens a page whose traps know Jupyter. */
export const openJupyterPage = (browser: Browser, { origin }: Jupyter, options: PageOptions = {}) =>
  openPage(browser, { width: 1280, height: 1000, server: origin, known: ofJupyter, ...options });

/** Takes a picture for people. */
export const picture = (page: Page, name: string) =>
  page.screenshot({ path: join(import.meta.dirname, `../../../../out/browser/${name}.png`) });

/** Opens a notebook and waits until its kernel is ready. */
export async function openNotebook(
  page: Page,
  jupyter: Jupyter,
  { name, frontEnd = "lab" }: { name: string; frontEnd?: FrontEnd },
) {
  await page.goto(jupyter.address(frontEnd === "lab" ? `lab/tree/${name}?reset` : `notebooks/${name}`));
  await ready(page);
}

/** Waits until the notebook is there and its kernel answers. */
export async function ready(page: Page) {
  await page.locator(".jp-Notebook .jp-CodeCell").first().waitFor({ timeout: patience });
  await page.locator(".jp-Toolbar-kernelName", { hasText: "TypeScript (srft)" }).first().waitFor({ timeout: patience });
  await page
    .locator('.jp-NotebookPanel .jp-Notebook-ExecutionIndicator[data-status="idle"]')
    .first()
    .waitFor({ timeout: patience });
}

/** Clicks through a menu. */
export async function choose(page: Page, menu: string, entry: RegExp) {
  await page.locator(".lm-MenuBar-itemLabel", { hasText: new RegExp(`^${menu}$`) }).click();
  await page.locator(".lm-Menu-item", { hasText: entry }).first().click();
}

/** Runs all cells by the menu and waits until each has run. */
export async function runAll(page: Page, { timeout = patience } = {}) {
  await choose(page, "Run", /^Run All Cells/);
  await allRan(page, { timeout });
}

/** Waits until every code cell that has text was run. */
export async function allRan(page: Page, { timeout = patience } = {}) {
  const isDone = `[...document.querySelectorAll(".jp-CodeCell")]
    .filter((cell) => cell.querySelector(".cm-content")?.textContent !== "")
    .every((cell) => /^\\[\\d+\\]/.test(cell.querySelector(".jp-InputPrompt")?.textContent ?? ""))`;
  try {
    await page.waitForFunction(isDone, undefined, { timeout });
  } catch (error) {
    await picture(page, "not-done");
    throw error;
  }
}

/** The outputs of the i-th code cell. */
export const outputsOf = (page: Page, index: number): Locator =>
  page.locator(".jp-Notebook .jp-CodeCell").nth(index).locator(".jp-OutputArea-child");

/** How a cell's failure is drawn: since JupyterLab 4.6 as what was written to stderr is, before as a type of its own. */
export const errorOutput =
  '.jp-RenderedText:is([data-mime-type="application/vnd.jupyter.stderr"], [data-mime-type="application/vnd.jupyter.error"])';

/** No cell failed. */
export async function assertNoError(page: Page) {
  assert.deepEqual(await page.locator(errorOutput).allTextContents(), []);
}
