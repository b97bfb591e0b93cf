/**
 * Log-probabilities and entropies of logits, and their gradient in closed form, in operators that every backend has:
 *
 *   log π(y) = z_y − max z − log Σ_v exp(z_v − max z)      ∂ log π(y) / ∂z_v = 1[v = y] − π(v)
 *   H = −Σ_v π(v) log π(v)                                 ∂H / ∂z_v = −π(v) (log π(v) + H)
 *
 * Where a backend's own way fails: the gradient of tf.gather needs UnsortedSegmentSum, which wasm lacks, so gradients
 * go back to their places by a second gather; tf.oneHot of dtype float32 writes integers on wasm, so it is cast.
 */

import type { PaddedBatch } from "./batch.ts";
import type { TfjsFunctions, TfjsTensor } from "./tensorflow.ts";

/** Finite, so that 0 · log 0 is 0 for tokens whose logit is −∞. */
const lowest = -3e38;

/** Log-probabilities of the labels and entropies, both [n, 1] nats, of logits [n, V]. */
export function tokenStatistics(tf: TfjsFunctions, logits: TfjsTensor, labels: Int32Array) {
  const vocabularySize = logits.shape[1]!;
  const shifted = tf.sub(logits, tf.max(logits, 1, true)); // [n, V]
  const every = tf.maximum(tf.sub(shifted, tf.log(tf.sum(tf.exp(shifted), 1, true))), lowest);
  const ids = tf.tensor(labels, [labels.length], "int32");
  const chosen = tf.cast(tf.oneHot(ids, vocabularySize), "float32");
  const probabilities = tf.exp(every);
  return {
    every,
    chosen,
    probabilities,
    logprobs: tf.sum(tf.mul(chosen, every), 1, true),
    entropies: tf.neg(tf.sum(tf.mul(probabilities, every), 1, true)),
  };
}

/** The logits [N, V] that predict a batch's completion tokens, of all its logits [rows, time, V]. */
export function selectLogits(tf: TfjsFunctions, logits: TfjsTensor, { rows, time, selected }: PaddedBatch): TfjsTensor {
  const flat = tf.reshape(logits, [rows * time, logits.shape[2]!]);
  return tf.gather(flat, tf.tensor(selected, [selected.length], "int32"));
}

/** ∂loss/∂logprobs and ∂loss/∂entropies of a batch, [N] each; constants in the backward pass. */
export interface Cotangents {
  readonly logprobs: Float32Array;
  readonly entropies: Float32Array | undefined;
}

/** The scalar Σ c · logprob + Σ e · entropy of a batch's logits [rows, time, V], as a function that tf can derive. */
export function surrogate(
  tf: TfjsFunctions,
  batch: PaddedBatch,
  cotangents: Cotangents,
): (x: TfjsTensor) => TfjsTensor {
  return tf.customGrad((logits, save) => {
    const { value, slopes } = valueAndSlopes(tf, selectLogits(tf, logits, batch), { batch, cotangents });
    save([placeSlopes(tf, slopes, batch)]);
    return { value, gradFunc: (dy, [saved]) => tf.mul(saved!, dy) };
  });
}

function valueAndSlopes(
  tf: TfjsFunctions,
  logits: TfjsTensor,
  { batch, cotangents }: { batch: PaddedBatch; cotangents: Cotangents },
) {
  const column = (data: Float32Array) => tf.tensor(data, [data.length, 1], "float32");
  const { every, chosen, probabilities, logprobs, entropies } = tokenStatistics(tf, logits, batch.labels);
  const c = column(cotangents.logprobs);
  const value = tf.sum(tf.mul(c, logprobs));
  const slopes = tf.mul(c, tf.sub(chosen, probabilities));
  if (!cotangents.entropies) return { value, slopes };
  const e = column(cotangents.entropies);
  const entropySlopes = tf.mul(probabilities, tf.add(every, entropies));
  return { value: tf.add(value, tf.sum(tf.mul(e, entropies))), slopes: tf.sub(slopes, tf.mul(e, entropySlopes)) };
}

/** Gradients [N, V] at their places in [rows, time, V], zero elsewhere. */
function placeSlopes(tf: TfjsFunctions, slopes: TfjsTensor, { rows, time, selectedAt }: PaddedBatch): TfjsTensor {
  const vocabularySize = slopes.shape[1]!;
  const padded = tf.concat([slopes, tf.zeros([1, vocabularySize])], 0);
  const placed = tf.gather(padded, tf.tensor(selectedAt, [selectedAt.length], "int32"));
  return tf.reshape(placed, [rows, time, vocabularySize]);
}
