/** The part of @huggingface/transformers that we use, loaded when a model is, and never from the network. */

import { stat } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";

/** A tensor of ONNX Runtime in transformers.js' clothes. */
export interface RuntimeTensor {
  readonly dims: readonly number[];
  readonly type: string;
  readonly data: Float32Array;
  dispose?(): void;
}

export type RuntimeOutput = Readonly<Record<string, RuntimeTensor>>;

/** A decoder that takes ids and a cache and gives logits and the next cache. */
export interface RuntimeModel {
  (inputs: Record<string, unknown>): Promise<RuntimeOutput>;
  readonly config: Readonly<Record<string, unknown>>;
  dispose(): Promise<unknown>;
}

type Int64Tensor = new (type: "int64", data: BigInt64Array, dims: readonly number[]) => RuntimeTensor;

/** A loaded model and what makes its inputs. */
export interface Runtime {
  readonly model: RuntimeModel;
  readonly version: string;
  readonly tensor: (data: BigInt64Array, dims: readonly number[]) => RuntimeTensor;
  /** The `present.*` outputs of one run as the cache of the next. */
  readonly cache: (output: RuntimeOutput) => unknown;
}

export interface RuntimeOptions {
  /** Which of the folder's onnx/model*.onnx: "fp32" is model.onnx, "q4" is model_q4.onnx. Default "fp32". */
  readonly dtype?: string;
  /** Default "cpu". */
  readonly device?: "cpu" | "webgpu" | "cuda";
}

interface Library {
  readonly env: {
    allowRemoteModels: boolean;
    allowLocalModels: boolean;
    localModelPath: string;
    readonly version: string;
  };
  readonly AutoModelForCausalLM: {
    from_pretrained(name: string, options: Record<string, unknown>): Promise<RuntimeModel>;
  };
  readonly Tensor: Int64Tensor;
  readonly DynamicCache: new (entries: Record<string, RuntimeTensor>) => unknown;
}

/** Models load one at a time, since the paths of the library are global. */
let loading: Promise<unknown> = Promise.resolve();

/**
 * Loads the model of a folder.
 *
 * @throws {Error} If @huggingface/transformers is not installed, or cannot load the folder.
 */
export async function loadRuntime(folder: string, options: RuntimeOptions): Promise<Runtime> {
  const found = await stat(folder).catch(() => undefined);
  if (!found?.isDirectory()) {
    throw new TypeError(`loadTransformersJs: expected a folder with config.json and onnx/ but found none at ${folder}`);
  }
  const library = await importLibrary();
  const loaded = loading.then(() => loadModel(library, resolve(folder), options));
  loading = loaded.catch(() => {});
  const model = await loaded;
  return {
    model,
    version: library.env.version,
    tensor: (data, dims) => new library.Tensor("int64", data, dims),
    cache: (output) => new library.DynamicCache(cacheEntries(output)),
  };
}

async function importLibrary(): Promise<Library> {
  process.env.ORT_DISABLE_TELEMETRY ??= "1"; // the record of use that ONNX Runtime would send; see src/graph/session.ts
  try {
    return (await import("@huggingface/transformers")) as unknown as Library;
  } catch (cause) {
    throw new Error(
      "loadTransformersJs: expected the package @huggingface/transformers but found none that loads: " +
        'ONNXRUNTIME_NODE_INSTALL_CUDA=skip npm install "@huggingface/transformers@>=4"',
      { cause },
    );
  }
}

async function loadModel({ env, AutoModelForCausalLM }: Library, folder: string, options: RuntimeOptions) {
  const { dtype = "fp32", device = "cpu" } = options;
  const { allowRemoteModels, allowLocalModels, localModelPath } = env;
  Object.assign(env, { allowRemoteModels: false, allowLocalModels: true, localModelPath: `${dirname(folder)}/` });
  try {
    return await AutoModelForCausalLM.from_pretrained(basename(folder), { dtype, device, local_files_only: true });
  } catch (cause) {
    throw new Error(
      `loadTransformersJs: expected a causal language model of dtype ${dtype} in ${folder} but found one that does not ` +
        `load on ${device}: ${(cause as Error).message}`,
      { cause },
    );
  } finally {
    Object.assign(env, { allowRemoteModels, allowLocalModels, localModelPath });
  }
}

function cacheEntries(output: RuntimeOutput): Record<string, RuntimeTensor> {
  const present = Object.entries(output).filter(([name]) => name.startsWith("present."));
  return Object.fromEntries(present.map(([name, tensor]) => [name.replace("present", "past_key_values"), tensor]));
}
