/**
 * What fine-tuning changed in the parameters: Δ = b − a, tensor by tensor, layer by layer, module by module.
 *
 *     unchanged            share of elements with |Δ| ≤ tolerance, on the weights as they are stored
 *     unchangedBfloat16    share with |bf16(b) − bf16(a)| ≤ 1e-5, the "update sparsity" of arXiv 2505.11711, section 2
 *     equalBfloat16        share with bf16(b) = bf16(a): the 1e-5 above counts small weights' changes as none
 *
 * Checkpoints are streamed: memory holds a range of 2^20 elements of each, and, with `rank`, the sketch. F64 weights are rounded to
 * float32. Sums are in float64.
 */

import { openPaired, type PairedCheckpoints, type PairedTensor, type PairOptions } from "./paired-tensors.ts";
import { type RankOptions, type RankSketch, rankSketch } from "./rank-sketch.ts";
import { addChange, addSums, type ChangeSums, noChange } from "./tensor-change.ts";

export type { RankOptions, RankSketch } from "./rank-sketch.ts";

export interface ParameterDiffOptions extends PairOptions {
  /** |Δ| that still counts as unchanged. Default 0. */
  readonly tolerance?: number;
  /** Sketches the rank of the update of every matrix; each sketch reads it six times by default. Default: no ranks. */
  readonly rank?: RankOptions;
}

/** How much some parameters changed; shares are of their elements. */
export interface ParameterChange {
  readonly elements: number;
  /** ‖Δ‖, the root of the sum of squares. */
  readonly norm: number;
  /** ‖Δ‖ / ‖a‖; 0 where nothing changed, Infinity where a is zero and b is not. */
  readonly relativeNorm: number;
  /** max |Δ|. */
  readonly max: number;
  readonly unchanged: number;
  readonly unchangedBfloat16: number;
  readonly equalBfloat16: number;
}

export interface TensorDiff extends ParameterChange {
  readonly name: string;
  /** Index of its layer; null outside the layers. */
  readonly layer: number | null;
  /** Its name within the layer, without ".weight", such as "self_attn.q_proj". */
  readonly module: string;
  readonly shape: readonly number[];
  /** In a and in b. */
  readonly dtypes: readonly string[];
  /** Of matrices, if asked for; higher tensors are matrices of their first axis. */
  readonly rank?: RankSketch;
}

export interface ParameterDiff {
  readonly tolerance: number;
  readonly tensors: readonly TensorDiff[];
  readonly layers: readonly (ParameterChange & { readonly layer: number | null })[];
  readonly modules: readonly (ParameterChange & { readonly module: string })[];
  readonly total: ParameterChange;
}

/**
 * Compares two checkpoints of one architecture.
 *
 * @param a Before: a *.safetensors file, an index of several, or a folder with one of them.
 * @param b After.
 * @throws {RangeError} If a tensor is missing in one or has another shape, a weight is not finite, or an option is out of range.
 * @example
 * const { total, layers } = await parameterDiff("models/tiny-qwen2", "models/tiny-qwen2");
 * total.unchanged; // 1
 * layers.map(({ layer }) => layer); // [null, 0, 1]
 */
export async function parameterDiff(a: string, b: string, options: ParameterDiffOptions = {}): Promise<ParameterDiff> {
  const { tolerance = 0, rank } = options;
  checkOptions(tolerance, rank);
  const pair = await openPaired([a, b], options);
  try {
    const changes: Change[] = [];
    for (const tensor of pair.tensors) changes.push(await changeOf(pair, tensor, { tolerance, rank }));
    return summary(changes, tolerance);
  } finally {
    await pair.close();
  }
}

function checkOptions(tolerance: number, { sketch = 1, energy = 1, iterations = 0 }: RankOptions = {}) {
  if (!(tolerance >= 0 && tolerance < Infinity)) {
    throw new RangeError(`parameterDiff: expected a finite tolerance >= 0 but found ${tolerance}`);
  }
  if (!(Number.isInteger(sketch) && sketch >= 1)) {
    throw new RangeError(`parameterDiff: expected an integer rank.sketch >= 1 but found ${sketch}`);
  }
  if (!(energy > 0 && energy <= 1)) {
    throw new RangeError(`parameterDiff: expected rank.energy in (0, 1] but found ${energy}`);
  }
  if (!(Number.isInteger(iterations) && iterations >= 0)) {
    throw new RangeError(`parameterDiff: expected an integer rank.iterations >= 0 but found ${iterations}`);
  }
}

