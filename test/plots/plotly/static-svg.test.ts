import assert from "node:assert/strict";
import { test } from "node:test";
import { inflateSync } from "node:zlib";
import { pixelContext } from "../../../src/plots/plotly/pixel-canvas.ts";
import { type PlotlyFigure, staticSvg } from "../../../src/plots/plotly/static-svg.ts";

const draw = (data: object[], layout: object = {}) => staticSvg({ data, layout } as PlotlyFigure);
const marks = (svg: string, className: string) =>
  svg.match(new RegExp(`class="[^"]*\\b${className}\\b`, "g"))?.length ?? 0;

/** The pixels of a PNG without filters, a row a line. */
function pixelsOf(url: string): number[][] {
  const png = Buffer.from(url.slice("data:image/png;base64,".length), "base64");
  const width = png.readUInt32BE(16);
  const at = png.indexOf("IDAT");
  const rows = inflateSync(png.subarray(at + 4, at + 4 + png.readUInt32BE(at - 4)));
  const size = 1 + 4 * width;
  return Array.from({ length: rows.length / size }, (_, row) => [...rows.subarray(row * size + 1, (row + 1) * size)]);
}

test("pixelContext draws rectangles and pixels, clipped, and gives them as PNG", () => {
  const context = pixelContext({ width: 3, height: 2 });
  context.fillStyle = "rgba(10,20,30,0.5)";
  context.fillRect(1, -5, 9, 6);
  const image = context.createImageData(2, 2);
  image.data.set([1, 2, 3, 4], 0);
  context.putImageData(image, 2, 1);
  assert.deepEqual(pixelsOf(context.toDataURL()), [
    [0, 0, 0, 0, 10, 20, 30, 128, 10, 20, 30, 128],
    [0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4],
  ]);
});

test("staticSvg draws the traces that only the whole of plotly.js knows", async () => {
  assert.equal(
    marks(await draw([{ type: "histogram", x: [1, 1, 2, 3], xbins: { start: 0.5, end: 3.5, size: 1 } }]), "point"),
    3,
  );
  assert.equal(marks(await draw([{ type: "box", y: [1, 2, 9] }]), "box"), 1);
  assert.equal(marks(await draw([{ type: "violin", y: [1, 2, 9] }]), "violin"), 1);
  assert.equal(marks(await draw([{ type: "sunburst", labels: ["a", "b"], parents: ["", "a"] }]), "slice"), 2);
});

test("staticSvg draws a heat map's colours as an image", async () => {
  const colorscale = [
    [0, "rgb(0,0,0)"],
    [1, "rgb(200,100,50)"],
  ];
  const svg = await draw([{ type: "heatmap", z: [[0, 1]], colorscale, showscale: false }]);
  const [row] = pixelsOf(/xlink:href="(data:image\/png;base64,[^"]+)"/.exec(svg)![1]!);
  assert.deepEqual(
    [row!.slice(0, 4), row!.slice(-4)],
    [
      [0, 0, 0, 255],
      [200, 100, 50, 255],
    ],
  );
});

test("staticSvg draws WebGL's scatter without it, and refuses what needs it, and maps", async () => {
  const points = { x: [1, 2], y: [1, 2], mode: "markers" };
  const drawn = (type: string) => draw([{ type, ...points }]).then((svg) => marks(svg, "point"));
  assert.equal(await drawn("scattergl"), 2);
  assert.equal(await drawn("scatter"), 2);
  for (const type of ["surface", "scatter3d", "scattergeo"])
    await assert.rejects(drawn(type), new RegExp(`^TypeError: staticSvg: expected traces .* but found ${type}$`));
});

test("staticSvg draws a figure without its images from outside, its styles and its scripts", async () => {
  const source = "https://hostile.example/a.png";
  const png = pixelContext({ width: 1, height: 1 }).toDataURL();
  const place = { x: 0, y: 1, sizex: 1, sizey: 1 };
  const text = `<span style="fill:url(https://hostile.example/b)">A</span><script>B</script><a href="javascript:C">D</a>`;
  const svg = await draw([{ x: [1], y: [1], name: text }], {
    ...{ title: { text }, showlegend: true },
    images: [
      { source, ...place },
      { source: png, ...place },
    ],
  });
  assert.ok(svg.includes(`xlink:href="${png}"`));
  assert.ok(!/hostile|<script|javascript:/.test(svg), svg);
});

test("staticSvg draws what numbers cannot hold and what is not there", async () => {
  for (const trace of [{}, { x: [] }, { x: [Number.NaN, Infinity, 1], y: [1, 2, Number.NaN] }, { x: 5, y: "a" }])
    assert.match(await draw([trace]), /^<svg/);
  await assert.rejects(draw([{ type: "bar", y: [1] }], { width: 1e9, height: -1 }));
});

test("staticSvg labels every axis and colour bar, also of a figure with a template of its own", async () => {
  const z = [
    [1000, 2000],
    [3000, 4000],
  ];
  for (const layout of [
    {},
    { template: { layout: { yaxis: { gridcolor: "red" } } } },
    { yaxis: { title: { text: "y" } } },
  ]) {
    const svg = await draw([{ type: "heatmap", x: [10, 20], y: [500, 600], z }], layout);
    for (const label of ["10", "500", "2000"])
      assert.match(svg, new RegExp(`(?<!visibility: hidden[^>]*)>${label}<`), label);
    const hidden = svg.match(/<text[^>]*(visibility: hidden|display: none|opacity: 0;)[^>]*>/g) ?? [];
    assert.deepEqual(hidden, []);
  }
});
