/** The objectives by the names the recorded cases use, and the batch they were recorded on. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Batch, Objective } from "../../../src/srft/batch.ts";
import { cispo } from "../../../src/srft/objectives/baselines/cispo.ts";
import { dapo } from "../../../src/srft/objectives/baselines/dapo.ts";
import { drGrpo } from "../../../src/srft/objectives/baselines/dr-grpo.ts";
import { gspo } from "../../../src/srft/objectives/baselines/gspo.ts";
import { reinforcePlusPlus } from "../../../src/srft/objectives/baselines/reinforce-plus-plus.ts";
import { rloo } from "../../../src/srft/objectives/baselines/rloo.ts";
import { wReinforce } from "../../../src/srft/objectives/baselines/w-reinforce.ts";
import { grpo } from "../../../src/srft/objectives/grpo.ts";
import { chord } from "../../../src/srft/objectives/hybrids/chord.ts";
import { hpt } from "../../../src/srft/objectives/hybrids/hpt.ts";
import { luffy } from "../../../src/srft/objectives/hybrids/luffy.ts";
import { prefixRft } from "../../../src/srft/objectives/hybrids/prefix-rft.ts";
import { rlPlus } from "../../../src/srft/objectives/hybrids/rl-plus.ts";
import { superRl } from "../../../src/srft/objectives/hybrids/super-rl.ts";
import { superRlMixture } from "../../../src/srft/objectives/hybrids/super-rl-mixture.ts";
import { uft } from "../../../src/srft/objectives/hybrids/uft.ts";
import { dft } from "../../../src/srft/objectives/imitation/dft.ts";
import { iwSft } from "../../../src/srft/objectives/imitation/iw-sft.ts";
import { psft } from "../../../src/srft/objectives/imitation/psft.ts";
import { sftKl } from "../../../src/srft/objectives/imitation/sft-kl.ts";
import { golden, goldenBatch, softmax } from "../batches.ts";

export const makers = {
  ...{ cispo, dapo, drGrpo, gspo, reinforcePlusPlus, rloo, wReinforce, grpo },
  ...{ chord, hpt, luffy, prefixRft, rlPlus, superRl, superRlMixture, uft },
  ...{ dft, iwSft, psft, sftKl },
} as const;

export const makeObjective = (name: keyof typeof makers, options: object): Objective =>
  (makers[name] as (given: object) => Objective)(options);

export const goldenFile = (name: string) =>
  JSON.parse(readFileSync(join(import.meta.dirname, `../../../../test/golden/${name}.json`), "utf8"));

const { referenceLogits, prefixLengths } = goldenFile("objectives-relatives");

/** The recorded batch; extras: "old", "mask", "reference", "prefix". */
export function relativesBatch(extras: string): Batch {
  const labels = golden.batch.labels;
  const logprobs = (referenceLogits as number[][]).map((z, t) => Math.log(softmax(z)[labels[t]!]!));
  return {
    ...goldenBatch(extras),
    ...(extras.includes("reference") && { referenceLogprobs: Float64Array.from(logprobs) }),
    ...(extras.includes("prefix") && { prefixLengths: Int32Array.from(prefixLengths as number[]) }),
  };
}

/** The first rows of a batch. */
export function firstRows(batch: Batch, rows: number): Batch {
  const tokens = batch.offsets[rows]!;
  return {
    offsets: batch.offsets.slice(0, rows + 1),
    sources: batch.sources.slice(0, rows),
    groups: batch.groups.slice(0, rows),
    rewards: batch.rewards.slice(0, rows),
    logprobs: batch.logprobs.slice(0, tokens),
    entropies: batch.entropies.slice(0, tokens),
    ...(batch.oldLogprobs && { oldLogprobs: batch.oldLogprobs.slice(0, tokens) }),
    ...(batch.referenceLogprobs && { referenceLogprobs: batch.referenceLogprobs.slice(0, tokens) }),
    ...(batch.mask && { mask: batch.mask.slice(0, tokens) }),
  };
}
