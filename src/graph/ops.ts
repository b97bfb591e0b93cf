/**
 * Operations on traced tensors: shapes are inferred here, gradients stand in `gradients.ts`. Axes count from the end
 * where they are negative. Only operators that ONNX Runtime has on CPU, WebGPU and CUDA are used.
 */

import {
  constant,
  type Dimension,
  integers,
  node,
  type Shape,
  scalar,
  type Tensor,
  type Vjp,
  withGradient,
} from "./tensor.ts";

const one = (op: string, inputs: readonly Tensor[], shape: Shape, extras = {}) =>
  node(op, { inputs, ...extras }, [{ shape }])[0]!;

function broadcastShapes(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const [x, y] = [a[a.length - rank + i] ?? 1, b[b.length - rank + i] ?? 1];
    if (x === y || y === 1) return x;
    if (x === 1) return y;
    throw new RangeError(`broadcast: expected shapes that agree or are 1 but found [${a}] and [${b}]`);
  });
}

const binary = (op: string) => (a: Tensor, b: Tensor) => one(op, [a, b], broadcastShapes(a.shape, b.shape));
const unary = (op: string) => (x: Tensor) => one(op, [x], x.shape);

export const add = binary("Add");
export const subtract = binary("Sub");
export const multiply = binary("Mul");
export const divide = binary("Div");
export const negate = unary("Neg");
export const exp = unary("Exp");
export const log = unary("Log");
export const sqrt = unary("Sqrt");
export const erf = unary("Erf");
export const scale = (x: Tensor, factor: number) => multiply(x, scalar(factor));

/** a · b over the last two axes; leading axes broadcast. */
export function matmul(a: Tensor, b: Tensor): Tensor {
  const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
  if (a.shape.at(-1) !== b.shape.at(-2)) {
    throw new RangeError(`matmul: expected inner sizes that agree but found [${a.shape}] and [${b.shape}]`);
  }
  return one("MatMul", [a, b], [...batch, a.shape.at(-2)!, b.shape.at(-1)!]);
}

export interface GemmOptions {
  readonly transposeA?: number;
  readonly transposeB?: number;
}

/** a · b of two matrices, either of them read transposed. */
export function gemm(a: Tensor, b: Tensor, { transposeA = 0, transposeB = 0 }: GemmOptions = {}): Tensor {
  const [rows, innerA] = transposeA ? [a.shape[1]!, a.shape[0]!] : [a.shape[0]!, a.shape[1]!];
  const [innerB, columns] = transposeB ? [b.shape[1]!, b.shape[0]!] : [b.shape[0]!, b.shape[1]!];
  if (innerA !== innerB) {
    throw new RangeError(`gemm: expected inner sizes that agree but found [${a.shape}] and [${b.shape}]`);
  }
  return one("Gemm", [a, b], [rows, columns], {
    attributes: { transA: { int: transposeA }, transB: { int: transposeB } },
  });
}

/** x · weightᵀ: x [rows, in], weight [out, in] as PyTorch's Linear keeps it. */
export const linear = (x: Tensor, weight: Tensor) => gemm(x, weight, { transposeB: 1 });

/** A named dimension may keep its place, and one may be worked out from the others. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const target = shape.map((size, i) => (typeof size === "number" ? size : x.shape[i] === size ? 0 : -1));
  if (target.filter((size) => size === -1).length > 1) {
    throw new RangeError(`reshape: expected at most one moved named dimension but found [${x.shape}] to [${shape}]`);
  }
  return node("Reshape", { inputs: [x, integers(target)] }, [{ shape, type: x.type }])[0]!;
}

export function transpose(x: Tensor, order: readonly number[]): Tensor {
  return one(
    "Transpose",
    [x],
    order.map((axis) => x.shape[axis]!),
    { attributes: { perm: { ints: order } } },
  );
}

export function transposeLast(x: Tensor): Tensor {
  const order = x.shape.map((_, i) => i);
  [order[order.length - 1], order[order.length - 2]] = [order.at(-2)!, order.at(-1)!];
  return transpose(x, order);
}

const fromFront = (x: Tensor, axis: number) => (axis < 0 ? x.shape.length + axis : axis);

function reduce(op: string) {
  return (x: Tensor, axes: readonly number[]) => {
    const at = new Set(axes.map((axis) => fromFront(x, axis)));
    const shape = x.shape.map((size, i) => (at.has(i) ? 1 : size));
    return one(op, [x, integers([...at])], shape, { attributes: { keepdims: { int: 1 } } });
  };
}

/** Sums over axes, which stay with size 1. */
export const sum = reduce("ReduceSum");
export const mean = reduce("ReduceMean");
export const max = reduce("ReduceMax");

