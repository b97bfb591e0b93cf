import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as library from "../../src/index.ts";
import type { Batch, Objective } from "../../src/srft/batch.ts";
import { demonstrationWeight } from "../../src/srft/losses/demonstration-weight.ts";
import { srftPresets } from "../../src/srft/objectives/srft-presets.ts";

const page = readFileSync(join(import.meta.dirname, "../../../src/srft/METHODS.md"), "utf8");

const rows = page
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| ---") && !line.startsWith("| method"))
  .map((line) =>
    line
      .slice(2, -2)
      .split(" | ")
      .map((cell) => cell.trim()),
  );
const table = rows.filter((cells) => cells.length === 6);
const numbers = rows.filter((cells) => cells.length === 7);
const groups = rows.filter((cells) => cells.length === 8);

/** The objective that a call of the page makes. */
function objectiveOf(call: string): Objective {
  const [, name, argument] = /^`(\w+)\((.*)\)`$/.exec(call)!;
  const make = (library as unknown as Record<string, (options?: object) => Objective>)[name!]!;
  const preset = /srftPresets\.(\w+)/.exec(argument!)?.[1] as keyof typeof srftPresets | undefined;
  if (preset) return make(srftPresets[preset]);
  if (argument === "") return make();
  return make(JSON.parse(argument!.replaceAll(/(\w+):/g, '"$1":')));
}

function needsOf({ rollouts, demonstrations, reference, prefixed }: Objective) {
  const needs = [
    ...(rollouts ? ["rollouts"] : []),
    ...(demonstrations === "none" ? [] : [`demonstrations ${demonstrations}`]),
    ...(reference ? ["reference"] : []),
    ...(prefixed ? [`prefix of ${prefixed === "last" ? "the last" : "all"}`] : []),
  ];
  return needs.join(", ");
}

test("METHODS.md says what data each objective needs", () => {
  assert.equal(table.length, 27);
  for (const [method, call, , , needs] of table) assert.equal(needsOf(objectiveOf(call!)), needs, method);
});

test("METHODS.md names every objective that src/srft/objectives has", () => {
  const folder = join(import.meta.dirname, "../../../src/srft/objectives");
  const makers = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !/(mixed-group|gate|weighted-sum|imitation)\.ts$/.test(file))
    .flatMap((file) => [
      ...readFileSync(join(folder, file), "utf8").matchAll(/^export function (\w+)\(.*?\): Objective \{/gms),
    ])
    .map(([, name]) => name!);
  const named = new Set(table.map(([, call]) => /\w+/.exec(call!)![0]));
  assert.deepEqual([...named].sort(), makers.sort());
  for (const name of named) assert.equal(typeof (library as Record<string, unknown>)[name], "function", name);
});

const probabilities = [0.001, 0.01, 0.1, 0.5, 0.9, 1];

for (const [method, ...cells] of numbers) {
  test(`demonstrationWeight of ${method} is the row of METHODS.md`, () => {
    const objective = objectiveOf(table.find(([name]) => name === method)![1]!);
    const meanOver = ["LUFFY", "RL-PLUS"].includes(method!) ? "all" : "demonstrations";
    for (const [i, probability] of probabilities.entries()) {
      const found = demonstrationWeight(objective, { probability, meanOver });
      assert.equal(Number(found.toPrecision(3)), Number(cells[i]), `p = ${probability}`);
    }
  });
}

/** Four rollouts of one token and a demonstration of one, each with p = 0.5 and H = 0. */
function groupOf(solved: number): Batch {
  const logprobs = new Float64Array(5).fill(Math.log(0.5));
  return {
    offsets: Int32Array.of(0, 1, 2, 3, 4, 5),
    sources: ["rollout", "rollout", "rollout", "rollout", "demonstration"],
    groups: new Int32Array(5),
    rewards: Float64Array.of(...[0, 1, 2, 3].map((row) => (row < solved ? 1 : 0)), 1),
    logprobs,
    entropies: new Float64Array(5),
    referenceLogprobs: logprobs,
    prefixLengths: new Int32Array(5),
  };
}

test("METHODS.md says what each objective does to a token of a group", () => {
  assert.deepEqual(
    groups.map(([method]) => method),
    table.map(([method]) => method),
  );
  for (const [i, [method, ...cells]] of groups.entries()) {
    const { loss } = objectiveOf(table[i]![1]!);
    const [some, none, all] = [1, 0, 4].map((solved) => loss(groupOf(solved)).gradients.logprobs);
    const found = [some![0], some![1], some![4], none![0], none![4], all![0], all![4]];
    const shown = found.map((slope) => Number((-slope!).toPrecision(3)) || 0);
    assert.deepEqual(shown, cells.map(Number), method);
  }
});

test("demonstrationWeight is 0 for objectives of rollouts alone, and follows the entropy in srft", () => {
  assert.equal(demonstrationWeight(library.grpo(), { probability: 0.3 }), 0);
  const at = (preset: keyof typeof srftPresets) =>
    demonstrationWeight(library.srft({ ...srftPresets[preset], std: "none" }), { probability: 1e-9, entropy: 1 });
  assert.ok(Math.abs(at("paper") - 0.5 * Math.exp(-1)) < 1e-6);
  assert.ok(Math.abs(at("released") - 0.5 * Math.exp(1)) < 1e-6);
  assert.throws(() => demonstrationWeight(library.sft(), { probability: 0 }), { name: "RangeError" });
});
