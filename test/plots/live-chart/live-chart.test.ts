import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import fc from "fast-check";
import { display } from "../../../src/plots/figure.ts";
import { liveChart } from "../../../src/plots/live-chart/live-chart.ts";
import { thin } from "../../../src/plots/live-chart/thin.ts";
import { type LiveChartData, layoutChart, ticks } from "../../../src/plots/live-chart/view/layout.ts";

type Bundle = Record<string, unknown>;
type Shown = { readonly [display]: () => Bundle | Promise<Bundle> };
const type = "application/vnd.srft.live-chart+json";
const globals = globalThis as { display?: unknown; Deno?: unknown };

afterEach(() => {
  delete globals.display;
  delete globals.Deno;
});

/** A notebook that notes what it shows and when, as our kernel's `display` does. */
function notebook() {
  const shown: { data: LiveChartData; at: number }[] = [];
  const held: Promise<void>[] = [];
  const take = (value: Shown) => {
    const show = (bundle: Bundle) => void shown.push({ data: bundle[type] as LiveChartData, at: performance.now() });
    const bundle = value[display]();
    if (bundle instanceof Promise) held.push(bundle.then(show));
    else show(bundle);
  };
  globals.display = (value: Shown) => {
    take(value);
    return { update: take };
  };
  return { shown, idle: () => Promise.all(held) };
}

test("liveChart shows nothing outside a notebook and still has text, SVG and data", () => {
  const chart = liveChart({ title: "Runs", by: "method" });
  assert.equal(chart.text, "Runs: no numbers yet (0 records)");
  chart.push({ step: 1, reward: 0.5, method: "a" });
  chart.push({ step: 2, reward: 0.25, method: "b", note: "text" });
  assert.equal(chart.text, "Runs: a reward 0.5, b reward 0.25 at step 2 (2 records)");
  assert.deepEqual(
    chart.data.panels.map(({ label, lines }) => [label, lines.map(({ name, x, y }) => [name, x, y])]),
    [
      [
        "reward",
        [
          ["a", [1], [0.5]],
          ["b", [2], [0.25]],
        ],
      ],
    ],
  );
  assert.match(chart.svg(), /^<svg .*<polyline points="[\d., ]+"/);
});

test("liveChart's bundle has its own type, SVG, HTML and text, and JSON keeps it", () => {
  const chart = liveChart();
  chart.push({ step: 1, reward: 0.5 });
  const bundle = chart[display]();
  assert.deepEqual(Object.keys(bundle), [type, "image/svg+xml", "text/html", "text/plain"]);
  assert.deepEqual(JSON.parse(JSON.stringify(bundle[type])), bundle[type]);
});

test("liveChart updates one display at most ten times a second, and its last record is shown before the cell ends", async () => {
  const { shown, idle } = notebook();
  const chart = liveChart({ series: ["reward"] });
  const begin = performance.now();
  for (let step = 1; step <= 100; step++) {
    chart.push({ step, reward: step });
    await new Promise((resolve) => setTimeout(resolve, 4));
  }
  const seconds = (performance.now() - begin) / 1000;
  await idle();
  assert.equal(shown.at(-1)!.data.records, 100);
  assert.ok(shown.length >= 3, `${shown.length} shown`);
  assert.ok(shown.length <= 2 + 10 * seconds + 1, `${shown.length} shown in ${seconds} s`);
  const gaps = shown.slice(1).map(({ at }, i) => at - shown[i]!.at);
  assert.ok(Math.min(...gaps) >= 99, `${gaps} ms`);
});

test("liveChart is updated by a loop that never awaits", async () => {
  const { shown, idle } = notebook();
  const chart = liveChart({ series: ["reward"] });
  for (let step = 1, end = performance.now() + 350; performance.now() < end; step++) chart.push({ step, reward: 1 });
  assert.ok(shown.length >= 3, `${shown.length} shown during the loop`);
  await idle();
  assert.equal(shown.at(-1)!.data.records, chart.data.records);
});

test("liveChart shows itself in Deno's kernel", async () => {
  const calls: { id: string; update?: true }[] = [];
  globals.Deno = {
    jupyter: {
      display: async (value: Shown, { display_id, ...rest }: { display_id: string; update?: true }) => {
        await value[display]();
        calls.push({ id: display_id, ...rest });
      },
    },
  };
  const chart = liveChart({ series: ["reward"] });
  chart.push({ step: 1, reward: 1 });
  chart.push({ step: 2, reward: 1 });
  await new Promise((resolve) => setTimeout(resolve, 150));
  assert.equal(new Set(calls.map(({ id }) => id)).size, 1);
  assert.deepEqual(
    calls.map(({ update }) => update),
    [undefined, true],
  );
});

