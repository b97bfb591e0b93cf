import assert from "node:assert/strict";
import { test } from "node:test";
import { Tensor } from "onnxruntime-node";
import { displayBundle } from "../../../kernel/display/display.ts";
import { html } from "../../../kernel/display/display-globals.ts";
import { Fragment, jsx } from "../../../kernel/display/jsx-runtime.ts";
import type { MimeBundle } from "../../../kernel/link.ts";
import { readPage } from "./page.ts";

const bundle = (value: unknown) => displayBundle(value) as MimeBundle;
const document = readPage("<p id=one>text</p>");

/** Text that ends an element, an attribute or a script wherever it is not escaped. */
const hostile = `</td></pre><script>alert(1)</script><img src=x onerror="alert(1)">'"&`;

const isHarmless = (markup: unknown) => {
  const shown = readPage(markup);
  assert.equal(shown.querySelectorAll("script, img, iframe, [onerror], [onclick]").length, 0, String(markup));
};

test("displayBundle shows DOM elements, SVG elements and documents", () => {
  assert.equal(bundle(document.querySelector("p"))["text/html"], '<p id="one">text</p>');
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  assert.equal(bundle(drawing)["image/svg+xml"], "<svg></svg>");
  assert.match(String(bundle(document)["text/html"]), /^<html>.*<p id="one">/);
  for (const value of [drawing, document]) assert.equal(typeof bundle(value)["text/plain"], "string");
});

test("displayBundle shows type, shape and a summary of tensors", () => {
  const tensor = new Tensor("float32", Float32Array.of(1, 2, 3, 6), [2, 2]);
  assert.equal(bundle(tensor)["text/plain"], "tensor float32 [2 × 2]: min 1, max 6, mean 3\n[1, 2, 3, 6]");
  const integers = new Tensor("int64", BigInt64Array.of(1n, 2n), [2]);
  assert.equal(bundle(integers)["text/plain"], "tensor int64 [2]\n[1, 2]");
  const away = { dtype: "float32", shape: [3], dataSync: () => assert.fail("on the device") };
  assert.match(String(bundle(away)["text/plain"]), /values are on the device/);
});

test("displayBundle shows Vega objects that give their specification", () => {
  const spec = { $schema: "https://vega.github.io/schema/vega-lite/v6.json", data: { values: Float32Array.of(1) } };
  const shown = bundle({ toSpec: () => spec })["application/vnd.vegalite.v6+json"];
  assert.deepEqual(shown, { $schema: spec.$schema, data: { values: [1] } });
});

test("displayBundle escapes hostile text in every shape that becomes HTML", () => {
  const values: unknown[] = [
    { columns: [hostile], values: [[hostile]], shape: [1, 1] },
    { columns: [hostile], height: 1, toRecords: () => [{ [hostile]: { deep: hostile } }] },
    { dtype: hostile, shape: [1], data: [hostile] },
    html`<p title="${hostile}">${hostile}</p>`,
    jsx("p", { title: hostile, [hostile]: hostile, children: [hostile, jsx("b", { children: hostile })] }),
  ];
  for (const value of values) {
    const shown = bundle(value);
    isHarmless(shown["text/html"]);
    assert.equal(typeof shown["text/plain"], "string");
  }
});

test("displayBundle gives text alone for what is no picture, however it is named", () => {
  for (const value of [
    new Map([[hostile, 1]]),
    new Set([hostile]),
    new Error(hostile),
    hostile,
    [hostile],
    new Date(Number.NaN),
  ])
    assert.deepEqual(Object.keys(bundle(value)), ["text/plain"]);
});

test("jsx renders elements, components, fragments, attributes and empty elements", () => {
  const Item = ({ children }: Readonly<Record<string, unknown>>) => jsx("li", { children });
  const list = jsx("ul", {
    className: "x",
    style: { fontSize: "2px" },
    hidden: true,
    onClick: () => {},
    children: [
      [1, 2].map((n) => jsx(Item, { children: n })),
      jsx("br", {}),
      jsx(Fragment, { children: [null, false, "a&b"] }),
    ],
  });
  const markup = '<ul class="x" style="font-size: 2px" hidden><li>1</li><li>2</li><br>a&amp;b</ul>';
  assert.deepEqual(bundle(list), { "text/html": markup, "text/plain": markup });
  assert.equal(bundle(jsx("p", { children: html("<i>own</i>") }))["text/html"], "<p><i>own</i></p>");
  assert.throws(() => bundle(jsx("p onclick=x", {})), /expected the name of an element/);
});
