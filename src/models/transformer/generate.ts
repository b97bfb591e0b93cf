/**
 * Sampling with a key–value cache: the prompts once, then the whole generation as one ONNX Loop. Prompts are padded on
 * the left; a prompt shared by a group is read once and its cache repeated.
 *
 * A token is drawn by inverting the cumulative distribution at a uniform number fed by the caller, so a seed
 * determines the text.
 */

import {
  add,
  concat,
  exp,
  labelStatistics,
  logSoftmax,
  moveRows,
  multiply,
  pick,
  type RowMap,
  reshape,
  reverseRows,
  scale,
} from "../../graph/ops.ts";
import {
  type Body,
  constant,
  type ElementType,
  input,
  integers,
  node,
  type Shape,
  type Tensor,
} from "../../graph/tensor.ts";
import type { Random } from "../../random.ts";
import { causalMask, checkTokens, type Limits, masked } from "./batch.ts";
import { type Attend, attention, hiddenStates, logitsOf, type Model, splitHeads } from "./transformer.ts";

/** How a token is chosen: the likeliest, at temperature 1, or at a temperature that is fed. */
export type Sampling = "greedy" | "plain" | "tempered";

/** One operator without a gradient. */
function raw(op: string, inputs: readonly Tensor[], { shape, type = "float32", ints = {} }: RawOptions): Tensor {
  const attributes = Object.fromEntries(Object.entries(ints).map(([name, int]) => [name, { int }]));
  return node(op, { inputs, attributes }, [{ shape, type }])[0]!;
}

interface RawOptions {
  readonly shape: Shape;
  readonly type?: ElementType;
  readonly ints?: Readonly<Record<string, number>>;
}

const cast = (x: Tensor, type: ElementType) =>
  raw("Cast", [x], { shape: x.shape, type, ints: { to: { float32: 1, int32: 6, int64: 7, bool: 9 }[type] } });
const rowsOf = (x: Tensor, index: Tensor) =>
  raw("Gather", [x, index], { shape: [...index.shape, ...x.shape.slice(1)], type: x.type, ints: { axis: 0 } });

/** What a chosen token brings along, each a row an entry. */
const resultNames = ["completions", "logprobs", "entropies", "behaviorLogprobs"] as const;

/**
 * The generation graph; it is fed by `promptFeeds` and gives [steps, rows] arrays. Rows that have ended leave the loop,
 * so its cost follows the number of tokens and not the longest row; their further entries are the end token and zeros.
 */
export function traceGeneration(model: Model, sampling: Sampling): Record<string, Tensor> {
  const { caches, logits } = prefill(model);
  const uniforms = input("uniforms", ["steps", "rows", 1]);
  const first = choose(model, logits, { uniform: rowsOf(uniforms, constant(BigInt64Array.of(0n), [])), sampling });
  const open = unended(model, first.token);
  const state = [first.token, input("every", ["rows"], "int64"), input("keyMask", ["rows", 1, 1, "past"]), ...caches];
  const body = loopBody(model, uniforms, sampling);
  const initial = [input("furtherSteps", [], "int64"), anyOf(open), ...state.map((tensor) => rowsOf(tensor, open))];
  const kept = body.outputs.slice(1, initial.length - 1);
  const scanned = body.outputs.slice(initial.length - 1);
  const outputs = node("Loop", { inputs: initial, body }, [
    ...kept,
    ...scanned.map(({ shape, type }) => ({ type, shape: ["further", ...shape] })),
  ]).slice(kept.length);
  return Object.fromEntries(
    resultNames.map((name, i) => [name, concat([reshape(resultsOf(first)[i]!, [1, "rows"]), outputs[i]!], 0)]),
  );
}

function prefill(model: Model) {
  const slots: RowMap = {
    index: input("slots", ["prompts", "past"], "int32"),
    inverse: input("places", ["tokens"], "int32"),
    total: false,
    inverseTotal: true,
  };
  const repeat = input("repeat", ["rows"], "int32");
  const mask = add(input("mask", [1, 1, "past", "past"]), input("promptMask", ["prompts", 1, 1, "past"]));
  const positions = input("positions", ["prompts", "past"], "int64");
  const caches: Tensor[] = [];
  const attend: Attend = (qkv, layer) => {
    const heads = splitHeads(model, moveRows(qkv, slots), { layer, positions });
    caches.push(rowsOf(heads.keys, repeat), rowsOf(heads.values, repeat));
    return moveRows(attention(heads, mask), reverseRows(slots));
  };
  const hidden = hiddenStates(model, input("tokens", ["tokens"], "int32"), attend);
  const last = rowsOf(hidden, input("last", ["prompts"], "int32"));
  return { caches, logits: rowsOf(logitsOf(model, last), repeat) };
}

