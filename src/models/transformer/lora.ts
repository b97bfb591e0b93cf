/**
 * Low-rank adapters (LoRA, arXiv 2106.09685): y = x Wᵀ + alpha / rank · x Aᵀ Bᵀ with W frozen, on every linear layer of
 * the blocks. Matrices that lie together in one of our parameters (queries, keys and values; gate and up) have an
 * adapter each, so that adapters of Hugging Face's PEFT can be read and written.
 */

import type { CompileOptions } from "../../graph/session.ts";
import { createRandom } from "../../random.ts";
import { createPrograms } from "./programs.ts";
import { adapterSections, type LoraSize, loraShapes, parameterShapes } from "./transformer.ts";
import { TransformerPolicy } from "./transformer-policy.ts";

export interface AddLoraOptions extends LoraSize, CompileOptions {
  /** Determines A; B begins as zeros, so the policy begins as its base. */
  readonly seed: number;
}

/**
 * A policy that trains adapters on a frozen copy of another one's parameters.
 *
 * @throws {RangeError} If rank is no whole number > 0, alpha is not finite and > 0, or the policy has adapters.
 * @example
 * const adapted = await addLora(policy, { rank: 4, alpha: 8, seed: 7 });
 */
export async function addLora(policy: TransformerPolicy, options: AddLoraOptions): Promise<TransformerPolicy> {
  const { rank, alpha, seed, ...compile } = options;
  checkLora(policy, { rank, alpha });
  const config = { ...policy.config, lora: { rank, alpha } };
  const random = createRandom(seed);
  const fresh = Object.entries(loraShapes(config)).map(([name, shape]) => {
    const data = new Float32Array(shape[0]! * shape[1]!);
    const bound = 1 / Math.sqrt(shape[1]!); // PyTorch's kaiming_uniform_ with a = √5
    return [name, name.endsWith("loraA") ? data.map(() => bound * (2 * random() - 1)) : data] as const;
  });
  const frozen = Object.entries(await policy.parameters()).map(([name, data]) => [name, data.slice()] as const);
  return TransformerPolicy.create(createPrograms(config, compile), Object.fromEntries([...frozen, ...fresh]));
}

/**
 * The same policy with its adapters added to the matrices: W + alpha / rank · B A.
 *
 * @throws {TypeError} If the policy has no adapters.
 * @example
 * const merged = await mergeLora(await addLora(policy, { rank: 4, alpha: 8, seed: 7 }));
 */
export async function mergeLora(policy: TransformerPolicy, compile: CompileOptions = {}): Promise<TransformerPolicy> {
  const { lora, ...rest } = policy.config;
  if (!lora) throw new TypeError("mergeLora: expected a policy with adapters but found none; see addLora");
  const config = { ...rest, lora: null };
  const parameters = await policy.parameters();
  const merged = Object.entries(parameterShapes(config)).map(([name, shape]) => {
    const data = parameters[name]!.slice();
    const [a, b] = [parameters[`${name}.loraA`], parameters[`${name}.loraB`]];
    if (a && b) addProduct(data, { a, b, width: shape[1]!, sections: adapterSections(config, name), ...lora });
    return [name, data] as const;
  });
  return TransformerPolicy.create(createPrograms(config, compile), Object.fromEntries(merged));
}

interface Product extends LoraSize {
  readonly a: Float32Array;
  readonly b: Float32Array;
  readonly width: number;
  readonly sections: readonly number[];
}

function addProduct(data: Float32Array, { a, b, width, sections, rank, alpha }: Product): void {
  let row = 0;
  for (const [section, rows] of sections.entries()) {
    for (const end = row + rows; row < end; row++) {
      for (let k = 0; k < rank; k++) {
        const factor = (alpha / rank) * b[row * rank + k]!;
        const from = (section * rank + k) * width;
        for (let i = 0; i < width; i++) data[row * width + i]! += factor * a[from + i]!;
      }
    }
  }
}

function checkLora({ config }: TransformerPolicy, { rank, alpha }: LoraSize): void {
  if (config.lora)
    throw new RangeError("addLora: expected a policy without adapters but found one with; see mergeLora");
  if (!(Number.isInteger(rank) && rank > 0))
    throw new RangeError(`addLora: expected a whole rank > 0 but found ${rank}`);
  if (!(alpha > 0 && alpha < Infinity)) throw new RangeError(`addLora: expected a finite alpha > 0 but found ${alpha}`);
}
