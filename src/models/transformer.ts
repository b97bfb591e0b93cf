/**
 * A decoder-only transformer as a traced graph: RMSNorm before each block, rotary positions, exact GELU, tied
 * embedding, no biases. Tokens are packed: the linear layers see [tokens, width] without padding, only attention sees
 * [rows, time]. The lab policy (3 layers, width 96, 4 heads, 21 tokens) has 334,464 parameters.
 */

import {
  add,
  embed,
  exp,
  gelu,
  linear,
  logSoftmax,
  matmul,
  moveRows,
  multiply,
  negate,
  pick,
  type RotaryTables,
  type RowMap,
  reshape,
  reverseRows,
  rmsNorm,
  rotary,
  scale,
  softmax,
  split,
  sum,
  transpose,
  transposeLast,
} from "../graph/ops.ts";
import { constant, input, type Tensor } from "../graph/tensor.ts";
import type { Random } from "../random.ts";

export interface TransformerConfig {
  /** V, the number of tokens. */
  readonly vocabularySize: number;
  readonly layers: number;
  /** Width of the residual stream; a multiple of 2 · heads. */
  readonly width: number;
  readonly heads: number;
  /** Width of the hidden layer of the MLP. */
  readonly hidden: number;
  /** Longest prompt + completion, in tokens. */
  readonly contextLength: number;
  /** Rotary frequencies are ropeBase^(−2i / head width). */
  readonly ropeBase: number;
  readonly normEpsilon: number;
  /** The token that ends a completion. */
  readonly endToken: number;
}

export type ParameterShapes = Readonly<Record<string, readonly number[]>>;
export type Parameters = Readonly<Record<string, Tensor>>;

/** Every parameter's name and shape; matrices are [out, in]. */
export function parameterShapes({ vocabularySize, layers, width, hidden }: TransformerConfig): ParameterShapes {
  const blocks = Array.from({ length: layers }, (_, layer) => ({
    [`layers.${layer}.attention.norm`]: [width],
    [`layers.${layer}.attention.qkv`]: [3 * width, width],
    [`layers.${layer}.attention.output`]: [width, width],
    [`layers.${layer}.mlp.norm`]: [width],
    [`layers.${layer}.mlp.up`]: [hidden, width],
    [`layers.${layer}.mlp.down`]: [width, hidden],
  }));
  return Object.assign({ embedding: [vocabularySize, width] }, ...blocks, { norm: [width] });
}

/** Fresh parameters: norms 1, the embedding N(0, 0.02²), matrices N(0, 0.03²). */
export function initialParameters(config: TransformerConfig, random: Random): Record<string, Float32Array> {
  const entries = Object.entries(parameterShapes(config)).map(([name, shape]) => {
    const size = shape.reduce((a, b) => a * b, 1);
    if (shape.length === 1) return [name, new Float32Array(size).fill(1)];
    const deviation = name === "embedding" ? 0.02 : 0.03;
    return [name, Float32Array.from({ length: size }, () => deviation * normal(random))];
  });
  return Object.fromEntries(entries);
}

/** Box–Muller. */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** What every graph over this model reads: one input a parameter, and the rotary tables. */
export interface Model {
  readonly config: TransformerConfig;
  readonly parameters: Parameters;
  readonly cos: Tensor;
  readonly sin: Tensor;
}

export function traceModel(config: TransformerConfig): Model {
  const shapes = Object.entries(parameterShapes(config));
  const parameters = Object.fromEntries(shapes.map(([name, shape]) => [name, input(name, shape)]));
  return { config, parameters, ...rotaryTables(config) };
}

function rotaryTables({ contextLength, width, heads, ropeBase }: TransformerConfig) {
  const half = width / heads / 2;
  const angles = Float64Array.from(
    { length: contextLength * half },
    (_, i) => Math.floor(i / half) * ropeBase ** (-(i % half) / half),
  );
  return {
    cos: constant(Float32Array.from(angles, Math.cos), [contextLength, half]),
    sin: constant(Float32Array.from(angles, Math.sin), [contextLength, half]),
  };
}

/** How a block lets tokens look at each other: qkv [tokens, 3 · width] to [tokens, width]. */
export type Attend = (qkv: Tensor, layer: number) => Tensor;

