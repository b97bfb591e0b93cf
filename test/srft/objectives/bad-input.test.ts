import assert from "node:assert/strict";
import { test } from "node:test";
import type { Batch } from "../../../src/srft/batch.ts";
import { sft } from "../../../src/srft/objectives/sft.ts";
import { srft } from "../../../src/srft/objectives/srft.ts";
import { makers, relativesBatch } from "./relatives.ts";

const all = { ...makers, sft, srft };
const made = Object.entries(all).map(
  ([name, make]) => [name, (make as (options: object) => ReturnType<typeof sft>)({ maxTokens: 5 })] as const,
);
const good = relativesBatch("old reference prefix");
const last = good.logprobs.length - 1;
const changed = <T extends Float64Array>(values: unknown, at: number, value: number) => {
  const copy = Float64Array.from(values as T);
  copy[at] = value;
  return copy;
};

const cases: readonly [string, Partial<Batch>, RegExp][] = [
  ["rewards of the wrong length", { rewards: good.rewards.slice(1) }, /expected rewards of length 10 .* but found 9/],
  ["a reward that is NaN", { rewards: changed(good.rewards, 4, Number.NaN) }, /finite reward but found NaN in row 4/],
  ["a log-prob > 0", { logprobs: changed(good.logprobs, last, 0.5) }, /<= 0 but found 0.5 in row 9 \(demonstration\)/],
  ["a log-prob of −∞", { logprobs: changed(good.logprobs, 0, -Infinity) }, /found -Infinity in row 0 \(rollout\)/],
  ["a reference log-prob > 0", { referenceLogprobs: changed(good.referenceLogprobs, 0, 1) }, /found 1 in row 0/],
  ["a negative entropy", { entropies: changed(good.entropies, 0, -1) }, /entropies >= 0 but found -1 in row 0/],
  ["a mask of the wrong length", { mask: Uint8Array.of(1) }, /expected mask of length 25 .* but found 1/],
  ["an all-masked batch", { mask: new Uint8Array(good.logprobs.length) }, /token that counts but found none/],
  [
    "a prefix longer than its row",
    { prefixLengths: new Int32Array(10).fill(4) },
    /prefix of 0 to 3 tokens but found 4 in row 0/,
  ],
];

for (const [what, change, message] of cases) {
  test(`every objective refuses ${what} and names itself`, () => {
    for (const [name, objective] of made) {
      assert.throws(
        () => objective.loss({ ...good, ...change }),
        (error: Error) => error instanceof RangeError && message.test(error.message) && error.message.startsWith(name),
        name,
      );
    }
  });
}

test("every objective with a ratio refuses one that overflows and names the row", () => {
  const overflowing = { ...good, logprobs: good.logprobs.map(() => 0), oldLogprobs: good.logprobs.map(() => -800) };
  for (const name of ["grpo", "dapo", "gspo", "cispo", "luffy", "rlPlus", "chord", "hpt", "uft", "prefixRft", "psft"]) {
    const [, objective] = made.find(([one]) => one === name)!;
    assert.throws(() => objective.loss(overflowing as Batch), {
      name: "RangeError",
      message: new RegExp(
        `${name}: expected a finite ratio but found exp\\((800|799\\.9+)\\) in row ${name === "psft" ? 7 : 0}`,
      ),
    });
  }
});

test("objectives that need more than the batch has say how to get it", () => {
  const { referenceLogprobs: _, prefixLengths: __, ...plain } = good;
  for (const [name, message] of [
    ["sftKl", /give train a reference policy/],
    ["iwSft", /give train a reference policy/],
    ["prefixRft", /give train a prefixShare/],
    ["uft", /give train a prefixShare/],
  ] as const) {
    assert.throws(() => made.find(([one]) => one === name)![1].loss(plain), { name: "TypeError", message });
  }
});

test("objectives refuse options out of range", () => {
  const refuses = (make: () => unknown, message: RegExp) => assert.throws(make, { name: "RangeError", message });
  refuses(() => makers.chord({ mu: 1.5 }), /mu in \[0, 1\] but found 1.5/);
  refuses(() => makers.hpt({ threshold: -1 }), /threshold in \[0, 1\]/);
  refuses(() => makers.hpt({ sftScale: Number.NaN }), /sftScale >= 0 but found NaN/);
  refuses(() => makers.luffy({ shaping: { gamma: 0 } }), /luffy: expected a positive shaping.gamma/);
  refuses(() => makers.rlPlus({ uniform: 0 }), /uniform > 0/);
  refuses(() => makers.uft({ hintScale: -1 }), /hintScale >= 0/);
  refuses(() => makers.prefixRft({ prefixEntropyShare: 0 }), /prefixEntropyShare in \(0, 1\]/);
  refuses(() => makers.iwSft({ range: [2, 1] }), /0 <= least <= most/);
  refuses(() => makers.psft({ clipRange: [2, 0] }), /psft: expected a clipRange/);
  refuses(() => makers.sftKl({ coefficient: -0.1 }), /kl.coefficient >= 0/);
  refuses(() => makers.wReinforce({ positiveWeight: Infinity }), /positiveWeight/);
  refuses(() => makers.reinforcePlusPlus({ discount: 2 }), /discount in \[0, 1\]/);
  refuses(() => makers.grpo({ entropyShare: 2 }), /entropyShare in \(0, 1\]/);
  refuses(() => makers.drGrpo({ maxTokens: 0 }).loss(good), /positive constant length/);
});
