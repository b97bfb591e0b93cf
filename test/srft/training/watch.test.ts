import assert from "node:assert/strict";
import { test } from "node:test";
import { adaptiveEntropy } from "../../../src/srft/objectives/baselines/adaptive-entropy.ts";
import { grpo } from "../../../src/srft/objectives/grpo.ts";
import { train } from "../../../src/srft/train.ts";
import { watch } from "../../../src/srft/training/watch.ts";
import { bandit, collect, newPolicy, sizes } from "../bandit.ts";

test("watch gives an alarm once its condition has held for `patience` steps in a row", () => {
  const alarms = watch({ entropyFloor: 0.1, patience: 2 });
  const entropies = [0.05, 0.2, 0.05, 0.1, 0.05, 0.11];
  assert.deepEqual(
    entropies.map((entropy) => alarms({ entropy }).join()),
    ["", "", "", "entropy-floor", "entropy-floor", ""],
  );
});

test("watch tells equal rewards and a reached reward apart from their absence", () => {
  const alarms = watch({ reward: 0.9, patience: 1 });
  assert.deepEqual(alarms({ entropy: 1 }), []);
  assert.deepEqual(alarms({ entropy: 1, reward: 0.9, rewardDeviation: 0.1 }), ["reward-reached"]);
  assert.deepEqual(alarms({ entropy: 1, reward: 0, rewardDeviation: 0 }), ["rewards-equal"]);
  assert.throws(() => watch({ patience: 0 }), { name: "RangeError", message: /patience >= 1 but found 0/ });
});

test("train puts alarms into its records and ends on those it is told to", async () => {
  const task = { ...bandit, reward: () => 0 };
  const records = await collect(train(newPolicy(), task, { objective: grpo(), steps: 6, ...sizes }));
  assert.deepEqual(
    records.map(({ alarms }) => alarms.length),
    [0, 0, 1, 1, 1, 1],
  );
  assert.ok(records.every(({ stopped }) => stopped === undefined));
  const stopped = await collect(
    train(newPolicy(), task, { objective: grpo(), steps: 6, ...sizes, stopOn: ["rewards-equal"] }),
  );
  assert.deepEqual([stopped.length, stopped.at(-1)!.stopped], [3, "rewards-equal"]);
});

test("train ends early when the reward is reached", async () => {
  const options = { watch: { reward: 0.8, patience: 2 }, stopOn: ["reward-reached"] as const, steps: 200 };
  const records = await collect(train(newPolicy(), bandit, { objective: grpo(), ...sizes, ...options }));
  assert.ok(records.length < 200 && records.slice(-2).every(({ reward }) => reward! >= 0.8));
});

test("adaptiveEntropy raises the bonus below the target, lowers it above, and applies it only below", () => {
  const bonus = adaptiveEntropy({ target: 0.5, initial: 0.01, delta: 0.01, most: 0.02 });
  assert.deepEqual([undefined, 0.4, 0.5, 0.3, 0.6, 0.4].map(bonus), [0.01, 0.02, 0.02, 0.02, 0, 0.02]);
  assert.throws(() => adaptiveEntropy({ target: 0.5, delta: 0 }), { name: "RangeError" });
});

test("train gives an objective that is a function the step and the record before", async () => {
  const seen: (number | undefined)[][] = [];
  const objective = (step: number, last?: { step: number }) => {
    seen.push([step, last?.step]);
    return grpo({ entropyBonus: 0.01 * step });
  };
  const records = await collect(train(newPolicy(), bandit, { objective, steps: 3, ...sizes }));
  assert.deepEqual(seen, [
    [1, undefined],
    [2, 1],
    [3, 2],
  ]);
  assert.ok(records.every(({ terms }) => terms.entropyBonus! < 0));
});
