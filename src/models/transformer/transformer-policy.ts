/**
 * The Policy over a transformer that ONNX Runtime runs. On the CPU parameters and moments live in two copies: a step
 * writes the spare copy and the two change places only when the result is finite, so that a bad gradient never costs
 * the model. On WebGPU they stay on the device.
 *
 * `backward` keeps the newest batch until it is known whether another follows: a step after one batch is one program
 * (forward, backward, clip, AdamW), as fast as it can be; several batches are accumulated first.
 */

import { type Settings, settingNames, settingsOf } from "../../graph/adamw.ts";
import { discard, loadRuntime, type Value, value } from "../../graph/session.ts";
import { joinArrays } from "../../join-arrays.ts";
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
} from "../../srft/policy.ts";
import { checkGradients, checkSampling, offsetsOf } from "../../srft/policy-input.ts";
import { saveSafetensors } from "../safetensors/safetensors.ts";
import { loadTrainingState, saveTrainingState, stateName } from "../safetensors/training-state.ts";
import { batchFeeds, blocksOf, type Feeds, type PackedBatch, packBatch } from "./batch.ts";
import { promptFeeds, uniformNumbers } from "./generate.ts";
import type { Cotangents, Programs } from "./programs.ts";
import { collectRollouts } from "./rollouts.ts";
import { parameterShapes, type TransformerConfig, trainableNames } from "./transformer.ts";

type Values = Record<string, Value>;

/** Both moments of every parameter that trains, and how often they were moved on. */
interface Optimizer {
  readonly moments: Values;
  readonly steps: number;
}

interface Application {
  readonly name: string;
  readonly optimizer: Optimizer;
  readonly skipNorm: number;
}

interface Pending {
  readonly feeds: Values;
  readonly cotangents: Cotangents;
}

export class TransformerPolicy implements Policy {
  readonly config: TransformerConfig;
  readonly vocabularySize: number;
  readonly contextLength: number;
  readonly #programs: Programs;
  #parameters: Values;
  #optimizers = new Map<string, Optimizer>();
  #spare: Values | undefined;
  #pending: Pending | undefined;
  #accumulated: Values | undefined;

  private constructor(programs: Programs, parameters: Values) {
    this.config = programs.config;
    this.vocabularySize = programs.config.vocabularySize;
    this.contextLength = programs.config.contextLength;
    this.#programs = programs;
    this.#parameters = parameters;
  }

  /** A policy that takes the arrays over; shapes are those of `parameterShapes`. */
  static async create(
    programs: Programs,
    parameters: Readonly<Record<string, Float32Array>>,
  ): Promise<TransformerPolicy> {
    await loadRuntime();
    const shapes = Object.entries(parameterShapes(programs.config));
    const values = Object.fromEntries(shapes.map(([name, shape]) => [name, value(parameters[name]!, shape)]));
    const policy = new TransformerPolicy(programs, values);
    policy.#parameters = await policy.#place(values);
    return policy;
  }

