/**
 * What the analysis is for, on the shipped foreign base and short runs of three seeds: imitating a foreign expert shifts
 * most positions and its tokens, taken one at a time, destroy the base's answers; GRPO shifts few, and its tokens do not.
 * Bounds are wide: between what short runs give here and what the claim says. The table with longer runs, and with the
 * claims that do not come out, is in test/bench/RESULTS.md.
 */

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { arithmeticTask } from "../../../src/data/arithmetic-task.ts";
import { accuracyAt, type Outcome, runExperiment } from "../../bench/shift/experiment.ts";

const seeds = [1, 2, 3];
const size = { promptsPerStep: 8, demonstrationsPerStep: 24, problems: 50, swapped: 30, samples: 2 };
const task = arithmeticTask({ seed: 7 });
const [sft, grpo]: [Outcome[], Outcome[]] = [[], []];

before(async () => {
  for (const seed of seeds) {
    const shared = { base: "foreign", seed, task } as const;
    sft.push(await runExperiment({ ...shared, method: "SFT", size: { ...size, steps: 40 } }));
    grpo.push(await runExperiment({ ...shared, method: "GRPO", size: { ...size, steps: 40 } }));
  }
});

const mean = (outcomes: readonly Outcome[], of: (outcome: Outcome) => number) =>
  outcomes.reduce((sum, outcome) => sum + of(outcome), 0) / outcomes.length;

test("SFT on a foreign expert shifts most positions, GRPO few, in every seed and on either's text", () => {
  for (const i of seeds.keys()) {
    for (const text of ["own", "common"] as const) {
      const [most, few] = [sft[i]![text], grpo[i]![text]];
      assert.ok(most.shifted > 0.4, `SFT shifts ${most.shifted} of its ${text} text`);
      assert.ok(few.shifted < 0.15, `GRPO shifts ${few.shifted} of its ${text} text`);
      assert.ok(most.kl > 5 * few.kl, `KL ${most.kl} and ${few.kl}`);
    }
  }
});

test("SFT moves to the expert and away from the base, GRPO stays", () => {
  for (const i of seeds.keys()) {
    assert.ok(sft[i]!.fromExpert < 0.5 * grpo[i]!.fromExpert, `${sft[i]!.fromExpert} and ${grpo[i]!.fromExpert}`);
    assert.ok(sft[i]!.fromBase > 3 * grpo[i]!.fromBase, `${sft[i]!.fromBase} and ${grpo[i]!.fromBase}`);
  }
});

test("one swapped SFT token destroys the base's answers in every seed; one GRPO token does not", () => {
  for (const i of seeds.keys()) {
    const [alone, one] = [0, 1].map((budget) => accuracyAt(sft[i]!.cross, "a", budget));
    assert.ok(one! < 0.65 * alone!, `SFT: ${alone} alone, ${one} with one token`);
  }
  const gain = mean(grpo, ({ cross }) => accuracyAt(cross, "a", Infinity) - accuracyAt(cross, "a", 0));
  assert.ok(gain > -0.05, `GRPO's tokens change the base's accuracy by ${gain}`);
});

test("GRPO swaps a token or two a completion, SFT nearly all of them", () => {
  for (const i of seeds.keys()) {
    const free = (outcome: Outcome) => outcome.cross.find((one) => one.writer === "a" && one.budget === Infinity)!;
    assert.ok(free(grpo[i]!).swaps < 3, `${free(grpo[i]!).swaps}`);
    assert.ok(free(sft[i]!).swaps > 5 && free(sft[i]!).swappedShare > 0.4, `${free(sft[i]!).swaps}`);
  }
});
