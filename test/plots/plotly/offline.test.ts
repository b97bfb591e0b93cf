import assert from "node:assert/strict";
import { test } from "node:test";
import { isBasic, mapTraces, offline, webglTraces } from "../../../src/plots/plotly/offline.ts";

const outside = "https://hostile.example/a.png";
const inside = "data:image/png;base64,AAAA";

test("offline keeps images that are data, and no others", () => {
  const images = [
    outside,
    inside,
    "a.png",
    "//hostile.example/a",
    "data:text/html,x",
    "DATA:image/svg+xml,x",
    "blob:x",
  ];
  const kept = offline({ layout: { images: images.map((source) => ({ source, x: 1 })) } });
  const expected = ["", inside, "", "", "", "DATA:image/svg+xml,x", ""];
  assert.deepEqual(
    kept.layout.images,
    expected.map((source) => ({ source, x: 1 })),
  );
});

test("offline finds addresses of images in traces, templates, frames and what buttons and sliders would set", () => {
  const figures = [
    { data: [{ type: "image", source: outside }] },
    { layout: { template: { layout: { imagedefaults: { source: outside } } } } },
    { frames: [{ layout: { images: [{ source: outside }] } }] },
    { layout: { updatemenus: [{ buttons: [{ args: [{ "images[0].source": outside }] }] }] } },
    { layout: { updatemenus: [{ buttons: [{ args: ["images[0].source", outside] }] }] } },
    { layout: { sliders: [{ steps: [{ args: [{ source: [outside] }, [0]] }] }] } },
    { layout: { map: { layers: [{ source: outside }] } } },
  ];
  for (const figure of figures) assert.ok(!JSON.stringify(offline(figure)).includes("hostile"), JSON.stringify(figure));
});

test("offline leaves a user's own fields, numbers, links and texts as they are", () => {
  const figure = {
    data: [
      {
        x: [1, null, 2.5],
        customdata: [{ source: "math500" }],
        meta: { source: "x" },
        z: [[1], [2]],
        link: { source: [0, 1] },
      },
    ],
    layout: { title: { text: 'a <a href="https://example.com/?a=1&b=2">link</a><br><b>5 > 3</b>' }, showlegend: false },
  };
  assert.deepEqual(offline(figure), figure);
  const styled = `<span style="color: #ff0000; font-family:'Open Sans', serif; font-size:11px">a</span> <i style='color:rgb(1, 2, 3)'>b</i>`;
  assert.equal(offline(styled), styled);
});

test("offline takes styles out that are more than words, numbers and colours", () => {
  for (const style of [
    "fill:url(https://hostile.example/#a)",
    "background:u\\72l(a)",
    "fill:u&#114;l(a)",
    "--x:url(a)",
    "background:image-set('a' 1x)",
    "background: rgb(url(a))",
  ]) {
    assert.equal(offline(`<span style="${style}">a</span>`), "<span>a</span>");
    assert.equal(offline(`<SPAN class='x' STYLE = '${style.replaceAll("'", "")}' href="b">a</SPAN>`), "<SPAN>a</SPAN>");
  }
  assert.equal(offline(`<b style=" style="fill:url(a)" x="">a</b>`), "<b>a</b>");
});

test("offline leaves no piece of a tag that a template could put together", () => {
  assert.equal(offline(`<span sty%{meta[0]}="fill:url(a)">a</span>`), "<span>a</span>");
  assert.equal(offline(`<%{meta[0]}>a`), "<>a");
  assert.equal(offline("<span sty"), "&lt;span sty");
  assert.equal(offline("a < b"), "a &lt; b");
  assert.equal(offline(`<span style="fill:url(`), `&lt;span style="fill:url(`);
});

test("isBasic, mapTraces and webglTraces tell traces apart, also none and wrong ones", () => {
  assert.equal(isBasic({ data: [{}, { type: "bar" }] }), true);
  assert.equal(isBasic({ data: [{ type: "scatter" }, { type: "histogram" }] }), false);
  const types =
    "heatmap treemap scattergeo choropleth choroplethmap densitymapbox scattermap surface scatter3d parcoords scattergl";
  const figure = { data: types.split(" ").map((type) => ({ type })) };
  assert.deepEqual(mapTraces(figure), ["scattergeo", "choropleth", "choroplethmap", "densitymapbox", "scattermap"]);
  assert.deepEqual(webglTraces(figure), ["surface", "scatter3d", "parcoords"]);
  const wrong = { data: [null, { type: null }] as unknown as { type: string }[] };
  assert.deepEqual([isBasic(wrong), mapTraces(wrong), webglTraces(wrong)], [true, [], []]);
});
