/** Every operator against PyTorch, forward and backward: golden values of test/oracle/ops.py. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { gradients } from "../../src/graph/gradients.ts";
import * as ops from "../../src/graph/ops.ts";
import { compile, loadRuntime, value } from "../../src/graph/session.ts";
import { constant, input, integers, type Tensor } from "../../src/graph/tensor.ts";

interface GoldenArray {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

interface GoldenCase {
  readonly op: string;
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: each operator reads the options that are its own
  readonly options: any;
  readonly inputs: readonly GoldenArray[];
  readonly c: GoldenArray;
  readonly y: GoldenArray;
  readonly gradients: readonly GoldenArray[];
}

const golden = JSON.parse(readFileSync(join(import.meta.dirname, "../../../test/golden/ops.json"), "utf8"));
const cases: readonly GoldenCase[] = golden.cases;
/** Of the largest entry; why stands in the golden file. */
const tolerance = 2e-6;

before(loadRuntime);

type Run = (inputs: readonly Tensor[], options: GoldenCase["options"]) => Tensor;
type Unary = (x: Tensor) => Tensor;
type Binary = (a: Tensor, b: Tensor) => Tensor;
const unary =
  (op: Unary): Run =>
  ([x]) =>
    op(x!);
const binary =
  (op: Binary): Run =>
  ([a, b]) =>
    op(a!, b!);
const product = ([a, b]: readonly Tensor[]) => ops.multiply(a!, b!);
const idsOf = ({ ids }: GoldenCase["options"]) => constant(Int32Array.from(ids), [ids.length]);

const runs: Readonly<Record<string, Run>> = {
  add: binary(ops.add),
  subtract: binary(ops.subtract),
  multiply: binary(ops.multiply),
  divide: binary(ops.divide),
  negate: unary(ops.negate),
  scale: ([x], { factor }) => ops.scale(x!, factor),
  exp: unary(ops.exp),
  log: unary(ops.log),
  sqrt: unary(ops.sqrt),
  erf: unary(ops.erf),
  sigmoid: unary(ops.sigmoid),
  silu: unary(ops.silu),
  gelu: unary(ops.gelu),
  softmax: unary(ops.softmax),
  logSoftmax: unary(ops.logSoftmax),
  labelStatistics([x], options) {
    const { logprobs, entropies } = ops.labelStatistics(x!, idsOf(options));
    return options.of === "both"
      ? ops.multiply(logprobs, entropies)
      : { logprobs, entropies }[options.of as "logprobs"];
  },
  rmsNorm: ([x, weight], { epsilon }) => ops.rmsNorm(x!, weight!, epsilon),
  layerNorm: ([x, weight, bias], { epsilon }) => ops.layerNorm(x!, { weight: weight!, bias: bias!, epsilon }),
  matmul: binary(ops.matmul),
  gemm: ([a, b], { options }) => ops.gemm(a!, b!, options),
  linear: binary(ops.linear),
  reshape: ([x], { shape }) => ops.reshape(x!, shape),
  transpose: ([x], { order }) => ops.transpose(x!, order),
  transposeLast: unary(ops.transposeLast),
  sum: ([x], { axes }) => ops.sum(x!, axes),
  mean: ([x], { axes }) => ops.mean(x!, axes),
  broadcastLike: ([x], { like }) => ops.broadcastLike(x!, constant(new Float32Array(like[0] * like[1]), like)),
  concat: (parts, { axis }) => ops.concat(parts, axis),
  split([x], options) {
    const parts = ops.split(x!, options);
    return options.sizes[0] === 1 ? parts[1]! : product(parts);
  },
  embed: ([table], options) => ops.embed(table!, idsOf(options)),
  sumById: ([rows], options) => ops.sumById(rows!, idsOf(options), options.size),
  pick: ([x], options) => ops.pick(x!, idsOf(options)),
  moveRows([x], { index, places }) {
    const [flat, back] = [index.flat(), places] as [number[], number[]];
    const map: ops.RowMap = {
      index: constant(Int32Array.from(flat), [index.length, index[0].length]),
      inverse: constant(Int32Array.from(back), [back.length]),
      total: false,
      inverseTotal: true,
    };
    return ops.moveRows(x!, x!.shape.length === 3 ? ops.reverseRows(map) : map);
  },
  rotary([x], { first, base }) {
    const half = (x!.shape[3] as number) / 2;
    const table = (wave: (angle: number) => number) => {
      const angles = Array.from({ length: 8 * half }, (_, i) => Math.floor(i / half) * base ** (-(i % half) / half));
      return constant(Float32Array.from(angles, wave), [8, half]);
    };
    return ops.rotary(x!, { positions: integers([first]), cos: table(Math.cos), sin: table(Math.sin) });
  },
};

const feedOf = ({ data, shape }: GoldenArray) => value(Float32Array.from(data), shape);

/** Largest difference, in shares of the largest golden entry (or of 1 where all are 0). */
function errorOf(ours: ArrayLike<number>, { data }: GoldenArray): number {
  assert.equal(ours.length, data.length);
  const size = Math.max(...data.map(Math.abs)) || 1;
  return Math.max(...data.map((one, i) => Math.abs(one - ours[i]!))) / size;
}

describe(`operators equal those of PyTorch ${golden.versions.torch}, forward and backward`, () => {
  for (const { op, name, options, inputs, c, y, gradients: expected } of cases) {
    test(`${op}, ${name}`, async () => {
      const traced = inputs.map(({ shape }, i) => input(`x${i}`, shape));
      const result = runs[op]!(traced, options);
      assert.deepEqual(result.shape, y.shape);
      const found = gradients([[result, input("c", c.shape)]], traced);
      const program = await compile({ y: result, ...Object.fromEntries(found.map((d, i) => [`d${i}`, d])) });
      const feeds = Object.fromEntries(inputs.map((array, i) => [`x${i}`, feedOf(array)]));
      const results = await program.run({ ...feeds, c: feedOf(c) });
      const error = errorOf(results.y!.data as Float32Array, y);
      assert.ok(error < tolerance, `value off by ${error}`);
      expected.forEach((gradient, i) => {
        assert.deepEqual(results[`d${i}`]!.dims, gradient.shape);
        const off = errorOf(results[`d${i}`]!.data as Float32Array, gradient);
        assert.ok(off < tolerance, `gradient of input ${i} off by ${off}`);
      });
      await program.release();
    });
  }
});

test("every operator has golden values, but those without a gradient", () => {
  const differentiable = Object.entries(ops).filter(([, one]) => typeof one === "function");
  const without = ["max", "oneHot", "reverseRows"]; // constants of the backward pass, zeros and ones, and a map of rows
  const missing = differentiable.map(([name]) => name).filter((name) => !cases.some(({ op }) => op === name));
  assert.deepEqual(missing.sort(), without);
});
