import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { safeFigure } from "../../../kernel/labextension/src/renderers/plotly-figure.ts";
import { basicTraces, isBasic } from "../../../src/plots/plotly/offline.ts";
import { mainFile } from "../client.ts";

const built = join(import.meta.dirname, "../../../kernel/labextension/built");
const require = createRequire(import.meta.url);
// biome-ignore lint/suspicious/noExplicitAny: jsdom brings no types
const { JSDOM } = require("jsdom") as any;

/** Sizes as they stand in RESULTS.md, with some room: [bytes, bytes after gzip]. */
const limits = {
  "the whole of plotly.js, lazy": [4_900_000, 1_470_000],
  "plotly.js basic": [1_210_000, 400_000],
  "the tour, lazy": [9_000, 3_300],
  "everything else": [72_000, 30_000],
} as const;

function sizes() {
  const files = readdirSync(join(built, "static")).filter((name) => name.endsWith(".js"));
  const texts = files.map((name) => readFileSync(join(built, "static", name)));
  const kinds = texts.map((text): keyof typeof limits => {
    if (text.length > 2_000_000) return "the whole of plotly.js, lazy";
    if (text.length > 500_000) return "plotly.js basic";
    return text.includes("A tour of TypeScript notebooks") ? "the tour, lazy" : "everything else";
  });
  const sum = (numbers: number[]) => numbers.reduce((total, size) => total + size, 0);
  return Object.fromEntries(
    Object.keys(limits).map((kind) => {
      const own = texts.filter((_, i) => kinds[i] === kind);
      return [kind, [sum(own.map((text) => text.length)), sum(own.map((text) => gzipSync(text).length))]];
    }),
  );
}

test("the extension's bundles stay within their sizes", () => {
  const found = sizes();
  for (const [kind, limit] of Object.entries(limits))
    for (const [i, unit] of ["bytes", "bytes after gzip"].entries()) {
      assert.ok(found[kind]![i]! > 0, `${kind} is missing`);
      assert.ok(found[kind]![i]! <= limit[i]!, `${kind}: ${found[kind]![i]} ${unit}, ${limit[i]} allowed`);
    }
});

test("the extension names an entry that exists, and takes nothing from the network", () => {
  const manifest = JSON.parse(readFileSync(join(built, "package.json"), "utf8"));
  assert.ok(statSync(join(built, manifest.jupyterlab._build.load)).size > 0);
  assert.deepEqual(Object.keys(manifest.jupyterlab._build).sort(), ["extension", "load", "mimeExtension"]);
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../../../../package.json"), "utf8"));
  assert.equal(manifest.version, version);
});

test("install writes the extension beside the kernel, and uninstall removes it", () => {
  const prefix = mkdtempSync(join(tmpdir(), "srft-extension-"));
  const run = (command: string) =>
    execFileSync(process.execPath, [mainFile, command, "--prefix", prefix], { encoding: "utf8" });
  const folder = join(prefix, "share", "jupyter", "labextensions", "srft");
  assert.match(run("install"), /installed the extension of JupyterLab and Notebook 7 in .*labextensions.srft/);
  assert.deepEqual(readdirSync(folder, { recursive: true }).sort(), readdirSync(built, { recursive: true }).sort());
  run("install");
  assert.match(run("uninstall"), /kernels.srft and .*labextensions.srft removed/);
  assert.equal(existsSync(folder), false);
  rmSync(prefix, { recursive: true });
});

test("isBasic knows the traces of the basic bundle, and sends the others to the whole one", () => {
  const { window } = new JSDOM("", { runScripts: "outside-only", pretendToBeVisual: true });
  window.URL.createObjectURL = () => "";
  window.matchMedia = () => ({ matches: false, addEventListener() {}, removeEventListener() {} });
  window.HTMLCanvasElement.prototype.getContext = () => null;
  window.eval(readFileSync(require.resolve("plotly.js-basic-dist-min"), "utf8"));
  assert.deepEqual([...basicTraces].sort(), Object.keys(window.eval("Plotly.PlotSchema.get().traces")).sort());
  assert.equal(isBasic({ data: [{}, { type: "bar" }] }), true);
  assert.equal(isBasic({ data: [{ type: "scatter" }, { type: "histogram" }] }), false);
  window.close();
});

test("safeFigure keeps figure and layout, and of the settings only harmless ones", () => {
  const config = {
    scrollZoom: true,
    plotlyServerURL: "https://hostile.example",
    mapboxAccessToken: "x",
    topojsonURL: "x",
  };
  const template = { layout: { font: { size: 9 } } };
  const figure = safeFigure(
    { data: [{ x: [1] }], layout: { width: 300, template }, config, frames: 1 },
    { isTrusted: false },
  );
  assert.deepEqual(figure, {
    data: [{ x: [1] }],
    layout: { autosize: false, width: 300, template },
    config: { scrollZoom: true, displaylogo: false, showSendToCloud: false, responsive: false },
    frames: [],
  });
  for (const wrong of [null, undefined, 1, {}, { data: "x" }, { data: { length: 1 } }])
    assert.throws(() => safeFigure(wrong, { isTrusted: true }), /expected a list of traces/);
});

test("safeFigure lets a figure ask the network for nothing, but for the maps of a trusted one", () => {
  const source = "https://hostile.example/a.png";
  const figure = {
    data: [{ type: "scattergeo" }],
    layout: { images: [{ source }] },
    frames: [{ layout: { images: [{ source }] } }],
  };
  assert.throws(
    () => safeFigure(figure, { isTrusted: false }),
    /expected a trusted notebook for maps .* found scattergeo/,
  );
  assert.ok(!JSON.stringify(safeFigure(figure, { isTrusted: true })).includes("hostile"));
});
