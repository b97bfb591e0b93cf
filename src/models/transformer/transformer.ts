/**
 * A decoder-only transformer as a traced graph: RMSNorm before each block, rotary positions, grouped-query attention
 * (arXiv 2305.13245), an MLP with exact GELU or SwiGLU (arXiv 2002.05202). By its options it is the lab policy (3
 * layers, width 96, 4 heads, 21 tokens: 334,464 parameters) or a model of the Llama, Qwen2 or Qwen3 family. Tokens are
 * packed: the linear layers see [tokens, width] without padding, only attention sees [rows, time].
 */

import {
  add,
  concat,
  embed,
  gelu,
  linear,
  matmul,
  moveRows,
  multiply,
  type RotaryTables,
  type RowMap,
  reshape,
  reverseRows,
  rmsNorm,
  rotary,
  scale,
  silu,
  softmax,
  split,
  transpose,
  transposeLast,
} from "../../graph/ops.ts";
import { constant, input, type Tensor } from "../../graph/tensor.ts";
import type { Random } from "../../random.ts";
import { type RopeScaling, ropeFrequencies } from "./rope.ts";

export interface TransformerConfig {
  /** V, the number of tokens. */
  readonly vocabularySize: number;
  readonly layers: number;
  /** Width of the residual stream. */
  readonly width: number;
  /** Query heads. */
  readonly heads: number;
  /** Key and value heads, a divisor of heads. */
  readonly keyHeads: number;
  /** Width of a head, even. */
  readonly headWidth: number;
  /** Width of the hidden layer of the MLP. */
  readonly hidden: number;
  /** GELU of one projection, or SiLU of a gate times a projection. */
  readonly mlp: "gelu" | "swiglu";
  /** Whether queries, keys and values have biases (Qwen2). */
  readonly attentionBias: boolean;
  /** Whether queries and keys are normalised head by head (Qwen3). */
  readonly queryKeyNorm: boolean;
  /** Whether the embedding serves as output matrix. */
  readonly tiedEmbedding: boolean;
  /** Longest prompt + completion, in tokens. */
  readonly contextLength: number;
  /** Rotary frequencies are ropeBase^(−2i / head width), then scaled. */
  readonly ropeBase: number;
  readonly ropeScaling: RopeScaling;
  readonly normEpsilon: number;
  /** The token that ends a completion. */
  readonly endToken: number;
  /** Low-rank adapters on every linear layer of the blocks; they train and all else is frozen. */
  readonly lora: LoraSize | null;
}

export interface LoraSize {
  readonly rank: number;
  /** The adapter's output is scaled by alpha / rank. */
  readonly alpha: number;
}

export type ParameterShapes = Readonly<Record<string, readonly number[]>>;
export type Parameters = Readonly<Record<string, Tensor>>;

/** Every parameter's name and shape; matrices are [out, in]. */
export function parameterShapes(config: TransformerConfig): ParameterShapes {
  const { vocabularySize, layers, width, tiedEmbedding } = config;
  const blocks = Array.from({ length: layers }, (_, layer) => blockShapes(config, `layers.${layer}`));
  const ends = { norm: [width], ...(!tiedEmbedding && { output: [vocabularySize, width] }) };
  return Object.assign({ embedding: [vocabularySize, width] }, ...blocks, ends, loraShapes(config));
}

/** A [sections · rank, in] and B [out, rank] of every adapter; none without `lora`. */
export function loraShapes(config: TransformerConfig): ParameterShapes {
  const { lora, layers } = config;
  if (!lora) return {};
  const blocks = Array.from({ length: layers }, (_, layer) => blockShapes(config, `layers.${layer}`));
  const matrices = Object.entries(Object.assign({}, ...blocks) as ParameterShapes).filter(
    ([, { length }]) => length === 2,
  );
  const adapters = matrices.map(([name, [out, width]]) => ({
    [`${name}.loraA`]: [adapterSections(config, name).length * lora.rank, width!],
    [`${name}.loraB`]: [out!, lora.rank],
  }));
  return Object.assign({}, ...adapters);
}

