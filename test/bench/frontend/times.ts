/** Times of the heat map's actions, measured in the page, and rows of times against a budget. */

import type { BenchRow } from "../row.ts";

const rounds = 9;

/** Milliseconds of each round of an action, from the event to the end of the next frame. */
export type ActionTimes = Readonly<Record<string, readonly number[]>>;

/** Gives ActionTimes where it is evaluated, in a page with one heat map. */
export const measureActions = `(async () => {
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
    "point at a token": await each((i) => spans[10 + i].dispatchEvent(new PointerEvent("pointerover", { bubbles: true }))),
    "arrow key": await each((i) => press(i % 2 ? "ArrowRight" : "ArrowDown")),
    "switch the measure": await each((i) => choose(root.querySelector("select"), measures[i % 5], "change")),
    "move the step slider": await each((i) => choose(root.querySelector("input[type=range]"), String(i % 2), "input")),
    "filter a class": await each(() => boxes[0].click()),
    "hide or show a model": await each(() => boxes[4].click()),
    "scroll a page": await each(() => { scroller.scrollTop += 400; }),
  };
})()`;

interface Times {
  readonly name: string;
  /** Milliseconds. */
  readonly times: readonly number[];
  readonly budget: number;
}

/** A row an action, from the times of several pages. */
export function actionRows(pages: readonly ActionTimes[]): Times[] {
  return Object.keys(pages[0]!).map((name) => ({ name, times: pages.flatMap((page) => page[name]!), budget: 50 }));
}

/** A row of medians; there is no peer but the budget. */
export function budgetRow({ name, times, budget }: Times, note: string): BenchRow {
  const sorted = times.toSorted((a, b) => a - b);
  const [median, worst] = [sorted[sorted.length >> 1]!, sorted.at(-1)!];
  const short = (value: number) => Number(value.toPrecision(3));
  return {
    name,
    ours: short(median),
    peer: budget,
    unit: "ms",
    ratio: short(budget / median),
    target: 1,
    ok: median <= budget,
    note: `${note}; worst ${short(worst)} ms`,
  };
}
