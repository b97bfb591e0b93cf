import assert from "node:assert/strict";
import { test } from "node:test";
import { stepsToReward } from "../../../src/srft/evaluation/steps-to-reward.ts";

const run = (...rewards: (number | undefined)[]) =>
  rewards.map((reward, i) => ({ step: i + 1, ...(reward !== undefined && { reward }) }));

test("stepsToReward gives the last step of the first window whose mean reaches the threshold", () => {
  assert.equal(stepsToReward(run(0.5, 1, 1, 1, 1, 1)), 5);
  assert.equal(stepsToReward(run(0, 1, 1, 1, 1, 1)), 6);
  assert.equal(stepsToReward(run(0.9, 0.9, 0.9, 0.9, 0.9)), 5);
  assert.equal(stepsToReward(run(0.2, 0.4), { threshold: 0.4, window: 1 }), 2);
});

test("stepsToReward gives undefined for runs that are short, fail or have no rewards", () => {
  assert.equal(stepsToReward(run(1, 1, 1, 1)), undefined);
  assert.equal(stepsToReward(run(0, 0, 0, 0, 0, 0)), undefined);
  assert.equal(stepsToReward(run(undefined, undefined), { window: 1, threshold: 0 }), undefined);
  assert.equal(stepsToReward([]), undefined);
  assert.throws(() => stepsToReward([], { window: 0 }), /expected a whole window > 0 but found 0/);
});
