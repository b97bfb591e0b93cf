import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { gradients } from "../../src/graph/gradients.ts";
import * as ops from "../../src/graph/ops.ts";
import { compile, loadRuntime, value } from "../../src/graph/session.ts";
import { type Data, input, type Tensor } from "../../src/graph/tensor.ts";
import { createRandom } from "../../src/random.ts";

before(loadRuntime);

interface Case {
  readonly shapes: readonly (readonly number[])[];
  readonly run: (...inputs: Tensor[]) => Tensor;
  /** Moves the random inputs into the operator's domain. */
  readonly domain?: (x: number) => number;
  readonly extra?: Readonly<Record<string, { readonly data: Data; readonly shape: readonly number[] }>>;
}

const positive = (x: number) => 0.5 + Math.abs(x);
const ids = input("ids", [4], "int32");
const idFeed = { ids: { data: Int32Array.of(2, 0, 2, 1), shape: [4] } };
const map: ops.RowMap = {
  index: input("index", [2, 3], "int32"),
  inverse: input("inverse", [4], "int32"),
  total: false,
  inverseTotal: true,
};
const mapFeed = {
  index: { data: Int32Array.of(0, 1, 4, 2, 3, 4), shape: [2, 3] },
  inverse: { data: Int32Array.of(0, 1, 3, 4), shape: [4] },
};
const tables: ops.RotaryTables = {
  positions: input("positions", [1], "int64"),
  cos: input("cos", [8, 2]),
  sin: input("sin", [8, 2]),
};
const angles = Float64Array.from({ length: 16 }, (_, i) => 0.3 * i);
const rotaryFeed = {
  positions: { data: BigInt64Array.of(2n), shape: [1] },
  cos: { data: Float32Array.from(angles, Math.cos), shape: [8, 2] },
  sin: { data: Float32Array.from(angles, Math.sin), shape: [8, 2] },
};

const cases: Readonly<Record<string, Case>> = {
  add: {
    shapes: [
      [2, 3],
      [2, 3],
    ],
    run: ops.add,
  },
  "add, broadcast": { shapes: [[2, 3], [3]], run: ops.add },
  subtract: {
    shapes: [
      [2, 1],
      [2, 3],
    ],
    run: ops.subtract,
  },
  multiply: {
    shapes: [
      [2, 3],
      [2, 1],
    ],
    run: ops.multiply,
  },
  divide: { shapes: [[2, 3], [3]], run: ops.divide, domain: positive },
  negate: { shapes: [[3]], run: ops.negate },
  exp: { shapes: [[3]], run: ops.exp },
  log: { shapes: [[3]], run: ops.log, domain: positive },
  sqrt: { shapes: [[3]], run: ops.sqrt, domain: positive },
  erf: { shapes: [[4]], run: ops.erf },
  gelu: { shapes: [[2, 3]], run: ops.gelu },
  sigmoid: { shapes: [[2, 3]], run: ops.sigmoid },
  silu: { shapes: [[2, 3]], run: ops.silu },
  layerNorm: {
    shapes: [[2, 4], [4], [4]],
    run: (x, weight, bias) => ops.layerNorm(x, { weight: weight!, bias: bias!, epsilon: 1e-5 }),
  },
  softmax: { shapes: [[2, 4]], run: ops.softmax },
  logSoftmax: { shapes: [[2, 4]], run: ops.logSoftmax },
  "labelStatistics, log-probabilities": {
    shapes: [[4, 5]],
    run: (x) => ops.labelStatistics(x, ids).logprobs,
    extra: idFeed,
  },
  "labelStatistics, entropies": { shapes: [[4, 5]], run: (x) => ops.labelStatistics(x, ids).entropies, extra: idFeed },
  "labelStatistics, both": {
    shapes: [[4, 5]],
    run: (x) => {
      const { logprobs, entropies } = ops.labelStatistics(x, ids);
      return ops.multiply(logprobs, entropies);
    },
    extra: idFeed,
  },
  rmsNorm: { shapes: [[2, 4], [4]], run: (x, weight) => ops.rmsNorm(x, weight, 1e-6) },
  matmul: {
    shapes: [
      [2, 2, 3],
      [2, 3, 2],
    ],
    run: ops.matmul,
  },
  "matmul, broadcast": {
    shapes: [
      [2, 2, 3],
      [3, 2],
    ],
    run: ops.matmul,
  },
  gemm: {
    shapes: [
      [2, 3],
      [3, 2],
    ],
    run: (a, b) => ops.gemm(a, b),
  },
  "gemm, a transposed": {
    shapes: [
      [3, 2],
      [3, 2],
    ],
    run: (a, b) => ops.gemm(a, b, { transposeA: 1 }),
  },
  linear: {
    shapes: [
      [2, 3],
      [4, 3],
    ],
    run: ops.linear,
  },
  reshape: { shapes: [[2, 3]], run: (x) => ops.reshape(x, [3, 2]) },
  transpose: { shapes: [[2, 3, 2]], run: (x) => ops.transpose(x, [2, 0, 1]) },
  sum: { shapes: [[2, 3]], run: (x) => ops.sum(x, [1]) },
  mean: { shapes: [[2, 3]], run: (x) => ops.mean(x, [-1]) },
  concat: {
    shapes: [
      [2, 1],
      [2, 3],
    ],
    run: (a, b) => ops.concat([a, b], 1),
  },
  "split, one part used": { shapes: [[2, 4]], run: (x) => ops.split(x, { axis: 1, sizes: [1, 3] })[1]! },
  "split, both used": {
    shapes: [[2, 4]],
    run: (x) => ops.multiply(...(ops.split(x, { axis: 1, sizes: [2, 2] }) as [Tensor, Tensor])),
  },
  "embed, a row twice": { shapes: [[3, 2]], run: (table) => ops.embed(table, ids), extra: idFeed },
  "embed, a large table": { shapes: [[600, 2]], run: (table) => ops.embed(table, ids), extra: idFeed },
  pick: { shapes: [[4, 3]], run: (x) => ops.pick(x, ids), extra: idFeed },
  "moveRows, padding": { shapes: [[4, 2]], run: (x) => ops.moveRows(x, map), extra: mapFeed },
  "moveRows, packing": { shapes: [[2, 3, 2]], run: (x) => ops.moveRows(x, ops.reverseRows(map)), extra: mapFeed },
  rotary: { shapes: [[2, 2, 3, 4]], run: (x) => ops.rotary(x, tables), extra: rotaryFeed },
  "a value used twice": { shapes: [[3]], run: (x) => ops.multiply(ops.exp(x), x) },
};

