import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { createRandom } from "../../src/random.ts";
import type { LogitArray, LogitType } from "../../src/token-stats/logits.ts";
import { createTokenThreads } from "../../src/token-stats/threads.ts";
import { tokenStatistics } from "../../src/token-stats/token-statistics.ts";
import { assertColumns } from "./close.ts";
import { decode, plainTokenStatistics } from "./twin.ts";

const threads = createTokenThreads(2);
after(() => threads.close());

const golden = JSON.parse(readFileSync(join(import.meta.dirname, "../../../test/golden/token-stats.json"), "utf8"));
const columnsOf = (expected: Record<string, (number | string)[]>, like: object) =>
  Object.fromEntries(Object.keys(like).map((name) => [name, numbers(expected[name]!)]));
const numbers = (values: readonly (number | string)[]) => values.map(Number);

function randomLogits({ rows, vocabularySize, scale }: { rows: number; vocabularySize: number; scale: number }) {
  const random = createRandom(vocabularySize);
  return Float32Array.from({ length: rows * vocabularySize }, () => scale * (random() + random() + random() - 1.5));
}

/** Truncated: any bits will do. */
const toBfloat16 = (logits: Float32Array) => Uint16Array.from(new Uint32Array(logits.buffer), (bits) => bits >>> 16);

async function assertLikeTwin(
  logits: LogitArray,
  labels: number[],
  {
    vocabularySize,
    dtype = "float32" as LogitType,
    topK = 0,
  }: { vocabularySize: number; dtype?: LogitType; topK?: number },
) {
  const got = await tokenStatistics(logits, labels, { vocabularySize, dtype, topK, threads });
  const expected = plainTokenStatistics(logits, labels, { vocabularySize, dtype, topK });
  assertColumns({ ...got }, expected, `[${labels.length}, ${vocabularySize}] ${dtype}`);
}

test("tokenStatistics of two rows are the values worked out by hand", async () => {
  const logits = Float32Array.of(0, 0, 1, 3);
  const got = await tokenStatistics(logits, [0, 0], { vocabularySize: 2, topK: 1, threads: 1 });
  const certain = -Math.log1p(Math.exp(-2));
  const expected = {
    logprobs: [-Math.LN2, certain - 2],
    maxima: [0, 3],
    argmax: [0, 1],
    ranks: [1, 2],
    topIds: [0, 1],
    topLogprobs: [-Math.LN2, certain],
  };
  assertColumns({ ...got }, expected, "by hand");
});

for (const [dtype, expected] of Object.entries<Record<string, (number | string)[]>>(golden.cases)) {
  test(`tokenStatistics of ${dtype} logits are PyTorch's in float64`, async () => {
    const { vocabularySize, topK } = golden;
    const logits = (dtype === "float32" ? Float32Array : Uint16Array).from(numbers(expected.p!));
    const labels = numbers(expected.labels!);
    const got = await tokenStatistics(logits, labels, { vocabularySize, topK, dtype: dtype as LogitType, threads });
    const { topIds, ...rest } = got; // 16-bit rows have ties, which topk orders as it likes
    assertColumns({ ...got }, columnsOf(expected, rest), dtype);
    if (dtype === "float32") assert.deepEqual(Array.from(topIds), expected.topIds);
  });
}

for (const vocabularySize of [1, 2, 3, 7, 8, 9, 21, 4095, 4096, 4097, 151936, 262144]) {
  test(`tokenStatistics over ${vocabularySize} tokens are the plain formula's, in every format and at any offset`, async () => {
    const rows = vocabularySize > 5000 ? 3 : 9;
    const topK = Math.min(vocabularySize, 20);
    const logits = randomLogits({ rows, vocabularySize, scale: 8 });
    const labels = Array.from({ length: rows }, (_, t) => (t * 7919) % vocabularySize);
    await assertLikeTwin(logits, labels, { vocabularySize, topK });
    await assertLikeTwin(toBfloat16(logits), labels, { vocabularySize, topK, dtype: "bfloat16" });
    const bits = Uint16Array.from(logits, (_, i) => (((i * 40503) & 0xffff) % 0x7c00) | ((i & 1) << 15));
    await assertLikeTwin(bits, labels, { vocabularySize, topK, dtype: "float16" });
  });
}

test("tokenStatistics reads every float16 and bfloat16 number, subnormal ones too", async () => {
  const all = Uint16Array.from({ length: 65536 }, (_, bits) => bits);
  for (const [dtype, infinite] of [
    ["float16", 0x7c00],
    ["bfloat16", 0x7f80],
  ] as const) {
    const readable = all.filter((bits) => (bits & 0x7fff) < infinite);
    const { maxima } = await tokenStatistics(readable, new Array(readable.length).fill(0), {
      vocabularySize: 1,
      dtype,
      threads,
    });
    assert.deepEqual(maxima, decode(readable, dtype));
  }
});

test("tokenStatistics of huge, masked, equal and ascending logits are the plain formula's", async () => {
  const vocabularySize = 5000;
  const row = (logit: (v: number) => number) => Float32Array.from({ length: vocabularySize }, (_, v) => logit(v));
  const rows = [
    row((v) => (v % 3 === 0 ? 1e4 : -1e4)),
    row((v) => 1e4 + (v % 7) / 8),
    row(() => -3.25),
    row(() => 0),
    row((v) => v / 500),
    row((v) => -v / 500),
    row((v) => (v < 3000 ? -Infinity : v / 1000)),
    row((v) => (v === 4999 ? 0 : -Infinity)),
    row((v) => (v % 2 ? -0 : 0)),
  ];
  const logits = new Float32Array(rows.flatMap((values) => Array.from(values)));
  for (const label of [0, 1, 4999]) {
    const labels = new Array(rows.length).fill(label);
    await assertLikeTwin(logits, labels, { vocabularySize, topK: 3 });
  }
});