/** Token ids [tokens] to normalised hidden states [tokens, width]. */
export function hiddenStates({ config, parameters }: Model, tokens: Tensor, attend: Attend): Tensor {
  const p = (name: string) => parameters[name]!;
  let x = embed(p("embedding"), tokens);
  for (let layer = 0; layer < config.layers; layer++) {
    const at = `layers.${layer}`;
    const qkv = linear(rmsNorm(x, p(`${at}.attention.norm`), config.normEpsilon), p(`${at}.attention.qkv`));
    x = add(x, linear(attend(qkv, layer), p(`${at}.attention.output`)));
    const inner = gelu(linear(rmsNorm(x, p(`${at}.mlp.norm`), config.normEpsilon), p(`${at}.mlp.up`)));
    x = add(x, linear(inner, p(`${at}.mlp.down`)));
  }
  return rmsNorm(x, p("norm"), config.normEpsilon);
}

/** Logits [rows, V] of hidden states [rows, width]: the embedding is tied. */
export const logitsOf = (model: Model, hidden: Tensor) => linear(hidden, model.parameters.embedding!);

/** Queries, keys and values [rows, heads, time, head width] from [rows, time, 3 · width], rotated. */
export function splitHeads(model: Model, qkv: Tensor, positions: Tensor): readonly [Tensor, Tensor, Tensor] {
  const { heads, width } = model.config;
  const [rows, time] = qkv.shape;
  const apart = transpose(reshape(qkv, [rows!, time!, 3 * heads, width / heads]), [0, 2, 1, 3]);
  const [queriesAndKeys, values] = split(apart, { axis: 1, sizes: [2 * heads, heads] });
  const tables: RotaryTables = { positions, cos: model.cos, sin: model.sin };
  const [queries, keys] = split(rotary(queriesAndKeys!, tables), { axis: 1, sizes: [heads, heads] });
  return [queries!, keys!, values!];
}

/** softmax(q kᵀ / √width + mask) v, heads joined again: [rows, time, width]. */
export function attention(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor): Tensor {
  const [rows, heads, time, width] = queries.shape as [string, number, string, number];
  const scores = scale(matmul(queries, transposeLast(keys)), 1 / Math.sqrt(width));
  const mixed = matmul(softmax(add(scores, mask)), values);
  return reshape(transpose(mixed, [0, 2, 1, 3]), [rows, time, heads * width]);
}

/** What the packed batch of `batch.ts` feeds. */
export interface BatchInputs {
  readonly tokens: Tensor;
  readonly labels: Tensor;
  readonly mask: Tensor;
  readonly positions: Tensor;
  readonly slots: RowMap;
  readonly selection: RowMap;
}

export function traceBatch(): BatchInputs {
  const slots = { index: input("slots", ["rows", "time"], "int32"), inverse: input("places", ["tokens"], "int32") };
  const selection = { index: input("selected", ["n"], "int32"), inverse: input("selectedAt", ["tokens"], "int32") };
  return {
    tokens: input("tokens", ["tokens"], "int32"),
    labels: input("labels", ["n"], "int32"),
    mask: input("mask", [1, 1, "time", "time"]),
    positions: input("positions", [1], "int64"),
    slots: { ...slots, total: false, inverseTotal: true },
    selection: { ...selection, total: true, inverseTotal: false },
  };
}

/** Logits [n, V] that predict the completion tokens of a batch. */
export function batchLogits(model: Model, batch: BatchInputs): Tensor {
  const attend: Attend = (qkv) => {
    const [queries, keys, values] = splitHeads(model, moveRows(qkv, batch.slots), batch.positions);
    return moveRows(attention(queries, keys, values, batch.mask), reverseRows(batch.slots));
  };
  return logitsOf(model, moveRows(hiddenStates(model, batch.tokens, attend), batch.selection));
}

/** Log-probabilities of labels and entropies, both [n, 1], of logits [n, V]. */
export function tokenStatistics(logits: Tensor, labels: Tensor) {
  const all = logSoftmax(logits);
  return { logprobs: pick(all, labels), entropies: negate(sum(multiply(exp(all), all), [-1])) };
}