/** Largest difference between the traced gradient of Σ cᵢ yᵢ and Richardson-extrapolated central differences. */
async function gradientError({ shapes, run, domain = (x) => x, extra = {} }: Case): Promise<number> {
  const random = createRandom(5);
  const inputs = shapes.map((shape, i) => input(`x${i}`, shape));
  const y = run(...inputs);
  const cotangent = input("cotangent", y.shape);
  const found = gradients([[y, cotangent]], inputs);
  const program = await compile({ y, ...Object.fromEntries(found.map((tensor, i) => [`d${i}`, tensor])) });
  const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
  const points = shapes.map((shape) => Float32Array.from({ length: sizeOf(shape) }, () => domain(2 * random() - 1)));
  const c = Float32Array.from({ length: sizeOf(y.shape as number[]) }, () => 2 * random() - 1);
  const evaluate = async () => {
    const feeds = Object.fromEntries(points.map((data, i) => [`x${i}`, value(data, shapes[i]!)]));
    const others = Object.fromEntries(
      Object.entries(extra).map(([name, { data, shape }]) => [name, value(data, shape)]),
    );
    return program.run({ ...feeds, ...others, cotangent: value(c, y.shape as number[]) });
  };
  const loss = async () =>
    ((await evaluate()).y!.data as Float32Array).reduce((total, one, i) => total + one * c[i]!, 0);
  const slope = async (data: Float32Array, i: number, h: number) => {
    const at = data[i]!;
    data[i] = at + h;
    const above = await loss();
    data[i] = at - h;
    const below = await loss();
    data[i] = at;
    return (above - below) / (2 * h);
  };
  const result = await evaluate();
  let worst = 0;
  for (const [k, data] of points.entries()) {
    const gradient = result[`d${k}`]!.data as Float32Array;
    assert.equal(gradient.length, data.length);
    for (let i = 0; i < data.length; i++) {
      const numeric = (4 * (await slope(data, i, 2 ** -6)) - (await slope(data, i, 2 ** -5))) / 3;
      worst = Math.max(worst, Math.abs(numeric - gradient[i]!));
    }
  }
  await program.release();
  return worst;
}

describe("gradients agree with central differences", () => {
  for (const [name, one] of Object.entries(cases)) {
    test(name, async () => {
      // float32 values near 1 divided by steps of 2^-5 leave about 1e-5; entries are of order 1
      const error = await gradientError(one);
      assert.ok(error < 1e-4, `largest difference ${error}`);
    });
  }
});

test("gradients names an operator without a rule", () => {
  const x = input("x", [2]);
  assert.throws(
    () => gradients([[ops.max(x, [0]), ops.max(x, [0])]], [x]),
    /expected an operator with a gradient but found ReduceMax/,
  );
});

test("gradients refuses an input that nothing depends on", () => {
  const [x, y] = [input("x", [2]), input("y", [2])];
  assert.throws(() => gradients([[ops.exp(x), x]], [y]), /expected an output that depends on input 0 but found none/);
});
