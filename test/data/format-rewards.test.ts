import assert from "node:assert/strict";
import { test } from "node:test";
import { formatReward, splitThought } from "../../src/data/format-rewards.ts";

test("splitThought parts a completion at its tags", () => {
  const expected = { thought: "1 + 1", solution: "It is 2." };
  assert.deepEqual(splitThought("<think>\n1 + 1\n</think>\nIt is 2."), expected);
  assert.deepEqual(splitThought("1 + 1</think>It is 2.", { opening: "prompt" }), expected);
  assert.deepEqual(splitThought("[a]1 + 1[/a]It is 2.", { open: "[a]", close: "[/a]" }), expected);
});

test("splitThought needs each tag once, in order, and nothing before the first", () => {
  const wrong = [
    "",
    "no tags",
    "<think>never closed",
    "closed</think> only",
    "well, <think>a</think> b",
    "<think>a<think>b</think> c",
    "<think>a</think> b</think> c",
    "</think>a<think> b",
  ];
  for (const text of wrong) assert.equal(splitThought(text), undefined, text);
  assert.equal(splitThought("<think>a</think> b", { opening: "prompt" }), undefined);
});

test("formatReward needs a thought, a solution and a box in the solution", () => {
  const reward = formatReward();
  assert.equal(reward("<think>1 + 1</think> It is \\boxed{2}."), 1);
  assert.equal(reward("<think>1 + 1 is \\boxed{2}</think> It is 2."), 0);
  assert.equal(reward("<think> </think> It is \\boxed{2}."), 0);
  assert.equal(reward("<think>1 + 1</think>"), 0);
  assert.equal(reward("<think>1 + 1</think> It is \\boxed{2"), 0);
});

test("formatReward does not need a box if it is optional", () => {
  assert.equal(formatReward({ box: "optional" })("<think>1 + 1</think> It is 2."), 1);
});

test("formatReward refuses empty tags at once", () => {
  assert.throws(() => formatReward({ close: "" }), /^TypeError: splitThought: expected tags but found an empty text/);
});

test("formatReward takes linear time on hostile text", () => {
  const start = performance.now();
  for (const text of [
    "<think>".repeat(15_000),
    "</think>".repeat(15_000),
    `<think>a</think>${"\\boxed{".repeat(14_000)}`,
  ]) {
    assert.equal(formatReward()(text), 0);
  }
  assert.ok(performance.now() - start < 2000);
});
