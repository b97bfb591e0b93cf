import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { countdownReward, countdownVerdict, drawCountdown } from "../../src/data/countdown.ts";
import { createRandom } from "../../src/random.ts";

const problem = { numbers: [25, 5, 3], target: 60 };
const reasonOf = (expression: string, use: "all" | "some" = "all") => {
  const verdict = countdownVerdict(problem, expression, { use });
  return verdict.solved ? "solved" : verdict.reason;
};

test("countdownVerdict accepts any spelling of the operators", () => {
  for (const expression of ["(25 - 5) * 3", "3×(25−5)", "3 \\times (25 - 5)", "((25-5)·3)"]) {
    assert.equal(reasonOf(expression), "solved", expression);
  }
});

test("countdownVerdict computes with exact fractions", () => {
  assert.deepEqual(countdownVerdict({ numbers: [8, 8, 3, 3], target: 24 }, "8 / (3 - 8 / 3)"), { solved: true });
  assert.deepEqual(countdownVerdict({ numbers: [1, 3, 3], target: 1 }, "1 / 3 * 3"), { solved: true });
});

test("countdownVerdict says what is wrong", () => {
  assert.equal(reasonOf("25 + 5 * 3"), "it is 40, not 60");
  assert.equal(reasonOf("25 / (5 * 3)"), "it is 5/3, not 60");
  assert.equal(reasonOf("5 * 5 * 3 - 15"), "5 is used 2 times, given 1");
  assert.equal(reasonOf("60"), "60 is used 1 times, given 0");
  assert.equal(reasonOf("25 + 5"), "3 is given 1 times, used 0");
  assert.equal(reasonOf("25 + 5", "some"), "it is 30, not 60");
  assert.equal(reasonOf("25 / (5 - 5)", "some"), "rational: expected a denominator other than 0 but found 0");
});

test("countdownVerdict refuses what is no expression", () => {
  assert.match(reasonOf(""), /expected a number or \( but found the end/);
  assert.match(reasonOf("-25 + 5"), /found "-" at token 0/);
  assert.match(reasonOf("25 5 3"), /found "5" at token 1/);
  assert.match(reasonOf("(25 - 5) * 3 = 60"), /found "=" at token 7/);
  assert.match(reasonOf("(25 - 5 * 3"), /expected \) at token 6/);
  assert.match(reasonOf("process.exit()"), /found "p" at token 0/);
  assert.match(reasonOf("2.5"), /found "\." at token 1/);
});

test("countdownVerdict takes bounded time on hostile text", () => {
  const start = performance.now();
  for (const text of [
    "(".repeat(100_000),
    "9".repeat(100_000),
    "1+".repeat(499),
    "(".repeat(900),
    "1/3*".repeat(249),
  ]) {
    assert.notEqual(reasonOf(text), "solved");
  }
  assert.ok(performance.now() - start < 2000);
});

test("countdownVerdict with use some lets numbers be left out", () => {
  assert.deepEqual(countdownVerdict({ numbers: [3, 4, 9], target: 7 }, "3 + 4", { use: "some" }), { solved: true });
  assert.equal(countdownVerdict({ numbers: [3, 4, 9], target: 7 }, "3 + 4").solved, false);
});

test("countdownReward reads the last answer tag, or else the last line", () => {
  const reward = countdownReward({ numbers: [3, 4], target: 7 });
  assert.equal(reward("try <answer>3 * 4</answer> no, <answer> 3 + 4 </answer>."), 1);
  assert.equal(reward("<answer>3 + 4</answer> no, <answer>3 * 4</answer>"), 0);
  assert.equal(reward("I add them:\n4 + 3\n"), 1);
  assert.equal(reward("<answer>3 + 4"), 0);
  assert.equal(reward(""), 0);
});

test("drawCountdown draws problems that its solution solves, with all numbers", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 2, max: 6 }), (seed, count) => {
      const { numbers, target, solution } = drawCountdown(createRandom(seed), { count });
      assert.deepEqual(countdownVerdict({ numbers, target }, solution), { solved: true });
      assert.ok(numbers.length === count && target >= 1 && target <= 99 && !numbers.includes(target));
    }),
  );
});

test("drawCountdown draws the same problem from the same seed", () => {
  assert.deepEqual(drawCountdown(createRandom(7)), drawCountdown(createRandom(7)));
  assert.notDeepEqual(drawCountdown(createRandom(7)), drawCountdown(createRandom(8)));
});

test("drawCountdown refuses options out of range", () => {
  const random = createRandom(7);
  assert.throws(() => drawCountdown(random, { count: 1 }), /expected an integer count in \[2, 8\] but found 1/);
  assert.throws(() => drawCountdown(random, { largestTarget: 0.5 }), /^RangeError: drawCountdown: .* but found 0\.5/);
  assert.throws(
    () => drawCountdown(random, { count: 2, largestNumber: 1, largestTarget: 1 }),
    /found none in 10000 draws/,
  );
});
