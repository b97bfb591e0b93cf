/** Variables of a TensorFlow.js model: what they must be, and how they are read, copied and assigned from a file, alone or with their optimizers. */

import { loadSafetensors, type Safetensors, saveSafetensors } from "../models/safetensors/safetensors.ts";
import { stateName } from "../models/safetensors/training-state.ts";
import type { Moments } from "./adamw.ts";
import type { TfjsFunctions, TfjsTensor, TfjsVariable } from "./tensorflow.ts";
import type { TfjsPolicyOptions } from "./tfjs-policy.ts";

type Variables = Readonly<Record<string, TfjsVariable>>;

/** The numbers of each tensor, copies. */
export async function readTensors(
  tensors: Readonly<Record<string, TfjsTensor>>,
): Promise<Record<string, Float32Array>> {
  const entries = Object.entries(tensors).map(
    async ([name, tensor]) => [name, Float32Array.from(await tensor.data())] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

/** Gives variables the values of others; both must have the same names and shapes and share no variable. */
export function copyVariables(from: Variables, to: Variables): void {
  const shapes = (variables: Variables) =>
    Object.entries(variables)
      .map(([name, { shape }]) => `${name} [${shape}]`)
      .sort()
      .join(", ");
  if (shapes(from) !== shapes(to)) {
    throw new TypeError(`clone: expected create to build the variables ${shapes(from)} but found ${shapes(to)}`);
  }
  const shared = Object.keys(from).find((name) => from[name] === to[name]);
  if (shared !== undefined) {
    throw new TypeError(`clone: expected create to build new variables but found ${shared} again`);
  }
  for (const [name, variable] of Object.entries(to)) variable.assign(from[name]!);
}

/** Writes a safetensors file, atomically. */
export async function saveVariables(
  variables: Variables,
  file: string,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  const data = await readTensors(variables);
  const tensors = Object.entries(variables).map(([name, { shape }]) => [name, { shape, data: data[name]! }] as const);
  await saveSafetensors(file, new Map(tensors), metadata);
}

/** Assigns the tensors of a safetensors file; checks all of them first. */
export async function assignFile(tf: TfjsFunctions, variables: Variables, file: string): Promise<void> {
  const { tensors } = await loadSafetensors(file);
  checkTensors(tensors, variables, file);
  for (const [name, variable] of Object.entries(variables)) {
    const value = tf.tensor(tensors.get(name)!.data, [...variable.shape], "float32");
    variable.assign(value);
    value.dispose();
  }
}

function checkTensors(tensors: Safetensors["tensors"], variables: Variables, file: string): void {
  const extra = [...tensors.keys()].find((name) => !Object.hasOwn(variables, name));
  if (extra !== undefined)
    throw new RangeError(`load: expected only the model's tensors but found ${extra} in ${file}`);
  for (const [name, { shape }] of Object.entries(variables)) {
    const tensor = tensors.get(name);
    if (tensor?.shape.join() !== shape.join()) {
      const found = tensor ? `[${tensor.shape}]` : "none";
      throw new RangeError(`load: expected ${name} of shape [${shape}] but found ${found} in ${file}`);
    }
    const bad = tensor.data.find((weight) => !Number.isFinite(weight));
    if (bad !== undefined) throw new RangeError(`load: expected finite weights but found ${bad} in ${name} of ${file}`);
  }
}

/** Checks what can be checked of a model before it runs. */
export function checkModel({ tf, variables, backend, ...sizes }: TfjsPolicyOptions): void {
  checkBackend(tf as unknown as TfjsFunctions, backend);
  const { vocabularySize, contextLength, endToken, logitsPerRun = 1 } = sizes;
  const [many, last] = [2 ** 31, vocabularySize - 1];
  const ranges = { vocabularySize: [1, many], contextLength: [2, many], endToken: [0, last], logitsPerRun: [1, many] };
  for (const [name, size] of Object.entries({ vocabularySize, contextLength, endToken, logitsPerRun })) {
    const [low, high] = ranges[name as keyof typeof ranges] as [number, number];
    if (!(Number.isInteger(size) && size >= low && size <= high)) {
      throw new RangeError(`tfjsPolicy: expected a whole ${name} in [${low}, ${high}] but found ${size}`);
    }
  }
  if (!Object.values(variables).some(({ trainable }) => trainable)) {
    throw new RangeError("tfjsPolicy: expected one trainable variable or more but found none");
  }
  const other = Object.entries(variables).find(([, { dtype }]) => dtype !== "float32");
  if (other) throw new TypeError(`tfjsPolicy: expected float32 variables but found ${other[0]} of ${other[1].dtype}`);
}

function checkBackend(tf: TfjsFunctions, backend: string | undefined): void {
  const active = tf.getBackend();
  if (!active) {
    throw new TypeError(
      "tfjsPolicy: expected an active backend but found none; import one and await tf.setBackend(name)",
    );
  }
  if (backend !== undefined && backend !== active) {
    throw new TypeError(
      `tfjsPolicy: expected the backend ${backend} but found ${active}; await tf.setBackend("${backend}") and look at its warnings: TensorFlow.js goes on with another backend if one cannot start`,
    );
  }
}

/** Moments by variable, and how often they were moved on. */
export interface Optimizer {
  readonly moments: Record<string, Moments>;
  steps: number;
}

export type Optimizers = ReadonlyMap<string, Optimizer>;
/** Every variable and moment by its name in the file. */
export async function stateArrays(variables: Variables, optimizers: Optimizers): Promise<Record<string, Float32Array>> {
  const moments = [...optimizers].flatMap(([optimizer, { moments }]) =>
    Object.entries(moments).flatMap(([name, { mean, square }]) => [
      [stateName(optimizer, `m:${name}`), mean] as const,
      [stateName(optimizer, `v:${name}`), square] as const,
    ]),
  );
  return readTensors({ ...variables, ...Object.fromEntries(moments) });
}

interface Source {
  readonly steps: Readonly<Record<string, number>>;
  take(name: string, size: number): Float32Array;
}

/** Takes everything out of a state first, then assigns the variables; gives the optimizers. */
export function assignState(tf: TfjsFunctions, variables: Variables, { steps, take }: Source): Map<string, Optimizer> {
  const sizes = Object.entries(variables).map(([name, { shape }]) => [name, shape.reduce((a, b) => a * b, 1)] as const);
  const values = sizes.map(([name, size]) => [name, take(name, size)] as const);
  const trained = sizes.filter(([name]) => variables[name]!.trainable);
  const arrays = Object.keys(steps).map((optimizer) => {
    const moments = trained.map(([name, size]) => {
      const [mean, square] = ["m", "v"].map((kind) => take(stateName(optimizer, `${kind}:${name}`), size));
      return [name, { mean: mean!, square: square! }] as const;
    });
    return [optimizer, moments] as const;
  });
  const tensor = (name: string, data: Float32Array) => tf.tensor(data, [...variables[name]!.shape], "float32");
  for (const [name, data] of values) {
    const value = tensor(name, data);
    variables[name]!.assign(value);
    value.dispose();
  }
  const optimizers = arrays.map(([optimizer, moments]) => {
    const tensors = moments.map(
      ([name, { mean, square }]) => [name, { mean: tensor(name, mean), square: tensor(name, square) }] as const,
    );
    return [optimizer, { moments: Object.fromEntries(tensors), steps: steps[optimizer]! }] as const;
  });
  return new Map(optimizers);
}

/** What a state must be of, as text: sizes, and the shape of every variable. */
export function architectureOf({ vocabularySize, contextLength, endToken, variables }: TfjsPolicyOptions): string {
  const shapes = Object.entries(variables).map(([name, { shape }]) => [name, [...shape]]);
  return JSON.stringify({ vocabularySize, contextLength, endToken, shapes: Object.fromEntries(shapes) });
}
