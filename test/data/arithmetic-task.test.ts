import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeArithmetic } from "../../src/data/arithmetic.ts";
import { type DocumentVariant, documentMixes } from "../../src/data/arithmetic-documents.ts";
import { arithmeticTask } from "../../src/data/arithmetic-task.ts";
import { createRandom } from "../../src/random.ts";

const task = arithmeticTask({ seed: 7 });
const shape = ({ operands, operators }: { operands: readonly number[]; operators: readonly string[] }) => ({
  count: operands.length,
  operators: [...new Set(operators)].sort().join(""),
});

test("arithmeticTask trains on + and - with 2-4 operands", () => {
  assert.equal(task.problems.length, 2000);
  for (const { count, operators } of task.problems.map(shape)) {
    assert.ok(count >= 2 && count <= 4 && /^[+-]+$/.test(operators));
  }
});

test("arithmeticTask's splits contain what they claim", () => {
  const shapes = Object.fromEntries(Object.entries(task.splits).map(([name, split]) => [name, split.map(shape)]));
  assert.deepEqual(Object.keys(shapes), ["id", "ood-op", "ood-length"]);
  for (const split of Object.values(shapes)) assert.equal(split.length, 300);
  assert.ok(shapes.id!.every(({ count, operators }) => count <= 4 && !operators.includes("*")));
  assert.ok(shapes["ood-op"]!.every(({ count, operators }) => count <= 4 && operators.includes("*")));
  assert.ok(
    shapes["ood-length"]!.every(({ count, operators }) => count >= 5 && count <= 6 && !operators.includes("*")),
  );
});

test("arithmeticTask's texts are rewarded demonstrations of the split id, in the dialect asked for", () => {
  for (const [i, { prompt, completion }] of task.texts.entries()) {
    assert.deepEqual(prompt, task.splits.id[i]!.prompt);
    assert.equal(task.reward(task.splits.id[i]!, completion), 1);
    assert.match(task.decode(completion), /^\[ /);
  }
  const chain = arithmeticTask({ seed: 7, demonstrationDialect: "C" });
  assert.match(chain.decode(chain.demonstration(chain.problems[0]!)), /^[\d ]+> \d <eos>$/);
});

test("arithmeticTask is determined by its seed, and a split does not depend on the size of another", () => {
  const prompts = (one: ReturnType<typeof arithmeticTask>) => one.problems.map(({ prompt }) => task.decode(prompt));
  assert.deepEqual(prompts(arithmeticTask({ seed: 7 })), prompts(task));
  assert.notDeepEqual(prompts(arithmeticTask({ seed: 8 })), prompts(task));
  assert.deepEqual(arithmeticTask({ seed: 7, problems: 10 }).splits, task.splits);
});

test("arithmeticTask refuses options out of range", () => {
  assert.throws(() => arithmeticTask({ seed: -1 }), { name: "RangeError" });
  assert.throws(() => arithmeticTask({ seed: 1, problems: 0 }), { name: "RangeError", message: /problems >= 1/ });
  assert.throws(() => arithmeticTask({ seed: 1, operands: [1, 4] }), { name: "RangeError", message: /operands/ });
  assert.throws(() => arithmeticTask({ seed: 1, operators: "+/" }), { name: "RangeError", message: /found "\+\/"/ });
});

const kindOf = (document: string) => {
  if (/^<bos> \[/.test(document)) return "facts";
  if (/= \[/.test(document)) return "E";
  return /= >/.test(document) ? "D" : "C";
};

for (const variant of ["foreign", "in-support", "rare"] as const satisfies readonly DocumentVariant[]) {
  test(`document draws the mix "${variant}" in its shares`, () => {
    const random = createRandom(11);
    const draws = 10_000;
    const counts = { facts: 0, D: 0, C: 0, E: 0 };
    for (let i = 0; i < draws; i++) {
      const { prompt, completion } = task.document(random, variant);
      counts[kindOf(decodeArithmetic([...Array.from(prompt), ...Array.from(completion)]))]++;
    }
    const mix = documentMixes[variant];
    const shares = { facts: mix.facts, D: mix.D.share, C: mix.C.share, E: mix.E.share };
    assert.ok(Math.abs(Object.values(shares).reduce((a, b) => a + b) - 1) < 1e-12);
    for (const [kind, share] of Object.entries(shares)) {
      const found = counts[kind as keyof typeof counts] / draws;
      assert.ok(Math.abs(found - share) < 0.02, `${kind}: ${found} instead of ${share}`);
    }
    if (variant === "foreign") assert.equal(counts.E, 0);
  });
}

test("document repeats itself under the same seed", () => {
  const draw = () => {
    const random = createRandom(4);
    return Array.from({ length: 50 }, () => task.document(random, "in-support"));
  };
  assert.deepEqual(draw(), draw());
});
