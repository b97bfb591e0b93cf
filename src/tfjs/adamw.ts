/**
 * AdamW with PyTorch's conventions on tf.Variables: decoupled weight decay, bias correction, ε added to the corrected
 * root, and a clip of the global norm by min(1, clipNorm / (norm + 1e-6)).
 */

import type { StepOptions } from "../srft/policy.ts";
import type { TfjsFunctions, TfjsTensor, TfjsVariable } from "./tensorflow.ts";

/** First and second moments of one parameter, of its shape. */
export interface Moments {
  readonly mean: TfjsTensor;
  readonly square: TfjsTensor;
}

/** The numbers of one update. */
export interface Update {
  readonly learningRate: number;
  readonly betas: readonly [number, number];
  readonly epsilon: number;
  readonly weightDecay: number;
  /** Factor of the gradient, in [0, 1]. */
  readonly clip: number;
  /** How many updates there are with this one, ≥ 1. */
  readonly step: number;
}

/** The L2 norm of all gradients together. */
export async function globalNorm(tf: TfjsFunctions, gradients: readonly TfjsTensor[]): Promise<number> {
  const norm = tf.tidy(() =>
    tf.sqrt(gradients.map((gradient) => tf.sum(tf.square(gradient))).reduce((a, b) => tf.add(a, b))),
  );
  const [value] = Array.from(await norm.data());
  norm.dispose();
  return value!;
}

/** The update that the options ask for. */
export function updateOf(options: StepOptions, { gradNorm, step }: { gradNorm: number; step: number }): Update {
  const { learningRate, clipNorm = 1, betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0 } = options;
  return { learningRate, betas, epsilon, weightDecay, step, clip: Math.min(1, clipNorm / (gradNorm + 1e-6)) };
}

/** Moves one variable, disposes of the gradient and the old moments, and returns the new ones. */
export function moveVariable(
  tf: TfjsFunctions,
  variable: TfjsVariable,
  { gradient, moments, update }: { gradient: TfjsTensor; moments: Moments | undefined; update: Update },
): Moments {
  const { learningRate, betas, epsilon, weightDecay, clip, step } = update;
  const blend = (old: TfjsTensor | undefined, fresh: TfjsTensor, beta: number) =>
    old ? tf.add(tf.mul(old, beta), tf.mul(fresh, 1 - beta)) : tf.mul(fresh, 1 - beta);
  const next = tf.tidy(() => {
    const clipped = tf.mul(gradient, clip);
    const mean = blend(moments?.mean, clipped, betas[0]);
    const square = blend(moments?.square, tf.square(clipped), betas[1]);
    const root = tf.add(tf.div(tf.sqrt(square), Math.sqrt(1 - betas[1] ** step)), epsilon);
    const move = tf.mul(tf.div(mean, root), learningRate / (1 - betas[0] ** step));
    variable.assign(tf.sub(tf.mul(variable, 1 - learningRate * weightDecay), move));
    return { mean, square };
  });
  for (const old of [gradient, moments?.mean, moments?.square]) old?.dispose();
  return next;
}
