import assert from "node:assert/strict";
import { test } from "node:test";
import { createTokenTable, type ShiftColumns } from "../../src/analysis/token-table.ts";
import { createFigure, display, type Figure, literal } from "../../src/plots/figure.ts";
import { tokenHeatMap } from "../../src/plots/token-heat-map.ts";
import { positionCurve } from "../../src/plots/tokens/position-curve.ts";
import { shiftClasses } from "../../src/plots/tokens/shift-classes.ts";
import { shiftHistogram } from "../../src/plots/tokens/shift-histogram.ts";
import { type TrainingRun, trainingCurves } from "../../src/plots/training/training-curves.ts";
import { assertGolden } from "./golden.ts";

const n = 12;
const float = (of: (row: number) => number) => Float32Array.from({ length: n }, (_, row) => of(row));
const int = (of: (row: number) => number) => Int32Array.from({ length: n }, (_, row) => of(row));

/** A model that moves every `every`-th token, by powers of two so that float32 holds the numbers exactly. */
function model(name: string, every: number): ShiftColumns {
  const moved = (row: number) => row % every === 0;
  return {
    name,
    logprobs: float((row) => (moved(row) ? -0.5 : -1)),
    entropies: float(() => 0.5),
    ranks: int(() => 1),
    greedyTokens: int((row) => row),
    deltaLogprobs: float((row) => (moved(row) ? (row % 4 === 0 ? 2 : -2) : 0)),
    deltaProbs: float((row) => (moved(row) ? 0.25 : 0)),
    kl: float((row) => (moved(row) ? 1 : 0.125)),
    reverseKl: float(() => 0.5),
    js: float(() => 0.25),
    tv: float(() => 0.5),
    baseRanks: int((row) => (moved(row) ? 1 + (row % 5) : 1)),
  };
}

const table = createTokenTable({
  source: "base rollouts",
  prompts: [Int32Array.of(20, 21), Int32Array.of(20)],
  offsets: Int32Array.of(0, 8, 12),
  sequences: int((row) => (row < 8 ? 0 : 1)),
  positions: int((row) => (row < 8 ? row : row - 8)),
  tokens: int((row) => row),
  base: model("base", 100),
  models: [model("sft", 1), model("grpo", 4)],
  decode: (id) => (id === 5 ? "\n" : id === 20 ? "<bos>" : ` t${id}`),
});

function run(name: string, seed: number): TrainingRun {
  const records = Array.from({ length: 5 }, (_, i) => ({
    step: i + 1,
    reward: name === "SFT" ? undefined : (i + seed) / 8,
    entropy: 1 / (1 + i),
    weights: { sft: name === "GRPO" ? 0 : 0.25, rl: name === "SFT" ? 0 : 0.125 },
  }));
  return { name, seed, records };
}
const runs = [run("SRFT", 1), run("SRFT", 2), run("SRFT", 3), run("GRPO", 1), run("SFT", 1)];

const figures: Record<string, Figure> = {
  "training-curves": trainingCurves(runs),
  "shift-histogram": shiftHistogram(table),
  "shift-classes": shiftClasses(table),
  "position-curve": positionCurve(table),
};
for (const [name, figure] of Object.entries(figures)) {
  test(`${name} is drawn as its golden SVG`, async () => assertGolden(name, await figure.svg()));
}
for (const measure of ["deltaLogprob", "kl", "class"] as const) {
  test(`tokenHeatMap of ${measure} is drawn as its golden SVG`, () =>
    assertGolden(`token-heat-map-${measure}`, tokenHeatMap(table, { measure }).svg()));
}

test("createFigure shows itself as plotly JSON, a static SVG and one line", async () => {
  const bundle = await figures["shift-classes"]![display]();
  assert.deepEqual(Object.keys(bundle), ["application/vnd.plotly.v1+json", "image/svg+xml", "text/html", "text/plain"]);
  const { data, layout } = JSON.parse(JSON.stringify(bundle["application/vnd.plotly.v1+json"])) as Figure;
  assert.equal(data.length, 3);
  assert.match(
    (layout.title as { text: string }).text,
    /^Rank, under base.*text: base rollouts; n = 12 tokens of 2 texts/,
  );
  assert.match(bundle["image/svg+xml"] as string, /^<svg /);
  assert.equal(
    bundle["text/plain"],
    "Unshifted / marginal / shifted tokens of the base rollouts: sft 25.0 / 41.7 / 33.3 %, grpo 83.3 / 0.0 / 16.7 %",
  );
});

test("createFigure draws the same figure to the same bytes and different ones with different ids", async () => {
  const [a, b] = [figures["position-curve"]!, figures["shift-histogram"]!];
  const [first, other, again] = await Promise.all([a.svg(), b.svg(), a.svg()]);
  assert.equal(first, again);
  const ids = (svg: string) => new Set(svg.match(/(?<= id=")[^"]+/g));
  assert.ok(ids(first).size > 0);
  assert.deepEqual(
    [...ids(first)].filter((id) => ids(other).has(id)),
    [],
  );
});

test("createFigure resolves every reference to an id inside its own SVG", async () => {
  for (const figure of Object.values(figures)) {
    const svg = await figure.svg();
    for (const [, id] of svg.matchAll(/url\((?:'|&quot;)?#([^'&)]+)/g)) assert.ok(svg.includes(` id="${id}"`), id);
  }
});

