/**
 * Runs traced graphs with ONNX Runtime: the only file that knows it.
 */

import { availableParallelism } from "node:os";
import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { writeModel } from "./onnx.ts";
import type { Data, Tensor } from "./tensor.ts";

/** An array with a shape, as a program takes and gives it. */
export type Value = OrtTensor;

/** Where graphs run. The CPU is the reference; the others need what `srft doctor` names. */
export type Device = (typeof devices)[number];
const devices = ["cpu", "webgpu", "cuda"] as const;

export interface Program {
  /** Runs once. Results listed in `into` are written to the memory given there (CPU only). */
  run(feeds: Readonly<Record<string, Value>>, into?: Readonly<Record<string, Value>>): Promise<Record<string, Value>>;
  release(): Promise<void>;
}

export interface CompileOptions {
  /** Threads within an operator. Default: one a core, at most 8. */
  readonly threads?: number;
  /** Default "cpu"; never another one in its place. */
  readonly device?: Device;
}

/** Results that stay in the memory of a WebGPU device, to be fed to another run. */
export interface ResidentOptions extends CompileOptions {
  readonly resident?: (output: string) => boolean;
}

type Runtime = typeof import("onnxruntime-node");
let runtime: Runtime | undefined;

/**
 * Loads ONNX Runtime once; must have run before `value`. From 1.30 on it keeps a database of usage events in the
 * user's cache folder and sends it to Microsoft unless ORT_DISABLE_TELEMETRY is set when it starts; whoever wants that
 * sets the variable to 0.
 */
export async function loadRuntime(): Promise<Runtime> {
  process.env.ORT_DISABLE_TELEMETRY ??= "1";
  const module: Runtime & { default?: Runtime } = await import("onnxruntime-node");
  runtime ??= module.default ?? module;
  return runtime;
}

/** Wraps an array without copying it. */
export function value(data: Data, shape: readonly number[]): Value {
  const type = data instanceof Float32Array ? "float32" : data instanceof Int32Array ? "int32" : "int64";
  return new runtime!.Tensor(type as "float32", data as Float32Array, shape);
}

/** Gives back the device's memory of values that are no longer needed. */
export function discard(values: Readonly<Record<string, Value>>): void {
  for (const one of Object.values(values)) if (one.location === "gpu-buffer") one.dispose();
}

/**
 * How long a thread of ONNX Runtime that has nothing to do stays awake, in microseconds. Its default, about a millisecond,
 * takes from the other threads what they compute with, and from everything else on the machine.
 */
const spinDuration = "50";

/**
 * Compiles the graph that computes `outputs`.
 *
 * @throws {RangeError} If the device is none of the three.
 * @throws {Error} If the device cannot be used; the message says why and what helps.
 */
export async function compile(
  outputs: Readonly<Record<string, Tensor>>,
  { threads = defaultThreads(), device = "cpu", resident = () => false }: ResidentOptions = {},
): Promise<Program> {
  if (!devices.includes(device)) {
    throw new RangeError(`compile: expected device ${devices.join(" | ")} but found ${device}`);
  }
  const ort = await loadRuntime();
  const options: InferenceSession.SessionOptions = {
    executionProviders: [device],
    graphOptimizationLevel: "all",
    executionMode: "sequential",
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    extra: { session: { intra_op: { spin_duration_us: spinDuration } } },
    logSeverityLevel: 3,
    ...(device === "webgpu" && { preferredOutputLocation: locations(Object.keys(outputs), resident) }),
  };
  const model = writeModel(rename(outputs, (name) => outputPrefix + name));
  const session = await ort.InferenceSession.create(model, options).catch((cause) => explain(device, cause));
  const unset = Object.fromEntries(session.outputNames.map((name) => [name, null]));
  return {
    async run(feeds, into = {}) {
      const results = await session.run(feeds, { ...unset, ...rename(into, (name) => outputPrefix + name) });
      return rename(results, (name) => name.slice(outputPrefix.length));
    },
    release: () => session.release(),
  };
}

function locations(names: readonly string[], resident: (output: string) => boolean) {
  return Object.fromEntries(
    names.map((name) => [outputPrefix + name, resident(name) ? ("gpu-buffer" as const) : ("cpu" as const)]),
  );
}

function explain(device: Device, cause: unknown): never {
  const text = String((cause as Error)?.message ?? cause);
  const reason = text.replace(/^.* was false\. /s, "").trim(); // not the place in the runtime's own sources
  if (device === "cpu") throw cause;
  const remedies = {
    webgpu: "install a driver with Vulkan, Metal or Direct3D 12",
    cuda: "install ONNX Runtime's CUDA provider (Linux x64: ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node), CUDA 12 and cuDNN 9; npx srft doctor names the library that is missing",
  };
  throw new Error(
    `compile: expected a ${device} device but found none that works (${reason}); ${remedies[device]}, or use device: "cpu"`,
    { cause },
  );
}

/** A result may have the name of an input (a moment before and after a step), which ONNX does not allow. */
const outputPrefix = ">";

function rename<T>(record: Readonly<Record<string, T>>, change: (name: string) => string): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([name, one]) => [change(name), one]));
}

function defaultThreads(): number {
  return Math.min(8, availableParallelism());
}