/** x stretched along its axes of size 1 to the shape of another tensor. */
export function broadcastLike(x: Tensor, like: Tensor): Tensor {
  const shape = node("Shape", { inputs: [like] }, [{ shape: [like.shape.length], type: "int64" }])[0]!;
  return one("Expand", [x, shape], like.shape);
}

export function concat(parts: readonly Tensor[], axis: number): Tensor {
  const at = fromFront(parts[0]!, axis);
  const sizes = parts.map((part) => part.shape[at]!);
  const size = sizes.every((s) => typeof s === "number")
    ? sizes.reduce((a, b) => a + (b as number), 0)
    : sizes.join("+");
  const shape = parts[0]!.shape.map((s, i): Dimension => (i === at ? size : s));
  return node("Concat", { inputs: parts, attributes: { axis: { int: at } } }, [{ shape, type: parts[0]!.type }])[0]!;
}

export function split(x: Tensor, { axis, sizes }: { axis: number; sizes: readonly number[] }): readonly Tensor[] {
  const at = fromFront(x, axis);
  const outputs = sizes.map((size) => ({ shape: x.shape.map((s, i) => (i === at ? size : s)) }));
  return node("Split", { inputs: [x, integers(sizes)], attributes: { axis: { int: at } } }, outputs);
}

export const softmax = (x: Tensor) => one("Softmax", [x], x.shape, { attributes: { axis: { int: -1 } } });

/** log softmax over the last axis, from operators that stay on a GPU. */
export function logSoftmax(x: Tensor): Tensor {
  const shifted = subtract(x, max(x, [-1]));
  const y = subtract(shifted, log(sum(exp(shifted), [-1])));
  return withGradient([y], [x], ([dy]) => [subtract(dy!, multiply(exp(y), sum(dy!, [-1])))])[0]!;
}

/**
 * Log-probability of one label a row and entropy, both [n, 1], of logits [n, V]: with s = logits − their maximum and
 * Z = Σ eˢ, log π(y) = s_y − log Z and H = log Z − Σ eˢ s / Z. Backwards, with g and h the two cotangents,
 *   ∂/∂logits = g (1[v = y] − π) − h π (log π + H)
 * is worked out from s alone, so that at most three arrays of the size of the logits are alive at a time.
 */
export function labelStatistics(logits: Tensor, labels: Tensor): { logprobs: Tensor; entropies: Tensor } {
  const shifted = subtract(logits, max(logits, [-1]));
  const powers = exp(shifted);
  const total = sum(powers, [-1]);
  const logTotal = log(total);
  const entropy = subtract(logTotal, divide(sum(multiply(powers, shifted), [-1]), total));
  const backward: Vjp = ([dLogprobs, dEntropies]) => {
    const logs = subtract(shifted, logTotal);
    const lost = dLogprobs && negate(dLogprobs);
    const slope = dEntropies ? negate(multiply(dEntropies, add(logs, entropy))) : undefined;
    const spread = multiply(exp(logs), lost && slope ? add(slope, lost) : (slope ?? lost)!);
    return [dLogprobs ? addAt(spread, labels, dLogprobs) : spread];
  };
  const targets = [subtract(pick(shifted, labels), logTotal), entropy];
  const [logprobs, entropies] = withGradient(targets, [logits], backward);
  return { logprobs: logprobs!, entropies: entropies! };
}

/** x [n, size] plus one number a row, [n, 1], at one id a row. */
function addAt(x: Tensor, ids: Tensor, amounts: Tensor): Tensor {
  const attributes = { axis: { int: -1 }, reduction: { text: "add" } };
  return one("ScatterElements", [x, columnOf(ids), amounts], x.shape, { attributes });
}

/** x / √(mean(x²) + ε) · weight over the last axis (RMSNorm, arXiv 1910.07467). */
export function rmsNorm(x: Tensor, weight: Tensor, epsilon: number): Tensor {
  const attributes = { axis: { int: -1 }, epsilon: { float: epsilon }, stash_type: { int: 1 } };
  return one("SimplifiedLayerNormalization", [x, weight], x.shape, { attributes });
}

/** x Φ(x), the exact form. */
export const gelu = (x: Tensor) => one("Gelu", [x], x.shape, { attributes: { approximate: { text: "none" } } });

export interface RotaryTables {
  /** int64: [1] the first position, or [batch, time] each one. */
  readonly positions: Tensor;
  /** [positions, head width / 2]. */
  readonly cos: Tensor;
  readonly sin: Tensor;
}

