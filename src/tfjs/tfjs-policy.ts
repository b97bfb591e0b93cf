/**
 * The Policy over a TensorFlow.js model of your own, on whichever backend is active: tensorflow (tfjs-node,
 * tfjs-node-gpu), webgpu, webgl, wasm or cpu. The module is an argument, so this package does not depend on it.
 *
 * Gradients are tf.variableGrads of Σ c · logprob + Σ e · entropy, whose derivative by the logits is written out
 * (`statistics.ts`). Accumulated gradients and AdamW's moments stay on the backend. Long lists go through the model in
 * runs, which changes no number beyond rounding. On wasm tf.sum adds one after the other in float32: log-probabilities
 * and entropies over 152,064 tokens are off by 2e-4 nats there, by 2e-6 on cpu.
 */

import { joinArrays } from "../join-arrays.ts";
import { loadTrainingState, saveTrainingState } from "../models/safetensors/training-state.ts";
import {
  checkStepOptions,
  type Policy,
  type Rollouts,
  type SampleOptions,
  type Scores,
  type Sequence,
  type StepOptions,
  type Stepped,
  type TokenGradients,
} from "../srft/policy.ts";
import { checkGradients, offsetsOf } from "../srft/policy-input.ts";
import { globalNorm, moveVariable, updateOf } from "./adamw.ts";
import { blocksOf, checkSequences, type PaddedBatch, padBatch } from "./batch.ts";
import { cachedLogits, type TfjsCache, type TfjsDecode } from "./decode.ts";
import { checkPrompts, rereadLogits, sampleTokens } from "./sample.ts";
import { type Cotangents, selectLogits, surrogate, tokenStatistics } from "./statistics.ts";
import type { Tensorflow, TfjsFunctions, TfjsTensor, TfjsVariable } from "./tensorflow.ts";
import {
  architectureOf,
  assignFile,
  assignState,
  checkModel,
  copyVariables,
  type Optimizer,
  readTensors,
  saveVariables,
  stateArrays,
} from "./variables.ts";

/** A model and the variables that it reads. */
export interface TfjsModel {
  /**
   * Token ids [rows, time] int32, padded on the right, to logits [rows, time, V] float32. Causal: the logits at t must
   * not depend on later tokens. Its operators need gradients on the backend: on wasm embed by one-hot × matrix,
   * since the gradient of tf.gather is missing there.
   */
  model(tokens: TfjsTensor): TfjsTensor;
  /**
   * The same model with a cache, which makes sampling cost one token a step instead of the whole text; must give the
   * logits of `model`.
   */
  decode?(tokens: TfjsTensor, cache: TfjsCache | undefined): ReturnType<TfjsDecode>;
  /** Everything that is trained and saved, by the name it has in the file; float32. */
  readonly variables: Readonly<Record<string, TfjsVariable>>;
}

export interface TfjsPolicyOptions extends TfjsModel {
  /** The module: `import * as tf from "@tensorflow/tfjs"`, or of `@tensorflow/tfjs-node`, `-node-gpu`. */
  readonly tf: Tensorflow;
  /** V; token ids are 0 … V − 1. */
  readonly vocabularySize: number;
  /** Longest prompt + completion, in tokens. */
  readonly contextLength: number;
  /** Sampling stops after this token. */
  readonly endToken: number;
  /** Builds the model again with variables of its own, of the same names and shapes; `clone` needs it. */
  readonly create?: () => TfjsModel;
  /** The backend that must be active: TensorFlow.js falls back to cpu in silence. Default: any. */
  readonly backend?: string;
  /**
   * Logits, padding included, that one run of the model may give; memory is about ten times their 4 bytes. Longer lists
   * go through in several runs; a row is never split. Default 2^25.
   */
  readonly logitsPerRun?: number;
}

/**
 * A policy over a TensorFlow.js model.
 *
 * @throws {TypeError} If no backend is active or another than asked for, or a variable is not float32.
 * @throws {RangeError} If a size is out of range or there is no variable.
 * @example
 * const table = tf.variable(tf.zeros([21, 21])); // the logits after each token
 * const model = (tokens) => tf.gather(table, tokens); // [rows, time, 21]
 * const sizes = { vocabularySize: 21, contextLength: 64, endToken: 2 };
 * const policy = tfjsPolicy({ tf, model, variables: { table }, ...sizes });
 * (await policy.score([{ prompt: [1], completion: [5] }])).logprobs[0]; // −3.0445…
 */
export function tfjsPolicy(options: TfjsPolicyOptions): TfjsPolicy {
  checkModel(options);
  return new TfjsPolicy(options);
}

