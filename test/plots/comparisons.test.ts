import assert from "node:assert/strict";
import { test } from "node:test";
import type { Figure } from "../../src/plots/figure.ts";
import { type LayerChange, layerChange } from "../../src/plots/models/layer-change.ts";
import { learningMap, type MapRow } from "../../src/plots/models/learning-map.ts";
import { project } from "../../src/plots/models/projection.ts";
import { type SwapPoint, swapCurve } from "../../src/plots/tokens/swap-curve.ts";
import { demonstrationWeights } from "../../src/plots/training/demonstration-weights.ts";
import { type MethodScore, methodComparison } from "../../src/plots/training/method-comparison.ts";
import { assertGolden } from "./golden.ts";

const around = (value: number, half: number) => ({ low: value - half, high: value + half });

const scores: MethodScore[] = ["base", "SFT", "SRFT"].flatMap((method, m) =>
  ["in distribution", "with ×"].map((measure, k) => {
    const mean = 0.25 + 0.25 * m - 0.125 * k;
    return { method, measure, mean, interval: around(mean, 0.0625), seeds: [mean - 0.03125, mean + 0.03125] };
  }),
);

const names = { a: "base", b: "grpo" };
const swaps: SwapPoint[] = (["a", "b"] as const).flatMap((writer, c) =>
  [0, 1, Infinity].map((budget, b) => {
    const accuracy = c === 0 ? 0.25 + 0.125 * b : 0.875 - 0.125 * b;
    return { writer, budget, accuracy, interval: around(accuracy, 0.0625), swaps: b };
  }),
);

const changes: LayerChange[] = ["sft", "grpo"].flatMap((model, m) => [
  ...[0, 1, 2].map((layer) => ({
    model,
    layer,
    part: "attention",
    relativeChange: (0.125 + 0.0625 * layer) / (1 + m),
  })),
  ...[2, 1, 0].map((layer) => ({ model, layer, part: "mlp", relativeChange: 0.0625 / (1 + m) })),
  { model, layer: null, part: "embedding", relativeChange: 0.03125 },
]);

const coordinates: Record<string, readonly number[]> = {
  base: [0, 2, 1],
  "sft@20": [1, 1, 1.5],
  "sft@40": [2, 0.5, 2],
  "srft@40": [1, 0.5, 0.75],
  "srft@20": [0.5, 1, 1],
};
const rowsOf = (references: readonly string[]): MapRow[] =>
  Object.entries(coordinates).flatMap(([model, at]) =>
    references.map((reference, axis) => ({
      model,
      reference,
      distance: at[axis]!,
      interval: around(at[axis]!, 0.125),
    })),
  );

const plane = learningMap(rowsOf(["base", "expert"]), { caption: "4 texts; seed 7", scores: { "srft@40": 0.875 } });
const space = learningMap(rowsOf(["base", "expert", "grpo"]), { caption: "4 texts; seed 7" });
const figures: Record<string, Figure> = {
  "method-comparison": methodComparison(scores, { caption: "2 seeds, 300 problems; 95 % intervals" }),
  "swap-curve": swapCurve(swaps, { caption: "400 prompts; 95 % intervals", names }),
  "layer-change": layerChange(changes, { caption: "334,464 parameters; seed 7" }),
  "learning-map-2d": plane,
  "learning-map-3d": space,
  "demonstration-weights": demonstrationWeights({
    probabilities: [0.001, 0.01, 0.1, 1],
    curves: [
      { name: "SFT", weights: [1, 1, 1, 1] },
      { name: "DFT", weights: [0.001, 0.01, 0.1, 1] },
    ],
  }),
};
for (const [name, figure] of Object.entries(figures)) {
  test(`${name} is drawn as its golden SVG`, async () => assertGolden(name, await figure.svg()));
  test(`${name} says n and seeds and has a unit on each axis`, () => {
    const title = (figure.layout.title as { text: string }).text;
    assert.match(title, /\d (seeds|prompts|parameters|texts)|g\(p\) on/);
    const axes = Object.entries({ ...figure.layout, ...figure.layout.scene }).filter(([key]) =>
      /^[xyz]axis\d*$/.test(key),
    );
    assert.ok(axes.length >= 2);
    const named = axes.filter(([key, axis]) => !/^yaxis/.test(key) || (axis as { type?: string }).type !== "category");
    for (const [key, axis] of named) assert.ok((axis as { title?: { text?: string } }).title?.text, key);
  });
}

