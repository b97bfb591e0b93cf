import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { displayBundle, displaySymbol, escapeHtml, plainText } from "../../../kernel/display/display.ts";
import { displayGlobals, html, md } from "../../../kernel/display/display-globals.ts";
import { createDrawings } from "../../../kernel/display/drawings.ts";
import { followDrawings } from "../../../kernel/display/follow-drawings.ts";
import type { MimeBundle, Output } from "../../../kernel/link.ts";

const bundle = (value: unknown) => displayBundle(value) as MimeBundle;
const png = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

test("displayBundle always has a text/plain, without colours", () => {
  fc.assert(
    fc.property(
      fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true }),
      (value) => {
        const text = bundle(value)["text/plain"];
        assert.equal(typeof text, "string");
        assert.ok(!String(text).includes("\u001b[") || JSON.stringify(value)?.includes("\\u001b"));
      },
    ),
    { numRuns: 200 },
  );
});

test("displayBundle asks the value first, also when its answer takes time", async () => {
  const now = { [displaySymbol]: () => ({ "text/html": "<b>1</b>" }) };
  assert.equal(bundle(now)["text/html"], "<b>1</b>");
  assert.equal(typeof bundle(now)["text/plain"], "string");
  const later = { [displaySymbol]: async () => ({ "text/plain": "later" }) };
  assert.deepEqual(await displayBundle(later), { "text/plain": "later" });
  assert.throws(() => displayBundle({ [displaySymbol]: () => 5 }), /expected a MIME bundle/);
});

test("displayBundle draws a plotly figure, typed arrays as lists", () => {
  const figure = { data: [{ type: "bar", y: Float32Array.of(1, 2) }], layout: { title: "t" } };
  const shown = bundle(figure);
  assert.deepEqual(shown["application/vnd.plotly.v1+json"], {
    data: [{ type: "bar", y: [1, 2] }],
    layout: { title: "t" },
  });
  assert.equal(shown["text/plain"], "Figure of 1 traces (bar)");
});

test("displayBundle knows image bytes by their first ones", () => {
  assert.equal(bundle(new Uint8Array(png))["image/png"], png.toString("base64"));
  assert.equal(bundle(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0))["image/jpeg"], "/9j/4A==");
  assert.equal(bundle(new TextEncoder().encode("<svg></svg>"))["image/svg+xml"], "<svg></svg>");
  assert.deepEqual(Object.keys(bundle(Uint8Array.of(1, 2))), ["text/plain"]);
});

test("plainText sums up long typed arrays and shows the rest as the console does", () => {
  const long = Float32Array.from({ length: 1000 }, (_, i) => i);
  assert.equal(plainText(long), "Float32Array(1000) [ 0, 1, 2, 3, 4, 5, 6, 7, … ] min 0, max 999, mean 499.5");
  assert.equal(plainText(new Map([[1, new Set(["a"])]])), "Map(1) { 1 => Set(1) { 'a' } }");
  assert.equal(plainText(new Date(0)), "1970-01-01T00:00:00.000Z");
  assert.match(plainText({ a: { b: { c: { d: { e: 1 } } } } }), /e: 1/);
});

test("displayBundle survives getters and proxies that throw", () => {
  const hostile = Object.defineProperty({}, "outerHTML", { get: () => assert.fail() });
  assert.equal(typeof bundle(hostile)["text/plain"], "string");
  const trap = new Proxy({}, { get: () => assert.fail() });
  assert.equal(typeof plainText(trap), "string");
});

test("html escapes the values of its template, but not html", () => {
  const inner = html`<i>${"<b>"}</i>`;
  assert.equal(inner[displaySymbol]()["text/html"], "<i>&lt;b&gt;</i>");
  assert.equal(html`<p>${inner}${[1, "&"]}</p>`[displaySymbol]()["text/html"], "<p><i>&lt;b&gt;</i>1&amp;</p>");
  assert.equal(html("<b>raw</b>")[displaySymbol]()["text/html"], "<b>raw</b>");
  assert.equal(md`# ${1}`[displaySymbol]()["text/markdown"], "# 1");
});

test("escapeHtml leaves nothing that ends a text or an attribute", () => {
  assert.equal(escapeHtml(`<a href="x">'&`), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
});

function port() {
  const sent: Output[] = [];
  const held: Promise<unknown>[] = [];
  const send = (output: Output) => sent.push(output);
  const follower = followDrawings({ send, drawings: createDrawings() });
  const globals = displayGlobals({ cell: () => 7, send, hold: (work) => held.push(work), follower });
  return { sent, held, follower, ...globals };
}

test("display gives a handle whose update changes the display it made", async () => {
  const { sent, held, display } = port();
  const handle = display({ [displaySymbol]: async () => ({ "text/plain": "slow" }) });
  await Promise.all(held);
  handle.update(2);
  display({ "text/x": "1" }, { raw: true, id: "own", metadata: { a: 1 } });
  assert.deepEqual(sent, [
    { op: "display", cell: 7, data: { "text/plain": "slow" }, metadata: {}, id: handle.id },
    { op: "display", cell: 7, data: { "text/plain": "2" }, metadata: {}, id: handle.id, update: true },
    { op: "display", cell: 7, data: { "text/x": "1" }, metadata: { a: 1 }, id: "own" },
  ]);
});

test("progress hands every item on and ends with all of them done", async () => {
  const { sent, progress } = port();
  const items: string[] = [];
  for await (const item of progress(["a", "b"], { label: "read" }) as AsyncGenerator<string>) items.push(item);
  assert.deepEqual(items, ["a", "b"]);
  const last = sent.at(-1) as Extract<Output, { op: "display" }>;
  assert.match(String(last.data["text/plain"]), /^read 2\/2 in 0:00$/);
});