function loopBody(model: Model, uniforms: Tensor, sampling: Sampling): Body {
  const { config } = model;
  const place = (shape: Shape, type: ElementType = "float32") => node("Input", {}, [{ shape, type }])[0]!;
  const [iteration, condition] = [place([], "int64"), place([], "bool")];
  const [token, row, keyMask] = [place(["live"], "int32"), place(["live"], "int64"), place(["live", 1, 1, "time"])];
  const cacheShape = ["live", config.keyHeads, "time", config.headWidth];
  const caches = Array.from({ length: 2 * config.layers }, () => place(cacheShape));
  const grown: Tensor[] = [];
  const mask = concat([keyMask, rowsOf(input("open", ["rows", 1, 1, 1]), row)], 3);
  const start = rowsOf(input("start", ["rows", 1], "int64"), row);
  const position = raw("Add", [start, iteration], { shape: ["live", 1], type: "int64" });
  const attend: Attend = (qkv, layer) => {
    const fresh = splitHeads(model, reshape(qkv, ["live", 1, qkv.shape[1]!]), { layer, positions: position });
    const keys = concat([caches[2 * layer]!, fresh.keys], 2);
    const values = concat([caches[2 * layer + 1]!, fresh.values], 2);
    grown.push(keys, values);
    return reshape(attention({ queries: fresh.queries, keys, values }, mask), [
      "live",
      config.heads * config.headWidth,
    ]);
  };
  const logits = logitsOf(model, hiddenStates(model, token, attend));
  const step = raw("Add", [iteration, constant(BigInt64Array.of(1n), [])], { shape: [], type: "int64" });
  const next = choose(model, logits, { uniform: rowsOf(rowsOf(uniforms, step), row), sampling });
  const open = unended(model, next.token);
  const state = [next.token, row, mask, ...grown].map((tensor) => rowsOf(tensor, open));
  const fillers = [input("endTokens", ["rows"], "int32"), ...Array.from({ length: 3 }, () => input("zeros", ["rows"]))];
  return {
    inputs: [iteration, condition, token, row, keyMask, ...caches],
    outputs: [anyOf(open), ...state, ...resultsOf(next).map((live, i) => spread(live, { row, filler: fillers[i]! }))],
  };
}

/** Entries of the live rows at their places among all rows. */
function spread(live: Tensor, { row, filler }: { row: Tensor; filler: Tensor }): Tensor {
  return raw("ScatterElements", [filler, row, live], { shape: filler.shape, type: filler.type, ints: { axis: 0 } });
}

interface Choice {
  readonly token: Tensor;
  readonly logprobs: Tensor;
  readonly entropies: Tensor;
  readonly behaviorLogprobs: Tensor;
}

const resultsOf = ({ token, logprobs, entropies, behaviorLogprobs }: Choice) => [
  token,
  logprobs,
  entropies,
  behaviorLogprobs,
];

function choose(model: Model, logits: Tensor, { uniform, sampling }: { uniform: Tensor; sampling: Sampling }): Choice {
  const tempered =
    sampling === "tempered" ? logSoftmax(multiply(logits, input("inverseTemperature", []))) : logSoftmax(logits);
  const token = sampling === "greedy" ? likeliest(logits) : draw(model, tempered, uniform);
  const flat = (x: Tensor) => reshape(x, [logits.shape[0]!]);
  const { logprobs, entropies } = labelStatistics(logits, token);
  const behaviorLogprobs = sampling === "greedy" ? scale(flat(logprobs), 0) : flat(pick(tempered, token));
  return { token, logprobs: flat(logprobs), entropies: flat(entropies), behaviorLogprobs };
}

function likeliest(logits: Tensor): Tensor {
  const ints = { axis: -1, keepdims: 0 };
  return cast(raw("ArgMax", [logits], { shape: [logits.shape[0]!], type: "int64", ints }), "int32");
}

/** The number of tokens whose cumulative probability the uniform number has reached. */
function draw({ config }: Model, logprobs: Tensor, uniform: Tensor): Tensor {
  const rows = logprobs.shape[0]!;
  const last = config.vocabularySize - 1;
  const cumulative = raw("CumSum", [exp(logprobs), constant(BigInt64Array.of(1n), [])], { shape: logprobs.shape });
  const total = raw("Gather", [cumulative, integers([last])], { shape: [rows, 1], ints: { axis: 1 } });
  const reached = raw("LessOrEqual", [cumulative, multiply(uniform, total)], { shape: logprobs.shape, type: "bool" });
  const countOptions = { shape: [rows], type: "int32", ints: { keepdims: 0 } } as const;
  const count = raw("ReduceSum", [cast(reached, "int32"), integers([1])], countOptions);
  return raw("Min", [count, constant(Int32Array.of(last), [])], { shape: [rows], type: "int32" });
}

