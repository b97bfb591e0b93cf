/**
 * A training run on disk: parameters, optimizer, random numbers and the last step, written atomically, so that a run
 * that was killed goes on as if it had not been. On the CPU the resumed run gives the same bits.
 */

import { type Random, restoreRandom } from "../../random.ts";
import type { Policy } from "../policy.ts";
import type { StepRecord } from "../train.ts";

export interface CheckpointOptions {
  /** Where the run is kept; a run that finds the file goes on from it. */
  readonly file: string;
  /** Written after every so many steps and after the last. Default 10. */
  readonly every?: number;
}

export interface Progress {
  /** The step that was finished last; 0 at the beginning. */
  readonly step: number;
  readonly last: StepRecord | undefined;
  readonly random: Random;
}

type Keeper = Policy & Required<Pick<Policy, "saveState" | "loadState">>;

/**
 * @throws {TypeError} If the policy cannot be kept with its optimizer.
 * @throws {RangeError} If `every` is no whole number > 0.
 * @example
 * checkKeeper(policy, { file: "run.safetensors" }); // nothing
 */
export function checkKeeper(policy: Policy, { every = 10 }: CheckpointOptions): asserts policy is Keeper {
  if (!policy.saveState || !policy.loadState) {
    throw new TypeError(
      "train: expected a policy with saveState and loadState but found one without; leave checkpoint out",
    );
  }
  if (!(Number.isInteger(every) && every > 0)) {
    throw new RangeError(`train: expected a whole checkpoint.every > 0 but found ${every}`);
  }
}

/**
 * Puts the policy where the run was left; undefined if there is no such run.
 *
 * @throws {SyntaxError} If the file is no checkpoint of a run.
 * @example
 * await loadProgress(policy, "nothing-here.safetensors"); // undefined
 */
export async function loadProgress(policy: Policy, file: string): Promise<Progress | undefined> {
  checkKeeper(policy, { file });
  const note = await policy.loadState(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (note === undefined) return undefined;
  const { step, last, random } = JSON.parse(note) as {
    step: number;
    last?: StepRecord;
    random: [number, number, number, number];
  };
  return { step, last, random: restoreRandom(random) };
}

/**
 * Writes the run, in one step.
 *
 * @example
 * await saveProgress(policy, "run.safetensors", { step: 3, last: undefined, random });
 */
export async function saveProgress(policy: Policy, file: string, { step, last, random }: Progress): Promise<void> {
  checkKeeper(policy, { file });
  await policy.saveState(file, JSON.stringify({ step, last, random: random.state() }));
}