export class TfjsPolicy implements Policy {
  readonly vocabularySize: number;
  readonly contextLength: number;
  /** The caller's variables; they change with every step. */
  readonly variables: Readonly<Record<string, TfjsVariable>>;
  readonly #tf: TfjsFunctions;
  readonly #options: TfjsPolicyOptions;
  #accumulated: Record<string, TfjsTensor> | undefined;
  #optimizers = new Map<string, Optimizer>();

  /** Use `tfjsPolicy`, which checks. */
  constructor(options: TfjsPolicyOptions) {
    this.vocabularySize = options.vocabularySize;
    this.contextLength = options.contextLength;
    this.variables = options.variables;
    this.#tf = options.tf as unknown as TfjsFunctions;
    this.#options = options;
  }

  async score(sequences: readonly Sequence[]): Promise<Scores> {
    const [logprobs, entropies] = await this.#runBlocks(sequences, (logits, { labels }) => {
      const statistics = tokenStatistics(this.#tf, logits, labels);
      return [statistics.logprobs, statistics.entropies];
    });
    const offsets = offsetsOf(sequences.map(({ completion }) => completion));
    return { logprobs: logprobs!, entropies: entropies!, offsets };
  }

  async logits(sequences: readonly Sequence[]): Promise<Float32Array> {
    const [logits] = await this.#runBlocks(sequences, (logits) => [logits]);
    return logits!;
  }

  async backward(sequences: readonly Sequence[], gradients: TokenGradients): Promise<void> {
    checkSequences(sequences, this);
    checkGradients(
      gradients,
      sequences.reduce((sum, { completion }) => sum + completion.length, 0),
    );
    const { logprobs, entropies } = gradients;
    for (const { block, from, to } of this.#blocks(sequences)) {
      this.#accumulate(block, { logprobs: logprobs.slice(from, to), entropies: entropies?.slice(from, to) });
    }
  }

  async step(options: StepOptions): Promise<Stepped> {
    checkStepOptions(options);
    const gradients = this.#accumulated;
    if (!gradients) throw new TypeError("step: expected a gradient but found none; call backward first");
    this.#accumulated = undefined;
    const gradNorm = await globalNorm(this.#tf, Object.values(gradients));
    const { optimizer: name = "", skipNorm = Infinity } = options;
    const skipped = gradNorm > skipNorm;
    if (skipped || !Number.isFinite(gradNorm)) for (const gradient of Object.values(gradients)) gradient.dispose();
    if (!Number.isFinite(gradNorm)) {
      throw new RangeError(
        `step: expected a finite gradient norm but found ${gradNorm}; the parameters were kept. Lower the learning rate or look at the loss's gradients`,
      );
    }
    if (skipped) return { gradNorm, skipped };
    const optimizer = this.#optimizers.get(name) ?? { moments: {}, steps: 0 };
    this.#optimizers.set(name, optimizer);
    const update = updateOf(options, { gradNorm, step: ++optimizer.steps });
    for (const [variable, gradient] of Object.entries(gradients)) {
      const change = { gradient, moments: optimizer.moments[variable], update };
      optimizer.moments[variable] = moveVariable(this.#tf, this.variables[variable]!, change);
    }
    return { gradNorm, skipped };
  }

  async sample(prompts: readonly ArrayLike<number>[], options: SampleOptions): Promise<Rollouts> {
    checkPrompts(prompts, options, this);
    const { endToken, decode } = this.#options;
    const logits = decode
      ? cachedLogits(this.#tf, decode)
      : rereadLogits((sequences) => this.logits(sequences), endToken);
    try {
      return await sampleTokens(logits, prompts, { ...options, endToken });
    } finally {
      logits.dispose();
    }
  }

  /** Writes variables, moments and a note, atomically. */
  async saveState(file: string, note: string): Promise<void> {
    const arrays = await stateArrays(this.variables, this.#optimizers);
    const steps = Object.fromEntries([...this.#optimizers].map(([name, { steps }]) => [name, steps]));
    await saveTrainingState(file, { architecture: architectureOf(this.#options), steps, note, arrays });
  }

  /**
   * Puts variables and optimizers back where `saveState` found them, drops the accumulated gradient, and gives the note.
   *
   * @throws {SyntaxError} If the file was not written by `saveState`.
   * @throws {RangeError} If it holds the state of other variables, or not all of it; nothing is assigned then.
   */
  async loadState(file: string): Promise<string> {
    const state = await loadTrainingState(file, architectureOf(this.#options));
    const optimizers = assignState(this.#tf, this.variables, state);
    this.dispose();
    for (const [name, optimizer] of optimizers) this.#optimizers.set(name, optimizer);
    return state.note;
  }

  /** Writes a safetensors file, atomically. */
  async save(file: string): Promise<void> {
    const { vocabularySize, contextLength, endToken } = this.#options;
    await saveVariables(this.variables, file, { tfjs: JSON.stringify({ vocabularySize, contextLength, endToken }) });
  }

  /**
   * Reads the parameters of a safetensors file with tensors of the same names and shapes: one that a policy saved.
   *
   * @throws {RangeError} If a tensor is missing, left over, of another shape or not finite; nothing is assigned then.
   */
  async load(file: string): Promise<void> {
    await assignFile(this.#tf, this.variables, file);
  }

  /** @throws {TypeError} If the options had no `create`, or it builds other variables. */
  async clone(): Promise<TfjsPolicy> {
    const { create } = this.#options;
    if (!create) {
      throw new TypeError("clone: expected the option create, which builds the model again, but found none");
    }
    const copy = create();
    copyVariables(this.variables, copy.variables);
    return tfjsPolicy({ ...this.#options, ...copy });
  }

  /** The parameters by name, copies. */
  async parameters(): Promise<Record<string, Float32Array>> {
    return readTensors(this.variables);
  }

  /** The accumulated gradient by name, copies; does not clear it. */
  async gradients(): Promise<Record<string, Float32Array>> {
    if (!this.#accumulated) throw new TypeError("gradients: expected a gradient but found none; call backward first");
    return readTensors(this.#accumulated);
  }

  /** Frees the accumulated gradient and the optimizer's moments; the variables are the caller's. */
  dispose(): void {
    const all = [...this.#optimizers.values()].flatMap(({ moments }) => Object.values(moments));
    const moments = all.flatMap(({ mean, square }) => [mean, square]);
    for (const tensor of [...moments, ...Object.values(this.#accumulated ?? {})]) tensor.dispose();
    this.#accumulated = undefined;
    this.#optimizers.clear();
  }

  #blocks(sequences: readonly Sequence[]) {
    const { vocabularySize, logitsPerRun = 2 ** 25 } = this.#options;
    return blocksOf(sequences, { vocabularySize, most: logitsPerRun });
  }

  /** What `read` makes of the logits [n, V] of each block, joined. */
  async #runBlocks(
    sequences: readonly Sequence[],
    read: (logits: TfjsTensor, batch: PaddedBatch) => readonly TfjsTensor[],
  ): Promise<Float32Array[]> {
    checkSequences(sequences, this);
    const parts: Float32Array[][] = [];
    for (const { block } of this.#blocks(sequences)) {
      const batch = padBatch(block);
      const tensors = this.#tf.tidy(() => read(selectLogits(this.#tf, this.#logits(batch), batch), batch));
      parts.push(await Promise.all(tensors.map(async (tensor) => Float32Array.from(await tensor.data()))));
      for (const tensor of tensors) tensor.dispose();
    }
    return parts[0]!.map((_, i) => joinArrays(parts.map((part) => part[i]!)));
  }

  #logits({ rows, time, tokens }: PaddedBatch): TfjsTensor {
    const logits = this.#options.model(this.#tf.tensor(tokens, [rows, time], "int32"));
    const expected = [rows, time, this.vocabularySize];
    if (logits.shape.join() !== expected.join() || logits.dtype !== "float32") {
      throw new TypeError(
        `tfjsPolicy: expected the model to give float32 logits [rows, time, V] = [${expected}] but found ${logits.dtype} [${logits.shape}]`,
      );
    }
    return logits;
  }

  #accumulate(block: readonly Sequence[], cotangents: Cotangents): void {
    const batch = padBatch(block);
    const value = surrogate(this.#tf, batch, cotangents);
    const trained = Object.entries(this.variables).filter(([, { trainable }]) => trainable);
    const before = this.#accumulated;
    this.#accumulated = this.#tf.tidy(() => {
      const { grads } = this.#tf.variableGrads(
        () => value(this.#logits(batch)),
        trained.map(([, variable]) => variable),
      );
      const sums = trained.map(([name, variable]) => {
        const gradient = grads[variable.name];
        if (!gradient)
          throw new TypeError(
            `backward: expected the model to use ${name} but found no gradient of it; leave it out of variables`,
          );
        return [name, before ? this.#tf.add(before[name]!, gradient) : gradient] as const;
      });
      return Object.fromEntries(sums);
    });
    for (const gradient of Object.values(before ?? {})) gradient.dispose();
  }
}
