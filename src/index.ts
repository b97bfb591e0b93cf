/**
 * srft: fine-tune a language model by imitation and reinforcement in one stage, and see token by token what changed.
 */

export * from "./analysis/category.ts";
export * from "./analysis/cross-sampling/budget-curve.ts";
export {
  type CrossAnswer,
  type CrossSampleOptions,
  crossSample,
} from "./analysis/cross-sampling/cross-sample.ts";
export type { SwapCriterion, SwapMeasure } from "./analysis/cross-sampling/swap-criterion.ts";
export * from "./analysis/cross-sampling/swap-effects.ts";
export type { SwapOptions, Swapper } from "./analysis/cross-sampling/swap-plan.ts";
export * from "./analysis/divergences.ts";
export * from "./analysis/evidence/bootstrap.ts";
export * from "./analysis/evidence/bounds.ts";
export { checkComparable } from "./analysis/evidence/comparable.ts";
export * from "./analysis/evidence/noise-floor.ts";
export * from "./analysis/evidence/validate.ts";
export * from "./analysis/frame/frame.ts";
export type { Condition, Conditions, FrameRow, Summary } from "./analysis/frame/query.ts";
export { loadTokenTable, saveTokenTable } from "./analysis/frame/token-file.ts";
export * from "./analysis/maps/dynamics-map.ts";
export * from "./analysis/maps/likelihood-map.ts";
export * from "./analysis/parameter-diff/parameter-diff.ts";
export * from "./analysis/parameter-diff/update-overlap.ts";
export * from "./analysis/roles.ts";
export type { TokenRow } from "./analysis/table/long-rows.ts";
export * from "./analysis/token-shift.ts";
export * from "./analysis/token-summary.ts";
export {
  type Bounds,
  createTokenTable,
  type ModelColumns,
  type ShiftColumns,
  type TokenColumns,
  type TokenTable,
} from "./analysis/token-table.ts";
export * from "./analysis/views/entropy-divergence.ts";
export * from "./analysis/views/entropy-fit.ts";
export * from "./analysis/views/forking-share.ts";
export type { ShiftMeasure } from "./analysis/views/measures.ts";
export * from "./analysis/views/position-curves.ts";
export * from "./analysis/views/probability-change.ts";
export type { Interval, ResampleOptions } from "./analysis/views/resample.ts";
export * from "./analysis/views/token-kinds.ts";
export * from "./analysis/views/trajectories.ts";
export * from "./data/arithmetic.ts";
export * from "./data/arithmetic-documents.ts";
export * from "./data/arithmetic-task.ts";
export * from "./data/countdown.ts";
export * from "./data/demonstrations.ts";
export * from "./data/dumps/dumps.ts";
export * from "./data/format-rewards.ts";
export * from "./data/math/answer.ts";
export * from "./data/math/boxed.ts";
export * from "./data/math/equal.ts";
export * from "./data/math/math-reward.ts";
export * from "./data/math/parse.ts";
export * from "./data/math/recognised.ts";
export * from "./data/text-task.ts";
export { type HuggingFaceOptions, loadHuggingFace, saveHuggingFace } from "./models/hugging-face/hugging-face.ts";
export * from "./models/hugging-face/peft.ts";
export { type HuggingFaceTokenizer, loadTokenizer } from "./models/hugging-face/tokenizer.ts";
export * from "./models/safetensors/safetensors.ts";
export * from "./models/softmax-table.ts";
export * from "./models/transformer/checkpoint.ts";
export * from "./models/transformer/lora.ts";
export type { TransformerConfig } from "./models/transformer/transformer.ts";
export type { TransformerPolicy } from "./models/transformer/transformer-policy.ts";
export * from "./plots/figure.ts";
export type { HeatMeasure } from "./plots/heat-map/colors.ts";
export type { HeatMapPayload } from "./plots/heat-map/payload.ts";
export { type LiveChart, type LiveChartData, type LiveChartOptions, liveChart } from "./plots/live-chart/live-chart.ts";
export * from "./plots/models/layer-change.ts";
export * from "./plots/models/learning-map.ts";
export * from "./plots/token-heat-map.ts";
export * from "./plots/tokens/position-curve.ts";
export * from "./plots/tokens/shift-classes.ts";
export * from "./plots/tokens/shift-histogram.ts";
export * from "./plots/tokens/swap-curve.ts";
export * from "./plots/training/demonstration-weights.ts";
export * from "./plots/training/method-comparison.ts";
export * from "./plots/training/training-curves.ts";
export * from "./random.ts";
export * from "./reproduction/claims.ts";
export * from "./reproduction/interval.ts";
export * from "./reproduction/measures.ts";
export * from "./reproduction/methods.ts";
export * from "./reproduction/plans.ts";
export * from "./reproduction/published.ts";
export * from "./reproduction/run.ts";
export * from "./reproduction/setting.ts";
export * from "./reproduction/verdict.ts";
export * from "./sources/dump-reader.ts";
export { type HttpOptions, ServerError } from "./sources/http/client.ts";
export * from "./sources/policy-reader.ts";
export * from "./sources/server/open-server.ts";
export * from "./sources/transformers-js/transformers-js.ts";
export * from "./srft/advantages.ts";
export * from "./srft/batch.ts";
export * from "./srft/entropy-weights.ts";
export * from "./srft/evaluation/evaluate.ts";
export * from "./srft/evaluation/steps-to-reward.ts";
export * from "./srft/losses/advantage-estimators.ts";
export * from "./srft/losses/demonstration-weight.ts";
export * from "./srft/losses/high-entropy.ts";
export * from "./srft/losses/kl-estimators.ts";
export * from "./srft/losses/policy-gradient.ts";
export * from "./srft/losses/shaping.ts";
export * from "./srft/losses/terms.ts";
export * from "./srft/objectives/baselines/adaptive-entropy.ts";
export * from "./srft/objectives/baselines/cispo.ts";
export * from "./srft/objectives/baselines/dapo.ts";
export * from "./srft/objectives/baselines/dr-grpo.ts";
export * from "./srft/objectives/baselines/gspo.ts";
export * from "./srft/objectives/baselines/reinforce-plus-plus.ts";
export * from "./srft/objectives/baselines/rloo.ts";
export * from "./srft/objectives/baselines/w-reinforce.ts";
export * from "./srft/objectives/grpo.ts";
export * from "./srft/objectives/hybrids/chord.ts";
export * from "./srft/objectives/hybrids/hpt.ts";
export * from "./srft/objectives/hybrids/luffy.ts";
export * from "./srft/objectives/hybrids/prefix-rft.ts";
export * from "./srft/objectives/hybrids/rl-plus.ts";
export * from "./srft/objectives/hybrids/super-rl.ts";
export * from "./srft/objectives/hybrids/super-rl-mixture.ts";
export * from "./srft/objectives/hybrids/uft.ts";
export * from "./srft/objectives/imitation/dft.ts";
export * from "./srft/objectives/imitation/iw-sft.ts";
export * from "./srft/objectives/imitation/psft.ts";
export * from "./srft/objectives/imitation/sft-kl.ts";
export * from "./srft/objectives/sft.ts";
export * from "./srft/objectives/srft.ts";
export * from "./srft/objectives/srft-presets.ts";
export * from "./srft/pipelines/relift.ts";
export * from "./srft/pipelines/stages.ts";
export * from "./srft/policy.ts";
export type { Provenance, TopLogprobs } from "./srft/reader.ts";
export * from "./srft/rollout.ts";
export * from "./srft/task.ts";
export * from "./srft/train.ts";
export * from "./srft/training/prefixes.ts";
export * from "./srft/training/schedules.ts";
export * from "./srft/training/watch.ts";
export * from "./token-stats/divergence-statistics.ts";
export type { LogitArray, LogitFormat, Logits, LogitType } from "./token-stats/logits.ts";
export { createTokenThreads, type LogitBlockOptions, type TokenThreads } from "./token-stats/threads.ts";
export * from "./token-stats/token-statistics.ts";