test("createFigure shows titles literally and draws hostile names without markup", async () => {
  const hostile =
    '<script>alert(1)</script><a href="javascript:alert(1)">x</a><img src=x onerror=alert(1)>&lt;b&gt;\u0000\u202e';
  const models = [{ ...model(hostile, 2) }];
  const base = { ...model(hostile, 3) };
  const bad = createTokenTable({ ...table, source: hostile, base, models });
  const svgs = [
    await shiftHistogram(bad).svg(),
    await shiftClasses(bad).svg(),
    await positionCurve(bad).svg(),
    await trainingCurves([{ ...run("SRFT", 1), name: hostile }]).svg(),
  ];
  for (const svg of svgs) {
    const markup = svg.match(/<[^>]*>/g)!.join("\n");
    assert.equal(/<(script|img|a)\b/i.exec(markup), null);
    assert.equal(/\s(on\w+|href)\s*=/i.exec(markup), null);
    assert.ok(/&(lt|#60);script&(gt|#62);alert/.test(svg), "the name is shown");
  }
});

test("literal leaves nothing that plotly.js could read as markup, nor what XML cannot hold", () => {
  assert.equal(literal("a\u0000\u202e\ud800b"), "a b");
  assert.equal(literal("a <b>&lt;\n c"), "a &lt;b&gt;&amp;lt; c");
  assert.equal(literal("$x$"), "&#36;x&#36;");
  assert.deepEqual(["__proto__", "constructor"].map(literal), ["&#95;_proto__", "&#99;onstructor"]);
});

test("createFigure draws models whose names every object has", async () => {
  const models = ["__proto__", "constructor", "toString", "$a$"].map((name) => model(name, 2));
  const svg = await shiftClasses(createTokenTable({ ...table, models })).svg();
  for (const { name } of models) assert.ok(svg.includes(`>${name}<`), name);
  assert.doesNotMatch(svg, /NaN|\[object/);
});

test("createFigure goes on drawing after a figure that cannot be drawn", async () => {
  const broken = createFigure({ data: [], layout: { width: "wide" as unknown as number }, title: "t", caption: "c" });
  await assert.rejects(broken.svg());
  assert.match(await createFigure({ data: [], layout: {}, title: "t", caption: "c" }).svg(), /^<svg /);
});

test("trainingCurves puts mean ± s of the seeds at each step", () => {
  const traces = figures["training-curves"]!.data.filter(({ name, yaxis }) => name === "SRFT" && yaxis === "y1");
  const [band, line] = traces as unknown as { x: number[]; y: number[] }[];
  assert.deepEqual(
    line!.y,
    [2, 3, 4, 5, 6].map((sum) => sum / 8),
  );
  assert.deepEqual(band!.x, [1, 2, 3, 4, 5, 5, 4, 3, 2, 1]);
  assert.deepEqual(
    band!.y,
    [3, 4, 5, 6, 7, 5, 4, 3, 2, 1].map((sum) => sum / 8),
  );
});

test("trainingCurves leaves out the reward of a method that has none and says so", () => {
  const figure = figures["training-curves"]!;
  assert.deepEqual(
    figure.data.filter(({ name, yaxis }) => name === "SFT" && yaxis === "y1"),
    [],
  );
  assert.match(figure.summary, /SRFT ends at reward 0\.750, entropy 0\.200 nats; .*SFT ends at no reward/);
});

test("trainingCurves refuses no run, a run without records and a seed that comes twice", () => {
  assert.throws(() => trainingCurves([]), /^RangeError: trainingCurves: expected at least one run/);
  assert.throws(() => trainingCurves([{ name: "a", seed: 1, records: [] }]), /records of a, seed 1/);
  assert.throws(() => trainingCurves([run("a", 1), run("a", 1)]), /each seed once but found 1 twice/);
});

test("shiftHistogram's shares sum to 1 and values beyond the limit count in the outermost bins", () => {
  const far = { ...model("far", 1), deltaLogprobs: float((row) => (row % 2 === 0 ? Infinity : -Infinity)) };
  const { data } = shiftHistogram({ ...table, models: [far] }, { measure: "deltaLogprob", bins: 5 });
  assert.deepEqual(data[0]!.y, [0.5, null, null, null, 0.5]);
  for (const trace of figures["shift-histogram"]!.data) {
    const total = (trace.y as (number | null)[]).reduce<number>((sum, share) => sum + (share ?? 0), 0);
    assert.ok(Math.abs(total - 1) < 1e-12);
  }
});

test("shiftHistogram refuses an even number of bins", () => {
  for (const bins of [0, 1, 40, 2.5]) assert.throws(() => shiftHistogram(table, { bins }), /odd number of bins >= 3/);
});

test("positionCurve averages over the texts that reach a position and drops those that too few reach", () => {
  const { data } = positionCurve(table, { minTexts: 2 });
  assert.deepEqual(data[1]!.y, [1, 0.125, 0.125, 0.125]);
  assert.deepEqual(data[1]!.customdata, [2, 2, 2, 2]);
  assert.throws(() => positionCurve(table, { minTexts: 3 }), /^RangeError: positionCurve: .*3 texts reach/);
});