/** Rows of a matrix that have an adapter of their own: queries, keys, values; gate, up; else all of them. */
export function adapterSections(config: Omit<TransformerConfig, "lora">, name: string): readonly number[] {
  const { heads, keyHeads, headWidth, hidden, width, mlp } = config;
  if (name.endsWith("attention.qkv")) return [heads * headWidth, keyHeads * headWidth, keyHeads * headWidth];
  if (name.endsWith("mlp.up")) return mlp === "swiglu" ? [hidden, hidden] : [hidden];
  return [width];
}

/** The parameters that a step changes. */
export const trainableNames = (config: TransformerConfig): string[] =>
  Object.keys(config.lora ? loraShapes(config) : parameterShapes(config));

function blockShapes(config: TransformerConfig, at: string): ParameterShapes {
  const { width, heads, keyHeads, headWidth, hidden, mlp, attentionBias, queryKeyNorm } = config;
  const qkv = (heads + 2 * keyHeads) * headWidth;
  return {
    [`${at}.attention.norm`]: [width],
    [`${at}.attention.qkv`]: [qkv, width],
    ...(attentionBias && { [`${at}.attention.qkvBias`]: [qkv] }),
    ...(queryKeyNorm && { [`${at}.attention.queryNorm`]: [headWidth], [`${at}.attention.keyNorm`]: [headWidth] }),
    [`${at}.attention.output`]: [width, heads * headWidth],
    [`${at}.mlp.norm`]: [width],
    [`${at}.mlp.up`]: [mlp === "swiglu" ? 2 * hidden : hidden, width],
    [`${at}.mlp.down`]: [width, hidden],
  };
}

