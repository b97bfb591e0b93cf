/**
 * What one step learns from: problems drawn, rollouts sampled and rewarded, demonstrations scored, as one batch.
 * Rollouts come first, then the demonstrations of the groups, then those in no group; demonstrations have reward 1.
 */

import { type Random, sampleWithoutReplacement } from "../../random.ts";
import type { Batch, Objective } from "../batch.ts";
import type { Policy, Scores, Sequence } from "../policy.ts";
import { type RewardedRollouts, rollout } from "../rollout.ts";
import { demonstrationOf, type Problem, type Task } from "../task.ts";
import { type PrefixedRollouts, rolloutWithPrefixes } from "./prefixed-rollouts.ts";
import type { PrefixShare } from "./prefixes.ts";

export interface ExperiencePlan {
  readonly groupSize: number;
  /** Problems to be answered; 0 = no rollouts. */
  readonly prompts: number;
  /** Whether the prompted problems' own demonstrations are shown, and how many further ones. */
  readonly demonstrations: { readonly own: number; readonly further: number };
  readonly maxTokens: number;
  readonly temperature: number;
  readonly random: Random;
  /** Times that problems whose rollouts are all alike are replaced. */
  readonly rounds: number;
  readonly prefixShare: PrefixShare | undefined;
  readonly reference: Policy | undefined;
}

export interface Experience {
  readonly sequences: readonly Sequence[];
  readonly batch: Batch;
  readonly rollouts: RewardedRollouts | undefined;
  /** Where the prompted problems lie in task.problems; group i answers the i-th. */
  readonly prompted: readonly number[];
  /** Completion tokens sampled, those of replaced problems included. */
  readonly sampledTokens: number;
  readonly sampledAt: number;
  readonly scoredAt: number;
}

export interface ExperienceInputs<P extends Problem> {
  readonly policy: Policy;
  readonly task: Task<P>;
  readonly plan: ExperiencePlan;
  readonly objective: Objective;
  readonly step: number;
}

/**
 * Gathers one step's experience.
 *
 * @throws {RangeError} If a reward is not finite; names the prompt.
 * @example
 * const { batch } = await gather({ policy, task, plan, objective, step: 1 });
 */
export async function gather<P extends Problem>(inputs: ExperienceInputs<P>): Promise<Experience> {
  const { policy, task, plan, objective } = inputs;
  const all = Array.from(task.problems.keys());
  const first = plan.prompts > 0 ? sampleWithoutReplacement(plan.random, all, plan.prompts) : [];
  const further = sampleWithoutReplacement(plan.random, all, plan.demonstrations.further);
  const { rollouts, prompted, sampledTokens } = await answer(inputs, first);
  const sampledAt = performance.now();
  const own = plan.demonstrations.own > 0 ? prompted : [];
  const demonstrations = [...own, ...further].map((index) => demonstrationOf(task, task.problems[index]!));
  const scores = demonstrations.length > 0 ? await policy.score(demonstrations) : undefined;
  const sequences = [...(rollouts?.sequences ?? []), ...demonstrations];
  const reference = objective.reference ? await plan.reference!.score(sequences) : undefined;
  const scoredAt = performance.now();
  const assembled = assemble({ rollouts, scores, groupSize: plan.groupSize, own: own.length });
  const batch = reference ? { ...assembled, referenceLogprobs: reference.logprobs } : assembled;
  return { sequences, batch, rollouts, prompted, sampledTokens, sampledAt, scoredAt };
}

interface Answered {
  readonly rollouts: RewardedRollouts | undefined;
  readonly prompted: readonly number[];
  readonly sampledTokens: number;
}

async function answer<P extends Problem>(inputs: ExperienceInputs<P>, first: readonly number[]): Promise<Answered> {
  if (first.length === 0) return { rollouts: undefined, prompted: [], sampledTokens: 0 };
  const { task, plan } = inputs;
  const whole = await rollOut(inputs, first);
  if (plan.rounds === 0) return { rollouts: whole, prompted: first, sampledTokens: whole.logprobs.length };
  const all = Array.from(task.problems.keys());
  let sampledTokens = whole.logprobs.length;
  let found = informative(whole, first, plan.groupSize);
  for (let round = 0; round < plan.rounds && found.length < plan.prompts; round++) {
    const more = sampleWithoutReplacement(plan.random, all, plan.prompts);
    const extra = await rollOut(inputs, more);
    sampledTokens += extra.logprobs.length;
    found = [...found, ...informative(extra, more, plan.groupSize)].slice(0, plan.prompts);
  }
  // nothing to learn from: one batch of equal rewards, whose gradient is 0, so that the record can say so
  if (found.length === 0) return { rollouts: whole, prompted: first, sampledTokens };
  return { rollouts: joinGroups(found), prompted: found.map(({ index }) => index), sampledTokens };
}

