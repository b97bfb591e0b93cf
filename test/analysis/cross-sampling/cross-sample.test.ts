import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type CrossAnswer,
  type CrossSampleOptions,
  crossSample,
} from "../../../src/analysis/cross-sampling/cross-sample.ts";
import type { Swapper } from "../../../src/analysis/cross-sampling/swap-plan.ts";
import type { Problem } from "../../../src/srft/task.ts";
import { chain, contextLength, exactDistribution, scripted } from "./chain.ts";

const start: Problem = { prompt: [0] };
/** 1 for completions that end. */
const task = {
  reward: (_: Problem, completion: ArrayLike<number>) => (completion[completion.length - 1] === 4 ? 1 : 0),
};

async function collect(a: Swapper, b: Swapper, options: Partial<CrossSampleOptions<Problem>> = {}) {
  const answers: CrossAnswer[] = [];
  for await (const answer of crossSample(a, b, { task, problems: [start], ...options })) answers.push(answer);
  return answers;
}

const written = (answers: readonly CrossAnswer[]) => answers.map(({ completion }) => [...completion]);

// after 0 1 2 3 4: a writes 1 2 3 4, b turns back from 2 to 1
const forth = scripted([1, 2, 3, 4, 4]);
const back = scripted([1, 2, 1, 4, 4]);

test("crossSample puts the other's token where the two differ, as often as the budget says", async () => {
  const answers = await collect(forth, back, { budget: [1, 2], writers: ["a"] });
  assert.deepEqual(written(answers), [
    [1, 2, 3, 4],
    [1, 2, 1, 2, 3, 4],
    [1, 2, 1, 2, 1, 2, 3, 4],
  ]);
  assert.deepEqual(
    answers.map(({ budget, swaps, changed, reward }) => [budget, [...swaps], changed, reward]),
    [
      [0, [], 0, 1],
      [1, [2], 1, 1],
      [2, [2, 4], 2, 1],
    ],
  );
});

test("crossSample's other direction lets the other write", async () => {
  const answers = await collect(forth, back, { budget: [1], writers: ["b"], maxTokens: 6 });
  assert.deepEqual(written(answers), [
    [1, 2, 1, 2, 1, 2],
    [1, 2, 3, 4],
  ]);
  assert.deepEqual(
    answers.map(({ writer, reward }) => [writer, reward]),
    [
      ["b", 0],
      ["b", 1],
    ],
  );
});

test("crossSample ends a completion where the other's token ends it, or it is as long as it may be", async () => {
  const ending = scripted([1, 2, 4, 4, 4]);
  const [, swapped] = await collect(forth, ending, { budget: [1], writers: ["a"] });
  assert.deepEqual([...swapped!.completion], [1, 2, 4]);
  const [, last] = await collect(forth, back, { budget: [1], writers: ["a"], maxTokens: 3 });
  assert.deepEqual([...last!.completion], [1, 2, 1]);
});

test("crossSample counts a swap that draws the writer's own token as a swap that changed nothing", async () => {
  const certain = [0, 9, -9];
  const likely = [0, 2, -9];
  const [, swapped] = await collect(chain([certain, [0, 0, 0], [0, 0, 0]]), chain([likely, [0, 0, 0], [0, 0, 0]]), {
    budget: [1],
    writers: ["a"],
    temperature: 0,
    when: { measure: "js", above: 0.001 },
    maxTokens: 1,
  });
  assert.deepEqual([[...swapped!.completion], [...swapped!.swaps], swapped!.changed], [[1], [0], 0]);
});

test("crossSample with every position swapped and no budget writes as the other does", async () => {
  const [a, b] = [chain(logits(1)), chain(logits(2))];
  for (const when of [
    { measure: "random", share: 1 },
    { measure: "tv", topShare: 1 },
  ] as const) {
    const swapped = await collect(a, b, { when, temperature: 0, budget: [Infinity] });
    const alone = swapped.filter(({ budget }) => budget === 0);
    const all = swapped.filter(({ budget }) => budget === Infinity);
    assert.deepEqual(written(all), written(alone).reverse());
  }
});

test("crossSample swaps nothing between a policy and itself", async () => {
  const policy = chain(logits(3));
  for (const when of [
    { measure: "js", above: 0 },
    { measure: "kl", topShare: 0.5 },
  ] as const) {
    const answers = await collect(policy, policy, { when, samples: 20, budget: [Infinity] });
    assert.ok(answers.every(({ swaps }) => swaps.length === 0));
  }
});

