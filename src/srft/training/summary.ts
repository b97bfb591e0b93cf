/**
 * One step in numbers: means over its updates, and what its rollouts were.
 */

import type { Loss } from "../batch.ts";
import type { Experience } from "./experience.ts";
import type { Updates } from "./update.ts";

/**
 * @example
 * summaryOf(experience, { updates, groupSize: 8 }).reward; // mean reward of the rollouts
 */
export function summaryOf(experience: Experience, { updates, groupSize }: { updates: Updates; groupSize: number }) {
  const { losses, gradNorms, trainedTokens, skipped } = updates;
  const { rollouts, batch } = experience;
  const described = rollouts ?? batch;
  const average = (pick: (loss: Loss) => number) => mean(losses.map(pick));
  const ratio = ratioOf(losses);
  return {
    loss: average(({ value }) => value),
    terms: averages(losses.map(({ terms }) => terms)),
    ...termGradientsOf(losses),
    ...(rollouts && rewardsOf(experience, groupSize)),
    entropy: average(({ metrics }) => metrics.meanEntropy),
    weights: {
      sft: average(({ metrics }) => metrics.weights.sft),
      rl: average(({ metrics }) => metrics.weights.rl),
    },
    ...(ratio && { ratio }),
    gradNorm: mean(gradNorms),
    updates: losses.length - skipped,
    skipped,
    tokens: { sampled: experience.sampledTokens, trained: trainedTokens },
    completionLength: described.logprobs.length / (described.offsets.length - 1),
  };
}

function termGradientsOf(losses: readonly Loss[]) {
  const all = losses.flatMap(({ termGradients }) => (termGradients ? [termGradients] : []));
  if (all.length === 0) return {};
  const names = new Set(all.flatMap((one) => Object.keys(one)));
  const of = (name: string, field: "norm" | "share") => mean(all.map((one) => one[name]?.[field] ?? 0));
  const entries = [...names].map((name) => [name, { norm: of(name, "norm"), share: of(name, "share") }] as const);
  return { termGradients: Object.fromEntries(entries) };
}

function ratioOf(losses: readonly Loss[]) {
  const known = losses.map(({ metrics }) => metrics).filter(({ meanRatio }) => meanRatio !== undefined);
  if (known.length === 0) return undefined;
  const clipped = known.flatMap(({ clippedShare }) => (clippedShare === undefined ? [] : [clippedShare]));
  return {
    mean: mean(known.map(({ meanRatio }) => meanRatio!)),
    max: Math.max(...known.map(({ maxRatio }) => maxRatio!)),
    ...(clipped.length > 0 && { clippedShare: mean(clipped) }),
  };
}

function rewardsOf({ rollouts, prompted }: Experience, groupSize: number) {
  const rewards = rollouts!.rewards;
  const groups = prompted.map((_, i) => [...rewards.subarray(i * groupSize, (i + 1) * groupSize)]);
  const deviations = groups.map((group) => {
    const centre = mean(group);
    return group.every((one) => one === group[0]) ? 0 : Math.sqrt(mean(group.map((one) => (one - centre) ** 2)));
  });
  return {
    reward: mean([...rewards]),
    rewardDeviation: mean(deviations),
    informative: deviations.filter((one) => one > 0).length / groups.length,
    unsolved: prompted.filter((_, i) => groups[i]!.every((one) => one <= 0)),
  };
}

function averages(all: readonly Readonly<Record<string, number>>[]) {
  const names = new Set(all.flatMap((one) => Object.keys(one)));
  return Object.fromEntries([...names].map((name) => [name, mean(all.map((one) => one[name] ?? 0))]));
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
