/**
 * What we use of TensorFlow.js, as types: the caller passes the module of his choice, and the library imports none.
 */

/** A tensor of TensorFlow.js. */
export interface TfjsTensor {
  readonly shape: readonly number[];
  readonly dtype: string;
  data(): Promise<ArrayLike<number>>;
  dispose(): void;
}

/** A tf.Variable; one with `trainable` false is saved and never changed. */
export interface TfjsVariable extends TfjsTensor {
  readonly name: string;
  readonly trainable: boolean;
  assign(value: TfjsTensor): void;
}

/** Keeps tensors from the forward for the backward pass. */
export type TfjsSave = (tensors: TfjsTensor[]) => void;

/** The functions that a policy calls, as it calls them. */
export interface TfjsFunctions {
  getBackend(): string;
  tidy<T extends TfjsTensor | readonly TfjsTensor[] | Readonly<Record<string, TfjsTensor>>>(f: () => T): T;
  tensor(values: Float32Array | Int32Array, shape: number[], dtype: "float32" | "int32"): TfjsTensor;
  zeros(shape: number[]): TfjsTensor;
  variableGrads(
    f: () => TfjsTensor,
    variables: TfjsVariable[],
  ): { readonly value: TfjsTensor; readonly grads: Readonly<Record<string, TfjsTensor>> };
  customGrad(
    f: (
      x: TfjsTensor,
      save: TfjsSave,
    ) => { value: TfjsTensor; gradFunc: (dy: TfjsTensor, saved: readonly TfjsTensor[]) => TfjsTensor },
  ): (x: TfjsTensor) => TfjsTensor;
  add(a: TfjsTensor, b: TfjsTensor | number): TfjsTensor;
  sub(a: TfjsTensor, b: TfjsTensor | number): TfjsTensor;
  mul(a: TfjsTensor, b: TfjsTensor | number): TfjsTensor;
  div(a: TfjsTensor, b: TfjsTensor | number): TfjsTensor;
  maximum(a: TfjsTensor, b: number): TfjsTensor;
  neg(x: TfjsTensor): TfjsTensor;
  exp(x: TfjsTensor): TfjsTensor;
  log(x: TfjsTensor): TfjsTensor;
  sqrt(x: TfjsTensor): TfjsTensor;
  square(x: TfjsTensor): TfjsTensor;
  sum(x: TfjsTensor, axis?: number, keepDims?: boolean): TfjsTensor;
  max(x: TfjsTensor, axis?: number, keepDims?: boolean): TfjsTensor;
  reshape(x: TfjsTensor, shape: number[]): TfjsTensor;
  concat(tensors: TfjsTensor[], axis: number): TfjsTensor;
  gather(x: TfjsTensor, indices: TfjsTensor): TfjsTensor;
  oneHot(indices: TfjsTensor, depth: number): TfjsTensor;
  cast(x: TfjsTensor, dtype: "float32"): TfjsTensor;
}

/**
 * A module that has these functions: `@tensorflow/tfjs`, `-node` or `-node-gpu` (`tfjs-core` alone knows no
 * gradients). Their parameters are not compared: the module's own tensor type is narrower than ours.
 */
export type Tensorflow = Readonly<Record<keyof TfjsFunctions, (...inputs: never[]) => unknown>>;