test("crossSample takes only the top share of the writer's own positions", async () => {
  // js of forth and back is ln 2 after 2 and 0 elsewhere: 1 position of 4
  const quarter = await collect(forth, back, { when: { measure: "js", topShare: 0.25 }, budget: [1], writers: ["a"] });
  assert.deepEqual([quarter[1]!.threshold, [...quarter[1]!.swaps]], [0, [2]]);
  const none = await collect(forth, back, { when: { measure: "js", above: Math.LN2 }, budget: [1], writers: ["a"] });
  assert.deepEqual([...none[1]!.swaps], []);
});

test("crossSample's KL is KL(b‖a) whoever writes, and its entropy the writer's", async () => {
  const a = chain([
    [0, 0, -Infinity],
    [0, 0, 0],
    [0, 0, 0],
  ]);
  const b = chain([
    [0, -Infinity, -Infinity],
    [0, 0, 0],
    [0, 0, 0],
  ]);
  const options = { budget: [1], maxTokens: 1 };
  const swapsOf = async (when: CrossSampleOptions<Problem>["when"]) =>
    (await collect(a, b, { ...options, when: when! }))
      .filter(({ budget }) => budget === 1)
      .map(({ swaps }) => swaps.length);
  assert.deepEqual(await swapsOf({ measure: "kl", above: 0.69 }), [1, 1]); // KL(b‖a) = ln 2
  assert.deepEqual(await swapsOf({ measure: "kl", above: 0.7 }), [0, 0]);
  assert.deepEqual(await swapsOf({ measure: "reverseKl", above: 1e300 }), [1, 1]); // KL(a‖b) = Infinity
  assert.deepEqual(await swapsOf({ measure: "entropy", above: 0.1 }), [1, 0]); // ln 2 and 0
});

const logits = (seed: number) =>
  Array.from({ length: 3 }, (_, i) => Array.from({ length: 3 }, (_, v) => 1.5 * Math.sin(seed + 7 * i + 3 * v)));

for (const budget of [0, 1, 2, Infinity]) {
  test(`crossSample's completions with budget ${budget} are distributed as a token-by-token computation says`, async () => {
    const [writer, other] = [logits(1), logits(4)];
    const samples = 20_000;
    const exact = exactDistribution({ writer, other, above: 0.05, budget, maxTokens: 3 }, 0);
    const answers = await collect(chain(writer), chain(other), {
      when: { measure: "js", above: 0.05 },
      budget: [budget],
      ...{ writers: ["a"], samples, maxTokens: 3, seed: 11, batchSize: samples },
    });
    const counts = new Map<string, number>();
    for (const answer of answers.filter((one) => one.budget === budget)) {
      const text = answer.completion.join(" ");
      counts.set(text, (counts.get(text) ?? 0) + 1);
    }
    let chiSquare = 0;
    for (const [text, probability] of exact) {
      const expected = samples * probability;
      chiSquare += ((counts.get(text) ?? 0) - expected) ** 2 / expected;
    }
    assert.ok([...counts.keys()].every((text) => exact.has(text)));
    const freedom = exact.size - 1;
    assert.ok(chiSquare < freedom + 4 * Math.sqrt(2 * freedom), `chi² ${chiSquare} of ${freedom} degrees of freedom`);
  });
}

test("crossSample swaps at some positions in the distributions that are compared", () => {
  const [writer, other] = [logits(1), logits(4)];
  const of = (budget: number) => exactDistribution({ writer, other, above: 0.05, budget, maxTokens: 3 }, 0);
  const moved = [...of(0)].reduce((sum, [text, p]) => sum + Math.abs(p - of(Infinity).get(text)!), 0) / 2;
  assert.ok(moved > 0.2, `total variation ${moved}`);
});

