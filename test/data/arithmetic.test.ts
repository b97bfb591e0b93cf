import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  answerIn,
  arithmeticProblem,
  arithmeticReward,
  arithmeticVocabulary,
  decodeArithmetic,
  drawProblem,
  encodeArithmetic,
  factOf,
  type Operator,
} from "../../src/data/arithmetic.ts";
import { createRandom } from "../../src/random.ts";

const example = arithmeticProblem([9, 8, 2, 5], ["-", "+", "+"]);
const text = (tokens: ArrayLike<number>) => decodeArithmetic(tokens);

const problems = fc
  .array(fc.tuple(fc.constantFrom<Operator>("+", "-", "*"), fc.nat(9)), { minLength: 1, maxLength: 5 })
  .chain((tail) =>
    fc.nat(9).map((head) =>
      arithmeticProblem(
        [head, ...tail.map(([, d]) => d)],
        tail.map(([o]) => o),
      ),
    ),
  );

test("arithmeticVocabulary is 21 tokens in a fixed order", () => {
  assert.equal(arithmeticVocabulary.join(" "), "<pad> <bos> <eos> 0 1 2 3 4 5 6 7 8 9 + - * = > [ : ]");
});

test("arithmeticProblem writes the prompt and evaluates from left to right modulo 10", () => {
  assert.equal(text(example.prompt), "<bos> 9 - 8 + 2 + 5 =");
  assert.equal(example.answer, 8);
  assert.equal(arithmeticProblem([2, 3, 4], ["+", "*"]).answer, 0);
  assert.equal(arithmeticProblem([3, 7], ["-"]).answer, 6);
});

test("answerIn writes the three dialects of the same problem", () => {
  assert.equal(text(answerIn("D", example)), "> 8 <eos>");
  assert.equal(text(answerIn("C", example)), "1 3 8 > 8 <eos>");
  assert.equal(text(answerIn("E", example)), "[ 9 - 8 : 1 ] [ 1 + 2 : 3 ] [ 3 + 5 : 8 ] > 8 <eos>");
  assert.equal(text(factOf(example)), "[ 9 - 8 : 1 ] <eos>");
});

test("answerIn without noise is always rewarded", () => {
  fc.assert(
    fc.property(problems, fc.constantFrom("D" as const, "C" as const, "E" as const), (problem, dialect) => {
      assert.equal(arithmeticReward(problem, answerIn(dialect, problem)), 1);
    }),
  );
});

test("answerIn with noise goes on from the wrong result, and errs as often as it is told", () => {
  const random = createRandom(5);
  let wrong = 0;
  for (let i = 0; i < 5000; i++) {
    const noisy = answerIn("E", example, { random, error: 0.2 });
    const digits = text(noisy)
      .match(/\[ (\d) . \d : (\d) \]/g)!
      .map((step) => [step[2], step[10]]);
    assert.equal(digits[1]![0], digits[0]![1]);
    assert.equal(text(noisy).at(-7), digits.at(-1)![1]);
    if (digits[0]![1] !== "1") wrong++;
  }
  assert.ok(Math.abs(wrong / 5000 - 0.2 * 0.9) < 0.02);
});

test("arithmeticReward wants exactly one >, then the right digit, then the end", () => {
  const reward = (completion: string) => arithmeticReward(example, encodeArithmetic(completion));
  assert.equal(reward("> 8 <eos>"), 1);
  assert.equal(reward("1 + + 8 > 8 <eos>"), 1);
  for (const bad of [
    "> 7 <eos>",
    "> 8",
    "8 <eos>",
    "> > 8 <eos>",
    "> 8 > 8 <eos>",
    "> 8 8 <eos>",
    "8 > <eos>",
    "",
    "<eos>",
  ]) {
    assert.equal(reward(bad), 0, bad);
  }
});

test("arithmeticReward is 1 for any text without > before the right ending, and for no other ending", () => {
  const body = fc.array(fc.integer({ min: 3, max: 16 }), { maxLength: 10 });
  fc.assert(
    fc.property(problems, body, fc.nat(9), (problem, tokens, digit) => {
      const completion = [...tokens, ...encodeArithmetic(`> ${digit} <eos>`)];
      assert.equal(arithmeticReward(problem, completion), digit === problem.answer ? 1 : 0);
      assert.equal(arithmeticReward(problem, completion.slice(0, -1)), 0);
      assert.equal(arithmeticReward(problem, [17, ...completion]), 0);
    }),
  );
});

test("encodeArithmetic and decodeArithmetic are inverse", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20)), (tokens) => {
      assert.deepEqual([...encodeArithmetic(decodeArithmetic(tokens))], tokens);
    }),
  );
});

test("drawProblem keeps to its numbers of operands and operators, and contains what it must", () => {
  const random = createRandom(9);
  const counts = new Float64Array(7);
  for (let i = 0; i < 2000; i++) {
    const { operands, operators } = drawProblem(random, { operands: [2, 4], operators: "+-*", containing: "*" });
    counts[operands.length]!++;
    assert.ok(operators.includes("*"));
  }
  assert.ok([2, 3, 4].every((n) => Math.abs(counts[n]! - 667) < 100));
});

test("arithmetic refuses what is not in its language", () => {
  assert.throws(() => encodeArithmetic("1 % 2"), { name: "SyntaxError", message: /but found "%" at position 1/ });
  assert.throws(() => decodeArithmetic([3, 21]), {
    name: "RangeError",
    message: /\[0, 21\) but found 21 at position 1/,
  });
  assert.throws(() => arithmeticProblem([1], []), { name: "RangeError", message: /at least 1 operator/ });
  assert.throws(() => arithmeticProblem([1, 12], ["+"]), { name: "RangeError", message: /digits 0-9 but found 12/ });
});
