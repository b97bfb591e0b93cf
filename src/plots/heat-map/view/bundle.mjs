/**
 * Bundles the built view into one file without imports: as a module for bundlers, and as a classic script that sets
 * `srftHeatMap` for pages that carry it inside them.
 */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { rspack } from "@rspack/core";

const dist = join(import.meta.dirname, "../../../../dist");
const entry = join(dist, "src/plots/heat-map/view/render-heat-map.js");

async function bundle(folder, { filename, library, outputModule }) {
  mkdirSync(folder, { recursive: true });
  const compiler = rspack({
    mode: "production",
    target: ["web", "es2022"],
    entry,
    experiments: { outputModule },
    output: { path: folder, filename, library, module: outputModule, clean: false },
    performance: false,
    devtool: false,
  });
  const stats = await new Promise((resolve, reject) =>
    compiler.run((error, result) => (error ? reject(error) : resolve(result))),
  );
  if (stats.hasErrors()) throw new Error(stats.toString({ preset: "errors-only" }));
  await new Promise((resolve) => compiler.close(resolve));
}

const script = { filename: "heat-map.script.js", library: { type: "var", name: "srftHeatMap" }, outputModule: false };
await bundle(join(dist, "src/plots/heat-map"), script);
await bundle(join(dist, "kernel/notebook"), script);
await bundle(join(dist, "src/plots/heat-map"), {
  filename: "heat-map.module.js",
  library: { type: "module" },
  outputModule: true,
});
