import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { loadSafetensors, saveSafetensors } from "../../../src/models/safetensors/safetensors.ts";

const folder = mkdtempSync(join(tmpdir(), "safetensors-"));
const file = join(folder, "t.safetensors");
after(() => rmSync(folder, { recursive: true }));

/** Lays out a file by hand: a header (text or object) and the bytes behind it. */
function fileBytes(header: unknown, data: ArrayBufferView = new Uint8Array(0), headerLength?: bigint) {
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(headerLength ?? BigInt(json.length));
  return Buffer.concat([length, json, Buffer.from(data.buffer, data.byteOffset, data.byteLength)]);
}

async function load(bytes: Uint8Array) {
  writeFileSync(file, bytes);
  return loadSafetensors(file);
}

const entry = (dtype: string, shape: unknown, offsets: unknown) => ({ dtype, shape, data_offsets: offsets });

test("saveSafetensors writes the bytes that the format describes", async () => {
  await saveSafetensors(file, new Map([["w", { shape: [2], data: Float32Array.of(1, -2) }]]), { format: "pt" });
  const header = '{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}';
  const bytes = readFileSync(file);
  assert.equal(bytes.readBigUInt64LE(0) % 8n, 0n);
  assert.equal(bytes.subarray(8, -8).toString(), header.padEnd(Math.ceil(header.length / 8) * 8));
  assert.equal(bytes.subarray(-8).toString("hex"), "0000803f000000c0");
});

test("saveSafetensors gives the same bytes whatever the order of the map", async () => {
  const a = { shape: [1], data: Float32Array.of(1) };
  const b = { shape: [], data: Float32Array.of(2) };
  await saveSafetensors(file, new Map(Object.entries({ a, b })));
  const first = readFileSync(file);
  await saveSafetensors(file, new Map(Object.entries({ b, a })));
  assert.deepEqual(readFileSync(file), first);
});

const tensor = fc.array(fc.nat(3), { maxLength: 3 }).chain((shape) => {
  const length = shape.reduce((product, size) => product * size, 1);
  return fc.record({
    shape: fc.constant(shape),
    data: fc.float32Array({ minLength: length, maxLength: length }),
  });
});
const names = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.constantFrom("__proto__", "constructor", "0", "toString", '"}', "a\nb"),
);

test("loadSafetensors gives back what saveSafetensors wrote, bit by bit", async () => {
  const tensors = fc.array(fc.tuple(names, tensor), { maxLength: 5 }).map((pairs) => new Map(pairs));
  const metadata = fc.dictionary(names, fc.string({ unit: "grapheme" }));
  await fc.assert(
    fc.asyncProperty(tensors, metadata, async (saved, savedMetadata) => {
      await saveSafetensors(file, saved, savedMetadata);
      const loaded = await loadSafetensors(file);
      assert.deepEqual(Object.entries(loaded.metadata), Object.entries(savedMetadata));
      assert.deepEqual([...loaded.tensors.keys()].sort(), [...saved.keys()].sort());
      for (const [name, { shape, data }] of saved) {
        assert.deepEqual(loaded.tensors.get(name), { dtype: "F32", shape, data });
      }
    }),
    { numRuns: 100 },
  );
});

test("loadSafetensors widens F16 and BF16 exactly and rounds F64", async () => {
  const half = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff, 0x7c00, 0xfc00, 0x7e00, 0x8000);
  const { tensors: f16 } = await load(fileBytes({ x: entry("F16", [8], [0, 16]) }, half));
  assert.deepEqual(f16.get("x")!.data, Float32Array.of(1, -2, 2 ** -24, 65504, Infinity, -Infinity, Number.NaN, -0));
  const brain = Uint16Array.of(0x3f80, 0xc040, 0x7f80, 0x0001);
  const { tensors: bf16 } = await load(fileBytes({ x: entry("BF16", [4], [0, 8]) }, brain));
  assert.deepEqual(bf16.get("x")!.data, Float32Array.of(1, -3, Infinity, 2 ** -133));
  const { tensors: f64 } = await load(fileBytes({ x: entry("F64", [2], [0, 16]) }, Float64Array.of(0.1, 1e300)));
  assert.deepEqual(f64.get("x")!.data, Float32Array.of(0.1, Infinity));
});

