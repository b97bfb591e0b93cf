/**
 * The state of a training run as one safetensors file: parameters, and for each optimizer its number of steps and its
 * moments `m:…` and `v:…`, which have the optimizer's name before theirs unless it is the default one, "".
 */

import { loadSafetensors, type Safetensors, saveSafetensors } from "./safetensors.ts";

export interface TrainingState {
  /** Says which policies can take the state; compared as text. */
  readonly architecture: string;
  /** Steps that each optimizer has taken. */
  readonly steps: Readonly<Record<string, number>>;
  readonly note: string;
}

/**
 * The name of an array in the file.
 *
 * @example
 * stateName("imitation", "m:norm"); // "imitation/m:norm"
 */
export const stateName = (optimizer: string, name: string) => (optimizer === "" ? name : `${optimizer}/${name}`);

/** Writes a state, atomically; arrays by the names of `stateName`. */
export async function saveTrainingState(
  file: string,
  { architecture, steps, note, arrays }: TrainingState & { readonly arrays: Readonly<Record<string, Float32Array>> },
): Promise<void> {
  const tensors = Object.entries(arrays).map(([name, data]) => [name, { shape: [data.length], data }] as const);
  await saveSafetensors(file, new Map(tensors), { architecture, training: JSON.stringify({ steps, note }) });
}

/** A state whose arrays are still to be taken out. */
export interface LoadedState extends Omit<TrainingState, "architecture"> {
  /** The array of a name, of so many numbers. */
  take(name: string, size: number): Float32Array;
}

/**
 * Reads a state for a policy of this architecture.
 *
 * @throws {SyntaxError} If the file was not written by `saveTrainingState`.
 * @throws {RangeError} If it is of another architecture; from `take`, if an array is missing, of another length or not finite.
 */
export async function loadTrainingState(file: string, architecture: string): Promise<LoadedState> {
  const { tensors, metadata } = await loadSafetensors(file);
  if (metadata.training === undefined) {
    throw new SyntaxError(`loadState: expected a file that saveState wrote but found another one in ${file}`);
  }
  if (metadata.architecture !== architecture) {
    throw new RangeError(`loadState: expected the state of this architecture but found another one in ${file}`);
  }
  return {
    ...parseTraining(metadata.training, file),
    take: (name, size) => takeArray(tensors, { name, size, file }),
  };
}

function parseTraining(text: string, file: string): Omit<TrainingState, "architecture"> {
  try {
    const { steps, note } = JSON.parse(text);
    const isWhole = (count: unknown) => Number.isInteger(count) && (count as number) >= 0;
    if (Object.values(steps).every(isWhole) && typeof note === "string") return { steps, note };
  } catch {
    // answered below
  }
  throw new SyntaxError(`loadState: expected the numbers of steps and a note as JSON in the metadata of ${file}`);
}

function takeArray(
  tensors: Safetensors["tensors"],
  { name, size, file }: { name: string; size: number; file: string },
): Float32Array {
  const data = tensors.get(name)?.data;
  if (data?.length !== size) {
    throw new RangeError(
      `loadState: expected ${size} numbers of ${name} but found ${data?.length ?? "none"} in ${file}`,
    );
  }
  const bad = data.find((one) => !Number.isFinite(one));
  if (bad !== undefined)
    throw new RangeError(`loadState: expected finite numbers but found ${bad} in ${name} of ${file}`);
  return data;
}
