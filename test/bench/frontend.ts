/**
 * How soon the token heat map is seen and how soon it answers, in headless Chromium: 10,000 tokens read by 4 models.
 *
 * There is no peer that shows several models: ours is measured against a budget, 1 s to the first paint and 50 ms from
 * an action to the frame that shows it. `ratio` says how many times as fast as the budget.
 */

import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { tokenHeatMap } from "../../src/plots/token-heat-map.ts";
import { launch, noBrowser } from "../browser/chromium.ts";
import { heatTable } from "../browser/heat-map-table.ts";
import type { BenchRow } from "./row.ts";

const rounds = 9;
const words = [" the", " sum", " of", "\n", " ten", ".", " is", " not", "able", " 8", " 語", "<|end|>"];

/** What the page itself measures: milliseconds of each action, from the event to the next frame's end. */
interface Times {
  readonly firstPaint: number;
  readonly actions: Readonly<Record<string, readonly number[]>>;
}

/** Stands after the heat map: milliseconds from the start of the navigation to the end of the frame that shows it. */
const whenDrawn =
  "<script>requestAnimationFrame(() => setTimeout(() => { window.drawn = performance.now() }))</script>";

const measureInPage = `(async () => {
  const root = document.querySelector("[data-srft]").shadowRoot;
  const frame = () => new Promise((done) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => done();
    channel.port2.postMessage(0);
  }));
  const each = async (act) => {
    const times = [];
    for (let i = 0; i < ${rounds}; i++) {
      await frame();
      const start = performance.now();
      act(i);
      await frame();
      times.push(performance.now() - start);
    }
    return times;
  };
  const choose = (control, value, event) => { control.value = value; control.dispatchEvent(new Event(event)); };
  const scroller = root.querySelector(".texts");
  const press = (key) => scroller.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  const spans = [...root.querySelectorAll(".chunk span")].slice(0, 200);
  const boxes = root.querySelectorAll("input[type=checkbox]");
  const measures = ["kl", "class", "entropy", "advantage", "deltaLogprob"];
  return {
    firstPaint: window.drawn,
    actions: {
      "point at a token": await each((i) => spans[10 + i].dispatchEvent(new PointerEvent("pointerover", { bubbles: true }))),
      "arrow key": await each((i) => press(i % 2 ? "ArrowRight" : "ArrowDown")),
      "switch the measure": await each((i) => choose(root.querySelector("select"), measures[i % 5], "change")),
      "move the step slider": await each((i) => choose(root.querySelector("input[type=range]"), String(i % 2), "input")),
      "filter a class": await each(() => boxes[0].click()),
      "hide or show a model": await each(() => boxes[4].click()),
      "scroll a page": await each(() => { scroller.scrollTop += 400; }),
    },
  };
})()`;

/** The rows; throws where there is no browser. */
export async function frontendRows(): Promise<BenchRow[]> {
  if (noBrowser) throw new Error(`frontend: ${noBrowser}`);
  const folder = mkdtempSync(join(tmpdir(), "srft-frontend-"));
  const file = join(folder, "heat-map.html");
  const models = ["sft", "grpo", "srft@60", "srft@120"];
  const table = heatTable({ texts: words, models, lengths: Array(20).fill(500), topK: 5 });
  const map = tokenHeatMap(table, { sequences: [...table.prompts.keys()] });
  writeFileSync(file, `<!doctype html><meta charset="utf-8"><title>t</title>${map.html()}${whenDrawn}`);
  const megabytes = (statSync(file).size / 1e6).toFixed(1);
  const pages: Times[] = [];
  const browser = await launch();
  for (let i = 0; i < 5; i++) {
    const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
    await page.goto(pathToFileURL(file).href);
    await page.waitForFunction("window.drawn > 0");
    pages.push((await page.evaluate(measureInPage)) as Times);
    await page.close();
  }
  await browser.close();
  rmSync(folder, { recursive: true });
  const first = { name: "first paint", times: pages.map(({ firstPaint }) => firstPaint), budget: 1000 };
  const actions = Object.keys(pages[0]!.actions).map((name) => ({
    name,
    times: pages.flatMap((page) => page.actions[name]!),
    budget: 50,
  }));
  const note = `10,000 tokens x 4 models, a page of ${megabytes} MB; the peer is a budget; worst`;
  return [first, ...actions].map((row) => budgetRow(row, note));
}

function budgetRow(
  { name, times, budget }: { name: string; times: readonly number[]; budget: number },
  note: string,
): BenchRow {
  const sorted = times.toSorted((a, b) => a - b);
  const [median, worst] = [sorted[sorted.length >> 1]!, sorted.at(-1)!];
  const short = (value: number) => Number(value.toPrecision(3));
  return {
    name: `heat map: ${name}`,
    ours: short(median),
    peer: budget,
    unit: "ms",
    ratio: short(budget / median),
    target: 1,
    ok: median <= budget,
    note: `${note} ${short(worst)} ms`,
  };
}
