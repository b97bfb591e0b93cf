/**
 * Reverse-mode differentiation of a traced graph: one line an operator, each the vector-Jacobian product in terms of
 * traced operations, so that gradients are graphs too.
 */

import {
  add,
  broadcastLike,
  concat,
  divide,
  erf,
  exp,
  gemm,
  matmul,
  mean,
  multiply,
  negate,
  oneHot,
  reshape,
  rotary,
  scale,
  split,
  sqrt,
  subtract,
  sum,
  sumById,
  transpose,
  transposeLast,
} from "./ops.ts";
import { type Node, type Shape, scalar, sortNodes, type Tensor } from "./tensor.ts";

type Rule = (node: Node, dy: Tensor, all: readonly (Tensor | undefined)[]) => readonly (Tensor | undefined)[];

const ints = (node: Node, name: string) => (node.attributes[name] as { ints: readonly number[] }).ints;
const int = (node: Node, name: string) => (node.attributes[name] as { int: number }).int;

const rules: Readonly<Record<string, Rule>> = {
  Add: ({ inputs: [a, b] }, dy) => [sumTo(dy, a!.shape), sumTo(dy, b!.shape)],
  Sub: ({ inputs: [a, b] }, dy) => [sumTo(dy, a!.shape), sumTo(negate(dy), b!.shape)],
  Mul: ({ inputs: [a, b] }, dy) => [sumTo(multiply(dy, b!), a!.shape), sumTo(multiply(dy, a!), b!.shape)],
  Div: ({ inputs: [a, b], outputs: [y] }, dy) => [
    sumTo(divide(dy, b!), a!.shape),
    sumTo(negate(divide(multiply(dy, y!), b!)), b!.shape),
  ],
  Neg: (_, dy) => [negate(dy)],
  Exp: ({ outputs: [y] }, dy) => [multiply(dy, y!)],
  Log: ({ inputs: [x] }, dy) => [divide(dy, x!)],
  Sqrt: ({ outputs: [y] }, dy) => [divide(scale(dy, 0.5), y!)],
  Sigmoid: ({ outputs: [y] }, dy) => [multiply(dy, multiply(y!, subtract(scalar(1), y!)))],
  Erf: ({ inputs: [x] }, dy) => [multiply(dy, scale(exp(negate(multiply(x!, x!))), 2 / Math.sqrt(Math.PI)))],
  Gelu: ({ inputs: [x] }, dy) => [multiply(dy, geluSlope(x!))],
  Softmax: ({ outputs: [y] }, dy) => [multiply(y!, subtract(dy, sum(multiply(dy, y!), [-1])))],
  MatMul: ({ inputs: [a, b] }, dy) => [
    sumTo(matmul(dy, transposeLast(b!)), a!.shape),
    sumTo(matmul(transposeLast(a!), dy), b!.shape),
  ],
  Gemm: gemmRule,
  Reshape: ({ inputs: [x] }, dy) => [reshape(dy, x!.shape)],
  Transpose: (node, dy) => [transpose(dy, invert(ints(node, "perm")))],
  ReduceSum: ({ inputs: [x] }, dy) => [broadcastLike(dy, x!)],
  ReduceMean: ({ inputs: [x], outputs: [y] }, dy) => [
    scale(broadcastLike(dy, x!), sizeOf(y!.shape) / sizeOf(x!.shape)),
  ],
  Expand: ({ inputs: [x] }, dy) => [sumTo(dy, x!.shape)],
  Concat: (node, dy) => {
    const axis = int(node, "axis");
    return split(dy, { axis, sizes: node.inputs.map((part) => part.shape[axis] as number) });
  },
  Split: (node, _, all) => [
    concat(
      node.outputs.map((part, i) => all[i] ?? scale(part, 0)),
      int(node, "axis"),
    ),
  ],
  SimplifiedLayerNormalization: rmsNormRule,
  RotaryEmbedding: ({ inputs: [, positions, cos, sin] }, dy) => [
    rotary(dy, { positions: positions!, cos: cos!, sin: negate(sin!) }),
  ],
  Gather: ({ inputs: [table, ids] }, dy) => [sumById(dy, ids!, table!.shape[0] as number)],
  GatherElements: ({ inputs: [x, column] }, dy) => [
    multiply(dy, oneHot(column!.node.inputs[0]!, x!.shape.at(-1) as number)),
  ],
};

