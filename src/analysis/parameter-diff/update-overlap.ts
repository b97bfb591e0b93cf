/**
 * Whether two runs from one base update the same parameters. I₁ and I₂ are the sets of elements that run 1 and run 2 changed:
 *
 *     first  = |I₁ ∩ I₂| / |I₁|     second = |I₁ ∩ I₂| / |I₂|     jaccard = |I₁ ∩ I₂| / |I₁ ∪ I₂|
 *
 * `chance` is what `first` would be if run 2 had chosen as many elements at random within each tensor; two runs that change nearly
 * everything overlap nearly wholly by chance.
 * @see arXiv 2505.11711, section 5 (o₁ and o₂, with a random baseline)
 */

import { toBfloat16 } from "./bfloat16.ts";
import { openPaired, type PairOptions } from "./paired-tensors.ts";
import { bfloat16Tolerance } from "./tensor-change.ts";

export interface UpdateOverlapOptions extends PairOptions {
  /** "stored": |Δ| > tolerance; "bfloat16": |bf16(b) − bf16(a)| > 1e-5. Default "stored". */
  readonly precision?: "stored" | "bfloat16";
  /** Of precision "stored". Default 0. */
  readonly tolerance?: number;
}

/** Shares are NaN where a set is empty. */
export interface Overlap {
  readonly elements: number;
  /** |I₁|, |I₂| and |I₁ ∩ I₂|. */
  readonly updated: readonly [number, number];
  readonly both: number;
  readonly first: number;
  readonly second: number;
  readonly jaccard: number;
  /** Expected `first` for a random choice of as many elements in each tensor. */
  readonly chance: number;
}

export interface UpdateOverlap extends Overlap {
  readonly tensors: readonly (Overlap & { readonly name: string })[];
}

/**
 * Compares what two runs updated.
 *
 * @param base The checkpoint that both began with.
 * @param runs The checkpoints of the two runs.
 * @throws {RangeError} If a tensor is missing in one or has another shape, a weight is not finite, or the tolerance is out of range.
 * @example
 * const { both, first } = await updateOverlap("models/tiny-qwen2", ["models/tiny-qwen2", "models/tiny-qwen2"]);
 * both; // 0
 */
export async function updateOverlap(
  base: string,
  runs: readonly [string, string],
  options: UpdateOverlapOptions = {},
): Promise<UpdateOverlap> {
  const { precision = "stored", tolerance = 0 } = options;
  if (!(tolerance >= 0 && tolerance < Infinity)) {
    throw new RangeError(`updateOverlap: expected a finite tolerance >= 0 but found ${tolerance}`);
  }
  const differs = differing(precision, tolerance);
  const checkpoints = await openPaired([base, ...runs], options);
  try {
    const tensors: (Counts & { readonly name: string })[] = [];
    for (const tensor of checkpoints.tensors) {
      const counts: Counts = { elements: tensor.size, first: 0, second: 0, both: 0, expected: 0 };
      for await (const { start, weights } of checkpoints.pieces(tensor)) {
        const bad = addCounts(counts, weights as Triple, differs);
        if (bad >= 0) {
          throw new RangeError(
            `updateOverlap: expected finite weights but found others at ${start + bad} of ${tensor.name}`,
          );
        }
      }
      counts.expected = tensor.size === 0 ? 0 : (counts.first * counts.second) / tensor.size;
      tensors.push({ name: tensor.name, ...counts });
    }
    return { ...overlapOf(tensors), tensors: tensors.map((counts) => ({ name: counts.name, ...overlapOf([counts]) })) };
  } finally {
    await checkpoints.close();
  }
}

type Triple = readonly [Float32Array, Float32Array, Float32Array];
type Differs = (a: number, b: number) => boolean;

function differing(precision: "stored" | "bfloat16", tolerance: number): Differs {
  const rounded = rounding();
  switch (precision) {
    case "stored":
      return (a, b) => Math.abs(b - a) > tolerance;
    case "bfloat16":
      return (a, b) => Math.abs(rounded(b) - rounded(a)) > bfloat16Tolerance;
    default:
      throw new TypeError(
        `updateOverlap: expected a precision stored or bfloat16 but found ${precision satisfies never}`,
      );
  }
}

function rounding(): (weight: number) => number {
  const float = new Float32Array(1);
  const bits = new Int32Array(float.buffer);
  return (weight) => {
    float[0] = weight;
    bits[0] = toBfloat16(bits[0]!);
    return float[0]!;
  };
}

interface Counts {
  readonly elements: number;
  first: number;
  second: number;
  both: number;
  /** Of `both`, by chance. */
  expected: number;
}

function addCounts(counts: Counts, [a, b, c]: Triple, differs: Differs): number {
  for (let i = 0; i < a.length; i++) {
    if (!Number.isFinite(a[i]! + b[i]! + c[i]!)) return i;
    const [first, second] = [differs(a[i]!, b[i]!), differs(a[i]!, c[i]!)];
    if (first) counts.first++;
    if (second) counts.second++;
    if (first && second) counts.both++;
  }
  return -1;
}

function overlapOf(parts: readonly Counts[]): Overlap {
  const sum = (name: keyof Counts) => parts.reduce((total, part) => total + part[name], 0);
  const [first, second, both] = [sum("first"), sum("second"), sum("both")];
  return {
    elements: sum("elements"),
    updated: [first, second],
    both,
    first: both / first,
    second: both / second,
    jaccard: both / (first + second - both),
    chance: sum("expected") / first,
  };
}
