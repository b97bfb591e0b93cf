import assert from "node:assert/strict";
import { test } from "node:test";
import { createDrawings } from "../../../kernel/display/drawings.ts";
import { followDrawings } from "../../../kernel/display/follow-drawings.ts";
import type { MimeBundle, Output } from "../../../kernel/link.ts";

const plotly = "application/vnd.plotly.v1+json";
const figure = (name: string, more: object = {}): MimeBundle => ({
  [plotly]: { data: [{ x: [1, 2], y: [1, 2], name, ...more }], layout: { showlegend: true } },
  "text/plain": name,
});
const types = (bundle: MimeBundle) => Object.keys(bundle).sort();
const all = [plotly, "image/svg+xml", "text/html", "text/plain"];

test("createDrawings adds SVG and the same as HTML to a figure, and leaves other bundles alone", async () => {
  const { add } = createDrawings();
  const bundle = figure("reward");
  const whole = await add(bundle);
  assert.deepEqual(types(whole), all);
  assert.equal(whole[plotly], bundle[plotly]);
  assert.match(String(whole["image/svg+xml"]), /^<svg.*>reward</s);
  assert.equal(whole["text/html"], `<div style="overflow-x:auto">${whole["image/svg+xml"]}</div>`);
  assert.equal(await add(whole), whole);
  for (const other of [{ "text/plain": "1" }, { ...bundle, "image/png": "" }]) assert.equal(await add(other), other);
});

test("createDrawings leaves a figure as it is that cannot be drawn, and draws the next", async () => {
  const { add } = createDrawings();
  const circle: Record<string, unknown> = { data: [] };
  circle.layout = circle;
  const hostile: unknown[] = [
    circle,
    { data: 5 },
    null,
    { data: [{ type: "surface", z: [[1]] }] },
    { data: [{ x: Array(400_000).fill(1) }], layout: {} },
    { data: [{ type: "heatmap", z: [[1]] }], layout: { width: 1e8, height: 1e8 } },
    { data: [{ type: "nonsense" }], layout: { images: { length: 1 } } },
  ];
  for (const value of hostile) {
    const bundle = { [plotly]: value, "text/plain": "text" };
    const found = await add(bundle);
    assert.equal(found["text/plain"], "text");
    assert.equal(found[plotly], value);
  }
  assert.deepEqual(types(await add(figure("next"))), all);
});

test("createDrawings gives up on a figure that takes too long, and begins anew with the next", async () => {
  const { add } = createDrawings({ patience: 1500 });
  await add(figure("loads"));
  const slow = figure("slow", {
    type: "scatter",
    mode: "markers",
    x: Array(120_000).fill(0),
    y: Array.from({ length: 120_000 }, (_, i) => i),
  });
  const start = performance.now();
  assert.equal(await add(slow), slow);
  assert.ok(performance.now() - start < 5000);
  assert.deepEqual(types(await add(figure("next"))), all);
});

function following() {
  const sent: Extract<Output, { op: "display" }>[] = [];
  const send = (output: Output) => void sent.push(output as (typeof sent)[number]);
  const follower = followDrawings({ send, drawings: createDrawings() });
  const show = (data: MimeBundle, { cell = 1, isUpdate = false } = {}) =>
    follower.show({ ...{ cell, isUpdate, data }, id: "a", metadata: { m: 1 } });
  return { sent, follower, show };
}

test("followDrawings sends a figure's drawing as an update of its display", async () => {
  const { sent, follower, show } = following();
  show(figure("one"));
  show({ "text/plain": "no figure" }, { cell: 2 });
  show(figure("two"));
  assert.equal(sent.length, 0, "the drawing is not waited for");
  await follower.finish(1);
  assert.deepEqual(
    sent.map(({ op, cell, id, update, metadata }) => ({ op, cell, id, update, metadata })),
    [{ op: "display", cell: 1, id: "a", update: true, metadata: { m: 1 } }],
  );
  assert.deepEqual(types(sent[0]!.data), all);
  assert.equal(sent[0]!.data["text/plain"], "two");
});

test("followDrawings draws of many updates the last alone, and nothing that was replaced or cleared", async () => {
  const { sent, follower, show } = following();
  for (let i = 0; i <= 50; i++) show(figure(`step ${i}`), { isUpdate: i > 0 });
  await follower.finish(1);
  assert.deepEqual(
    sent.map(({ data }) => data["text/plain"]),
    ["step 50"],
  );
  show(figure("replaced"));
  show({ "text/plain": "text" }, { isUpdate: true });
  await follower.finish(1);
  show(figure("cleared"));
  follower.forget(1);
  await follower.finish(1);
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.equal(sent.length, 1);
});

test("followDrawings draws after a cell has ended what then stands still", async () => {
  const { sent, show } = following();
  show(figure("late"), { isUpdate: true });
  while (sent.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(types(sent[0]!.data), all);
});
