/**
 * The method's seam: a policy gives token log-probabilities and entropies, and takes the gradient with respect to
 * them. Every objective is a function of these numbers, so it works on every engine. The [tokens, vocabulary] logits
 * never cross the seam unless somebody asks for them.
 *
 * Arrays over tokens are packed: row i of a batch owns the entries from offsets[i] to offsets[i + 1]; only completion
 * tokens have entries. Units are nats.
 */

import type { Random } from "../random.ts";

/** One text: the prompt it continues and the completion that is scored, both as token ids. */
export interface Sequence {
  readonly prompt: ArrayLike<number>;
  readonly completion: ArrayLike<number>;
}

/** What a policy says about the completion tokens of a batch; N is their number. */
export interface Scores {
  /** log π(y_t | x, y_<t), one a token, [N] nats. */
  readonly logprobs: Float32Array;
  /** −Σ_v π(v) log π(v) of the distribution y_t was drawn from, [N] nats. */
  readonly entropies: Float32Array;
  /** Where each row begins, [rows + 1]. */
  readonly offsets: Int32Array;
}

/** ∂loss/∂logprobs and, if the loss has one, ∂loss/∂entropies, packed as in Scores. */
export interface TokenGradients {
  readonly logprobs: Float32Array;
  readonly entropies?: Float32Array;
}

/** Settings of one optimizer step (AdamW, decoupled weight decay; global-norm clip as in PyTorch). */
export interface StepOptions {
  readonly learningRate: number;
  /** Largest global gradient norm; Infinity switches the clip off. Default 1. */
  readonly clipNorm?: number;
  /** Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Default 1e-8. */
  readonly epsilon?: number;
  /** Default 0. */
  readonly weightDecay?: number;
  /** The decay of norms and biases; published recipes often have 0. Default: weightDecay. */
  readonly vectorDecay?: number;
  /** A step whose gradient norm is above is not taken (HPT has 80); the gradient is dropped. Default Infinity. */
  readonly skipNorm?: number;
  /** Which moments are used and moved on; every name has its own, from zero. Default "". */
  readonly optimizer?: string;
}

/** What a step did. */
export interface Stepped {
  /** Global gradient norm before the clip. */
  readonly gradNorm: number;
  /** Whether the norm was above `skipNorm`: parameters and moments are as they were. */
  readonly skipped: boolean;
}

export interface SampleOptions {
  /** Completions a prompt; row i belongs to prompt floor(i / groupSize). Default 1. */
  readonly groupSize?: number;
  /** Longest completion, in tokens. */
  readonly maxTokens: number;
  /** 0 is greedy. Default 1. */
  readonly temperature?: number;
  /** Uniform numbers in [0, 1). Not needed when temperature is 0. */
  readonly random?: Random;
}

/** Completions with what the policy said of them while it sampled (so that they need no second forward pass). */
export interface Rollouts extends Scores {
  /** Sampled ids up to and including the end token, one array a row. */
  readonly completions: readonly Int32Array[];
  /** Log-probability under the sampling distribution (the temperature applied), [N] nats; equals logprobs at temperature 1. */
  readonly behaviorLogprobs: Float32Array;
}

export interface Policy {
  /** V; token ids are 0 … V − 1. */
  readonly vocabularySize: number;
  /** Longest prompt + completion, in tokens. */
  readonly contextLength: number;
  /** Log-probabilities and entropies of every completion token. */
  score(sequences: readonly Sequence[]): Promise<Scores>;
  /** Logits of every completion token, [N, V], unnormalised. */
  logits(sequences: readonly Sequence[]): Promise<Float32Array>;
  /** Adds the gradient of one batch to the accumulated gradient. */
  backward(sequences: readonly Sequence[], gradients: TokenGradients): Promise<void>;
  /**
   * Applies the accumulated gradient and clears it.
   * A norm that is not finite leaves the parameters as they were and throws a RangeError.
   */
  step(options: StepOptions): Promise<Stepped>;
  /** Draws completions. */
  sample(prompts: readonly ArrayLike<number>[], options: SampleOptions): Promise<Rollouts>;
  /** Writes the parameters, atomically. */
  save(file: string): Promise<void>;
  /** Writes parameters, optimizer and a note, atomically; `loadState` puts a policy back there and returns the note. */
  saveState?(file: string, note: string): Promise<void>;
  loadState?(file: string): Promise<string>;
  /** A second policy with the same parameters and a fresh optimizer. */
  clone(): Promise<Policy>;
}

/**
 * Checks what a step is asked for; policies call it first.
 *
 * @throws {RangeError} If a setting is negative or NaN, a beta is not in [0, 1), or skipNorm is not above 0.
 * @example
 * checkStepOptions({ learningRate: 1e-3, skipNorm: 80 }); // nothing
 */
export function checkStepOptions(options: StepOptions): void {
  const { learningRate, clipNorm = 1, betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0 } = options;
  const { vectorDecay = weightDecay, skipNorm = Infinity } = options;
  for (const [name, setting] of Object.entries({ learningRate, clipNorm, epsilon, weightDecay, vectorDecay })) {
    if (!(setting >= 0)) throw new RangeError(`step: expected ${name} >= 0 but found ${setting}`);
  }
  if (!betas.every((beta) => beta >= 0 && beta < 1)) {
    throw new RangeError(`step: expected betas in [0, 1) but found ${betas.join(", ")}`);
  }
  if (!(skipNorm > 0)) throw new RangeError(`step: expected skipNorm > 0 but found ${skipNorm}`);
}
