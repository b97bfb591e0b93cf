/**
 * Checkpoints of the Llama, Qwen2 and Qwen3 families in the folder layout of Hugging Face: config.json and safetensors,
 * in one file or in shards with an index. Tensors are read in pieces, each put where it belongs, so memory holds the float32
 * parameters and 64 MB more. Files are not trusted; see safetensors.ts.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { CompileOptions } from "../../graph/session.ts";
import { writeAtomically } from "../safetensors/atomic-write.ts";
import { openSafetensors, type SafetensorsFile, saveSafetensors } from "../safetensors/safetensors.ts";
import { completeConfig } from "../transformer/checkpoint.ts";
import { createPrograms } from "../transformer/programs.ts";
import { parameterShapes, type TransformerConfig } from "../transformer/transformer.ts";
import { TransformerPolicy } from "../transformer/transformer-policy.ts";
import { configOf, configToHuggingFace, type HuggingFaceConfig } from "./config.ts";
import { placesOf, type TensorPlace } from "./names.ts";

export interface HuggingFaceOptions extends CompileOptions {
  /** Longest prompt + completion, in tokens. Default: the model's, at most 4096 (the rotary tables grow with it). */
  readonly contextLength?: number;
}

/**
 * The policy of a folder with config.json and *.safetensors.
 *
 * @throws {SyntaxError} If config.json or the index is no JSON object.
 * @throws {RangeError} If the architecture is not one we know, or a tensor is missing, has another shape or holds a
 *   weight that is not finite; the message names file and tensor.
 * @example
 * const policy = await loadHuggingFace("models/tiny-qwen2");
 */
export async function loadHuggingFace(folder: string, options: HuggingFaceOptions = {}): Promise<TransformerPolicy> {
  const { contextLength, ...compile } = options;
  const given = (await readJson(join(folder, "config.json"))) as unknown as HuggingFaceConfig;
  const config = completeConfig(configOf(given, contextLength === undefined ? {} : { contextLength }));
  const parameters = await readParameters(config, folder);
  return TransformerPolicy.create(createPrograms(config, compile), parameters);
}

/**
 * Writes config.json and model.safetensors (float32) into a folder that exists, as `transformers` reads them.
 *
 * @throws {RangeError} If the policy's architecture belongs to none of the families.
 * @example
 * await saveHuggingFace(policy, "models/tuned");
 */
export async function saveHuggingFace(policy: TransformerPolicy, folder: string): Promise<void> {
  const { config } = policy;
  const family = configToHuggingFace(config);
  const parameters = await policy.parameters();
  const tensors = new Map(
    placesOf(config).map(({ name, parameter, shape, offset }) => {
      return [name, { shape, data: parameters[parameter]!.subarray(offset, offset + sizeOf(shape)) }];
    }),
  );
  await saveSafetensors(join(folder, "model.safetensors"), tensors, { format: "pt" });
  await writeAtomically(join(folder, "config.json"), [
    new TextEncoder().encode(`${JSON.stringify(family, undefined, 2)}\n`),
  ]);
}

async function readJson(file: string): Promise<Record<string, unknown>> {
  const text = await readFile(file, "utf8");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError(`loadHuggingFace: expected JSON in ${file}`, { cause });
  }
  if (typeof value !== "object" || value === null)
    throw new SyntaxError(`loadHuggingFace: expected a JSON object in ${file}`);
  return value as Record<string, unknown>;
}

async function openShard(folder: string, file: string): Promise<SafetensorsFile> {
  return openSafetensors(join(folder, file)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    throw new RangeError(
      `loadHuggingFace: expected ${file} in ${folder} but found no such file; is a shard missing, or the model in another format?`,
      { cause: error },
    );
  });
}

async function shardNames(folder: string): Promise<string[]> {
  const index = join(folder, "model.safetensors.index.json");
  const found = await readJson(index).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (!found) return ["model.safetensors"];
  const names = new Set(Object.values(Object(found.weight_map)).map(String));
  const bad = [...names].find((name) => !/^[\w.-]+\.safetensors$/.test(name));
  if (names.size === 0 || bad !== undefined) {
    throw new RangeError(`loadHuggingFace: expected plain *.safetensors names in ${index} but found ${bad ?? "none"}`);
  }
  return [...names];
}

async function readParameters(config: TransformerConfig, folder: string): Promise<Record<string, Float32Array>> {
  const files: SafetensorsFile[] = [];
  try {
    for (const name of await shardNames(folder)) files.push(await openShard(folder, name));
    const shards = new Map(files.flatMap((file) => [...file.entries.keys()].map((name) => [name, file] as const)));
    return await readPlaces(config, shards, folder);
  } finally {
    for (const file of files) await file.close();
  }
}

async function readPlaces(config: TransformerConfig, shards: ReadonlyMap<string, SafetensorsFile>, folder: string) {
  const places = placesOf(config);
  for (const place of places) checkPlace(place, shards.get(place.name), folder);
  const sizes = Object.entries(parameterShapes(config)).map(([name, shape]) => [name, sizeOf(shape)] as const);
  const parameters = Object.fromEntries(sizes.map(([name, size]) => [name, new Float32Array(size)]));
  for (const { name, parameter, shape, offset } of places) {
    const data = parameters[parameter]!.subarray(offset, offset + sizeOf(shape));
    await shards.get(name)!.readInto(name, data);
    const bad = data.findIndex((weight) => !Number.isFinite(weight));
    if (bad >= 0) {
      throw new RangeError(`loadHuggingFace: expected finite weights but found ${data[bad]} in ${name} of ${folder}`);
    }
  }
  return parameters;
}

const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

function checkPlace({ name, shape }: TensorPlace, shard: SafetensorsFile | undefined, folder: string): void {
  const found = shard?.entries.get(name)?.shape;
  if (found?.join() !== shape.join()) {
    throw new RangeError(
      `loadHuggingFace: expected ${name} of shape [${shape}] in ${folder} but found ${found ? `[${found}]` : "none; is a shard missing?"}`,
    );
  }
}
