/**
 * ReLIFT (arXiv 2506.07527; repository TheRoadQaQ/ReLIFT): reinforcement, interleaved with imitation of what it cannot
 * solve. Prompts whose rollouts all fail go into a buffer; when it holds `bufferSize` of them, one update of SFT on
 * their demonstrations is taken (token mean, norm clip 0.7) and the buffer is emptied of these.
 *
 * The paper's reinforcement is GRPO without deviation and clip, 8 rollouts; its buffer holds 128; its imitation has
 * moments of AdamW of its own and an entropy bonus of 0.001. So have we. The paper does not say what becomes of a prompt
 * that fails again while it waits: it is kept once.
 */

import { createRandom } from "../../random.ts";
import type { Objective } from "../batch.ts";
import { grpo } from "../objectives/grpo.ts";
import { sft } from "../objectives/sft.ts";
import type { Policy } from "../policy.ts";
import type { Problem, Task } from "../task.ts";
import { type StepRecord, type TrainOptions, train } from "../train.ts";

export interface ReliftOptions<P extends Problem = Problem> extends Omit<TrainOptions<P>, "objective"> {
  /** Of the rollouts. Default grpo({ std: "none", surrogate: "ratio", reduction: "token-mean" }). */
  readonly objective?: Objective;
  /** Default 128. */
  readonly bufferSize?: number;
  /** Of the update of SFT. Default 0.7. */
  readonly imitationClipNorm?: number;
  /** Coefficient of the entropy bonus of the update of SFT. Default 0.001. */
  readonly imitationEntropyBonus?: number;
}

export interface ReliftRecord extends StepRecord {
  /** Prompts that wait in the buffer, before the update of SFT. */
  readonly buffered: number;
  /** The update of SFT that followed this step, if one did. */
  readonly imitation?: StepRecord;
}

/**
 * Trains by reinforcement and, whenever the buffer is full, by imitation.
 *
 * @throws {RangeError} If the buffer is no whole number ≥ 1, or as `train`.
 * @throws {TypeError} If the task has no demonstrations.
 * @example
 * for await (const { imitation } of relift(policy, task, { steps: 100, bufferSize: 16 })) imitation?.loss;
 */
export function relift<P extends Problem>(
  policy: Policy,
  task: Task<P>,
  options: ReliftOptions<P>,
): AsyncGenerator<ReliftRecord, void, undefined> {
  const { bufferSize = 128, imitationClipNorm = 0.7, imitationEntropyBonus = 0.001, ...rest } = options;
  const { objective = grpo({ std: "none", surrogate: "ratio", reduction: "token-mean" }) } = options;
  if (!(Number.isInteger(bufferSize) && bufferSize >= 1)) {
    throw new RangeError(`relift: expected a whole bufferSize >= 1 but found ${bufferSize}`);
  }
  const random = options.random ?? createRandom(options.seed ?? 0);
  const shared = { ...rest, random };
  const imitative = { objective: sft({ entropyBonus: imitationEntropyBonus }), steps: 1, optimizer: "imitation" };
  if (bufferSize <= task.problems.length) {
    train(policy, task, { ...shared, ...imitative, demonstrationsPerStep: bufferSize });
  }
  const records = train(policy, task, { ...shared, objective });
  return interleave({ records, imitate, bufferSize });

  async function imitate(indices: readonly number[], step: number) {
    const { evaluation: _, ...plain } = shared;
    const rate = options.learningRate;
    const learningRate = typeof rate === "function" ? rate(step) : (rate ?? 2e-4);
    const settings = { ...imitative, demonstrationsPerStep: indices.length, learningRate };
    const some = only(task, indices);
    const run = train(policy, some, { ...plain, ...settings, clipNorm: imitationClipNorm });
    const { value } = await run.next();
    return value ?? undefined;
  }
}

interface Interleave {
  readonly records: AsyncGenerator<StepRecord, void, undefined>;
  readonly imitate: (indices: readonly number[], step: number) => Promise<StepRecord | undefined>;
  readonly bufferSize: number;
}

async function* interleave({
  records,
  imitate,
  bufferSize,
}: Interleave): AsyncGenerator<ReliftRecord, void, undefined> {
  const buffer = new Set<number>();
  for await (const record of records) {
    for (const index of record.unsolved ?? []) buffer.add(index);
    const buffered = buffer.size;
    if (buffered < bufferSize) {
      yield { ...record, buffered };
      continue;
    }
    const taken = [...buffer].slice(0, bufferSize);
    for (const index of taken) buffer.delete(index);
    const imitation = await imitate(taken, record.step);
    yield { ...record, buffered, ...(imitation && { imitation }) };
  }
}

/** The same task with some of its problems. */
function only<P extends Problem>(task: Task<P>, indices: readonly number[]): Task<P> {
  return {
    vocabulary: task.vocabulary,
    encode: (text) => task.encode(text),
    decode: (tokens) => task.decode(tokens),
    problems: indices.map((index) => task.problems[index]!),
    reward: (problem, completion) => task.reward(problem, completion),
    ...(task.demonstration && { demonstration: (problem: P) => task.demonstration!(problem) }),
  };
}
