/**
 * The graphs a transformer policy runs, compiled when first needed and shared by all policies of one architecture.
 * Shapes that change from batch to batch are named dimensions, so each is compiled once.
 */

import { adamw } from "../../graph/adamw.ts";
import { gradients } from "../../graph/gradients.ts";
import { add, labelStatistics, reshape } from "../../graph/ops.ts";
import { type CompileOptions, compile, type Device, type Program } from "../../graph/session.ts";
import { input, type Tensor } from "../../graph/tensor.ts";
import { type Sampling, traceGeneration } from "./generate.ts";
import {
  batchLogits,
  type Model,
  type TransformerConfig,
  traceBatch,
  traceModel,
  trainableNames,
} from "./transformer.ts";

/** Which cotangents a backward pass is fed. */
export type Cotangents = "logprobs" | "logprobs+entropies";

export type ProgramName =
  | "score"
  | "logits"
  | "apply"
  | "upload"
  | "read"
  | `accumulate ${Cotangents}`
  | `update ${Cotangents}`
  | `generate ${Sampling}`;

export interface Programs {
  readonly config: TransformerConfig;
  readonly device: Device;
  get(name: ProgramName): Promise<Program>;
}

export function createPrograms(config: TransformerConfig, options: CompileOptions = {}): Programs {
  const made = new Map<ProgramName, Promise<Program>>();
  return {
    config,
    device: options.device ?? "cpu",
    get(name) {
      if (!made.has(name))
        made.set(name, compile(trace(traceModel(config), name), { ...options, resident: residentOf(name) }));
      return made.get(name)!;
    },
  };
}

/** What a program makes for another one stays where it is: parameters, moments, accumulated gradients. */
function residentOf(name: ProgramName): (output: string) => boolean {
  if (name === "upload") return () => true;
  return name === "read" ? () => false : (output) => /^[pmvg]:/.test(output);
}

function trace(model: Model, name: ProgramName): Record<string, Tensor> {
  switch (name) {
    case "score":
      return scores(model);
    case "logits":
      return { logits: batchLogits(model, traceBatch()) };
    case "upload":
    case "read":
      return { ...model.parameters };
    case "apply":
      return adamw(trainable(model), gradientInputs(model));
    case "accumulate logprobs":
    case "accumulate logprobs+entropies":
      return accumulated(model, name === "accumulate logprobs" ? "logprobs" : "logprobs+entropies");
    case "update logprobs":
    case "update logprobs+entropies":
      return adamw(
        trainable(model),
        parameterGradients(model, name === "update logprobs" ? "logprobs" : "logprobs+entropies"),
      );
    case "generate greedy":
      return traceGeneration(model, "greedy");
    case "generate plain":
      return traceGeneration(model, "plain");
    case "generate tempered":
      return traceGeneration(model, "tempered");
    default:
      return name satisfies never;
  }
}

function scores(model: Model): Record<string, Tensor> {
  const batch = traceBatch();
  const { logprobs, entropies } = labelStatistics(batchLogits(model, batch), batch.labels);
  return { logprobs: reshape(logprobs, ["n"]), entropies: reshape(entropies, ["n"]) };
}

function gradientInputs(model: Model): Record<string, Tensor> {
  return mapValues(trainable(model), (parameter, name) => input(`g:${name}`, parameter.shape));
}

/** ∂loss/∂parameters by the chain rule, from ∂loss/∂logprobs and ∂loss/∂entropies, fed as [n, 1]. */
function parameterGradients(model: Model, cotangents: Cotangents): Record<string, Tensor> {
  const batch = traceBatch();
  const { logprobs, entropies } = labelStatistics(batchLogits(model, batch), batch.labels);
  const seeds: [Tensor, Tensor][] = [[logprobs, input("dLogprobs", ["n", 1])]];
  if (cotangents === "logprobs+entropies") seeds.push([entropies, input("dEntropies", ["n", 1])]);
  const parameters = trainable(model);
  const found = gradients(seeds, Object.values(parameters));
  return Object.fromEntries(Object.keys(parameters).map((name, i) => [name, found[i]!]));
}

const trainable = ({ config, parameters }: Model) =>
  Object.fromEntries(trainableNames(config).map((name) => [name, parameters[name]!]));

function accumulated(model: Model, cotangents: Cotangents): Record<string, Tensor> {
  const before = gradientInputs(model);
  const fresh = parameterGradients(model, cotangents);
  return Object.fromEntries(Object.keys(fresh).map((name) => [`g:${name}`, add(before[name]!, fresh[name]!)]));
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, change: (value: A, key: string) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value, key)]));
}