export const sigmoid = unary("Sigmoid");

/** x σ(x) (SiLU, arXiv 1702.03118). */
export const silu = (x: Tensor) => multiply(x, sigmoid(x));

/** (x − mean) / √(variance + ε) · weight + bias over the last axis (LayerNorm, arXiv 1607.06450). */
export function layerNorm(
  x: Tensor,
  { weight, bias, epsilon }: { weight: Tensor; bias: Tensor; epsilon: number },
): Tensor {
  const centred = subtract(x, mean(x, [-1]));
  const deviation = sqrt(add(mean(multiply(centred, centred), [-1]), scalar(epsilon)));
  return add(multiply(divide(centred, deviation), weight), bias);
}

/** Rotary position embedding (arXiv 2104.09864) of x [batch, heads, time, width], halves paired as Llama does. */
export function rotary(x: Tensor, { positions, cos, sin }: RotaryTables): Tensor {
  return one("RotaryEmbedding", [x, positions, cos, sin], x.shape, {
    domain: "com.microsoft",
    attributes: { interleaved: { int: 0 } },
  });
}

/** Rows [n, width] added up by id into a table of zeros [size, width]: the transpose of `embed`. */
export function sumById(rows: Tensor, ids: Tensor, size: number): Tensor {
  if (size <= largestOneHot) return gemm(oneHot(ids, size), rows, { transposeA: 1 });
  const width = rows.shape[1]!;
  const shape = integers([size, width as number]);
  const zeros = node("ConstantOfShape", { inputs: [shape] }, [{ shape: [size, width] }])[0]!;
  const column = columnOf(ids);
  const wide = node("Cast", { inputs: [column], attributes: { to: { int: 7 } } }, [
    { shape: column.shape, type: "int64" },
  ])[0]!;
  const attributes = { reduction: { text: "add" } };
  const table = one("ScatterND", [zeros, wide, rows], [size, width], { attributes });
  return withGradient([table], [rows], ([dy]) => [embed(dy!, ids)])[0]!;
}

/** Up to this size a matrix of zeros and ones is the faster way to add up rows. */
const largestOneHot = 512;

/** Rows of a table [V, width] by integer ids [n]. */
export function embed(table: Tensor, ids: Tensor): Tensor {
  return one("Gather", [table, ids], [...ids.shape, table.shape[1]!], { attributes: { axis: { int: 0 } } });
}

/** 1 where the last axis equals the id, else 0: ids [n] to [n, size]. */
export function oneHot(ids: Tensor, size: number): Tensor {
  const column = columnOf(ids);
  const range = constant(
    Int32Array.from({ length: size }, (_, i) => i),
    [size],
  );
  const equal = node("Equal", { inputs: [column, range] }, [{ shape: [...ids.shape, size], type: "bool" }])[0]!;
  return one("Cast", [equal], equal.shape, { attributes: { to: { int: 1 } } });
}

const columnOf = (ids: Tensor) =>
  node("Unsqueeze", { inputs: [ids, integers([-1])] }, [{ shape: [...ids.shape, 1], type: "int32" }])[0]!;

/** x [n, size] at one id a row: [n, 1]. */
export function pick(x: Tensor, ids: Tensor): Tensor {
  const column = columnOf(ids);
  return one("GatherElements", [x, column], column.shape, { attributes: { axis: { int: -1 } } });
}

/**
 * Where rows go when they are packed, padded or selected. `index` holds for every target the source row, or the number
 * of source rows where there is none (the target is zero); `inverse` says the same of the way back.
 */
export interface RowMap {
  readonly index: Tensor;
  readonly inverse: Tensor;
  /** Whether every target has a source. */
  readonly total: boolean;
  readonly inverseTotal: boolean;
}

export const reverseRows = (map: RowMap): RowMap => ({
  index: map.inverse,
  inverse: map.index,
  total: map.inverseTotal,
  inverseTotal: map.total,
});

/** Rows of x (all axes but the last) moved by a map; each source row has at most one target. */
export function moveRows(x: Tensor, map: RowMap): Tensor {
  const width = x.shape.at(-1)!;
  const flat = x.shape.length === 2 ? x : reshape(x, [`${x.shape.slice(0, -1).join("*")}`, width]);
  const zero = constant(new Float32Array(width as number), [1, width as number]);
  const moved = embed(map.total ? flat : concat([flat, zero], 0), map.index);
  return withGradient([moved], [x], ([dy]) => [moveRows(dy!, reverseRows(map))])[0]!;
}
