/**
 * The smallest complete policy: a table of logits, one line for every context of the last `order` tokens, in float64
 * and with exact gradients. It trains, samples and saves like a model, so tests and first lessons need no mock.
 *
 *   log π(y | context) = z_y − log Σ_v exp z_v          ∂ log π(y) / ∂z_v = 1[v = y] − π(v)
 *   H = −Σ_v π(v) log π(v)                              ∂H / ∂z_v = −π(v) (log π(v) + H)
 *
 * A context is written in base V + 1, where digit V stands for "before the beginning", so no two contexts meet.
 * AdamW and the clip are PyTorch's: decoupled weight decay, bias correction, norm + 1e-6 in the clip.
 */

import type { Random } from "../random.ts";
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
import { checkGradients, checkSampling, offsetsOf } from "../srft/policy-input.ts";
import { loadSafetensors, saveSafetensors } from "./safetensors/safetensors.ts";
import { checkTokens, packBatch } from "./transformer/batch.ts";

export interface SoftmaxTableConfig {
  /** V. */
  readonly vocabularySize: number;
  /** Longest prompt + completion, in tokens. */
  readonly contextLength: number;
  /** Sampling stops after this token. */
  readonly endToken: number;
  /** How many preceding tokens a line is chosen by, ≥ 0. Default 1. */
  readonly order?: number;
}

const largestTable = 2 ** 24;

export class SoftmaxTable implements Policy {
  readonly config: Required<SoftmaxTableConfig>;
  readonly vocabularySize: number;
  readonly contextLength: number;
  /** [(V + 1)^order, V], unnormalised; a live view. */
  readonly table: Float64Array;
  #gradient: Float64Array | undefined;
  readonly #optimizers = new Map<string, Moments>();

  /**
   * @param table Logits, copied; default zeros, the uniform policy.
   * @throws {RangeError} If a size is out of range, the table would be larger than 2^24 logits, or has another length.
   * @example
   * new SoftmaxTable({ vocabularySize: 3, contextLength: 8, endToken: 2 }).table.length; // 12: (3 + 1)^1 * 3
   */
  constructor(config: SoftmaxTableConfig, table?: ArrayLike<number>) {
    this.config = { order: 1, ...config };
    this.vocabularySize = config.vocabularySize;
    this.contextLength = config.contextLength;
    const size = tableSize(this.config);
    if (table && table.length !== size) {
      throw new RangeError(`SoftmaxTable: expected a table of ${size} logits but found ${table.length}`);
    }
    this.table = table ? Float64Array.from(table) : new Float64Array(size);
  }