interface Change {
  readonly tensor: PairedTensor;
  readonly sums: ChangeSums;
  readonly rank: RankSketch | undefined;
}

async function changeOf(
  pair: PairedCheckpoints,
  tensor: PairedTensor,
  { tolerance, rank }: { tolerance: number; rank: RankOptions | undefined },
): Promise<Change> {
  const sums = noChange();
  for await (const { start, weights } of pair.pieces(tensor)) {
    const bad = addChange(sums, weights as [Float32Array, Float32Array], { tolerance });
    if (bad >= 0) {
      throw new RangeError(
        `parameterDiff: expected finite weights but found ${weights[0]![bad]} and ${weights[1]![bad]} at ${start + bad} of ${tensor.name}`,
      );
    }
  }
  const matrix = rank && tensor.shape.length >= 2 && tensor.size > 0;
  return { tensor, sums, rank: matrix ? await rankOf(pair, tensor, { ...rank, squares: sums.squares }) : undefined };
}

function rankOf(
  pair: PairedCheckpoints,
  tensor: PairedTensor,
  { squares, ...rank }: RankOptions & { squares: number },
) {
  const rows = tensor.shape[0]!;
  const columns = tensor.size / rows;
  let values = new Float64Array(0);
  const read = async function* () {
    for await (const { start, weights } of pair.pieces(tensor, columns)) {
      const [a, b] = weights as [Float32Array, Float32Array];
      if (values.length !== a.length) values = new Float64Array(a.length);
      for (let i = 0; i < a.length; i++) values[i] = b[i]! - a[i]!;
      yield { start: start / columns, values };
    }
  };
  return rankSketch(read, { rows, columns, squares }, rank);
}

function summary(changes: readonly Change[], tolerance: number): ParameterDiff {
  const tensors = changes.map(({ tensor, sums, rank }) => {
    const { name, shape, dtypes } = tensor;
    return { name, ...placeOf(name), shape, dtypes, ...shares(sums), ...(rank && { rank }) };
  });
  const by = <Key>(keyOf: (name: string) => Key) => {
    const groups = new Map<Key, ChangeSums>();
    for (const { tensor, sums } of changes) {
      const key = keyOf(tensor.name);
      groups.set(key, addSums(groups.get(key) ?? noChange(), sums));
    }
    return [...groups];
  };
  const layers = by((name) => placeOf(name).layer).sort(([p], [q]) => (p ?? -1) - (q ?? -1));
  return {
    tolerance,
    tensors,
    layers: layers.map(([layer, sums]) => ({ layer, ...shares(sums) })),
    modules: by((name) => placeOf(name).module).map(([module, sums]) => ({ module, ...shares(sums) })),
    total: shares(changes.reduce((all, { sums }) => addSums(all, sums), noChange())),
  };
}

function shares({ elements, squares, baseSquares, max, ...counts }: ChangeSums): ParameterChange {
  const share = (count: number) => (elements === 0 ? 1 : count / elements);
  return {
    elements,
    norm: Math.sqrt(squares),
    relativeNorm: squares === 0 ? 0 : Math.sqrt(squares / baseSquares),
    max,
    unchanged: share(counts.unchanged),
    unchangedBfloat16: share(counts.unchangedBfloat16),
    equalBfloat16: share(counts.equalBfloat16),
  };
}

/** Layer and module of a tensor's name, in Hugging Face's, GPT-2's or our own words. */
function placeOf(name: string): { layer: number | null; module: string } {
  const short = name.replace(/\.weight$/, "");
  const [, index, inside] = /(?:^|\.)(?:layers|h|blocks)\.(\d+)\.(.+)$/.exec(short) ?? [];
  return index === undefined
    ? { layer: null, module: short.replace(/^(?:model|transformer)\./, "") }
    : { layer: Number(index), module: inside! };
}