test("methodComparison draws the mean with its interval and each seed's own value", () => {
  const [points, seeds] = figures["method-comparison"]!.data;
  assert.deepEqual(points!.x, [0.25, 0.5, 0.75]);
  assert.deepEqual(points!.error_x, {
    ...points!.error_x,
    array: [0.0625, 0.0625, 0.0625],
    arrayminus: [0.0625, 0.0625, 0.0625],
  });
  assert.deepEqual(seeds!.x, [0.21875, 0.28125, 0.46875, 0.53125, 0.71875, 0.78125]);
  assert.match(figures["method-comparison"]!.summary, /^Methods compared .*SRFT, with ×: 0\.625 \[0\.563, 0\.688\]/);
  const { summary, layout } = methodComparison(scores, { title: "An ablation", caption: "1 seed" });
  assert.match(summary, /^An ablation \(share solved; 1 seed\): /);
  assert.match(JSON.stringify(layout.title), /An ablation/);
});

test("methodComparison refuses no score and a mean outside its interval", () => {
  assert.throws(
    () => methodComparison([], { caption: "" }),
    /^RangeError: methodComparison: expected at least one score/,
  );
  const wrong = { ...scores[0]!, interval: { low: 0.5, high: 0.6 } };
  assert.throws(() => methodComparison([wrong], { caption: "" }), /the mean 0\.25 of base .* found \[0\.5, 0\.6\]$/);
});

test("swapCurve puts the budgets side by side, no limit last", () => {
  const { data, layout } = figures["swap-curve"]!;
  assert.deepEqual(data[0]!.x, [0, 1, 2]);
  assert.deepEqual(layout.xaxis!.ticktext, ["0", "1", "no limit"]);
  assert.match(figures["swap-curve"]!.summary, /base, with tokens of grpo 0: 0\.25, 1: 0\.375, no limit: 0\.5/);
});

test("swapCurve refuses no point, a negative budget and a budget that comes twice", () => {
  const [point] = swaps;
  assert.throws(() => swapCurve([], { caption: "", names }), /^RangeError: swapCurve: expected at least one point/);
  assert.throws(() => swapCurve([{ ...point!, budget: -1 }], { caption: "", names }), /budget >= 0 but found -1/);
  assert.throws(() => swapCurve([point!, point!], { caption: "", names }), /each budget once but found 0 twice/);
});

test("layerChange orders layers and leaves what is in no layer on the left", () => {
  const { data, layout } = figures["layer-change"]!;
  const mlp = data.find(({ name }) => name === "sft: mlp")!;
  assert.deepEqual(mlp.x, [0, 1, 2]);
  assert.deepEqual(layout.xaxis!.ticktext, ["outside", "0", "1", "2"]);
  assert.match(
    figures["layer-change"]!.summary,
    /sft most in attention of layer 2, 0\.25; grpo most in attention of layer 2, 0\.125/,
  );
});

test("layerChange refuses no row and a change that is no number", () => {
  assert.throws(() => layerChange([], { caption: "" }), /^RangeError: layerChange: expected at least one row/);
  const wrong = { ...changes[0]!, relativeChange: Number.NaN };
  assert.throws(() => layerChange([wrong], { caption: "" }), /finite change >= 0 but found NaN of attention in sft/);
});

test("learningMap joins the checkpoints of a name in the order of their steps and prints scores", () => {
  const path = plane.data.find(({ name }) => name === "srft")!;
  assert.deepEqual(
    [path.x, path.y],
    [
      [0.5, 1],
      [1, 0.5],
    ],
  );
  assert.deepEqual(path.text, ["20", "0.875"]);
  assert.equal(plane.data.find(({ name }) => name === "base")!.x!.length, 1);
});

test("learningMap in space is plotly's for front ends and a projection in its SVG", async () => {
  assert.deepEqual([...new Set(space.data.map(({ type }) => type))], ["scatter3d"]);
  const svg = await space.svg();
  for (const word of ["distance to base", "distance to expert", "distance to grpo", ">sft<", ">base<"]) {
    assert.ok(svg.includes(word), word);
  }
});

test("learningMap refuses one axis, four, and a checkpoint that has no distance to one", () => {
  assert.throws(() => learningMap(rowsOf(["base"]), { caption: "" }), /two or three references as axes but found 1/);
  const axes = ["a", "b", "c", "d"];
  assert.throws(() => learningMap(rowsOf(["base", "expert"]), { caption: "", axes }), /but found 4/);
  const missing = rowsOf(["base", "expert"]).slice(1);
  assert.throws(() => learningMap(missing, { caption: "" }), /finite distance of base to base but found none$/);
});

test("project keeps the box's corners apart and parallel edges parallel", () => {
  assert.deepEqual(project([1, 1, 0]), [0, 0]);
  assert.deepEqual(project([0, 0, 0]), [0, 1]);
  const [a, b] = [project([1, 0, 0]), project([1, 1, 0])];
  const [c, d] = [project([0, 0, 1]), project([0, 1, 1])];
  assert.deepEqual([a[0] - b[0], a[1] - b[1]], [c[0] - d[0], c[1] - d[1]]);
});
