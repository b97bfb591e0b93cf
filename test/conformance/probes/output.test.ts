/** Probes of what cells print and display. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { resultText, streamText, types } from "../../kernel/client.ts";
import { useKernel } from "./probe.ts";

const kernel = useKernel();
const { run, value, contents, bundle } = kernel;

test("output: unhandled rejections and timer errors name their cell", async () => {
  const { reply } = await run("setTimeout(() => { throw new TypeError('tick tock') }, 1)");
  const said = await kernel.client.hear(({ content }) => /tick tock/.test(content.text ?? ""));
  assert.equal((said.parent as { msg_id: string }).msg_id, (reply.parent as { msg_id: string }).msg_id);
  assert.match(said.content.text, /cell \[\d+\], line 1/);
});

test("output: binary, Unicode and control characters arrive as they were printed", async () => {
  const text = "naïve 🎉 \u0000 \u001b[31mred\u001b[39m \r\n\ttab \u2028";
  assert.equal(streamText(await run(`process.stdout.write(${JSON.stringify(text)})`)), text);
  assert.equal(
    streamText(
      await run(
        "process.stdout.write(Buffer.from('🎉').subarray(0, 2)); process.stdout.write(Buffer.from('🎉').subarray(2))",
      ),
    ),
    "🎉",
  );
});

test("output: what a child's shell and a worker's console say is there before idle", async () => {
  const answer = await run(
    "const { execSync } = await import('node:child_process'); execSync('echo from the shell; echo wrong >&2', { stdio: 'inherit' })",
  );
  assert.match(streamText(answer), /from the shell/);
  assert.match(streamText(answer, "stderr"), /wrong/);
});

test("output: no ANSI colours in text/plain, whatever a value's inspection says", async () => {
  assert.equal(
    await value("({ [Symbol.for('nodejs.util.inspect.custom')]: () => '\\u001b[31mred\\u001b[39m' })"),
    "red",
  );
});

test("tslab: its display functions, newDisplay and the import", async () => {
  const answer = await run(
    "import * as tslab from 'tslab'; tslab.display.html('<i>1</i>'); tslab.display.png(new Uint8Array([1, 2]));",
  );
  assert.deepEqual(
    contents(answer, "display_data").map(({ data }) => data),
    [{ "text/html": "<i>1</i>" }, { "image/png": "AQI=" }],
  );
  const changed = await run(
    "const place = tslab.newDisplay(); place.text('one'); place.text('two'); tslab.display.raw('a/b', 'c')",
  );
  assert.deepEqual(types(changed).slice(2, 5), ["display_data", "update_display_data", "display_data"]);
  assert.deepEqual(
    contents(changed, "update_display_data")[0].transient,
    contents(changed, "display_data")[0].transient,
  );
});

const shapes: [string, string, string, RegExp][] = [
  ["plotly figure", "({ data: [{ y: [1] }], layout: {} })", "application/vnd.plotly.v1+json", /Figure/],
  [
    "vega-lite spec",
    "({ $schema: 'https://vega.github.io/schema/vega-lite/v5.json', mark: 'bar' })",
    "application/vnd.vegalite.v5+json",
    /vega-lite/i,
  ],
  [
    "vega spec",
    "({ $schema: 'https://vega.github.io/schema/vega/v5.json', marks: [] })",
    "application/vnd.vega.v5+json",
    /vega/i,
  ],
  [
    "tensor",
    "({ dtype: 'float32', shape: [2, 3], dataSync: () => new Float32Array([1, 2, 3, 4, 5, 6]) })",
    "text/html",
    /float32 \[2 × 3\].*mean 3.5/,
  ],
  ["onnx tensor", "({ type: 'float32', dims: [2], data: new Float32Array([1, 3]) })", "text/html", /float32 \[2\]/],
  [
    "danfo frame",
    "({ columns: ['a', 'b'], values: [[1, 2], [3, 4]], shape: [2, 2], index: [0, 1] })",
    "text/html",
    /a +b\n1 +2/,
  ],
  [
    "polars frame",
    "({ schema: {}, columns: ['a'], height: 1, head: () => {}, toRecords: () => [{ a: 5 }] })",
    "text/html",
    /a\n5/,
  ],
  ["DOM element", "({ outerHTML: '<p>hi</p>' })", "text/html", /hi/],
  ["SVG element", "({ outerHTML: '<svg></svg>', namespaceURI: 'http://www.w3.org/2000/svg' })", "image/svg+xml", /svg/],
  ["canvas", "({ toDataURL: () => 'data:image/png;base64,AQI=' })", "image/png", /./],
  ["PNG bytes", "new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])", "image/png", /PNG image/],
  ["own bundle", "({ [Symbol.for('Jupyter.display')]: async () => ({ 'text/html': '<u>x</u>' }) })", "text/html", /./],
];

for (const [name, code, mime, text] of shapes)
  test(`display: ${name} gives ${mime}, always with a text`, async () => {
    const data = await bundle(code);
    assert.ok(mime in data, Object.keys(data).join());
    assert.match(String(data["text/plain"]), text);
  });

test("display: Map, Set, Error, Date, typed arrays and nested objects as text", async () => {
  for (const [code, text] of [
    ["new Map([[1, { a: 2 }]])", "Map(1) { 1 => { a: 2 } }"],
    ["new Set([1])", "Set(1) { 1 }"],
    ["new Date(0)", "1970-01-01T00:00:00.000Z"],
    ["({ a: { b: { c: { d: { e: 1 } } } } })", "{\n  a: {\n    b: { c: { d: { e: 1 } } }\n  }\n}"],
    ["10n ** 20n", "100000000000000000000n"],
    ["Symbol('s')", "Symbol(s)"],
    ["null", "null"],
  ] as const)
    assert.equal(await value(code), text);
});

test("output: what a child process writes last is the cell's, whole and before idle, however much it is", async () => {
  await run("const { execSync: shell } = await import('node:child_process')");
  for (const size of [1, 1000, 65_536, 1_000_000, 5_000_000]) {
    const answer = await run(`shell("head -c ${size} /dev/zero | tr '\\\\0' x", { stdio: 'inherit' }); 'end'`);
    assert.equal(streamText(answer), "x".repeat(size));
    assert.equal(resultText(answer), "'end'");
    assert.equal(types(answer).at(-1), "idle");
  }
});