/** The places of the tokens that do not end their row. */
function unended({ config }: Model, token: Tensor): Tensor {
  const end = raw("Equal", [token, constant(Int32Array.of(config.endToken), [])], { shape: token.shape, type: "bool" });
  const places = raw("NonZero", [raw("Not", [end], { shape: end.shape, type: "bool" })], {
    shape: [1, "live"],
    type: "int64",
  });
  return reshape(places, ["live"]);
}

function anyOf(places: Tensor): Tensor {
  const count = raw("Size", [places], { shape: [], type: "int64" });
  return raw("Greater", [count, constant(BigInt64Array.of(0n), [])], { shape: [], type: "bool" });
}

export interface GenerationSize {
  readonly groupSize: number;
  readonly maxTokens: number;
}

/** The prompts as the generation graph reads them; every array has its name and shape. */
export function promptFeeds(
  prompts: readonly ArrayLike<number>[],
  { groupSize, maxTokens }: GenerationSize,
  limits: Limits & { readonly endToken: number },
) {
  if (prompts.length === 0) throw new RangeError("sample: expected one prompt or more but found none");
  const lengths = prompts.map((prompt) => prompt.length);
  const [count, past] = [prompts.length, Math.max(...lengths)];
  prompts.forEach((prompt, row) => {
    checkPrompt(prompt, row, { ...limits, maxTokens });
  });
  const total = lengths.reduce((a, b) => a + b, 0);
  const slots = new Int32Array(count * past).fill(total);
  const positions = new BigInt64Array(count * past);
  const promptMask = new Float32Array(count * past).fill(masked);
  const places = new Int32Array(total);
  let at = 0;
  lengths.forEach((length, row) => {
    for (let t = 0; t < length; t++, at++) {
      const place = row * past + past - length + t;
      [slots[place], places[at], positions[place], promptMask[place]] = [at, place, BigInt(t), 0];
    }
  });
  const rows = count * groupSize;
  const promptOf = Int32Array.from({ length: rows }, (_, row) => Math.floor(row / groupSize));
  const keyMask = new Float32Array(rows * past);
  promptOf.forEach((prompt, row) => {
    keyMask.set(promptMask.subarray(prompt * past, (prompt + 1) * past), row * past);
  });
  return {
    tokens: { data: Int32Array.from(prompts.flatMap((prompt) => Array.from(prompt))), shape: [total] },
    slots: { data: slots, shape: [count, past] },
    places: { data: places, shape: [total] },
    positions: { data: positions, shape: [count, past] },
    promptMask: { data: promptMask, shape: [count, 1, 1, past] },
    mask: { data: causalMask(past), shape: [1, 1, past, past] },
    keyMask: { data: keyMask, shape: [rows, 1, 1, past] },
    open: { data: new Float32Array(rows), shape: [rows, 1, 1, 1] },
    repeat: { data: promptOf, shape: [rows] },
    every: { data: BigInt64Array.from(promptOf, (_, row) => BigInt(row)), shape: [rows] },
    endTokens: { data: new Int32Array(rows).fill(limits.endToken), shape: [rows] },
    zeros: { data: new Float32Array(rows), shape: [rows] },
    last: { data: lastTokens(lengths), shape: [count] },
    start: { data: BigInt64Array.from(promptOf, (prompt) => BigInt(lengths[prompt]!)), shape: [rows, 1] },
    furtherSteps: { data: BigInt64Array.of(BigInt(maxTokens - 1)), shape: [] },
  };
}

function lastTokens(lengths: readonly number[]): Int32Array {
  let end = 0;
  return Int32Array.from(lengths, (length) => {
    end += length;
    return end - 1;
  });
}

function checkPrompt(prompt: ArrayLike<number>, row: number, limits: Limits & { maxTokens: number }): void {
  if (prompt.length === 0) {
    throw new RangeError(
      `sample: expected tokens but found an empty prompt in row ${row}; begin it with a start token`,
    );
  }
  if (prompt.length + limits.maxTokens > limits.contextLength) {
    throw new RangeError(
      `sample: expected prompt + maxTokens <= ${limits.contextLength} but found ${prompt.length} + ${limits.maxTokens} in row ${row}; lower maxTokens`,
    );
  }
  checkTokens(prompt, `prompt of row ${row}`, limits);
}

/** Uniform numbers of 24 bits, the most that float32 holds below 1, [steps · rows]. */
export function uniformNumbers(random: Random, size: number): Float32Array {
  return Float32Array.from({ length: size }, () => Math.floor(random() * 2 ** 24) / 2 ** 24);
}
