/**
 * The safetensors file format: named tensors, as little-endian bytes behind a JSON header.
 *
 *     u64 header length · header, UTF-8 JSON padded with spaces to 8 bytes · tensor bytes without gaps
 *
 * A file is not trusted: every length is checked against the file's size before anything of that size is allocated.
 * We write float32 only and read F32, F16, BF16 and F64, all into Float32Array. Unknown fields of an entry are ignored.
 * @see https://huggingface.co/docs/safetensors (Format)
 */

import { type FileHandle, open } from "node:fs/promises";
import { writeAtomically } from "./atomic-write.ts";
import {
  bytesPerElement,
  checkLayout,
  type Entry,
  elementCount,
  maxHeaderBytes,
  parseHeader,
  type SafetensorsDtype,
} from "./header.ts";

export type { SafetensorsDtype } from "./header.ts";

/** A tensor as it is read: `dtype` is the one in the file, `data` is row-major float32. */
export interface SafetensorsTensor {
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export interface Safetensors {
  /** In the order of their bytes in the file. */
  readonly tensors: Map<string, SafetensorsTensor>;
  readonly metadata: Record<string, string>;
}

/**
 * Writes tensors as float32, atomically: the bytes go to a new file in the same folder, are flushed to the disk and
 * take the name `file` in one step. On an error the old file is as it was and the new one is gone. Tensors are stored
 * in the order of their names, so the same content gives the same bytes.
 *
 * @param tensors Name → shape (non-negative integers; [] is a scalar) and row-major data. A loaded `tensors` map fits.
 * @param metadata Free text pairs, stored under `__metadata__`.
 * @throws {RangeError} If a shape does not give the length of its data, or a name cannot be stored.
 * @example
 * await saveSafetensors("w.safetensors", new Map([["w", { shape: [2], data: Float32Array.of(1, 2) }]]));
 * (await loadSafetensors("w.safetensors")).tensors.get("w")!.data; // Float32Array [1, 2]
 */
export async function saveSafetensors(
  file: string,
  tensors: ReadonlyMap<string, Pick<SafetensorsTensor, "shape" | "data">>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const sorted = [...tensors].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [name, { shape, data }] of sorted) {
    const where = `saveSafetensors: ${file}: tensor ${JSON.stringify(name)}`;
    if (name === "__metadata__" || /\p{Surrogate}/u.test(name)) {
      throw new RangeError(`${where}: expected a well-formed name other than "__metadata__"`);
    }
    if (!(data instanceof Float32Array)) throw new TypeError(`${where}: expected a Float32Array as data`);
    if (elementCount(shape, where) !== data.length) {
      throw new RangeError(`${where}: expected ${elementCount(shape, where)} elements but found ${data.length}`);
    }
  }
  const header = headerBytes(sorted, metadata);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(header.length), true);
  const parts = sorted.map(([, { data }]) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  await writeAtomically(file, [length, header, ...parts]);
}

/**
 * Reads a safetensors file; F16, BF16 and F64 become float32 (F64 is rounded).
 *
 * @throws {SyntaxError} If the header is not what the format says: its length, its JSON, a name that occurs twice,
 *   an entry's fields.
 * @throws {RangeError} If a tensor's bytes lie outside the file, overlap, leave a gap, or do not fit its shape, or if
 *   its dtype is not one of F32, F16, BF16, F64.
 * @example
 * const { tensors, metadata } = await loadSafetensors("w.safetensors");
 * tensors.get("w"); // { dtype: "F32", shape: [2], data: Float32Array [1, 2] }
 */
export async function loadSafetensors(file: string): Promise<Safetensors> {
  const opened = await openSafetensors(file);
  try {
    const tensors = new Map<string, SafetensorsTensor>();
    for (const name of opened.entries.keys()) tensors.set(name, await opened.read(name));
    return { tensors, metadata: opened.metadata };
  } finally {
    await opened.close();
  }
}

