import assert from "node:assert/strict";
import { test } from "node:test";
import { objectiveNamed } from "../../src/reproduction/methods.ts";
import { paperMethods, plansFor, variantPlans } from "../../src/reproduction/plans.ts";

test("plansFor gives every method the same number of steps, and one plan a seed", () => {
  for (const method of paperMethods) {
    const plans = plansFor(method, { seeds: [1, 2, 3], steps: 40 });
    assert.deepEqual(
      plans.map(({ seed }) => seed),
      [1, 2, 3],
    );
    for (const { name, stages, train } of plans) {
      assert.equal(name, method);
      assert.equal(
        stages.reduce((sum, { steps }) => sum + steps, 0),
        40,
      );
      assert.equal(train?.learningRate, 2e-4);
      for (const { objective, options } of stages) assert.ok(objectiveNamed(objective, options).name);
    }
  }
});

test("plansFor lets a plan say its own sizes, and refuses what cannot be halved", () => {
  const [plan] = plansFor("SFT", { seeds: [1], train: { learningRate: 1e-3 }, checkpointEvery: 10 });
  assert.deepEqual([plan!.train!.learningRate, plan!.train!.groupSize, plan!.checkpointEvery], [1e-3, 8, 10]);
  const [usual] = plansFor("SFT", { seeds: [1] });
  assert.deepEqual([usual!.checkpointEvery, usual!.evaluateEvery], [20, 10]);
  assert.throws(() => plansFor("SFT", { seeds: [] }), /at least one seed/);
  assert.throws(() => plansFor("SFT", { seeds: [1], steps: 7 }), /an even number of steps >= 2 but found 7/);
  assert.throws(() => plansFor("PPO" as "SFT", { seeds: [1] }), { name: "TypeError", message: /but found PPO/ });
  const stages = [{ objective: "srft", options: { sftSign: 1 }, share: 1 }] as const;
  assert.deepEqual(variantPlans("flipped", { stages, seeds: [4] })[0]!.stages[0]!.options, { sftSign: 1 });
});
