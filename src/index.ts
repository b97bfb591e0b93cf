/**
 * srft: fine-tune a language model by imitation and reinforcement in one stage, and see token by token what changed.
 */

export * from "./analysis/category.ts";
export * from "./analysis/divergences.ts";
export * from "./analysis/token-shift.ts";
export * from "./analysis/token-summary.ts";
export * from "./analysis/token-table.ts";
export * from "./data/arithmetic.ts";
export * from "./data/arithmetic-documents.ts";
export * from "./data/arithmetic-task.ts";
export * from "./models/checkpoint.ts";
export { type HuggingFaceOptions, loadHuggingFace, saveHuggingFace } from "./models/hugging-face.ts";
export * from "./models/safetensors.ts";
export * from "./models/softmax-table.ts";
export type { TransformerConfig } from "./models/transformer.ts";
export type { TransformerPolicy } from "./models/transformer-policy.ts";
export * from "./plots/figure.ts";
export * from "./plots/position-curve.ts";
export * from "./plots/shift-classes.ts";
export * from "./plots/shift-histogram.ts";
export * from "./plots/token-heat-map.ts";
export * from "./plots/training-curves.ts";
export * from "./random.ts";
export * from "./srft/advantages.ts";
export * from "./srft/batch.ts";
export * from "./srft/entropy-weights.ts";
export * from "./srft/evaluate.ts";
export * from "./srft/losses/advantage-estimators.ts";
export * from "./srft/losses/high-entropy.ts";
export * from "./srft/losses/kl-estimators.ts";
export * from "./srft/losses/policy-gradient.ts";
export * from "./srft/losses/shaping.ts";
export * from "./srft/losses/terms.ts";
export * from "./srft/objectives/grpo.ts";
export * from "./srft/objectives/sft.ts";
export * from "./srft/objectives/srft.ts";
export * from "./srft/objectives/srft-presets.ts";
export * from "./srft/policy.ts";
export * from "./srft/rollout.ts";
export * from "./srft/steps-to-reward.ts";
export * from "./srft/task.ts";
export * from "./srft/train.ts";