async function rollOut<P extends Problem>(
  { policy, task, plan, objective, step }: ExperienceInputs<P>,
  at: readonly number[],
) {
  const { groupSize, maxTokens, temperature, random, prefixShare } = plan;
  const options = { problems: at.map((index) => task.problems[index]!), groupSize, maxTokens, temperature, random };
  if (!objective.prefixed) return rollout(policy, task, options);
  const share = () => prefixShare!(step, random);
  return rolloutWithPrefixes(policy, task, { ...options, prefixed: objective.prefixed, share });
}

interface Group {
  readonly index: number;
  readonly rollouts: RewardedRollouts;
  readonly rows: readonly [begin: number, end: number];
}

function informative(rollouts: RewardedRollouts, at: readonly number[], groupSize: number): Group[] {
  return at.flatMap((index, i) => {
    const rows = [i * groupSize, (i + 1) * groupSize] as const;
    const rewards = rollouts.rewards.subarray(...rows);
    return rewards.some((reward) => reward !== rewards[0]) ? [{ index, rollouts, rows }] : [];
  });
}

function joinGroups(groups: readonly Group[]): RewardedRollouts | PrefixedRollouts {
  const tokens = (values: keyof RewardedRollouts & ("logprobs" | "entropies" | "behaviorLogprobs")) =>
    joinArrays(
      groups.map(({ rollouts, rows: [begin, end] }) =>
        rollouts[values].subarray(rollouts.offsets[begin], rollouts.offsets[end]),
      ),
    );
  const rows = <T>(pick: (rollouts: RewardedRollouts) => { slice(begin: number, end: number): Iterable<T> }): T[] =>
    groups.flatMap(({ rollouts, rows: [begin, end] }) => [...pick(rollouts).slice(begin, end)]);
  const sequences = rows(({ sequences }) => sequences as Sequence[]);
  const offsets = new Int32Array(sequences.length + 1);
  for (const [i, { completion }] of sequences.entries()) offsets[i + 1] = offsets[i]! + completion.length;
  const prefixed = groups.every(({ rollouts }) => "prefixLengths" in rollouts);
  return {
    ...{ logprobs: tokens("logprobs"), entropies: tokens("entropies"), behaviorLogprobs: tokens("behaviorLogprobs") },
    ...{ offsets, sequences, completions: rows(({ completions }) => completions as Int32Array[]) },
    rewards: Float64Array.from(rows(({ rewards }) => rewards)),
    ...(prefixed && { prefixLengths: Int32Array.from(rows((one) => (one as PrefixedRollouts).prefixLengths)) }),
  };
}

interface Parts {
  readonly rollouts: RewardedRollouts | undefined;
  readonly scores: Scores | undefined;
  readonly groupSize: number;
  readonly own: number;
}

/** Demonstration i < own belongs to group i; the others to none. */
function assemble({ rollouts, scores, groupSize, own }: Parts): Batch {
  const sampledRows = rollouts?.completions.length ?? 0;
  const rows = sampledRows + (scores ? scores.offsets.length - 1 : 0);
  const rewards = new Float64Array(rows).fill(1);
  if (rollouts) rewards.set(rollouts.rewards);
  const groupOf = (row: number) => {
    if (row < sampledRows) return Math.floor(row / groupSize);
    return row - sampledRows < own ? row - sampledRows : -1;
  };
  const prefixes = rollouts && "prefixLengths" in rollouts ? (rollouts as PrefixedRollouts).prefixLengths : undefined;
  return {
    offsets: joinOffsets(rollouts?.offsets, scores?.offsets),
    sources: Array.from({ length: rows }, (_, row) => (row < sampledRows ? "rollout" : "demonstration")),
    groups: Int32Array.from({ length: rows }, (_, row) => groupOf(row)),
    rewards,
    logprobs: joinArrays([rollouts?.logprobs, scores?.logprobs]),
    entropies: joinArrays([rollouts?.entropies, scores?.entropies]),
    ...(prefixes && { prefixLengths: Int32Array.from({ length: rows }, (_, row) => prefixes[row] ?? 0) }),
  };
}

function joinArrays(parts: readonly (Float32Array | undefined)[]) {
  const joined = new Float32Array(parts.reduce((size, part) => size + (part?.length ?? 0), 0));
  let at = 0;
  for (const part of parts) {
    if (part) joined.set(part, at);
    at += part?.length ?? 0;
  }
  return joined;
}

function joinOffsets(first: Int32Array = Int32Array.of(0), second: Int32Array = Int32Array.of(0)) {
  const tokens = first.at(-1)!;
  return Int32Array.of(...first, ...second.subarray(1).map((offset) => offset + tokens));
}