  /** Values where the programs want them. */
  async #place(values: Values): Promise<Values> {
    return this.#programs.device === "webgpu" ? (await this.#programs.get("upload")).run(values) : values;
  }

  async score(sequences: readonly Sequence[]): Promise<Scores> {
    const program = await this.#programs.get("score");
    const parts: { logprobs: Float32Array; entropies: Float32Array }[] = [];
    for (const block of blocksOf(sequences)) {
      const { logprobs, entropies } = await program.run({
        ...this.#parameters,
        ...toValues(batchFeeds(this.#pack(block))),
      });
      parts.push({ logprobs: logprobs!.data as Float32Array, entropies: entropies!.data as Float32Array });
    }
    return {
      logprobs: joinArrays(parts.map((part) => part.logprobs)),
      entropies: joinArrays(parts.map((part) => part.entropies)),
      offsets: offsetsOf(sequences.map(({ completion }) => completion)),
    };
  }

  async logits(sequences: readonly Sequence[]): Promise<Float32Array> {
    const program = await this.#programs.get("logits");
    const parts: Float32Array[] = [];
    for (const block of blocksOf(sequences)) {
      const { labels: _, ...feeds } = toValues(batchFeeds(this.#pack(block)));
      parts.push((await program.run({ ...this.#parameters, ...feeds })).logits!.data as Float32Array);
    }
    return joinArrays(parts);
  }

  async backward(sequences: readonly Sequence[], gradients: TokenGradients): Promise<void> {
    const batch = this.#pack(sequences);
    checkGradients(gradients, batch.labels.length);
    await this.#accumulatePending();
    const size = [batch.labels.length, 1];
    const feeds = { ...toValues(batchFeeds(batch)), dLogprobs: value(gradients.logprobs, size) };
    this.#pending = gradients.entropies
      ? { feeds: { ...feeds, dEntropies: value(gradients.entropies, size) }, cotangents: "logprobs+entropies" }
      : { feeds, cotangents: "logprobs" };
  }

  async step(options: StepOptions): Promise<Stepped> {
    checkStepOptions(options);
    if (!this.#pending && !this.#accumulated)
      throw new TypeError("step: expected a gradient but found none; call backward first");
    const { optimizer: name = "", skipNorm = Infinity } = options;
    const optimizer = this.#optimizers.get(name) ?? this.#freshOptimizer();
    const settings = settingsOf(options, optimizer.steps + 1);
    const alone = this.#accumulated === undefined;
    if (!alone) await this.#accumulatePending();
    const gradients = alone ? this.#pending!.feeds : prefixed("g:", this.#accumulated!);
    const program = await this.#programs.get(alone ? `update ${this.#pending!.cotangents}` : "apply");
    this.#pending = undefined;
    this.#accumulated = undefined;
    const feeds = { ...this.#parameters, ...optimizer.moments, ...gradients, ...scalars(settings) };
    const fresh = await program.run(feeds, this.#target(optimizer.moments));
    return this.#apply(fresh, { name, optimizer, skipNorm });
  }

  async sample(prompts: readonly ArrayLike<number>[], options: SampleOptions): Promise<Rollouts> {
    const { groupSize = 1, maxTokens, temperature = 1, random } = options;
    checkSampling(options);
    const sampling = temperature === 0 ? "greedy" : temperature === 1 ? "plain" : "tempered";
    const feeds = promptFeeds(prompts, { groupSize, maxTokens }, this.config);
    const rows = prompts.length * groupSize;
    const extra: Values = {};
    if (sampling !== "greedy") extra.uniforms = value(uniformNumbers(random!, maxTokens * rows), [maxTokens, rows, 1]);
    if (sampling === "tempered") extra.inverseTemperature = value(Float32Array.of(1 / temperature), []);
    const program = await this.#programs.get(`generate ${sampling}`);
    const results = await program.run({ ...this.#parameters, ...toValues(feeds), ...extra });
    return collectRollouts(results, { rows, endToken: this.config.endToken });
  }

  async save(file: string): Promise<void> {
    const shapes = parameterShapes(this.config);
    const tensors = Object.entries(await this.parameters()).map(
      ([name, data]) => [name, { shape: shapes[name]!, data }] as const,
    );
    await saveSafetensors(file, new Map(tensors), { transformer: JSON.stringify(this.config) });
  }

  async saveState(file: string, note: string): Promise<void> {
    const arrays = { ...(await this.#read(this.#parameters)) };
    for (const [name, { moments }] of this.#optimizers) Object.assign(arrays, named(name, await this.#read(moments)));
    const steps = Object.fromEntries([...this.#optimizers].map(([name, { steps }]) => [name, steps]));
    await saveTrainingState(file, { architecture: JSON.stringify(this.config), steps, note, arrays });
  }

  /**
   * @throws {SyntaxError} If the file was not written by `saveState`.
   * @throws {RangeError} If it holds the state of another architecture, or not all of it; nothing is loaded then.
   */
  async loadState(file: string): Promise<string> {
    const state = await loadTrainingState(file, JSON.stringify(this.config));
    const restored = (values: Values, optimizer = "") =>
      mapValues(values, ({ size, dims }, name) => value(state.take(stateName(optimizer, name), size), dims));
    const { moments } = this.#freshOptimizer();
    const parameters = restored(this.#parameters);
    const optimizers = mapValues(state.steps, (steps, name) => ({ moments: restored(moments, name), steps }));
    this.#parameters = await this.#place(parameters);
    this.#optimizers = new Map(Object.entries(optimizers));
    [this.#spare, this.#pending, this.#accumulated] = [undefined, undefined, undefined];
    return state.note;
  }

  async clone(): Promise<TransformerPolicy> {
    const copies = Object.entries(await this.parameters()).map(([name, data]) => [name, data.slice()] as const);
    return this.with(Object.fromEntries(copies));
  }

  /** A policy of the same architecture and programs with other parameters, which it takes over. */
  with(parameters: Readonly<Record<string, Float32Array>>): Promise<TransformerPolicy> {
    return TransformerPolicy.create(this.#programs, parameters);
  }

  /** The parameters by name; on the CPU a view that the next step invalidates. */
  async parameters(): Promise<Record<string, Float32Array>> {
    return this.#read(this.#parameters);
  }

  /** The accumulated gradient of every parameter that trains; does not clear it. */
  async gradients(): Promise<Record<string, Float32Array>> {
    await this.#accumulatePending();
    if (!this.#accumulated) throw new TypeError("gradients: expected a gradient but found none; call backward first");
    return this.#read(this.#accumulated);
  }

  /** Arrays of parameters, gradients or moments (`m:…`, `v:…`), brought from the device where they lie on one. */
  async #read(values: Values): Promise<Record<string, Float32Array>> {
    const here: Values = this.#programs.device === "webgpu" ? {} : { ...values };
    for (const prefix of this.#programs.device === "webgpu" ? ["", "m:", "v:"] : []) {
      const names = Object.keys(values).filter((name) => (/^[mv]:/.exec(name)?.[0] ?? "") === prefix);
      if (names.length === 0) continue;
      const bare = (name: string) => name.slice(prefix.length);
      const feeds = Object.fromEntries(names.map((name) => [bare(name), values[name]!]));
      const found = await (await this.#programs.get("read")).run({ ...this.#parameters, ...feeds });
      for (const name of names) here[name] = found[bare(name)]!;
    }
    return Object.fromEntries(Object.entries(here).map(([name, { data }]) => [name, data as Float32Array]));
  }

  #pack(sequences: readonly Sequence[]): PackedBatch {
    return packBatch(sequences, this.config);
  }

  async #accumulatePending(): Promise<void> {
    if (!this.#pending) return;
    const { feeds, cotangents } = this.#pending;
    const program = await this.#programs.get(`accumulate ${cotangents}`);
    const before = this.#accumulated ?? zerosLike(this.#trainable());
    const after = await program.run({ ...this.#parameters, ...feeds, ...prefixed("g:", before) });
    discard(before);
    this.#accumulated = Object.fromEntries(Object.keys(before).map((name) => [name, after[`g:${name}`]!]));
    this.#pending = undefined;
  }

  #freshOptimizer(): Optimizer {
    const zeros = () => zerosLike(this.#trainable());
    return { moments: { ...prefixed("m:", zeros()), ...prefixed("v:", zeros()) }, steps: 0 };
  }

  #trainable(): Values {
    return Object.fromEntries(trainableNames(this.config).map((name) => [name, this.#parameters[name]!]));
  }

  #target(moments: Values): Values {
    if (this.#programs.device === "webgpu") return {};
    this.#spare ??= { ...prefixed("p:", zerosLike(this.#trainable())), ...zerosLike(moments) };
    return this.#spare;
  }

  #apply(results: Values, { name, optimizer, skipNorm }: Application): Stepped {
    const { gradNorm: norm, ...fresh } = results;
    const gradNorm = norm!.data[0] as number;
    const skipped = gradNorm > skipNorm;
    if (skipped || !Number.isFinite(gradNorm)) discard(fresh);
    if (!Number.isFinite(gradNorm)) {
      throw new RangeError(
        `step: expected a finite gradient norm but found ${gradNorm}; the parameters were kept. Lower the learning rate or look at the loss's gradients`,
      );
    }
    if (skipped) return { gradNorm, skipped };
    const trained = this.#trainable();
    const old = { ...prefixed("p:", trained), ...optimizer.moments };
    const stepped = Object.fromEntries(Object.keys(trained).map((name) => [name, fresh[`p:${name}`]!]));
    this.#parameters = { ...this.#parameters, ...stepped };
    const moments = Object.fromEntries(Object.keys(optimizer.moments).map((name) => [name, fresh[name]!]));
    this.#optimizers.set(name, { moments, steps: optimizer.steps + 1 });
    if (this.#programs.device === "webgpu") discard(old);
    else this.#spare = old;
    return { gradNorm, skipped };
  }
}

const named = <Value>(optimizer: string, values: Readonly<Record<string, Value>>) =>
  Object.fromEntries(Object.entries(values).map(([name, one]) => [stateName(optimizer, name), one]));

const prefixed = (prefix: string, values: Values): Values =>
  Object.fromEntries(Object.entries(values).map(([name, one]) => [prefix + name, one]));

function mapValues<A, B>(record: Readonly<Record<string, A>>, change: (one: A, name: string) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, one]) => [name, change(one, name)]));
}

const zerosLike = (values: Values): Values =>
  Object.fromEntries(
    Object.entries(values).map(([name, { size, dims }]) => [name, value(new Float32Array(size), dims)]),
  );

const toValues = (feeds: Feeds): Values =>
  Object.fromEntries(Object.entries(feeds).map(([name, { data, shape }]) => [name, value(data, shape)]));

const scalars = (settings: Settings): Values =>
  Object.fromEntries(settingNames.map((name) => [name, value(Float32Array.of(settings[name]), [])]));
