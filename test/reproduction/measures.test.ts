import assert from "node:assert/strict";
import { test } from "node:test";
import { compareRuns, measured, measuresOf, measureTable } from "../../src/reproduction/measures.ts";
import type { Run } from "../../src/reproduction/run.ts";

/** A run as `runOf` gives it, with the numbers that matter here. */
function runWith(name: string, seed: number, { greedy, rewards }: { greedy: number; rewards: readonly number[] }): Run {
  const sampled = { problems: 2, meanAt1: greedy / 2, passAtK: 1, k: 8, entropy: 0.1, length: 5 };
  const evaluation = { problems: 2, greedy, greedyLength: 5, sampled };
  const records = rewards.map((reward, i) => ({ step: i + 1, reward }));
  return {
    plan: { name, seed, stages: [] },
    records: records as unknown as Run["records"],
    evaluations: { id: evaluation, "ood-op": evaluation, "ood-length": evaluation },
    seconds: 1,
    reused: false,
    policy: () => Promise.reject(new Error("not trained")),
    checkpoints: [],
  };
}

const fast = [0, 1, 1, 1, 1, 1, 1];
const slow = [0, 0, 0, 0, 0, 0, 0];
const runs = [1, 2, 3].flatMap((seed) => [
  runWith("SRFT", seed, { greedy: 0.9 + seed / 100, rewards: fast }),
  runWith("GRPO", seed, { greedy: 0.8 + seed / 100, rewards: slow }),
]);

test("measuresOf reads accuracies, the last rewards and the steps to 0.9, one more than taken for never", () => {
  const [srft, grpo] = [measuresOf(runs[0]!), measuresOf(runs[1]!)];
  assert.deepEqual([srft.id, srft.meanAt1, srft.stepsToReward], [0.91, 0.455, 6]);
  assert.ok(Math.abs(srft.lastReward - 6 / 7) < 1e-12);
  assert.deepEqual([grpo.stepsToReward, grpo.lastReward], [8, 0]);
  assert.ok(Number.isNaN(measuresOf({ ...runs[0]!, records: [] }).lastReward));
});

test("compareRuns pairs the seeds: a constant difference has an interval without width", () => {
  const { mean, low, high } = compareRuns(runs, ["SRFT", "GRPO"], "id");
  for (const value of [mean, low, high]) assert.ok(Math.abs(value - 0.1) < 1e-9);
  assert.throws(() => compareRuns(runs.slice(0, 5), ["SRFT", "GRPO"], "id"), /the same seeds but found 1,2,3 of SRFT/);
  assert.throws(() => measured(runs, "LUFFY", "id"), {
    name: "TypeError",
    message: /SRFT, GRPO but found none of LUFFY/,
  });
});

test("measureTable has a row a method, with intervals where there are several seeds", () => {
  const [row] = measureTable(runs, { id: "ID", stepsToReward: "steps" });
  assert.deepEqual(row, { method: "SRFT", seeds: 3, ID: "0.92 [0.895, 0.945]", steps: "6 [6, 6]" });
  assert.equal(measureTable(runs.slice(0, 1), { id: "ID" })[0]!.ID, "0.91");
});
