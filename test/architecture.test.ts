import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "../..");

/** Folders of src from the top of the arrows down; a file may import from its own layer's folder and from lower ones. */
const shared = ["src/random.ts", "src/join-arrays.ts"];
const allowed: Record<string, readonly string[]> = {
  "src/srft": ["src/srft", ...shared],
  "src/data": ["src/data", "src/srft", ...shared],
  "src/graph": ["src/graph"],
  "src/models": ["src/models", "src/graph", "src/srft", ...shared],
  "src/token-stats": ["src/token-stats"],
  "src/sources": ["src/sources", "src/token-stats", "src/data", "src/srft", "src/models", ...shared],
  "src/analysis": ["src/analysis", "src/sources", "src/token-stats", "src/srft", "src/models/safetensors", ...shared],
  "src/tfjs": ["src/tfjs", "src/srft", "src/models/safetensors", ...shared],
  // a package of its own, so to speak: the kernel draws with it, by its public name as a notebook would
  "src/plots/plotly": ["src/plots/plotly"],
  "src/plots": ["src/plots", "src/analysis"],
  "src/reproduction": ["src/reproduction", "src/srft", "src/data", "src/models", "src/graph", ...shared],
  "src/random.ts": [],
  "src/join-arrays.ts": [],
  "src/index.ts": ["src"],
  // the extension's bundle takes in the views that draw in a browser, and the picture's layout; they import nothing of Node
  "kernel/labextension": [
    "kernel/labextension",
    "src/plots/heat-map/view",
    "src/plots/live-chart/view",
    "kernel/cell/source-hash.ts",
    "src/plots/plotly/offline.ts",
    "src/plots/plotly/readable.ts",
  ],
  kernel: ["kernel"],
};

function sourceFiles(folder: string) {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join(folder, file));
}

function importsOf(file: string) {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)].map((match) =>
    relative(root, join(root, dirname(file), match[1]!)),
  );
}

const within = (path: string, prefix: string) => path === prefix || path.startsWith(`${prefix}/`);

test("imports point down only, and kernel and src never meet", () => {
  const offending = ["src", "kernel"].flatMap(sourceFiles).flatMap((file) => {
    const rule = Object.keys(allowed).find((prefix) => within(file, prefix));
    assert.ok(rule, `${file} lies in no known folder`);
    return importsOf(file)
      .filter((target) => !allowed[rule]!.some((prefix) => within(target, prefix)))
      .map((target) => `${file} -> ${target}`);
  });
  assert.deepEqual(offending, []);
});

test("the library never prints", () => {
  const printing = sourceFiles("src").filter((file) =>
    /\bconsole\.|process\.std(out|err)/.test(readFileSync(join(root, file), "utf8")),
  );
  assert.deepEqual(printing, []);
});

test("of the library the kernel uses the drawing of plotly's figures, by its public name, and nothing else", () => {
  const names = sourceFiles("kernel").flatMap((file) => {
    const text = readFileSync(join(root, file), "utf8");
    return [...text.matchAll(/^(?:import .*|\} )from "(srft(?:\/[^"]*)?)";$/gm)].map((match) => match[1]!);
  });
  assert.deepEqual([...new Set(names)], ["srft/plotly"]);
});
