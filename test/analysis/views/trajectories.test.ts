import assert from "node:assert/strict";
import { test } from "node:test";
import { tokenShift } from "../../../src/analysis/token-shift.ts";
import {
  type CheckpointPoint,
  checkpointTrajectory,
  type RunRecord,
  runTrajectory,
} from "../../../src/analysis/views/trajectories.ts";
import { SoftmaxTable } from "../../../src/models/softmax-table.ts";
import { near } from "./table.ts";

const record = (step: number, reward?: number): RunRecord => ({
  ...{ step, entropy: step / 10, completionLength: 4, gradNorm: 2 * step, weights: { sft: 0.5, rl: step } },
  ...(reward !== undefined && { reward, informative: 1 }),
});

test("runTrajectory's means are over the steps that end with its own", () => {
  const points = runTrajectory([record(1, 0), record(2, 1), record(3, 1)], { window: 2 });
  assert.deepEqual(
    points.map(({ step, reward, gradNorm, sft, rl }) => [step, reward, gradNorm, sft, rl]),
    [
      [1, 0, 2, 0.5, 1],
      [2, 0.5, 3, 0.5, 1.5],
      [3, 1, 5, 0.5, 2.5],
    ],
  );
  assert.ok(near(points[2]!.entropy, 0.25));
  assert.deepEqual(runTrajectory([record(1, 0.25)]), [
    { step: 1, reward: 0.25, entropy: 0.1, completionLength: 4, gradNorm: 2, informative: 1, sft: 0.5, rl: 1 },
  ]);
});

test("runTrajectory says NaN where a run has no rollouts, and refuses a window of none", () => {
  const [point] = runTrajectory([record(1)]);
  assert.ok(Number.isNaN(point!.reward) && Number.isNaN(point!.informative) && point!.entropy === 0.1);
  assert.deepEqual(runTrajectory([]), []);
  assert.throws(() => runTrajectory([], { window: 0 }), /^RangeError: runTrajectory: .*window >= 1 but found 0$/);
});

/** Writes 0 with probability p after everything, else the end. */
const policyOf = (p: number) =>
  new SoftmaxTable({ vocabularySize: 2, contextLength: 8, endToken: 1, order: 0 }, [Math.log(p), Math.log(1 - p)]);

const on = [{ prompt: [0], completion: [0, 0, 1] }];
const demonstrations = [
  { prompt: [0], completion: [1] },
  { prompt: [0], completion: [0, 0, 0] },
];
const task = {
  ...{ vocabulary: ["a", "<eos>"], encode: () => new Int32Array(0), decode: () => "", problems: [{ prompt: [0] }] },
  reward: (_: unknown, completion: ArrayLike<number>) => (completion.length === 1 ? 1 : 0),
};

async function collect(points: AsyncIterable<CheckpointPoint>) {
  const all: CheckpointPoint[] = [];
  for await (const point of points) all.push(point);
  return all;
}

test("checkpointTrajectory's distances are those worked out by hand", async () => {
  const base = policyOf(0.5);
  const checkpoints = [0.5, 0.25].map((p, i) => ({ step: 10 * i, policy: policyOf(p) }));
  const [first, last] = await collect(
    checkpointTrajectory(checkpoints, { base, on, source: "base rollouts", demonstrations }),
  );
  assert.deepEqual(
    [first!.step, first!.source, first!.kl, first!.js, first!.shiftedShare],
    [0, "base rollouts", 0, 0, 0],
  );
  assert.ok(near(first!.crossEntropy!, Math.LN2) && near(first!.entropy, Math.LN2));
  assert.equal(last!.step, 10);
  assert.ok(near(last!.kl, 0.25 * Math.log(0.5) + 0.75 * Math.log(1.5)));
  assert.ok(near(last!.reverseKl, 0.5 * Math.log(2) + 0.5 * Math.log(2 / 3)));
  assert.ok(near(last!.crossEntropy!, (Math.log(4 / 3) + Math.log(4)) / 2)); // texts weigh the same, whatever their length
  assert.ok(!("evaluation" in last!));
});

test("checkpointTrajectory takes one policy as it is trained, and evaluates it with a task", async () => {
  const [base, policy] = [policyOf(0.9), policyOf(0.9)];
  async function* training() {
    yield { step: 0, policy };
    policy.table.set([Math.log(0.01), Math.log(0.99)]);
    yield { step: 1, policy };
  }
  const options = { base, on, source: "base rollouts", task, evaluation: { samples: 0 } };
  const [before, after] = await collect(checkpointTrajectory(training(), options));
  assert.deepEqual([before!.evaluation!.greedy, after!.evaluation!.greedy], [0, 1]);
  assert.ok(before!.kl === 0 && after!.kl > 1);
  assert.ok(!("crossEntropy" in after!));
  const table = await tokenShift([base, policy], { on, source: "base rollouts" });
  assert.equal(after!.kl, table.summary().models[0]!.meanKl);
});

test("checkpointTrajectory refuses texts that cannot be read", async () => {
  const base = policyOf(0.5);
  const run = checkpointTrajectory([{ step: 0, policy: base }], { base, on: [], source: "base rollouts" });
  await assert.rejects(collect(run), /^RangeError: tokenShift: expected at least one text/);
});
