/**
 * Runs traced graphs with ONNX Runtime: the only file that knows it.
 */

import { availableParallelism } from "node:os";
import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { writeModel } from "./onnx.ts";
import type { Data, Tensor } from "./tensor.ts";

/** An array with a shape, as a program takes and gives it. */
export type Value = OrtTensor;

export interface Program {
  /** Runs once. Results listed in `into` are written to the memory given there. */
  run(feeds: Readonly<Record<string, Value>>, into?: Readonly<Record<string, Value>>): Promise<Record<string, Value>>;
  release(): Promise<void>;
}

export interface CompileOptions {
  /** Threads within an operator. Default: one a core, at most 8. */
  readonly threads?: number;
}

type Runtime = typeof import("onnxruntime-node");
let runtime: Runtime | undefined;

/** Loads ONNX Runtime once; must have run before `value`. */
export async function loadRuntime(): Promise<Runtime> {
  const module: Runtime & { default?: Runtime } = await import("onnxruntime-node");
  runtime ??= module.default ?? module;
  return runtime;
}

/** Wraps an array without copying it. */
export function value(data: Data, shape: readonly number[]): Value {
  const type = data instanceof Float32Array ? "float32" : data instanceof Int32Array ? "int32" : "int64";
  return new runtime!.Tensor(type as "float32", data as Float32Array, shape);
}

/** Compiles the graph that computes `outputs`. */
export async function compile(
  outputs: Readonly<Record<string, Tensor>>,
  { threads = defaultThreads() }: CompileOptions = {},
): Promise<Program> {
  const ort = await loadRuntime();
  const options: InferenceSession.SessionOptions = {
    executionProviders: ["cpu"],
    graphOptimizationLevel: "all",
    executionMode: "sequential",
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  };
  const session = await ort.InferenceSession.create(
    writeModel(rename(outputs, (name) => outputPrefix + name)),
    options,
  );
  const unset = Object.fromEntries(session.outputNames.map((name) => [name, null]));
  return {
    async run(feeds, into = {}) {
      const results = await session.run(feeds, { ...unset, ...rename(into, (name) => outputPrefix + name) });
      return rename(results, (name) => name.slice(outputPrefix.length));
    },
    release: () => session.release(),
  };
}

/** A result may have the name of an input (a moment before and after a step), which ONNX does not allow. */
const outputPrefix = ">";

function rename<T>(record: Readonly<Record<string, T>>, change: (name: string) => string): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([name, one]) => [change(name), one]));
}

function defaultThreads(): number {
  return Math.min(8, availableParallelism());
}