const matrix = fc.array(fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 4, maxLength: 4 }), {
  minLength: 4,
  maxLength: 4,
});
const prompts = fc.array(fc.array(fc.nat(2), { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 5 });

test("crossSample's budgets of one chain share their beginning, and swaps are where they are said to be", async () => {
  await fc.assert(
    fc.asyncProperty(matrix, matrix, prompts, fc.nat(1000), async (p, q, all, seed) => {
      const problems = all.map((prompt) => ({ prompt }));
      const maxTokens = contextLength - Math.max(...all.map((prompt) => prompt.length));
      const options = { problems, maxTokens, seed, budget: [1, 2, Infinity], samples: 2, batchSize: 3 };
      const answers = await collect(chain(p), chain(q), options);
      assert.equal(answers.length, 2 * 2 * problems.length * 4);
      for (let i = 0; i < answers.length; i++) {
        const { budget, swaps, completion, changed } = answers[i]!;
        assert.ok(swaps.length <= budget && changed <= swaps.length);
        assert.ok(completion.length >= 1 && completion.length <= maxTokens);
        assert.ok(completion.indexOf(3) === -1 || completion.indexOf(3) === completion.length - 1);
        assert.ok(swaps.every((at, k) => at < completion.length && (k === 0 || at > swaps[k - 1]!)));
        if (budget === 0) continue;
        const before = answers[i - 1]!;
        const shared = swaps[before.swaps.length] ?? completion.length;
        assert.deepEqual(completion.subarray(0, shared), before.completion.subarray(0, shared));
        assert.deepEqual(swaps.subarray(0, before.swaps.length), before.swaps);
      }
    }),
    { numRuns: 100 },
  );
});

test("crossSample gives the same bits for the same seed and other texts for another", async () => {
  const run = (seed: number) => collect(chain(logits(1)), chain(logits(4)), { seed, samples: 30 });
  assert.deepEqual(await run(5), await run(5));
  assert.notDeepEqual(await run(5), await run(6));
});

test("crossSample can be broken off", async () => {
  const seen: number[] = [];
  const problems = [start, start, start];
  for await (const { problem } of crossSample(forth, back, { task, problems, budget: [], batchSize: 1 })) {
    seen.push(problem);
    if (problem === 1) break;
  }
  assert.deepEqual(seen, [0, 1]);
});

const refusals: Record<string, [Partial<CrossSampleOptions<Problem>>, RegExp]> = {
  "no problems": [{ problems: [] }, /^RangeError: crossSample: expected at least one problem but found none$/],
  "a negative budget": [{ budget: [-1] }, /^RangeError: .*integers >= 0 or Infinity but found -1$/],
  "half a swap": [{ budget: [0.5] }, /^RangeError: .*found 0\.5$/],
  "an unknown measure": [{ when: { measure: "cosine", above: 1 } as never }, /^TypeError: .*"cosine"$/],
  "a threshold below 0": [{ when: { measure: "js", above: -1 } }, /^RangeError: .*when\.above >= 0 but found -1$/],
  "no threshold at all": [
    { when: { measure: "js" } as never },
    /^RangeError: .*when\.share in \(0, 1\] but found undefined$/,
  ],
  "a share of 0": [{ when: { measure: "random", share: 0 } }, /^RangeError: .*when\.share in \(0, 1\] but found 0$/],
  "a top share above 1": [
    { when: { measure: "kl", topShare: 2 } },
    /^RangeError: .*when\.topShare in \(0, 1\] but found 2$/,
  ],
  "a writer that is neither": [{ writers: ["c" as "a"] }, /^RangeError: .*found \["c"\]$/],
  "no writer": [{ writers: [] }, /^RangeError: .*found \[\]$/],
  "no samples": [{ samples: 0 }, /^RangeError: .*samples >= 1 but found 0$/],
  "a batch of none": [{ batchSize: 0 }, /^RangeError: .*batchSize >= 1 but found 0$/],
  "a temperature below 0": [{ temperature: -1 }, /^RangeError: .*temperature >= 0 but found -1$/],
  "a completion beyond the context": [
    { maxTokens: 12 },
    /^RangeError: .*<= 12, the smaller context, but found 1 \+ 12/,
  ],
  "a prompt that fills the context": [
    { problems: [{ prompt: Array(12).fill(0) }] },
    /^RangeError: .*maxTokens >= 1 but found 0$/,
  ],
};
for (const [what, [options, message]] of Object.entries(refusals)) {
  test(`crossSample refuses ${what} at once`, () => {
    assert.throws(() => crossSample(forth, back, { task, problems: [start], ...options }), message);
  });
}

test("crossSample refuses policies of different vocabularies", () => {
  assert.throws(
    () => crossSample(forth, scripted([1, 2, 2]), { task, problems: [start] }),
    /^RangeError: crossSample: expected policies of one vocabulary but found sizes 5 and 3/,
  );
});

test("crossSample names the prompt whose reward is not finite", async () => {
  const unrewarded = { reward: () => Number.NaN };
  await assert.rejects(
    collect(forth, back, { task: unrewarded }),
    /^RangeError: crossSample: expected a finite reward but found NaN for the prompt of ids 0$/,
  );
});
