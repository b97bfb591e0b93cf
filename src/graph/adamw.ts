/**
 * AdamW (arXiv 1711.05101, decoupled decay) with PyTorch's global-norm clip, as part of the graph:
 *   g ← g · min(1, clipNorm / (‖g‖ + 1e-6));  m ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²;
 *   θ ← θ(1 − lr·decay) − lr/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + ε)
 * Every setting is an input, so one program serves a whole schedule.
 */

import { add, divide, multiply, reshape, sqrt, subtract, sum } from "./ops.ts";
import { input, node, scalar, type Tensor } from "./tensor.ts";

/** The settings fed at each step, one number each; biasCorrection1 = 1 − β₁ᵗ, biasCorrection2 = √(1 − β₂ᵗ). */
export const settingNames = [
  "learningRate",
  "clipNorm",
  "beta1",
  "beta2",
  "epsilon",
  "weightDecay",
  "vectorDecay",
  "biasCorrection1",
  "biasCorrection2",
] as const;

export type Settings = Readonly<Record<(typeof settingNames)[number], number>>;

/** As `StepOptions` of a policy has them, with the same defaults. */
export interface AdamwOptions {
  readonly learningRate: number;
  readonly clipNorm?: number;
  readonly betas?: readonly [number, number];
  readonly epsilon?: number;
  readonly weightDecay?: number;
  readonly vectorDecay?: number;
}

/**
 * The number for each setting; step counts from 1.
 *
 * @example
 * settingsOf({ learningRate: 0.1, betas: [0.9, 0.75] }, 1).biasCorrection2; // 0.5
 */
export function settingsOf(options: AdamwOptions, step: number): Settings {
  const { learningRate, clipNorm = 1, betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0 } = options;
  const { vectorDecay = weightDecay } = options;
  const [beta1, beta2] = betas;
  const bias = { biasCorrection1: 1 - beta1 ** step, biasCorrection2: Math.sqrt(1 - beta2 ** step) };
  return { learningRate, clipNorm, beta1, beta2, epsilon, weightDecay, vectorDecay, ...bias };
}

/** Tensors by parameter name. */
export type Tensors = Readonly<Record<string, Tensor>>;

/** The graph of one step: new parameters `p:…`, moments `m:…` and `v:…`, and the norm before the clip. */
export function adamw(parameters: Tensors, gradients: Tensors): Record<string, Tensor> {
  const settings = Object.fromEntries(settingNames.map((name) => [name, input(name, [])])) as Record<
    keyof Settings,
    Tensor
  >;
  const gradNorm = sqrt(Object.values(gradients).map(sumOfSquares).reduce(add));
  const clip = minimum(scalar(1), divide(settings.clipNorm, add(gradNorm, scalar(1e-6))));
  const outputs: Record<string, Tensor> = { gradNorm };
  for (const [name, parameter] of Object.entries(parameters)) {
    const gradient = multiply(gradients[name]!, clip);
    const m = blend(input(`m:${name}`, parameter.shape), gradient, settings.beta1);
    const v = blend(input(`v:${name}`, parameter.shape), multiply(gradient, gradient), settings.beta2);
    const step = divide(m, add(divide(sqrt(v), settings.biasCorrection2), settings.epsilon));
    const decay = parameter.shape.length > 1 ? settings.weightDecay : settings.vectorDecay;
    const kept = multiply(parameter, subtract(scalar(1), multiply(settings.learningRate, decay)));
    const rate = divide(settings.learningRate, settings.biasCorrection1);
    Object.assign(outputs, { [`p:${name}`]: subtract(kept, multiply(step, rate)), [`m:${name}`]: m, [`v:${name}`]: v });
  }
  return outputs;
}

const blend = (old: Tensor, by: Tensor, beta: Tensor) =>
  add(multiply(old, beta), multiply(by, subtract(scalar(1), beta)));

function sumOfSquares(x: Tensor): Tensor {
  return reshape(
    sum(
      multiply(x, x),
      x.shape.map((_, i) => i),
    ),
    [],
  );
}

function minimum(a: Tensor, b: Tensor): Tensor {
  return node("Min", { inputs: [a, b] }, [{ shape: [] }])[0]!;
}
