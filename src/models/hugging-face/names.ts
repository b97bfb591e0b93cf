/**
 * Where each tensor of a Hugging Face checkpoint lies in our parameters. Queries, keys and values are one matrix here,
 * as are gate and up; their tensors lie in it one below the other.
 */

import type { TransformerConfig } from "../transformer/transformer.ts";

export interface TensorPlace {
  /** Name in the checkpoint. */
  readonly name: string;
  readonly shape: readonly number[];
  /** Our parameter, and the element at which the tensor begins in it. */
  readonly parameter: string;
  readonly offset: number;
}

/**
 * The places of all tensors of an architecture.
 *
 * @example
 * placesOf(config)[0]; // { name: "model.embed_tokens.weight", parameter: "embedding", offset: 0, shape: [V, width] }
 */
export function placesOf(config: TransformerConfig): TensorPlace[] {
  const { vocabularySize, width, layers, tiedEmbedding } = config;
  const table = [vocabularySize, width];
  return [
    ...stack("embedding", [["model.embed_tokens.weight", table]]),
    ...Array.from({ length: layers }, (_, layer) => layerPlaces(config, layer)).flat(),
    ...stack("norm", [["model.norm.weight", [width]]]),
    ...(tiedEmbedding ? [] : stack("output", [["lm_head.weight", table]])),
  ];
}

function layerPlaces(config: TransformerConfig, layer: number): TensorPlace[] {
  const { width, heads, keyHeads, headWidth, hidden, attentionBias, queryKeyNorm } = config;
  const [ours, theirs] = [`layers.${layer}`, `model.layers.${layer}`];
  const attention = `${theirs}.self_attn`;
  const [queries, keys] = [heads * headWidth, keyHeads * headWidth];
  const qkv = [["q", queries] as const, ["k", keys] as const, ["v", keys] as const];
  const norms = queryKeyNorm
    ? [
        ...stack(`${ours}.attention.queryNorm`, [[`${attention}.q_norm.weight`, [headWidth]]]),
        ...stack(`${ours}.attention.keyNorm`, [[`${attention}.k_norm.weight`, [headWidth]]]),
      ]
    : [];
  const bias: [string, number[]][] = qkv.map(([letter, size]) => [`${attention}.${letter}_proj.bias`, [size]]);
  return [
    ...stack(`${ours}.attention.norm`, [[`${theirs}.input_layernorm.weight`, [width]]]),
    ...stack(
      `${ours}.attention.qkv`,
      qkv.map(([letter, size]) => [`${attention}.${letter}_proj.weight`, [size, width]]),
    ),
    ...(attentionBias ? stack(`${ours}.attention.qkvBias`, bias) : []),
    ...norms,
    ...stack(`${ours}.attention.output`, [[`${attention}.o_proj.weight`, [width, queries]]]),
    ...stack(`${ours}.mlp.norm`, [[`${theirs}.post_attention_layernorm.weight`, [width]]]),
    ...stack(`${ours}.mlp.up`, [
      [`${theirs}.mlp.gate_proj.weight`, [hidden, width]],
      [`${theirs}.mlp.up_proj.weight`, [hidden, width]],
    ]),
    ...stack(`${ours}.mlp.down`, [[`${theirs}.mlp.down_proj.weight`, [width, hidden]]]),
  ];
}

/** Tensors that follow one another in a parameter. */
function stack(parameter: string, parts: readonly (readonly [string, readonly number[]])[]): TensorPlace[] {
  let offset = 0;
  return parts.map(([name, shape]) => {
    const place = { name, shape, parameter, offset };
    offset += shape.reduce((a, b) => a * b, 1);
    return place;
  });
}
