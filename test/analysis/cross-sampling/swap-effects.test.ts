import assert from "node:assert/strict";
import { test } from "node:test";
import { type SwapEffect, swapEffects } from "../../../src/analysis/cross-sampling/swap-effects.ts";
import type { SwapOptions, Swapper } from "../../../src/analysis/cross-sampling/swap-plan.ts";
import type { Problem } from "../../../src/srft/task.ts";
import { chain, scripted } from "./chain.ts";

const start: Problem = { prompt: [0] };
/** The share of 1s, so that rewards say how a text went on. */
const task = {
  reward: (_: Problem, completion: ArrayLike<number>) => Array.from(completion).filter((id) => id === 1).length,
};

async function collect(a: Swapper, b: Swapper, options: Partial<SwapOptions<Problem>> = {}) {
  const effects: SwapEffect[] = [];
  const given = { task, problems: [start], writers: ["a"] as const, ...options };
  for await (const effect of swapEffects(a, b, given)) effects.push(effect);
  return effects;
}

// after 0 1 2 3 4: a writes 1 2 3 4, b turns back from 2 to 1
const forth = scripted([1, 2, 3, 4, 4]);
const back = scripted([1, 2, 1, 4, 4]);

test("swapEffects replaces one token, lets the writer finish, and compares the rewards", async () => {
  const [effect, ...others] = await collect(forth, back, { samples: 3 });
  assert.deepEqual(others, []);
  const { position, token, otherToken, measured } = effect!;
  assert.deepEqual([position, token, otherToken, measured], [2, 3, 1, Math.LN2]);
  assert.deepEqual([...effect!.completion], [1, 2, 3, 4]);
  assert.deepEqual([...effect!.rewards], [1, 1, 1]); // 1 2 3 4
  assert.deepEqual([...effect!.otherRewards], [2, 2, 2]); // 1 2 1 2 3 4
  assert.equal(effect!.effect, 1);
});

test("swapEffects' other direction, where the other's token ends the text", async () => {
  const ending = scripted([1, 2, 4, 4, 4]);
  const effects = await collect(ending, forth, { writers: ["b"], samples: 2 });
  assert.deepEqual(
    effects.map(({ writer, position, token, otherToken, effect }) => [writer, position, token, otherToken, effect]),
    [["b", 2, 3, 4, 0]],
  );
});

test("swapEffects gives 0 where the two choose the same token, with the rewards of one set of continuations", async () => {
  const [a, b] = [
    chain([
      [0, 5, 0],
      [0, 0, 9],
      [0, 0, 0],
    ]),
    chain([
      [0, 2, 0],
      [0, 0, 9],
      [0, 0, 0],
    ]),
  ];
  const options = { when: { measure: "js", above: 0.001 }, temperature: 0, maxTokens: 4 } as const;
  const [effect] = await collect(a, b, options);
  assert.deepEqual([effect!.token, effect!.otherToken, effect!.effect], [1, 1, 0]);
  assert.equal(effect!.rewards, effect!.otherRewards);
});

test("swapEffects at temperature 0 needs one continuation, whatever samples says", async () => {
  const [effect] = await collect(forth, back, { temperature: 0, samples: 5 });
  assert.deepEqual([effect!.rewards.length, effect!.effect], [1, 1]);
});

test("swapEffects' mean over many continuations is the exact expectation", async () => {
  // after 0: 1 or 2; after 1: 1 with probability 1/2, else the end, so 1 is followed by one 1 more on average; after 2: the end
  const rows = (first: readonly number[]) => [first, [-Infinity, 0, -Infinity, 0], [-9e9, -9e9, -9e9, 0], [0, 0, 0, 0]];
  const a = chain(rows([-Infinity, -Infinity, 0, -Infinity]));
  const b = chain(rows([-Infinity, 0, -Infinity, -Infinity]));
  const [effect] = await collect(a, b, { samples: 20_000, maxTokens: 11, seed: 5 });
  assert.deepEqual([effect!.position, effect!.token, effect!.otherToken], [0, 2, 1]);
  // 1 + Σ_{k=1..10} 2^-k ones; the standard error is about 0.01
  assert.ok(Math.abs(effect!.effect - (2 - 2 ** -10)) < 0.04, `${effect!.effect}`);
});

test("swapEffects takes every position, in order, where the control says so, and the top share where that", async () => {
  const all = await collect(forth, back, { when: { measure: "random", share: 1 }, problems: [start, start] });
  assert.deepEqual(
    all.map(({ problem, position }) => [problem, position]),
    [0, 1].flatMap((problem) => [0, 1, 2, 3].map((position) => [problem, position])),
  );
  assert.deepEqual(
    all.slice(0, 4).map(({ effect }) => effect),
    [0, 0, 1, 0],
  );
  const top = await collect(forth, back, { when: { measure: "js", topShare: 0.25 } });
  assert.deepEqual(
    top.map(({ position }) => position),
    [2],
  );
});

test("swapEffects is the same for any batch size at temperature 0", async () => {
  const problems = [start, { prompt: [1] }, { prompt: [0, 1, 2] }];
  const options = { problems, temperature: 0, when: { measure: "random", share: 1 } } as const;
  assert.deepEqual(
    await collect(forth, back, { ...options, batchSize: 1 }),
    await collect(forth, back, { ...options, batchSize: 100 }),
  );
});

test("swapEffects refuses bad options at once, by its own name", () => {
  assert.throws(
    () => swapEffects(forth, back, { task, problems: [] }),
    /^RangeError: swapEffects: expected at least one/,
  );
  assert.throws(
    () => swapEffects(forth, back, { task, problems: [start], samples: 0 }),
    /^RangeError: swapEffects: expected an integer samples >= 1 but found 0$/,
  );
});