test("liveChart reads fields within fields, and leaves out what is no finite number", () => {
  const chart = liveChart({ series: ["weights.sft", "missing", "loss"] });
  chart.push({ step: 1, weights: { sft: 0.5 }, loss: Number.NaN });
  chart.push({ step: 2, weights: null, loss: Infinity });
  chart.push({ step: 3, weights: { sft: 0.25 }, loss: 1 });
  assert.deepEqual(
    chart.data.panels.map(({ lines }) => lines.map(({ x }) => x)),
    [[[1, 3]], [], [[3]]],
  );
});

test("push names the field that is no number, and the remedy", () => {
  assert.throws(
    () => liveChart().push({ epoch: 1 }),
    /^TypeError: push: expected a finite number in "step" but found undefined; name another field with x$/,
  );
  liveChart({ x: "epoch" }).push({ epoch: 1 });
});

test("liveChart's SVG escapes markup in every text", () => {
  const hostile = `"><script>alert(1)</script>\u0000`;
  const chart = liveChart({ title: hostile, by: "method", series: [hostile, "a"], x: hostile });
  chart.push({ [hostile]: 1, a: 2, method: hostile });
  const svg = chart.svg();
  assert.ok(!svg.includes("<script") && !svg.includes("\u0000"));
  assert.match(svg, /&lt;script&gt;/);
});

test("layoutChart takes colours for colours only, and says what is no chart", () => {
  const line = { name: "", color: `url(#x)" onload="y`, x: [1, 2], y: [1, 2] };
  const { shapes } = layoutChart({ id: "", title: "", x: "", records: 2, panels: [{ label: "", lines: [line] }] });
  assert.deepEqual(
    shapes.flatMap((shape) => (shape.kind === "line" ? [shape.color] : [])),
    ["#7a7a7a"],
  );
  assert.throws(() => layoutChart(null as never), /expected a live chart but found null/);
  assert.throws(() => layoutChart({} as never), /expected a live chart but found object/);
});

test("layoutChart keeps every point within its panel, whatever the numbers", () => {
  const number = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e12, max: 1e12 });
  const points = fc.array(fc.tuple(number, number), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(points, (pairs) => {
      const line = { name: "a", color: "#000000", x: pairs.map(([x]) => x), y: pairs.map(([, y]) => y) };
      const data = { id: "", title: "", x: "", records: 1, panels: [{ label: "", lines: [line] }] };
      const { shapes, boxes } = layoutChart(data);
      const { left, right, top, bottom } = boxes[0]!;
      for (const shape of shapes) {
        if (shape.kind !== "line") continue;
        for (const [x, y] of shape.points.split(" ").map((point) => point.split(",").map(Number) as [number, number]))
          assert.ok(x >= left - 0.1 && x <= right + 0.1 && y >= top - 0.1 && y <= bottom + 0.1, `${x}, ${y}`);
      }
    }),
  );
});

test("ticks are three to six round numbers within the range", () => {
  assert.deepEqual(ticks([0, 1]), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(ticks([-3, 40]), [0, 10, 20, 30, 40]);
  assert.deepEqual(ticks([0.001, 0.0017]), [0.001, 0.0012, 0.0014, 0.0016]);
  const range = fc.tuple(
    fc.double({ min: -1e6, max: 1e6, noNaN: true }),
    fc.double({ min: 1e-3, max: 1e6, noNaN: true }),
  );
  fc.assert(
    fc.property(range, ([low, width]) => {
      const found = ticks([low, low + width]);
      assert.ok(found.length >= 2 && found.length <= 7, `${found}`);
      for (const tick of found) assert.ok(tick >= low - 1e-6 * width && tick <= low + width * (1 + 1e-6));
    }),
  );
});

test("thin keeps the extremes of each run of points, in order, and short lines whole", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer(), { minLength: 1, maxLength: 300 }),
      fc.integer({ min: 1, max: 40 }),
      (y, buckets) => {
        const x = y.map((_, i) => i);
        const kept = thin({ x, y }, buckets);
        assert.ok(kept.x.length <= Math.max(2 * buckets, 1) || kept.x === x);
        assert.equal(Math.max(...kept.y), Math.max(...y));
        assert.equal(Math.min(...kept.y), Math.min(...y));
        assert.deepEqual(
          [...kept.x].sort((a, b) => a - b),
          kept.x,
        );
        for (const [i, at] of kept.x.entries()) assert.equal(kept.y[i], y[at]);
      },
    ),
  );
  const short = { x: [1, 2], y: [3, 4] };
  assert.deepEqual(thin(short, 1), short);
});