/** Fresh parameters: norms 1, biases 0, the embedding N(0, 0.02²), matrices N(0, 0.03²). */
export function initialParameters(config: TransformerConfig, random: Random): Record<string, Float32Array> {
  const entries = Object.entries(parameterShapes(config)).map(([name, shape]) => {
    const size = shape.reduce((a, b) => a * b, 1);
    if (shape.length === 1) return [name, new Float32Array(size).fill(name.endsWith("Bias") ? 0 : 1)];
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

function rotaryTables(config: TransformerConfig) {
  const { frequencies, magnitude } = ropeFrequencies(config);
  const half = frequencies.length;
  const angles = Float64Array.from(
    { length: config.contextLength * half },
    (_, i) => Math.floor(i / half) * frequencies[i % half]!,
  );
  const table = (wave: (angle: number) => number) =>
    constant(
      Float32Array.from(angles, (angle) => magnitude * wave(angle)),
      [config.contextLength, half],
    );
  return { cos: table(Math.cos), sin: table(Math.sin) };
}

/** How a block lets tokens look at each other: qkv [tokens, …] to [tokens, heads · head width]. */
export type Attend = (qkv: Tensor, layer: number) => Tensor;

/** Token ids [tokens] to normalised hidden states [tokens, width]. */
export function hiddenStates(model: Model, tokens: Tensor, attend: Attend): Tensor {
  const { config, parameters } = model;
  const norm = (x: Tensor, name: string) => rmsNorm(x, parameters[name]!, config.normEpsilon);
  let x = embed(parameters.embedding!, tokens);
  for (let layer = 0; layer < config.layers; layer++) {
    const at = `layers.${layer}`;
    const qkv = project(model, norm(x, `${at}.attention.norm`), `${at}.attention.qkv`);
    const biased = config.attentionBias ? add(qkv, parameters[`${at}.attention.qkvBias`]!) : qkv;
    x = add(x, project(model, attend(biased, layer), `${at}.attention.output`));
    const up = project(model, norm(x, `${at}.mlp.norm`), `${at}.mlp.up`);
    x = add(x, project(model, hiddenLayer(config, up), `${at}.mlp.down`));
  }
  return norm(x, "norm");
}

/** x Wᵀ, and the adapters' part of it where there are adapters. */
function project({ config, parameters }: Model, x: Tensor, name: string): Tensor {
  const y = linear(x, parameters[name]!);
  if (!config.lora) return y;
  const { rank, alpha } = config.lora;
  const sizes = adapterSections(config, name);
  const narrow = split(linear(x, parameters[`${name}.loraA`]!), { axis: 1, sizes: sizes.map(() => rank) });
  const back = split(parameters[`${name}.loraB`]!, { axis: 0, sizes });
  const wide = narrow.map((part, section) => linear(part, back[section]!));
  return add(y, scale(wide.length === 1 ? wide[0]! : concat(wide, 1), alpha / rank));
}

function hiddenLayer({ mlp, hidden }: TransformerConfig, projected: Tensor): Tensor {
  if (mlp === "gelu") return gelu(projected);
  const [gate, up] = split(projected, { axis: 1, sizes: [hidden, hidden] });
  return multiply(silu(gate!), up!);
}

/** Logits [rows, V] of hidden states [rows, width]. */
export const logitsOf = ({ parameters }: Model, hidden: Tensor) =>
  linear(hidden, parameters.output ?? parameters.embedding!);

export interface Heads {
  /** [rows, heads, time, head width]. */
  readonly queries: Tensor;
  /** [rows, key heads, time, head width]. */
  readonly keys: Tensor;
  readonly values: Tensor;
}

/** The heads of qkv [rows, time, …] in a layer, queries and keys rotated. */
export function splitHeads(
  model: Model,
  qkv: Tensor,
  { layer, positions }: { layer: number; positions: Tensor },
): Heads {
  const { heads, keyHeads, headWidth, queryKeyNorm, normEpsilon } = model.config;
  const [rows, time] = qkv.shape;
  const apart = transpose(reshape(qkv, [rows!, time!, heads + 2 * keyHeads, headWidth]), [0, 2, 1, 3]);
  const tables: RotaryTables = { positions, cos: model.cos, sin: model.sin };
  const norm = (x: Tensor, name: string) =>
    rmsNorm(x, model.parameters[`layers.${layer}.attention.${name}`]!, normEpsilon);
  if (queryKeyNorm) {
    const [queries, keys, values] = split(apart, { axis: 1, sizes: [heads, keyHeads, keyHeads] });
    return {
      queries: rotary(norm(queries!, "queryNorm"), tables),
      keys: rotary(norm(keys!, "keyNorm"), tables),
      values: values!,
    };
  }
  const [both, values] = split(apart, { axis: 1, sizes: [heads + keyHeads, keyHeads] });
  const [queries, keys] = split(rotary(both!, tables), { axis: 1, sizes: [heads, keyHeads] });
  return { queries: queries!, keys: keys!, values: values! };
}

/** softmax(q kᵀ / √width + mask) v, heads joined again: [rows, time, heads · head width]. */
export function attention({ queries, keys, values }: Heads, mask: Tensor): Tensor {
  const [rows, heads, time, width] = queries.shape as [string, number, string, number];
  const keyHeads = keys.shape[1] as number;
  const shared = heads / keyHeads;
  const grouped = shared === 1 ? queries : reshape(queries, [rows, keyHeads, shared, time, width]);
  const wide = (x: Tensor) => (shared === 1 ? x : reshape(x, [rows, keyHeads, 1, x.shape[2]!, width]));
  const scores = scale(matmul(grouped, transposeLast(wide(keys))), 1 / Math.sqrt(width));
  const masked = add(scores, shared === 1 ? mask : reshape(mask, [mask.shape[0]!, 1, 1, ...mask.shape.slice(2)]));
  const mixed = matmul(softmax(masked), wide(values));
  const apart = shared === 1 ? mixed : reshape(mixed, [rows, heads, time, width]);
  return reshape(transpose(apart, [0, 2, 1, 3]), [rows, time, heads * width]);
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
  const attend: Attend = (qkv, layer) => {
    const heads = splitHeads(model, moveRows(qkv, batch.slots), { layer, positions: batch.positions });
    return moveRows(attention(heads, batch.mask), reverseRows(batch.slots));
  };
  return logitsOf(model, moveRows(hiddenStates(model, batch.tokens, attend), batch.selection));
}
