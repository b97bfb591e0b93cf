/**
 * From one step's experience to updates of the policy: epochs × mini-batches, each a loss, a backward pass and a step
 * of the optimizer. The first update uses the scores that the experience has (ratio 1); every later one scores its rows
 * again and has the first scores as oldLogprobs.
 *
 * A mini-batch holds whole groups, with their demonstrations, and its part of the demonstrations in no group.
 * `rowsPerBackward` splits a backward pass and adds the gradients up: the loss is that of the whole mini-batch, so the
 * update stays the same.
 */

import { type Batch, type Loss, nonzeroRows, type Objective, type Values } from "../batch.ts";
import type { Policy, Sequence, StepOptions, TokenGradients } from "../policy.ts";
import type { Experience } from "./experience.ts";

export interface UpdatePlan {
  readonly epochs: number;
  readonly miniBatches: number;
  readonly rowsPerBackward: number;
  readonly optimizer: StepOptions;
}

export interface Updates {
  /** One an update. */
  readonly losses: readonly Loss[];
  readonly gradNorms: readonly number[];
  /** Updates that were not taken. */
  readonly skipped: number;
  readonly trainedTokens: number;
}

interface Slice {
  readonly sequences: readonly Sequence[];
  readonly batch: Batch;
}

/**
 * Trains on one step's experience.
 *
 * @throws {RangeError} If the objective refuses the batch or a gradient norm is not finite.
 * @example
 * const { losses } = await update({ policy, objective, plan }, experience);
 */
export async function update(
  { policy, objective, plan }: { policy: Policy; objective: Objective; plan: UpdatePlan },
  experience: Pick<Experience, "sequences" | "batch">,
): Promise<Updates> {
  const slices = slicesOf(experience, plan.miniBatches);
  const losses: Loss[] = [];
  const gradNorms: number[] = [];
  let [trainedTokens, skippedUpdates] = [0, 0];
  for (let epoch = 0; epoch < plan.epochs; epoch++) {
    for (const slice of slices) {
      const batch = losses.length === 0 ? slice.batch : await rescore(policy, slice);
      const loss = objective.loss(batch);
      const { sequences, gradients } = nonzeroRows(slice.sequences, {
        offsets: batch.offsets,
        gradients: loss.gradients,
      });
      await backward(policy, { sequences, gradients, rows: plan.rowsPerBackward });
      const { gradNorm, skipped } = await policy.step(plan.optimizer);
      if (skipped) skippedUpdates++;
      trainedTokens += gradients.logprobs.length;
      losses.push(loss);
      gradNorms.push(gradNorm);
    }
  }
  return { losses, gradNorms, trainedTokens, skipped: skippedUpdates };
}

async function rescore(policy: Policy, { sequences, batch }: Slice): Promise<Batch> {
  const { logprobs, entropies } = await policy.score(sequences);
  return { ...batch, logprobs, entropies, oldLogprobs: batch.logprobs };
}

interface Backward {
  readonly sequences: readonly Sequence[];
  readonly gradients: TokenGradients;
  readonly rows: number;
}

async function backward(policy: Policy, { sequences, gradients, rows }: Backward) {
  if (sequences.length <= rows) return policy.backward(sequences, gradients);
  let token = 0;
  for (let at = 0; at < sequences.length; at += rows) {
    const part = sequences.slice(at, at + rows);
    const end = token + part.reduce((sum, { completion }) => sum + completion.length, 0);
    const { logprobs, entropies } = gradients;
    await policy.backward(part, {
      logprobs: logprobs.slice(token, end),
      ...(entropies && { entropies: entropies.slice(token, end) }),
    });
    token = end;
  }
}

function slicesOf(experience: Slice, count: number): readonly Slice[] {
  if (count === 1) return [experience];
  const { groups } = experience.batch;
  const groupCount = groups.reduce((most, group) => Math.max(most, group + 1), 0);
  const ungrouped = groups.filter((group) => group < 0).length;
  const parts = Array.from({ length: count }, () => [] as number[]);
  let alone = 0;
  for (const [row, group] of groups.entries()) {
    const part = group < 0 ? (alone++ * count) / ungrouped : (group * count) / groupCount;
    parts[Math.floor(part)]!.push(row);
  }
  return parts.filter((rows) => rows.length > 0).map((rows) => select(experience, rows));
}

function select({ sequences, batch }: Slice, rows: readonly number[]): Slice {
  const { offsets, sources, groups, rewards, logprobs, entropies, referenceLogprobs, prefixLengths } = batch;
  const own = new Int32Array(rows.length + 1);
  for (const [i, row] of rows.entries()) own[i + 1] = own[i]! + offsets[row + 1]! - offsets[row]!;
  const tokens = (values: Values) => {
    const kept = new Float32Array(own.at(-1)!);
    for (const [i, row] of rows.entries()) kept.set(values.subarray(offsets[row], offsets[row + 1]), own[i]);
    return kept;
  };
  return {
    sequences: rows.map((row) => sequences[row]!),
    batch: {
      offsets: own,
      sources: rows.map((row) => sources[row]!),
      groups: Int32Array.from(rows, (row) => groups[row]!),
      rewards: Float64Array.from(rows, (row) => rewards[row]!),
      logprobs: tokens(logprobs),
      entropies: tokens(entropies),
      ...(referenceLogprobs && { referenceLogprobs: tokens(referenceLogprobs) }),
      ...(prefixLengths && { prefixLengths: Int32Array.from(rows, (row) => prefixLengths[row]!) }),
    },
  };
}