/** A file whose header has been read and checked; its tensors are read one at a time. */
export interface SafetensorsFile {
  /** In the order of their bytes in the file. */
  readonly entries: ReadonlyMap<string, Pick<SafetensorsTensor, "dtype" | "shape">>;
  readonly metadata: Record<string, string>;
  /** @throws {RangeError} If the file has no such tensor. */
  read(name: string): Promise<SafetensorsTensor>;
  /** Reads a tensor into an array of its length, a piece at a time, so that no second copy of it is made. */
  readInto(name: string, target: Float32Array): Promise<void>;
  /** Reads as many elements as fit the target, from an element of the tensor on. */
  readRange(name: string, target: Float32Array, start: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a safetensors file whose tensors need not fit in memory together; the same checks as `loadSafetensors`.
 *
 * @example
 * const file = await openSafetensors("w.safetensors");
 * const { data } = await file.read("w");
 * await file.close();
 */
export async function openSafetensors(file: string): Promise<SafetensorsFile> {
  const handle = await open(file, "r");
  try {
    const { entries, metadata, headerLength } = await readHeader(handle, file);
    const byName = new Map(entries.map((entry) => [entry.name, entry]));
    const entryOf = (name: string) => {
      const entry = byName.get(name);
      if (!entry) throw new RangeError(`openSafetensors: expected a tensor of ${file} but found the name ${name}`);
      return entry;
    };
    return {
      entries: byName,
      metadata,
      close: () => handle.close(),
      read: async (name) => readTensor(handle, entryOf(name), { file, headerLength }),
      readInto: async (name, target) => readWhole(handle, entryOf(name), { file, headerLength, target }),
      readRange: async (name, target, start) =>
        readPieces(handle, entryOf(name), { file, headerLength, target, start }),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function readHeader(handle: FileHandle, file: string) {
  const stat = await handle.stat();
  if (!stat.isFile()) throw new TypeError(`loadSafetensors: expected a file but found something else at ${file}`);
  const headerLength = await readHeaderLength(handle, { file, size: stat.size });
  const header = new Uint8Array(headerLength);
  await readInto(handle, header, { file, position: 8 });
  const { entries, metadata } = parseHeader(header, file);
  checkLayout(entries, { file, size: stat.size - 8 - headerLength });
  return { entries, metadata, headerLength };
}

function headerBytes(
  tensors: readonly (readonly [string, { readonly shape: readonly number[]; readonly data: Float32Array }])[],
  metadata: Readonly<Record<string, string>>,
) {
  let end = 0;
  const entries = tensors.map(([name, { shape, data }]) => {
    const begin = end;
    end += data.byteLength;
    return `${JSON.stringify(name)}:${JSON.stringify({ dtype: "F32", shape, data_offsets: [begin, end] })}`;
  });
  if (Object.values(metadata).some((value) => typeof value !== "string")) {
    throw new TypeError("saveSafetensors: expected every value of the metadata to be a string");
  }
  if (Object.keys(metadata).length > 0) entries.unshift(`"__metadata__":${JSON.stringify(metadata)}`);
  const json = new TextEncoder().encode(`{${entries.join(",")}}`);
  const padded = new Uint8Array(Math.ceil(json.length / 8) * 8).fill(0x20);
  if (padded.length > maxHeaderBytes) throw new RangeError("saveSafetensors: expected a header of at most 100 MB");
  padded.set(json);
  return padded;
}

async function readHeaderLength(handle: FileHandle, { file, size }: { file: string; size: number }) {
  const bytes = new Uint8Array(8);
  await readInto(handle, bytes, { file, position: 0 });
  const length = new DataView(bytes.buffer).getBigUint64(0, true);
  const most = Math.min(size - 8, maxHeaderBytes);
  if (length < 2n || length > BigInt(most)) {
    throw new SyntaxError(
      `loadSafetensors: expected a header of 2 to ${most} bytes in ${file} but found the length ${length}`,
    );
  }
  return Number(length);
}

async function readTensor(
  handle: FileHandle,
  { name, dtype, shape, begin, end }: Entry,
  { file, headerLength }: { file: string; headerLength: number },
): Promise<SafetensorsTensor> {
  const bytes = new Uint8Array(end - begin);
  await readInto(handle, bytes, {
    file: `${file}: tensor ${JSON.stringify(name)}`,
    position: 8 + headerLength + begin,
  });
  const data = new Float32Array(bytes.length / bytesPerElement[dtype]);
  convertInto(data, { bytes, dtype, from: 0 });
  return { dtype, shape, data };
}

/** Bytes of a piece; a multiple of every element's size. */
const pieceBytes = 1 << 24;

interface Reading {
  readonly file: string;
  readonly headerLength: number;
  readonly target: Float32Array;
}

async function readWhole(handle: FileHandle, entry: Entry, reading: Reading): Promise<void> {
  const elements = (entry.end - entry.begin) / bytesPerElement[entry.dtype];
  if (reading.target.length !== elements) {
    throw new RangeError(
      `readInto: expected an array of ${elements} numbers for ${entry.name} but found ${reading.target.length}`,
    );
  }
  await readPieces(handle, entry, { ...reading, start: 0 });
}

async function readPieces(
  handle: FileHandle,
  { name, dtype, begin, end }: Entry,
  { file, headerLength, target, start }: Reading & { readonly start: number },
): Promise<void> {
  const size = bytesPerElement[dtype];
  const [first, last] = [begin + start * size, begin + (start + target.length) * size];
  if (!(Number.isInteger(start) && start >= 0 && last <= end)) {
    throw new RangeError(
      `readRange: expected elements within the ${(end - begin) / size} of ${name} but found ${start} to ${start + target.length}`,
    );
  }
  const where = { file: `${file}: tensor ${JSON.stringify(name)}`, position: 8 + headerLength + first };
  if (dtype === "F32")
    return readInto(handle, new Uint8Array(target.buffer, target.byteOffset, target.byteLength), where);
  const piece = new Uint8Array(Math.min(pieceBytes, last - first));
  for (let at = first; at < last; at += pieceBytes) {
    const bytes = piece.subarray(0, Math.min(pieceBytes, last - at));
    await readInto(handle, bytes, { ...where, position: where.position + at - first });
    convertInto(target, { bytes, dtype, from: (at - first) / size });
  }
}

function convertInto(
  target: Float32Array,
  { bytes, dtype, from }: { bytes: Uint8Array<ArrayBuffer>; dtype: SafetensorsDtype; from: number },
) {
  const count = bytes.length / bytesPerElement[dtype];
  switch (dtype) {
    case "F32":
      return target.set(new Float32Array(bytes.buffer, 0, count), from);
    case "F64":
      return target.set(new Float64Array(bytes.buffer, 0, count), from);
    case "BF16": {
      const [bits, source] = [
        new Uint32Array(target.buffer, target.byteOffset, target.length),
        new Uint16Array(bytes.buffer, 0, count),
      ];
      for (let i = 0; i < count; i++) bits[from + i] = source[i]! << 16;
      return;
    }
    case "F16": {
      const source = new Uint16Array(bytes.buffer, 0, count);
      for (let i = 0; i < count; i++) target[from + i] = halfToNumber(source[i]!);
      return;
    }
    default:
      return dtype satisfies never;
  }
}

function halfToNumber(bits: number) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

async function readInto(handle: FileHandle, bytes: Uint8Array, { file, position }: { file: string; position: number }) {
  for (let done = 0; done < bytes.length; ) {
    const length = Math.min(bytes.length - done, 2 ** 30);
    const { bytesRead } = await handle.read(bytes, done, length, position + done);
    if (bytesRead === 0)
      throw new RangeError(`loadSafetensors: expected ${bytes.length} bytes in ${file} but found ${done}`);
    done += bytesRead;
  }
}
