/**
 * config.json of the Llama, Qwen2 and Qwen3 families to our architecture and back. What we do not compute (sliding
 * windows, other activations, biases elsewhere) is refused, not ignored.
 */

import type { RopeScaling } from "../transformer/rope.ts";
import type { TransformerConfig } from "../transformer/transformer.ts";

type Family = "llama" | "qwen2" | "qwen3";

/** The entries of config.json that we read. */
export interface HuggingFaceConfig {
  readonly model_type: string;
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads?: number;
  readonly head_dim?: number | null;
  readonly hidden_act?: string;
  readonly max_position_embeddings?: number;
  readonly rms_norm_eps?: number;
  readonly rope_theta?: number;
  readonly rope_scaling?: RopeParameters | null;
  /** Newer files keep base and scaling together. */
  readonly rope_parameters?: RopeParameters | null;
  readonly tie_word_embeddings?: boolean;
  readonly attention_bias?: boolean;
  readonly mlp_bias?: boolean;
  readonly use_sliding_window?: boolean;
  readonly eos_token_id?: number | readonly number[] | null;
}

interface RopeParameters {
  readonly rope_type?: string;
  readonly type?: string;
  readonly rope_theta?: number;
  readonly factor?: number;
  readonly low_freq_factor?: number;
  readonly high_freq_factor?: number;
  readonly original_max_position_embeddings?: number;
  readonly beta_fast?: number;
  readonly beta_slow?: number;
  readonly attention_factor?: number;
}

const families: readonly string[] = ["llama", "qwen2", "qwen3"];
const longestTable = 4096;

/**
 * Our architecture; sizes are checked later by `completeConfig`.
 *
 * @throws {RangeError} If the file asks for something that we do not compute.
 * @example
 * configOf(JSON.parse(await readFile("models/tiny-qwen2/config.json", "utf8"))).attentionBias; // true
 */
export function configOf(given: HuggingFaceConfig, { contextLength }: { contextLength?: number } = {}) {
  refuse(given);
  const family = given.model_type as Family;
  const { num_attention_heads: heads, hidden_size: width, max_position_embeddings: longest = 2048 } = given;
  const rope = given.rope_parameters ?? given.rope_scaling ?? {};
  return {
    vocabularySize: given.vocab_size,
    layers: given.num_hidden_layers,
    width,
    heads,
    keyHeads: given.num_key_value_heads ?? heads,
    headWidth: given.head_dim ?? width / heads,
    hidden: given.intermediate_size,
    mlp: "swiglu" as const,
    attentionBias: family === "qwen2" || given.attention_bias === true,
    queryKeyNorm: family === "qwen3",
    tiedEmbedding: given.tie_word_embeddings ?? false,
    contextLength: contextLength ?? Math.min(longest, longestTable),
    ropeBase: rope.rope_theta ?? given.rope_theta ?? 10_000,
    ropeScaling: scalingOf(rope, longest),
    normEpsilon: given.rms_norm_eps ?? 1e-6,
    endToken: [given.eos_token_id ?? 2].flat()[0] as number,
    lora: null,
  } satisfies TransformerConfig;
}

function refuse(given: HuggingFaceConfig): void {
  const expect = (what: string, found: unknown): never => {
    throw new RangeError(`loadHuggingFace: expected ${what} but found ${JSON.stringify(found)} in config.json`);
  };
  if (!families.includes(given.model_type)) expect(`model_type ${families.join(" | ")}`, given.model_type);
  if ((given.hidden_act ?? "silu") !== "silu") expect("hidden_act silu", given.hidden_act);
  if (given.mlp_bias) expect("mlp_bias false", given.mlp_bias);
  if (given.use_sliding_window) expect("use_sliding_window false", given.use_sliding_window);
  if (given.model_type === "llama" && given.attention_bias) expect("attention_bias false", given.attention_bias);
}

function scalingOf(rope: RopeParameters, longest: number): RopeScaling {
  const kind = rope.rope_type ?? rope.type ?? "default";
  const factor = rope.factor as number;
  const originalLength = rope.original_max_position_embeddings ?? longest;
  switch (kind) {
    case "default":
      return { kind: "none" };
    case "linear":
      return { kind: "linear", factor };
    case "llama3":
      return {
        kind: "llama3",
        factor,
        lowFrequencyFactor: rope.low_freq_factor as number,
        highFrequencyFactor: rope.high_freq_factor as number,
        originalLength,
      };
    case "yarn": {
      const magnitude = rope.attention_factor ?? (factor <= 1 ? 1 : 0.1 * Math.log(factor) + 1);
      return {
        kind: "yarn",
        factor,
        originalLength,
        betaFast: rope.beta_fast ?? 32,
        betaSlow: rope.beta_slow ?? 1,
        magnitude,
      };
    }
    default:
      throw new RangeError(
        `loadHuggingFace: expected rope_type default | linear | llama3 | yarn but found ${kind} in config.json`,
      );
  }
}

/**
 * config.json of an architecture.
 *
 * @throws {RangeError} If it belongs to none of the families (the lab policy's GELU does not).
 * @example
 * configToHuggingFace(policy.config).model_type; // "qwen2"
 */
export function configToHuggingFace(config: TransformerConfig): HuggingFaceConfig & { architectures: string[] } {
  if (config.lora) {
    throw new RangeError(
      "saveHuggingFace: expected a policy without adapters but found one with; use saveLora or mergeLora",
    );
  }
  if (config.mlp !== "swiglu" || (config.queryKeyNorm && config.attentionBias)) {
    throw new RangeError(
      "saveHuggingFace: expected an architecture of the Llama, Qwen2 or Qwen3 family but found another; use policy.save",
    );
  }
  const family: Family = config.queryKeyNorm ? "qwen3" : config.attentionBias ? "qwen2" : "llama";
  const name = { llama: "Llama", qwen2: "Qwen2", qwen3: "Qwen3" }[family];
  return {
    architectures: [`${name}ForCausalLM`],
    model_type: family,
    vocab_size: config.vocabularySize,
    hidden_size: config.width,
    intermediate_size: config.hidden,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.keyHeads,
    head_dim: config.headWidth,
    hidden_act: "silu",
    max_position_embeddings: config.contextLength,
    rms_norm_eps: config.normEpsilon,
    rope_parameters: ropeParameters(config),
    rope_theta: config.ropeBase,
    tie_word_embeddings: config.tiedEmbedding,
    eos_token_id: config.endToken,
  };
}

function ropeParameters({ ropeBase, ropeScaling }: TransformerConfig): RopeParameters {
  const base = { rope_theta: ropeBase };
  switch (ropeScaling.kind) {
    case "none":
      return { ...base, rope_type: "default" };
    case "linear":
      return { ...base, rope_type: "linear", factor: ropeScaling.factor };
    case "llama3":
      return {
        ...base,
        rope_type: "llama3",
        factor: ropeScaling.factor,
        low_freq_factor: ropeScaling.lowFrequencyFactor,
        high_freq_factor: ropeScaling.highFrequencyFactor,
        original_max_position_embeddings: ropeScaling.originalLength,
      };
    case "yarn":
      return {
        ...base,
        rope_type: "yarn",
        factor: ropeScaling.factor,
        original_max_position_embeddings: ropeScaling.originalLength,
        beta_fast: ropeScaling.betaFast,
        beta_slow: ropeScaling.betaSlow,
        attention_factor: ropeScaling.magnitude,
      };
    default:
      return ropeScaling satisfies never;
  }
}
