/**
 * Policies from nothing and from files. A checkpoint is a safetensors file whose metadata entry `transformer` holds
 * the architecture as JSON; it is not trusted: sizes are bounded and every weight must be finite.
 */

import type { CompileOptions } from "../../graph/session.ts";
import { createRandom } from "../../random.ts";
import { loadSafetensors, type Safetensors } from "../safetensors/safetensors.ts";
import { createPrograms } from "./programs.ts";
import { checkRopeScaling } from "./rope.ts";
import { initialParameters, parameterShapes, type TransformerConfig } from "./transformer.ts";
import { TransformerPolicy } from "./transformer-policy.ts";

export interface CreatePolicyOptions extends Partial<TransformerConfig>, CompileOptions {
  /** V. The vocabulary of the arithmetic task has 21 tokens. */
  readonly vocabularySize: number;
  /** Determines the initial parameters. */
  readonly seed: number;
}

/**
 * A transformer with fresh parameters; sizes default to the lab policy's (3 layers, width 96, 4 heads).
 *
 * @throws {RangeError} If a size is not a whole number in its range.
 * @example
 * const policy = await createPolicy({ vocabularySize: 21, seed: 7 });
 */
export async function createPolicy({
  seed,
  threads,
  device,
  ...sizes
}: CreatePolicyOptions): Promise<TransformerPolicy> {
  const config = completeConfig(sizes);
  const options = { ...(threads !== undefined && { threads }), ...(device !== undefined && { device }) };
  return TransformerPolicy.create(createPrograms(config, options), initialParameters(config, createRandom(seed)));
}

/**
 * The policy of a checkpoint file.
 *
 * @param options.like A policy of the same architecture, whose compiled programs the new one shares (loading many
 *   checkpoints of one run then costs no compilation).
 * @throws {SyntaxError} If the file is no checkpoint of ours.
 * @throws {RangeError} If a tensor is missing, has another shape or holds a weight that is not finite, or the
 *   architecture is another than that of `like`.
 * @example
 * await policy.save("base.safetensors");
 * const again = await loadPolicy("base.safetensors", { like: policy });
 */
export async function loadPolicy(
  file: string,
  { like, ...options }: CompileOptions & { readonly like?: TransformerPolicy } = {},
): Promise<TransformerPolicy> {
  const content = await loadSafetensors(file);
  const config = completeConfig(readConfig(content, file));
  const parameters = readParameters(content, config, file);
  if (!like) return TransformerPolicy.create(createPrograms(config, options), parameters);
  if (JSON.stringify(like.config) !== JSON.stringify(config)) {
    throw new RangeError(
      `loadPolicy: expected the architecture of the policy to load like but found another in ${file}`,
    );
  }
  return like.with(parameters);
}

function readConfig({ metadata }: Safetensors, file: string): TransformerConfig {
  const config = parseObject(metadata.transformer ?? "");
  if (!config) {
    throw new SyntaxError(
      `loadPolicy: expected the architecture as JSON in the metadata entry "transformer" but found none in ${file}; was it written by policy.save?`,
    );
  }
  return config as unknown as TransformerConfig;
}

function parseObject(text: string): object | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function readParameters(
  { tensors }: Safetensors,
  config: TransformerConfig,
  file: string,
): Record<string, Float32Array> {
  const shapes = parameterShapes(config);
  const extra = [...tensors.keys()].find((name) => !Object.hasOwn(shapes, name));
  if (extra !== undefined)
    throw new RangeError(`loadPolicy: expected only the model's tensors but found ${extra} in ${file}`);
  const entries = Object.entries(shapes).map(([name, shape]) => {
    const tensor = tensors.get(name);
    if (tensor?.shape.join() !== shape.join()) {
      throw new RangeError(
        `loadPolicy: expected ${name} of shape [${shape}] but found ${tensor ? `[${tensor.shape}]` : "none"} in ${file}`,
      );
    }
    const bad = tensor.data.findIndex((weight) => !Number.isFinite(weight));
    if (bad >= 0)
      throw new RangeError(`loadPolicy: expected finite weights but found ${tensor.data[bad]} in ${name} of ${file}`);
    return [name, tensor.data] as const;
  });
  return Object.fromEntries(entries);
}

/**
 * Fills in defaults and checks every number; unknown keys are dropped.
 *
 * @example
 * completeConfig({ vocabularySize: 21, width: 32 }).hidden; // 128: four times the width
 */
export function completeConfig(given: Partial<TransformerConfig> & { vocabularySize: number }): TransformerConfig {
  const { vocabularySize, layers = 3, width = 96, heads = 4, contextLength = 128, mlp = "gelu" } = given;
  const {
    keyHeads = heads,
    headWidth = width / heads,
    hidden = 4 * width,
    ropeBase = 1000,
    normEpsilon = 1e-6,
  } = given;
  const { attentionBias = false, queryKeyNorm = false, tiedEmbedding = true, endToken = 2 } = given;
  const { ropeScaling = { kind: "none" }, lora = null } = given;
  checkWhole({ vocabularySize }, [2, 1 << 20]);
  checkWhole({ layers }, [1, 256]);
  checkWhole({ width, heads, keyHeads, hidden, contextLength }, [1, 1 << 20]);
  checkWhole({ endToken }, [0, vocabularySize - 1]);
  if (lora) checkWhole({ "lora.rank": lora.rank }, [1, 1 << 16]);
  if (lora && !(lora.alpha > 0 && lora.alpha < Infinity)) {
    throw new RangeError(`createPolicy: expected a finite lora.alpha > 0 but found ${lora.alpha}`);
  }
  if (!(headWidth > 0 && headWidth % 2 === 0 && headWidth <= 1 << 12 && heads % keyHeads === 0)) {
    throw new RangeError(
      `createPolicy: expected a width that is a multiple of 2 · heads (or an even headWidth) and keyHeads that divide heads but found width ${width}, heads ${heads}, keyHeads ${keyHeads}, headWidth ${headWidth}`,
    );
  }
  if (!(ropeBase > 1 && ropeBase < Infinity && normEpsilon > 0 && normEpsilon < 1)) {
    throw new RangeError(
      `createPolicy: expected ropeBase > 1 and normEpsilon in (0, 1) but found ${ropeBase}, ${normEpsilon}`,
    );
  }
  if (mlp !== "gelu" && mlp !== "swiglu")
    throw new RangeError(`createPolicy: expected mlp gelu or swiglu but found ${mlp}`);
  return {
    ...{ vocabularySize, layers, width, heads, keyHeads, headWidth, hidden, mlp, contextLength, endToken },
    ...{
      attentionBias,
      queryKeyNorm,
      tiedEmbedding,
      ropeBase,
      ropeScaling: checkRopeScaling(ropeScaling),
      normEpsilon,
      lora,
    },
  };
}

function checkWhole(sizes: Readonly<Record<string, number>>, [low, high]: readonly [number, number]): void {
  for (const [name, size] of Object.entries(sizes)) {
    if (!(Number.isInteger(size) && size >= low && size <= high)) {
      throw new RangeError(`createPolicy: expected a whole ${name} in [${low}, ${high}] but found ${size}`);
    }
  }
}