/**
 * Cotangents of `wrt`, given those of some outputs.
 *
 * @throws {TypeError} If an operator on the way has no gradient, or an element of `wrt` has no path to the outputs.
 */
export function gradients(seeds: readonly (readonly [Tensor, Tensor])[], wrt: readonly Tensor[]): Tensor[] {
  const order = sortNodes(
    seeds.map(([output]) => output),
    (node) => node.inputs,
  );
  const needed = dependents(order, wrt);
  const cotangents = new Map<Tensor, Tensor>();
  const accumulate = (tensor: Tensor, by: Tensor) =>
    cotangents.set(tensor, cotangents.has(tensor) ? add(cotangents.get(tensor)!, by) : by);
  for (const [output, cotangent] of seeds) accumulate(output, cotangent);
  for (const node of order.reverse()) {
    const all = node.outputs.map((output) => cotangents.get(output));
    if (!needed.has(node) || node.inputs.length === 0 || all.every((one) => one === undefined)) continue;
    vjp(node, all).forEach((cotangent, i) => {
      if (cotangent && needed.has(node.inputs[i]!.node)) accumulate(node.inputs[i]!, cotangent);
    });
  }
  return wrt.map((tensor, i) => cotangents.get(tensor) ?? fail(`an output that depends on input ${i}`, "none"));
}

function vjp(node: Node, all: readonly (Tensor | undefined)[]) {
  if (node.vjp) return node.vjp(all);
  const rule = rules[node.op] ?? fail("an operator with a gradient", node.op);
  const dy =
    all[0] ?? (node.op === "Split" ? all.find((one) => one)! : fail("a cotangent of the first output", node.op));
  return rule(node, dy, all);
}

function fail(expected: string, found: string): never {
  throw new TypeError(`gradients: expected ${expected} but found ${found}`);
}

function dependents(order: readonly Node[], wrt: readonly Tensor[]): Set<Node> {
  const needed = new Set(wrt.map((tensor) => tensor.node));
  for (const node of order) if (node.inputs.some((tensor) => needed.has(tensor.node))) needed.add(node);
  return needed;
}

/** Undoes broadcasting: sums dy over the axes along which `shape` was stretched. */
function sumTo(dy: Tensor, shape: Shape): Tensor {
  const extra = dy.shape.length - shape.length;
  const axes = dy.shape.flatMap((size, i) => (i < extra || (shape[i - extra] === 1 && size !== 1) ? [i] : []));
  if (axes.length === 0) return dy;
  const total = sum(dy, axes);
  return extra === 0 ? total : reshape(total, shape);
}

function gemmRule(node: Node, dy: Tensor): readonly Tensor[] {
  const [a, b] = node.inputs as [Tensor, Tensor];
  if (int(node, "transA")) return [gemm(b, dy, { transposeB: 1 }), gemm(a, dy)];
  if (int(node, "transB")) return [gemm(dy, b), gemm(dy, a, { transposeA: 1 })];
  return [gemm(dy, b, { transposeB: 1 }), gemm(a, dy, { transposeA: 1 })];
}

/** 1 / √(mean(x²) + ε) is worked out again: the operator's own second output is wrong on WebGPU (ONNX Runtime 1.30). */
function rmsNormRule({ inputs: [x, weight], attributes }: Node, dy: Tensor): readonly Tensor[] {
  const { float: epsilon } = attributes.epsilon as { float: number };
  const inverse = divide(scalar(1), sqrt(add(mean(multiply(x!, x!), [-1]), scalar(epsilon))));
  const unit = multiply(x!, inverse);
  const dUnit = multiply(dy, weight!);
  const dx = multiply(inverse, subtract(dUnit, multiply(unit, mean(multiply(dUnit, unit), [-1]))));
  return [dx, sumTo(multiply(dy, unit), weight!.shape)];
}

/** d/dx x Φ(x) = Φ(x) + x φ(x). */
function geluSlope(x: Tensor): Tensor {
  const cumulative = add(scale(erf(scale(x, Math.SQRT1_2)), 0.5), scalar(0.5));
  const density = scale(exp(scale(multiply(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return add(cumulative, multiply(x, density));
}

function invert(order: readonly number[]): number[] {
  return order.map((_, i) => order.indexOf(i));
}

function sizeOf(shape: Shape): number {
  return shape.reduce<number>((size, dimension) => size * (typeof dimension === "number" ? dimension : 1), 1);
}
