/** The transformer of src/models (gelu, tied embedding, as many key heads as heads) in TensorFlow.js. */

import * as tf from "@tensorflow/tfjs-core";
import {
  initialParameters,
  parameterShapes,
  type TransformerConfig,
} from "../../src/models/transformer/transformer.ts";
import { createRandom } from "../../src/random.ts";
import type { TfjsCache, TfjsModel } from "../../src/tfjs/index.ts";

/** Variables by the names and shapes of our engine's parameters. */
export function variablesOf(config: TransformerConfig, values: Readonly<Record<string, ArrayLike<number>>>) {
  const shapes = Object.entries(parameterShapes(config));
  return Object.fromEntries(
    shapes.map(([name, shape]) => {
      const value = tf.tensor(Float32Array.from(values[name]!), [...shape]);
      const variable = tf.variable(value);
      value.dispose();
      return [name, variable];
    }),
  );
}

export function transformer(config: TransformerConfig, values: Readonly<Record<string, ArrayLike<number>>>) {
  const variables = variablesOf(config, values);
  return {
    variables,
    model: (tokens: tf.Tensor) => logitsOf(config, variables, tokens as tf.Tensor2D),
  } satisfies TfjsModel;
}

/** The same with `decode`; keys and values of each layer are the cache. */
export function cachedTransformer(config: TransformerConfig, values: Readonly<Record<string, ArrayLike<number>>>) {
  const { variables, model } = transformer(config, values);
  const decode = (tokens: tf.Tensor, cache: TfjsCache | undefined) => {
    const grown: tf.Tensor[] = [];
    const all = logitsOf(
      config,
      variables,
      tokens as tf.Tensor2D,
      (layer, keys, values) => {
        const [oldKeys, oldValues] = (cache ?? []).slice(2 * layer, 2 * layer + 2) as tf.Tensor[];
        grown.push(
          oldKeys ? tf.concat([oldKeys, keys], 2) : keys,
          oldValues ? tf.concat([oldValues, values], 2) : values,
        );
        return [grown.at(-2)!, grown.at(-1)!];
      },
      cache?.[0]?.shape[2] ?? 0,
    );
    const [rows, time, width] = all.shape as [number, number, number];
    return { logits: tf.reshape(tf.slice(all, [0, time - 1, 0], [rows, 1, width]), [rows, width]), cache: grown };
  };
  return { variables, model, decode } satisfies TfjsModel;
}

/** Fresh parameters, enlarged: nearly uniform tokens would hide errors. */
export function variedParameters(config: TransformerConfig, seed: number): Record<string, Float32Array> {
  const entries = Object.entries(initialParameters(config, createRandom(seed)));
  return Object.fromEntries(
    entries.map(([name, data]) => [name, name.includes("norm") ? data : data.map((x) => 12 * x)]),
  );
}

type Variables = Readonly<Record<string, tf.Variable>>;

/** Takes the new keys and values of a layer, and gives all there are. */
type Remember = (layer: number, keys: tf.Tensor, values: tf.Tensor) => readonly [tf.Tensor, tf.Tensor];

function logitsOf(
  config: TransformerConfig,
  variables: Variables,
  tokens: tf.Tensor2D,
  remember: Remember = (_, keys, values) => [keys, values],
  first = 0,
): tf.Tensor {
  const [rows, time] = tokens.shape;
  const { vocabularySize, layers, width } = config;
  const embedding = variables.embedding as tf.Tensor2D;
  const ids = tf.reshape(tokens, [rows * time]);
  let x: tf.Tensor2D = tf.matMul(tf.cast(tf.oneHot(ids, vocabularySize), "float32") as tf.Tensor2D, embedding);
  for (let layer = 0; layer < layers; layer++) {
    const p = (name: string) => variables[`layers.${layer}.${name}`] as unknown as tf.Tensor2D;
    const qkv = linear(rmsNorm(x, p("attention.norm"), config), p("attention.qkv"));
    const heads = splitHeads(tf.reshape(qkv, [rows, time, 3 * width]), config, first);
    const mixed = attention(heads.queries, ...remember(layer, heads.keys, heads.values));
    x = tf.add(x, linear(tf.reshape(mixed, [rows * time, width]), p("attention.output")));
    const hidden = gelu(linear(rmsNorm(x, p("mlp.norm"), config), p("mlp.up")));
    x = tf.add(x, linear(hidden, p("mlp.down")));
  }
  return tf.reshape(linear(rmsNorm(x, variables.norm!, config), embedding), [rows, time, vocabularySize]);
}

const linear = (x: tf.Tensor2D, weight: tf.Tensor2D): tf.Tensor2D => tf.matMul(x, weight, false, true);

function rmsNorm(x: tf.Tensor2D, weight: tf.Tensor, { normEpsilon }: TransformerConfig): tf.Tensor2D {
  const scale = tf.sqrt(tf.add(tf.mean(tf.square(x), -1, true), normEpsilon));
  return tf.mul(tf.div(x, scale), weight);
}

const gelu = (x: tf.Tensor2D): tf.Tensor2D => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));

/** qkv [rows, time, 3 · width] to heads [rows, heads, time, head width], queries and keys rotated. */
function splitHeads(qkv: tf.Tensor, { heads, headWidth, ropeBase }: TransformerConfig, first: number) {
  const [rows, time] = qkv.shape as [number, number];
  const apart = tf.transpose(tf.reshape(qkv, [rows, time, 3 * heads, headWidth]), [0, 2, 1, 3]);
  const [queries, keys, values] = tf.split(apart, 3, 1) as [tf.Tensor, tf.Tensor, tf.Tensor];
  return { queries: rotate(queries, ropeBase, first), keys: rotate(keys, ropeBase, first), values };
}

/** To [rows, time, width]; the queries are those of the last keys. */
function attention(queries: tf.Tensor, keys: tf.Tensor, values: tf.Tensor): tf.Tensor {
  const [rows, heads, time, headWidth] = queries.shape as [number, number, number, number];
  const scores = tf.matMul(queries, keys, false, true);
  const weights = tf.softmax(tf.add(tf.mul(scores, 1 / Math.sqrt(headWidth)), causalMask(time, keys.shape[2]!)));
  return tf.reshape(tf.transpose(tf.matMul(weights, values), [0, 2, 1, 3]), [rows, time, heads * headWidth]);
}

function causalMask(time: number, keys: number): tf.Tensor {
  const past = keys - time;
  const mask = Float32Array.from({ length: time * keys }, (_, i) =>
    i % keys > past + Math.floor(i / keys) ? -1e9 : 0,
  );
  return tf.tensor(mask, [time, keys]);
}

/** Rotary positions of x [rows, heads, time, head width], halves paired. */
function rotate(x: tf.Tensor, ropeBase: number, first: number): tf.Tensor {
  const [time, half] = [x.shape[2]!, x.shape[3]! / 2];
  const angles = Array.from(
    { length: time * half },
    (_, i) => (first + Math.floor(i / half)) * ropeBase ** (-(i % half) / half),
  );
  const [cos, sin] = [Math.cos, Math.sin].map((wave) => tf.tensor(Float32Array.from(angles, wave), [time, half]));
  const [a, b] = tf.split(x, 2, -1) as [tf.Tensor, tf.Tensor];
  return tf.concat([tf.sub(tf.mul(a, cos!), tf.mul(b, sin!)), tf.add(tf.mul(b, cos!), tf.mul(a, sin!))], -1);
}