  async score(sequences: readonly Sequence[]): Promise<Scores> {
    const { offsets, lines, labels } = this.#pack(sequences);
    const logprobs = new Float32Array(labels.length);
    const entropies = new Float32Array(labels.length);
    for (const [t, label] of labels.entries()) {
      const logs = logSoftmax(this.#line(lines[t]!));
      logprobs[t] = logs[label]!;
      entropies[t] = entropyOf(logs);
    }
    return { logprobs, entropies, offsets };
  }

  async logits(sequences: readonly Sequence[]): Promise<Float32Array> {
    const { lines } = this.#pack(sequences);
    const logits = new Float32Array(lines.length * this.vocabularySize);
    for (const [t, line] of lines.entries()) logits.set(this.#line(line), t * this.vocabularySize);
    return logits;
  }

  async backward(sequences: readonly Sequence[], gradients: TokenGradients): Promise<void> {
    const { lines, labels } = this.#pack(sequences);
    checkGradients(gradients, labels.length);
    this.#gradient ??= new Float64Array(this.table.length);
    for (const [t, label] of labels.entries()) {
      const logs = logSoftmax(this.#line(lines[t]!));
      const [slope, entropySlope] = [gradients.logprobs[t]!, gradients.entropies?.[t] ?? 0];
      const entropy = entropySlope === 0 ? 0 : entropyOf(logs);
      const begin = lines[t]! * this.vocabularySize;
      for (let v = 0; v < logs.length; v++) {
        const p = Math.exp(logs[v]!);
        this.#gradient[begin + v]! += slope * ((v === label ? 1 : 0) - p);
        if (entropySlope !== 0 && p > 0) this.#gradient[begin + v]! -= entropySlope * p * (logs[v]! + entropy);
      }
    }
  }

  async step(options: StepOptions): Promise<Stepped> {
    checkStepOptions(options);
    const gradient = this.#gradient;
    if (!gradient) throw new TypeError("step: expected a gradient but found none; call backward first");
    this.#gradient = undefined;
    const gradNorm = Math.sqrt(gradient.reduce((sum, one) => sum + one * one, 0));
    if (!Number.isFinite(gradNorm)) {
      throw new RangeError(`step: expected a finite gradient norm but found ${gradNorm}; the parameters were kept`);
    }
    const { optimizer = "", skipNorm = Infinity } = options;
    if (gradNorm > skipNorm) return { gradNorm, skipped: true };
    const moments = this.#optimizers.get(optimizer) ?? zeroMoments(this.table.length);
    moments.steps++;
    this.#optimizers.set(optimizer, moments);
    applyAdamW(this.table, { moments, gradient, gradNorm }, options);
    return { gradNorm, skipped: false };
  }

  async sample(prompts: readonly ArrayLike<number>[], options: SampleOptions): Promise<Rollouts> {
    const { groupSize = 1, maxTokens } = options;
    checkSampling(options);
    for (const [row, prompt] of prompts.entries()) {
      checkTokens(prompt, `prompt ${row}`, this.config);
      if (prompt.length + maxTokens > this.contextLength) {
        throw new RangeError(
          `sample: expected prompt + maxTokens <= ${this.contextLength} but found ${prompt.length} + ${maxTokens} in prompt ${row}`,
        );
      }
    }
    const rows = prompts.flatMap((prompt) => Array.from({ length: groupSize }, () => this.#complete(prompt, options)));
    return {
      completions: rows.map((row) => Int32Array.from(row, ({ token }) => token)),
      logprobs: Float32Array.from(rows.flat(), ({ logprob }) => logprob),
      behaviorLogprobs: Float32Array.from(rows.flat(), ({ behaviorLogprob }) => behaviorLogprob),
      entropies: Float32Array.from(rows.flat(), ({ entropy }) => entropy),
      offsets: offsetsOf(rows),
    };
  }

  /** Writes a safetensors file (float32: logits are rounded), atomically. */
  async save(file: string): Promise<void> {
    const shape = [this.table.length / this.vocabularySize, this.vocabularySize];
    const tensors = new Map([["logits", { shape, data: Float32Array.from(this.table) }]]);
    await saveSafetensors(file, tensors, { softmaxTable: JSON.stringify(this.config) });
  }

  async clone(): Promise<SoftmaxTable> {
    return new SoftmaxTable(this.config, this.table);
  }

  /** The accumulated gradient, a copy; zeros where there is none. */
  gradient(): Float64Array {
    return this.#gradient?.slice() ?? new Float64Array(this.table.length);
  }

  #complete(prompt: ArrayLike<number>, { maxTokens, temperature = 1, random }: SampleOptions) {
    const text = Array.from(prompt);
    const tokens: ReturnType<typeof drawToken>[] = [];
    while (tokens.length < maxTokens && tokens.at(-1)?.token !== this.config.endToken) {
      const logs = logSoftmax(this.#line(contextLine(text, text.length, this.config)));
      tokens.push(drawToken(logs, { temperature, random }));
      text.push(tokens.at(-1)!.token);
    }
    return tokens;
  }

  /** Of every completion token: its line in the table and its id. */
  #pack(sequences: readonly Sequence[]) {
    const { labels, offsets } = packBatch(sequences, this.config);
    const lines = sequences.flatMap(({ prompt, completion }) => {
      const text = [...Array.from(prompt), ...Array.from(completion)];
      return Array.from(completion, (_, t) => contextLine(text, prompt.length + t, this.config));
    });
    return { lines, labels, offsets };
  }

  #line(line: number) {
    return this.table.subarray(line * this.vocabularySize, (line + 1) * this.vocabularySize);
  }
}

/**
 * Reads a table that `save` wrote.
 *
 * @throws {SyntaxError} If the file is no safetensors file or holds no softmax table.
 * @example
 * await policy.save("table.safetensors");
 * const twin = await loadSoftmaxTable("table.safetensors"); // the same logits, rounded to float32
 */
export async function loadSoftmaxTable(file: string): Promise<SoftmaxTable> {
  const { tensors, metadata } = await loadSafetensors(file);
  const logits = tensors.get("logits");
  if (!logits || !metadata.softmaxTable) {
    throw new SyntaxError(`loadSoftmaxTable: expected a softmax table but found another model in ${file}`);
  }
  return new SoftmaxTable(JSON.parse(metadata.softmaxTable) as SoftmaxTableConfig, logits.data);
}

function tableSize(config: Required<SoftmaxTableConfig>) {
  const { vocabularySize, contextLength, endToken, order } = config;
  const least = { vocabularySize: 1, contextLength: 2, endToken: 0, order: 0 };
  for (const [name, value] of Object.entries({ vocabularySize, contextLength, endToken, order })) {
    const minimum = least[name as keyof typeof least];
    if (!(Number.isInteger(value) && value >= minimum)) {
      throw new RangeError(`SoftmaxTable: expected an integer ${name} >= ${minimum} but found ${value}`);
    }
  }
  const size = (vocabularySize + 1) ** order * vocabularySize;
  if (size > largestTable) {
    throw new RangeError(`SoftmaxTable: expected at most ${largestTable} logits but found ${size}; lower the order`);
  }
  return size;
}

function contextLine(text: ArrayLike<number>, at: number, { order, vocabularySize }: Required<SoftmaxTableConfig>) {
  let line = 0;
  for (let i = at - order; i < at; i++) line = line * (vocabularySize + 1) + (i < 0 ? vocabularySize : text[i]!);
  return line;
}

function logSoftmax(logits: Float64Array) {
  const largest = logits.reduce((a, b) => Math.max(a, b));
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
  return logits.map((logit) => logit - largest - Math.log(total));
}

function entropyOf(logs: Float64Array) {
  return logs.reduce((sum, log) => (log > -Infinity ? sum - Math.exp(log) * log : sum), 0);
}

interface Draw {
  readonly temperature: number;
  readonly random: Random | undefined;
}

function drawToken(logs: Float64Array, { temperature, random }: Draw) {
  const behavior = temperature === 0 ? undefined : logSoftmax(logs.map((log) => log / temperature));
  const token = behavior ? invertCumulative(behavior, random!()) : logs.indexOf(Math.max(...logs));
  return { token, logprob: logs[token]!, behaviorLogprob: behavior?.[token] ?? 0, entropy: entropyOf(logs) };
}

function invertCumulative(logs: Float64Array, uniform: number) {
  let cumulative = 0;
  let last = 0;
  for (let v = 0; v < logs.length; v++) {
    const p = Math.exp(logs[v]!);
    if (p === 0) continue;
    cumulative += p;
    last = v;
    if (uniform < cumulative) return v;
  }
  return last;
}

interface Moments {
  readonly mean: Float64Array;
  readonly square: Float64Array;
  steps: number;
}

const zeroMoments = (size: number): Moments => ({
  mean: new Float64Array(size),
  square: new Float64Array(size),
  steps: 0,
});

function applyAdamW(
  table: Float64Array,
  { moments, gradient, gradNorm }: { moments: Moments; gradient: Float64Array; gradNorm: number },
  { learningRate, clipNorm = 1, betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0 }: StepOptions,
) {
  const { mean, square, steps } = moments;
  const clip = Math.min(1, clipNorm / (gradNorm + 1e-6));
  const [b1, b2] = betas;
  const [unbiasMean, unbiasSquare] = [1 - b1 ** steps, Math.sqrt(1 - b2 ** steps)];
  for (let i = 0; i < table.length; i++) {
    const g = gradient[i]! * clip;
    mean[i] = b1 * mean[i]! + (1 - b1) * g;
    square[i] = b2 * square[i]! + (1 - b2) * g * g;
    const denominator = Math.sqrt(square[i]!) / unbiasSquare + epsilon;
    table[i] = table[i]! * (1 - learningRate * weightDecay) - ((learningRate / unbiasMean) * mean[i]!) / denominator;
  }
}