test("loadSafetensors reads every F16 number as sign, exponent and fraction say", async () => {
  const all = Uint16Array.from({ length: 65536 }, (_, bits) => bits);
  const { tensors } = await load(fileBytes({ x: entry("F16", [65536], [0, 131072]) }, all));
  const data = tensors.get("x")!.data;
  for (let bits = 0; bits < 0x7c00; bits++) {
    const exponent = Math.max(bits >> 10, 1);
    const significand = (bits >> 10 === 0 ? 0 : 1024) + (bits & 1023);
    assert.equal(data[bits], significand * 2 ** (exponent - 25));
    assert.equal(data[bits | 0x8000], -data[bits]!);
  }
});

const hostile: Record<string, [Uint8Array, RegExp]> = {
  "an empty file": [new Uint8Array(0), /expected 8 bytes/],
  "a length of 2^63": [fileBytes("{}", undefined, 2n ** 63n), /9223372036854775808/],
  "a length of 2^64 - 1": [fileBytes("{}", undefined, 2n ** 64n - 1n), /expected a header of 2 to/],
  "a length one past the end": [fileBytes("{}", undefined, 3n), /a header of 2 to 2 bytes/],
  "a length of 0": [fileBytes("{}", undefined, 0n), /found the length 0/],
  "a header that is no JSON": [fileBytes("{nan"), /JSON in UTF-8/],
  "NaN in the header": [fileBytes('{"x":{"dtype":"F32","shape":[NaN],"data_offsets":[0,0]}}'), /JSON in UTF-8/],
  "a header that is not UTF-8": [fileBytes('{"__"}').fill(0xff, 10, 12), /JSON in UTF-8/],
  "a header that is an array": [fileBytes("[]"), /JSON object/],
  "a header that is null": [fileBytes("null"), /JSON object/],
  "a name that occurs twice": [
    fileBytes('{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"\\u0061":{}}'),
    /every name .* once but found "a"/,
  ],
  "a field that occurs twice": [fileBytes('{"a":{"dtype":"F32","dtype":"F16"}}'), /once but found "dtype"/],
  "an entry that is null": [fileBytes({ a: null }), /tensor "a": expected \{ dtype/],
  "an unknown dtype": [fileBytes({ a: entry("F8", [1], [0, 1]) }), /tensor "a": expected dtype .* but found "F8"/],
  "a dtype out of Object.prototype": [fileBytes({ a: entry("constructor", [1], [0, 1]) }), /found "constructor"/],
  "an integer dtype": [fileBytes({ a: entry("I64", [1], [0, 8]) }), /found "I64": convert or leave it out/],
  "a negative size": [fileBytes({ a: entry("F32", [-1], [0, 4]) }), /integers >= 0 but found \[-1\]/],
  "a size that is text": [fileBytes({ a: entry("F32", ["1"], [0, 4]) }), /integers >= 0/],
  "a shape that is a number": [fileBytes({ a: entry("F32", 1, [0, 4]) }), /shape to be an array/],
  "sizes that overflow": [fileBytes({ a: entry("F32", [2 ** 30, 2 ** 30], [0, 0]) }), /integers >= 0/],
  "a size of 1e400": [fileBytes('{"a":{"dtype":"F32","shape":[1e400],"data_offsets":[0,4]}}'), /integers >= 0/],
  "a negative offset": [fileBytes({ a: entry("F32", [1], [-4, 0]) }), /two integers >= 0/],
  "three offsets": [fileBytes({ a: entry("F32", [1], [0, 4, 8]) }), /two integers >= 0/],
  "bytes that do not fit the shape": [
    fileBytes({ a: entry("F32", [2], [0, 4]) }, new Uint8Array(4)),
    /tensor "a": expected 8 bytes, as dtype and shape say, but found 4/,
  ],
  "offsets in descending order": [fileBytes({ a: entry("F32", [1], [4, 0]) }), /found -4/],
  "a tensor past the end": [fileBytes({ a: entry("F32", [2], [0, 8]) }, new Uint8Array(4)), /end within 4 bytes/],
  "a gap": [
    fileBytes({ a: entry("F32", [1], [0, 4]), b: entry("F32", [1], [8, 12]) }, new Uint8Array(12)),
    /tensor "b": expected to begin at byte 4 but found 8/,
  ],
  "an overlap": [
    fileBytes({ a: entry("F32", [2], [0, 8]), b: entry("F32", [1], [4, 8]) }, new Uint8Array(8)),
    /tensor "b": expected to begin at byte 8 but found 4/,
  ],
  "bytes that no tensor owns": [fileBytes({ a: entry("F32", [1], [0, 4]) }, new Uint8Array(5)), /but found 5/],
  "metadata that is no text": [fileBytes({ __metadata__: { a: 1 } }), /strings to strings/],
  "metadata that is an array": [fileBytes({ __metadata__: ["a"] }), /strings to strings/],
};
for (const [what, [bytes, message]] of Object.entries(hostile)) {
  test(`loadSafetensors refuses ${what}`, async () => {
    await assert.rejects(load(bytes), (error: Error) => {
      assert.match(error.message, /^loadSafetensors: /);
      assert.match(error.message, message);
      assert.match(error.message, /t\.safetensors/);
      return error instanceof SyntaxError || error instanceof RangeError;
    });
  });
}

test("loadSafetensors keeps names such as __proto__ as plain names", async () => {
  const { tensors, metadata } = await load(
    fileBytes(
      '{"__metadata__":{"__proto__":"m"},"__proto__":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}',
      new Uint8Array(4),
    ),
  );
  assert.deepEqual([...tensors.keys()], ["__proto__"]);
  assert.equal(Object.getPrototypeOf(metadata), Object.prototype);
  assert.deepEqual(Object.entries(metadata), [["__proto__", "m"]]);
});

const sample = new Map([
  ["embedding", { shape: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
  ["empty", { shape: [0, 7], data: new Float32Array(0) }],
  ["scale", { shape: [], data: Float32Array.of(Number.NaN) }],
]);

test("loadSafetensors refuses a file cut anywhere", async () => {
  await saveSafetensors(file, sample, { note: "cut me" });
  const whole = readFileSync(file);
  for (let length = 0; length < whole.length; length++) {
    await assert.rejects(load(whole.subarray(0, length)), /^(SyntaxError|RangeError): loadSafetensors: /);
  }
});

test("loadSafetensors gives data of the right length or a clear error for mutated bytes", async () => {
  await saveSafetensors(file, sample, { note: "change me" });
  const whole = readFileSync(file);
  const mutations = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(mutations, async (changes) => {
      const bytes = Buffer.from(whole);
      for (const [at, value] of changes) bytes[at] = value;
      const outcome = await load(bytes).catch((error: Error) => error);
      if (outcome instanceof Error) return assert.match(outcome.message, /^loadSafetensors: .*t\.safetensors/);
      const lengths = [...outcome.tensors.values()].map(({ shape, data }) => {
        assert.equal(
          shape.reduce((product, size) => product * size, 1),
          data.length,
        );
        return data.byteLength;
      });
      assert.ok(lengths.reduce((sum, length) => sum + length, 0) <= 2 * whole.length);
    }),
    { numRuns: 1000 },
  );
});

test("loadSafetensors refuses a folder", async () => {
  await assert.rejects(loadSafetensors(folder), /^TypeError: loadSafetensors: expected a file/);
});

test("saveSafetensors refuses a shape that does not fit its data and leaves the old file as it was", async () => {
  await saveSafetensors(file, sample);
  const old = readFileSync(file);
  const wrong = new Map([["w", { shape: [3], data: new Float32Array(2) }]]);
  await assert.rejects(saveSafetensors(file, wrong), /tensor "w": expected 3 elements but found 2/);
  await assert.rejects(saveSafetensors(file, sample, { a: 1 } as never), TypeError);
  assert.deepEqual(readFileSync(file), old);
  assert.deepEqual(readdirSync(folder), ["t.safetensors"]);
});

test("saveSafetensors leaves nothing behind when the file cannot take its name", async () => {
  const target = mkdtempSync(join(folder, "folder-"));
  await assert.rejects(saveSafetensors(target, sample), /EISDIR|ENOTEMPTY|EPERM|EEXIST/);
  assert.deepEqual(readdirSync(target), []);
  rmSync(target, { recursive: true });
  assert.deepEqual(readdirSync(folder), ["t.safetensors"]);
});

test("saveSafetensors refuses names that the format cannot hold", async () => {
  for (const name of ["__metadata__", "\ud800"]) {
    const tensors = new Map([[name, { shape: [], data: new Float32Array(1) }]]);
    await assert.rejects(saveSafetensors(file, tensors), /expected a well-formed name/);
  }
});

test("saveSafetensors called twice at a time leaves one whole file", async () => {
  const big = (value: number) => new Map([["w", { shape: [50_000], data: new Float32Array(50_000).fill(value) }]]);
  await Promise.all([1, 2, 3, 4].map((value) => saveSafetensors(file, big(value))));
  const { data } = (await loadSafetensors(file)).tensors.get("w")!;
  assert.ok(data.every((value) => value === data[0]));
  assert.deepEqual(readdirSync(folder), ["t.safetensors"]);
});
