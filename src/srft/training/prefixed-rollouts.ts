/**
 * Rollouts that begin with a part of the demonstration: the last of each group (Prefix-RFT) or all (UFT's hints). The
 * prefix is a part of the completion; the policy's scores of it take a forward pass, those of the rest are recorded
 * while sampling. A prefix is at most the demonstration without its last token, so that something is left to sample.
 */

import type { Random } from "../../random.ts";
import type { Policy, Sequence } from "../policy.ts";
import type { RewardedRollouts } from "../rollout.ts";
import { demonstrationOf, type Problem, type Task } from "../task.ts";

export interface PrefixedOptions<P extends Problem> {
  readonly problems: readonly P[];
  /** Completions a problem, ≥ 2 where only the last has a prefix. */
  readonly groupSize: number;
  /** Longest completion without a prefix, and longest continuation of one, in tokens. */
  readonly maxTokens: number;
  readonly temperature: number;
  readonly random: Random;
  readonly prefixed: "last" | "all";
  /** The share of the demonstration for the next problem. */
  readonly share: () => number;
}

export interface PrefixedRollouts extends RewardedRollouts {
  /** [rows]. */
  readonly prefixLengths: Int32Array;
}

interface Row {
  readonly sequence: Sequence;
  readonly reward: number;
  readonly prefix: number;
  readonly logprobs: Float32Array;
  readonly entropies: Float32Array;
  readonly behaviorLogprobs: Float32Array;
}

/**
 * Samples and rewards; row i answers problem floor(i / groupSize).
 *
 * @throws {RangeError} If a share is outside [0, 1] or a reward is not finite; names the problem.
 * @example
 * (await rolloutWithPrefixes(policy, task, { ...options, prefixed: "last", share: () => 0.5 })).prefixLengths;
 */
export async function rolloutWithPrefixes<P extends Problem>(
  policy: Policy,
  task: Task<P>,
  options: PrefixedOptions<P>,
): Promise<PrefixedRollouts> {
  const { problems, groupSize, prefixed, share } = options;
  const prefixes = problems.map((problem, i) => prefixOf(demonstrationOf(task, problem).completion, share(), i));
  const none = problems.map(() => [] as number[]);
  const free = prefixed === "last" ? groupSize - 1 : 0;
  const plain = free > 0 ? await continueFrom({ policy, task, options }, none, free) : [];
  const hinted = await continueFrom({ policy, task, options }, prefixes, groupSize - free);
  const rows = problems.flatMap((_, i) => [
    ...plain.slice(i * free, (i + 1) * free),
    ...hinted.slice(i * (groupSize - free), (i + 1) * (groupSize - free)),
  ]);
  return pack(rows);
}

function prefixOf(demonstration: ArrayLike<number>, share: number, problem: number) {
  if (!(share >= 0 && share <= 1)) {
    throw new RangeError(`prefixShare: expected a share in [0, 1] but found ${share} for problem ${problem}`);
  }
  const length = Math.min(Math.floor(share * demonstration.length), demonstration.length - 1);
  return Array.from(demonstration).slice(0, length);
}

interface Run<P extends Problem> {
  readonly policy: Policy;
  readonly task: Task<P>;
  readonly options: PrefixedOptions<P>;
}

async function continueFrom<P extends Problem>(
  { policy, task, options }: Run<P>,
  prefixes: readonly number[][],
  groupSize: number,
): Promise<Row[]> {
  const { problems, temperature, random } = options;
  const prompts = problems.map(({ prompt }, i) => [...Array.from(prompt), ...prefixes[i]!]);
  const longest = Math.max(...prompts.map(({ length }) => length));
  const maxTokens = Math.min(options.maxTokens, policy.contextLength - longest);
  const sampled = await policy.sample(prompts, { groupSize, maxTokens, temperature, random });
  const scored = await scorePrefixes(policy, problems, prefixes);
  const rows: Row[] = [];
  for (const [row, continuation] of sampled.completions.entries()) {
    const i = Math.floor(row / groupSize);
    const completion = Int32Array.of(...prefixes[i]!, ...continuation);
    const reward = await task.reward(problems[i]!, completion);
    if (!Number.isFinite(reward)) {
      throw new RangeError(
        `rollout: expected a finite reward but found ${reward} for the prompt "${task.decode(problems[i]!.prompt)}"`,
      );
    }
    const own = <K extends "logprobs" | "entropies" | "behaviorLogprobs">(field: K) =>
      Float32Array.of(
        ...scored[i]![field === "entropies" ? "entropies" : "logprobs"],
        ...sampled[field].subarray(sampled.offsets[row], sampled.offsets[row + 1]),
      );
    const sequence = { prompt: problems[i]!.prompt, completion };
    const values = {
      logprobs: own("logprobs"),
      entropies: own("entropies"),
      behaviorLogprobs: own("behaviorLogprobs"),
    };
    rows.push({ sequence, reward, prefix: prefixes[i]!.length, ...values });
  }
  return rows;
}

async function scorePrefixes(policy: Policy, problems: readonly Problem[], prefixes: readonly number[][]) {
  const shown = prefixes.flatMap(({ length }, i) => (length > 0 ? [i] : []));
  const empty = { logprobs: new Float32Array(), entropies: new Float32Array() };
  const scored = prefixes.map(() => empty);
  if (shown.length === 0) return scored;
  const { logprobs, entropies, offsets } = await policy.score(
    shown.map((i) => ({ prompt: problems[i]!.prompt, completion: prefixes[i]! })),
  );
  for (const [at, i] of shown.entries()) {
    const within = (values: Float32Array) => values.slice(offsets[at], offsets[at + 1]);
    scored[i] = { logprobs: within(logprobs), entropies: within(entropies) };
  }
  return scored;
}

function pack(rows: readonly Row[]): PrefixedRollouts {
  const offsets = new Int32Array(rows.length + 1);
  for (const [i, { logprobs }] of rows.entries()) offsets[i + 1] = offsets[i]! + logprobs.length;
  const join = (field: "logprobs" | "entropies" | "behaviorLogprobs") => {
    const joined = new Float32Array(offsets.at(-1)!);
    for (const [i, row] of rows.entries()) joined.set(row[field], offsets[i]);
    return joined;
  };
  return {
    ...{ logprobs: join("logprobs"), entropies: join("entropies"), behaviorLogprobs: join("behaviorLogprobs") },
    offsets,
    completions: rows.map(({ sequence }) => sequence.completion as Int32Array),
    sequences: rows.map(({ sequence }) => sequence),
    rewards: Float64Array.from(rows, ({ reward }) => reward),
    prefixLengths: Int32Array.from(rows, ({ prefix }) => prefix),
  };
}
