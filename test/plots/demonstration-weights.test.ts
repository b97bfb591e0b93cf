import assert from "node:assert/strict";
import { test } from "node:test";
import { demonstrationWeights } from "../../src/plots/training/demonstration-weights.ts";
import { demonstrationWeight } from "../../src/srft/losses/demonstration-weight.ts";
import { luffy } from "../../src/srft/objectives/hybrids/luffy.ts";
import { dft } from "../../src/srft/objectives/imitation/dft.ts";
import { sft } from "../../src/srft/objectives/sft.ts";

const probabilities = Array.from({ length: 61 }, (_, i) => 10 ** (i / 20 - 3));
const curves = [
  { name: "SFT", weights: probabilities.map((probability) => demonstrationWeight(sft(), { probability })) },
  { name: "DFT", weights: probabilities.map((probability) => demonstrationWeight(dft(), { probability })) },
  {
    name: "LUFFY <γ>",
    weights: probabilities.map((probability) => demonstrationWeight(luffy(), { probability, meanOver: "all" })),
  },
];

test("demonstrationWeights draws the weights it is given over a logarithmic axis", () => {
  const { data, layout, summary } = demonstrationWeights({ probabilities, curves });
  assert.deepEqual(
    data.map((trace) => [trace.name, trace.y]),
    [
      ["SFT", curves[0]!.weights],
      ["DFT", curves[1]!.weights],
      ["LUFFY &lt;γ&gt;", curves[2]!.weights],
    ],
  );
  assert.equal((layout.xaxis as { type: string }).type, "log");
  assert.equal(summary, "Weight g on a demonstration token at p = 0.001: SFT 1, DFT 0.001, LUFFY <γ> 0.0098");
});

test("demonstrationWeights becomes a static SVG with a line a method, in the plot and in the legend", async () => {
  const svg = await demonstrationWeights({ probabilities, curves }).svg();
  assert.equal(svg.match(/class="js-line"/g)?.length, 6);
  assert.match(svg, /weight g\(p\)/);
});

test("demonstrationWeights refuses a curve of another length and names it", () => {
  assert.throws(() => demonstrationWeights({ probabilities, curves: [{ name: "SFT", weights: [1] }] }), {
    name: "RangeError",
    message: /expected 61 weights, one a probability, but found 1 of SFT/,
  });
});
