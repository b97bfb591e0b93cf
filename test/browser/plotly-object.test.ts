import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import { mainFile } from "../kernel/client.ts";
import { launch, noBrowser, openPage } from "./chromium.ts";
import { writeNotebook } from "./jupyter/server.ts";

const pictures = join(import.meta.dirname, "../../../out/browser");
const folder = mkdtempSync(join(tmpdir(), "srft-plotly-object-"));
const z =
  "Array.from({ length: 12 }, (_, i) => Array.from({ length: 20 }, (_, j) => Math.sin(i / 3) * Math.cos(j / 4)))";
const cells = [
  `({ data: [{ x: [1, 2, 3], y: [2, 1, 3], name: "reward" }, { type: "bar", x: [1, 2, 3], y: [1, 2, 1], name: "groups" }], layout: { title: { text: "A line and bars" }, xaxis: { title: { text: "step" } } } })`,
  `display({ data: [{ type: "heatmap", z: ${z}, colorscale: "Viridis" }], layout: { title: { text: "A heat map" } } }); console.log("after the figure")`,
  `const shown = display({ data: [], layout: {} });
for (const n of [10, 100, 400]) shown.update({ data: [{ type: "histogram", x: Array.from({ length: n }, (_, i) => (i * i) % 17), nbinsx: 17 }], layout: { title: { text: \`\${n} values\` } } });`,
];

let browser: Browser;
before(async () => {
  writeNotebook({ folder }, "figures.ipynb", cells);
  const at = (name: string) => join(folder, name);
  execFileSync(process.execPath, [
    mainFile,
    "run",
    at("figures.ipynb"),
    "--out",
    at("ran.ipynb"),
    "--html",
    at("report.html"),
  ]);
  mkdirSync(pictures, { recursive: true });
  if (!noBrowser) browser = await launch();
});
after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

test("srft run writes each plotly object once, in its place, with SVG and HTML", () => {
  const { cells: ran } = JSON.parse(readFileSync(join(folder, "ran.ipynb"), "utf8"));
  const kinds = ran.map(({ outputs }: { outputs: { output_type: string; data?: object }[] }) =>
    outputs.map(({ output_type, data }) => (data ? Object.keys(data).sort().join(" ") : output_type)),
  );
  const whole = "application/vnd.plotly.v1+json image/svg+xml text/html text/plain";
  assert.deepEqual(kinds, [[whole], [whole, "stream"], [whole]]);
  assert.match([ran[2].outputs[0].data["image/svg+xml"]].flat().join(""), />400 values</);
});

for (const colorScheme of ["light", "dark"] as const)
  test(`a report shows every plotly object, in a ${colorScheme} page`, { skip: noBrowser }, async () => {
    const { page, happened } = await openPage(browser, { colorScheme, height: 1500 });
    await page.goto(pathToFileURL(join(folder, "report.html")).href);
    await page.locator(".js-plotly-plot .trace").first().waitFor();
    assert.equal(await page.locator(".output img").count(), 2, "what the basic bundle cannot draw stands still");
    await page.screenshot({ path: join(pictures, `plotly-object-report-${colorScheme}.png`) });
    await page.context().close();
    assert.deepEqual(happened, []);
  });

/** Why nbconvert cannot run; false where it can. */
function noNbconvert() {
  const python = process.env.SRFT_PYTHON;
  if (!python) return "SRFT_PYTHON names no Python";
  return spawnSync(python, ["-c", "import nbconvert"]).status === 0 ? false : `${python} has no nbconvert`;
}

test("nbconvert's HTML shows every plotly object", { skip: noBrowser || noNbconvert() }, async () => {
  const file = join(folder, "ran.ipynb");
  execFileSync(process.env.SRFT_PYTHON!, ["-m", "nbconvert", "--to", "html", file], { stdio: "pipe" });
  const { page } = await openPage(browser, { height: 1700 });
  await page.goto(pathToFileURL(join(folder, "ran.html")).href);
  const drawings = page.locator(".jp-OutputArea svg.main-svg");
  assert.ok((await drawings.count()) >= 3);
  for (const text of ["A line and bars", "A heat map", "400 values"])
    assert.ok(await page.locator("svg text", { hasText: text }).first().isVisible(), text);
  await page.screenshot({ path: join(pictures, "plotly-object-nbconvert.png") });
  await page.context().close();
});