test("tokenStatistics takes as many likeliest tokens as 1024, masked ones last", async () => {
  const logits = randomLogits({ rows: 2, vocabularySize: 1500, scale: 3 });
  logits.fill(-Infinity, 500, 1500);
  await assertLikeTwin(logits, [1, 600], { vocabularySize: 1500, topK: 1024 });
});

test("tokenStatistics is in range for all logits, and a certain token has entropy 0", async () => {
  const logit = fc.oneof(
    { weight: 9, arbitrary: fc.float({ min: -100, max: 100, noNaN: true }) },
    fc.constant(-Infinity),
  );
  const row = fc.array(logit, { minLength: 1, maxLength: 40 }).filter((logits) => logits.some(Number.isFinite));
  await fc.assert(
    fc.asyncProperty(row, async (logits) => {
      const vocabularySize = logits.length;
      const label = logits.indexOf(Math.max(...logits));
      const got = await tokenStatistics(Float32Array.from(logits), [label], { vocabularySize, threads });
      assert.ok(got.entropies[0]! >= 0 && got.entropies[0]! <= Math.log(vocabularySize));
      assert.ok(got.logprobs[0]! <= 0);
      assert.deepEqual([got.ranks[0], got.argmax[0]], [1, label]);
    }),
    { numRuns: 200 },
  );
  const certain = await tokenStatistics(Float32Array.of(3, -Infinity, -1e4), [0], { vocabularySize: 3, threads });
  assert.deepEqual([certain.entropies[0], certain.logprobs[0]], [0, 0]);
});

test("tokenStatistics of no rows are empty", async () => {
  const { logprobs, topIds } = await tokenStatistics(new Float32Array(0), [], { vocabularySize: 9, topK: 3 });
  assert.deepEqual([logprobs.length, topIds.length], [0, 0]);
});

test("tokenStatistics refuses what is no distribution, and names the row", async () => {
  const logits = randomLogits({ rows: 40, vocabularySize: 3000, scale: 1 });
  const labels = new Array(40).fill(0);
  const options = { vocabularySize: 3000, threads };
  const payload = new Float32Array(Uint32Array.of(0x7fc00001).buffer)[0]!;
  for (const [value, found] of [
    [Number.NaN, "NaN"],
    [payload, "NaN"],
    [Infinity, "Infinity"],
  ] as const) {
    const bad = logits.with(31 * 3000 + 17, value);
    const message = `tokenStatistics: row 31: expected finite or -Infinity logits but found ${found} at token 17`;
    await assert.rejects(tokenStatistics(bad, labels, options), { name: "RangeError", message });
  }
  const masked = logits.slice().fill(-Infinity, 3000, 6000);
  const message = "tokenStatistics: row 1: expected a finite logit but found none";
  await assert.rejects(tokenStatistics(masked, labels, options), { name: "RangeError", message });
  const halves = new Uint16Array(6).fill(0x7e00, 4, 5);
  const half = { vocabularySize: 3, dtype: "float16", threads } as const;
  await assert.rejects(tokenStatistics(halves, [0, 0], half), /row 1: expected finite .* found NaN at token 1$/);
});

test("tokenStatistics refuses arguments that do not fit, and names the remedy", async () => {
  const six = new Float32Array(6);
  const refused: [Parameters<typeof tokenStatistics>, RegExp][] = [
    [[six, [0, 0], { vocabularySize: 0 }], /^RangeError: .*vocabularySize in \[1, 262144\] but found 0$/],
    [[six, [0, 0], { vocabularySize: 262145 }], /^RangeError: .* found 262145$/],
    [
      [six, [0], { vocabularySize: 3 }],
      /^RangeError: .* expected 3 logits, V a label, but found 6: give one label a row$/,
    ],
    [[six, [0, 3], { vocabularySize: 3 }], /^RangeError: .* labels in \[0, 3\) but found 3 in row 1:/],
    [[six, [0, -100], { vocabularySize: 3 }], /found -100 in row 1: leave out rows that have no label$/],
    [[six, [0, 0], { vocabularySize: 3, topK: 4 }], /^RangeError: .* topK in \[0, 3\] but found 4$/],
    [[six, [0, 0], { vocabularySize: 3, threads: 0 }], /^RangeError: .* positive integer of threads but found 0$/],
    [
      [six, [0, 0], { vocabularySize: 3, dtype: "float16" }],
      /^TypeError: .* Uint16Array but found Float32Array at row 0/,
    ],
    [
      [new Uint16Array(6), [0, 0], { vocabularySize: 3 }],
      /^TypeError: .* say dtype: "float32" \| "float16" \| "bfloat16"$/,
    ],
    [
      [[six.subarray(1)], [0, 0], { vocabularySize: 3 }],
      /^RangeError: .* whole rows of 3 logits but found 5 numbers from row 0/,
    ],
    [[[six, six], [0, 0], { vocabularySize: 3 }], /^RangeError: .* one row a label, 2, but found 3 or more rows$/],
    [[[six], [0, 0, 0], { vocabularySize: 3 }], /^RangeError: .* one row a label, 3, but found 2 rows$/],
  ];
  for (const [args, expected] of refused) await assert.rejects(tokenStatistics(...args), expected);
});
