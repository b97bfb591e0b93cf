import assert from "node:assert/strict";
import { test } from "node:test";
import { extractBoxed } from "../../src/data/math/boxed.ts";
import { mathReward } from "../../src/data/math/math-reward.ts";

test("extractBoxed takes the last box, with its nested braces", () => {
  assert.equal(extractBoxed("\\boxed{1} then \\boxed{\\frac{1}{2}}."), "\\frac{1}{2}");
  assert.equal(extractBoxed("\\fbox{ 7 }"), "7");
  assert.equal(extractBoxed("\\boxed 5."), "5");
  assert.equal(extractBoxed("\\boxed{\\{1,2\\}}"), "\\{1,2\\}");
  assert.equal(extractBoxed("\\boxed{\\boxed{3}}"), "\\boxed{3}");
  assert.equal(extractBoxed("the set {1, 2 and } so \\boxed{9}"), "9");
});

test("extractBoxed finds nothing where no box is closed", () => {
  assert.equal(extractBoxed("no box"), undefined);
  assert.equal(extractBoxed("\\boxed{1 + {2}"), undefined);
  assert.equal(extractBoxed("\\boxedx{1}"), undefined);
  assert.equal(extractBoxed("\\boxed{4} but then \\boxed{5"), "4");
});

test("extractBoxed joins boxes that stand side by side only if asked", () => {
  const text = "try \\boxed{9}. So $\\boxed{1}$, $\\boxed{2} \\text{ and } \\boxed{3}$.";
  assert.equal(extractBoxed(text), "3");
  assert.equal(extractBoxed(text, { several: "join" }), "1, 2, 3");
});

test("extractBoxed falls back to a phrase or to the last number only if asked", () => {
  assert.equal(extractBoxed("The answer is 5."), undefined);
  assert.equal(extractBoxed("The answer is 5.", { fallbacks: ["answer-is"] }), "5");
  assert.equal(extractBoxed("**Answer:** $\\frac12$ cm.\nBye 7", { fallbacks: ["answer-is"] }), "\\frac12");
  assert.equal(extractBoxed("so the final answer is \\(3.5\\).", { fallbacks: ["answer-is"] }), "3.5");
  assert.equal(extractBoxed("it costs 3 or 1,234.50 dollars", { fallbacks: ["answer-is", "last-number"] }), "1,234.50");
});

const hostile: Readonly<Record<string, string>> = {
  "boxes that never close": "\\boxed{".repeat(15_000),
  "boxes that all close": `${"\\boxed{".repeat(12_000)}1${"}".repeat(12_000)}`,
  "many boxes": "\\boxed{1},".repeat(10_000),
  "spaces after a box": `\\boxed${" ".repeat(100_000)}`,
  phrases: "answer is ".repeat(10_000),
  "digits and commas": "1,111".repeat(20_000),
  "a phrase and dollars": `answer is ${"$".repeat(100_000)}`,
  "a phrase and backslashes": `answer is \\(${"\\a".repeat(50_000)}`,
};

for (const [name, text] of Object.entries(hostile)) {
  test(`extractBoxed answers within two seconds on ${name}`, () => {
    const start = performance.now();
    extractBoxed(text, { several: "join", fallbacks: ["answer-is", "last-number"] });
    mathReward({ gold: "1", fallbacks: ["answer-is", "last-number"] })(text);
    assert.ok(performance.now() - start < 2000, `took ${performance.now() - start} ms`);
  });
}

test("mathReward is 1 for the value of the gold answer and 0 for another or none", () => {
  const reward = mathReward({ gold: "$\\frac{1}{2}$" });
  assert.equal(reward("so \\boxed{0.5}"), 1);
  assert.equal(reward("so \\boxed{2}"), 0);
  assert.equal(reward("so 0.5"), 0);
  assert.equal(reward("\\boxed{0.5} no wait, \\boxed{2}"), 0);
});

test("mathReward takes options of extraction and of comparison", () => {
  assert.equal(mathReward({ gold: "1/3", fallbacks: ["answer-is"], decimals: 2 })("The answer is 0.33."), 1);
  assert.equal(mathReward({ gold: "\\boxed{1} and \\boxed{2}", several: "join" })("\\boxed{2}, \\boxed{1}"), 1);
});

test("mathReward refuses an empty gold answer and a wrong option at once", () => {
  assert.throws(
    () => mathReward({ gold: " $$ " }),
    /^SyntaxError: mathReward: expected a gold answer but found an empty/,
  );
  assert.throws(() => mathReward({ gold: "1", decimals: -1 }), /^RangeError/);
});
