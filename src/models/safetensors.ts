/**
 * The safetensors file format: named tensors, as little-endian bytes behind a JSON header.
 *
 *     u64 header length · header, UTF-8 JSON padded with spaces to 8 bytes · tensor bytes without gaps
 *
 * A file is not trusted: every length is checked against the file's size before anything of that size is allocated.
 * We write float32 only and read F32, F16, BF16 and F64, all into Float32Array. Unknown fields of an entry are ignored.
 * @see https://huggingface.co/docs/safetensors (Format)
 */

import { randomUUID } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Element types that can be read. */
export type SafetensorsDtype = "F32" | "F16" | "BF16" | "F64";

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

interface Entry {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

const bytesPerElement: Record<SafetensorsDtype, number> = { F32: 4, F16: 2, BF16: 2, F64: 8 };
const maxHeaderBytes = 100_000_000;

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
    return {
      entries: byName,
      metadata,
      close: () => handle.close(),
      read(name) {
        const entry = byName.get(name);
        if (!entry) throw new RangeError(`openSafetensors: expected a tensor of ${file} but found the name ${name}`);
        return readTensor(handle, entry, { file, headerLength });
      },
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

/**
 * Writes a file in one step: a new file in the same folder, flushed, then renamed; on an error the old one stays.
 *
 * @example
 * await writeAtomically("note.txt", [new TextEncoder().encode("done")]);
 */
export async function writeAtomically(file: string, parts: readonly Uint8Array[]) {
  const folder = dirname(file);
  const temporary = join(folder, `.${basename(file)}.${process.pid}-${randomUUID()}.tmp`);
  try {
    const handle = await open(temporary, "wx");
    try {
      for (const part of parts) await handle.writeFile(part);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
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

function parseHeader(bytes: Uint8Array, file: string) {
  const { __metadata__: metadata = {}, ...tensors } = parseJsonObject(bytes, file);
  if (!isRecord(metadata) || Object.values(metadata).some((value) => typeof value !== "string")) {
    throw new SyntaxError(`loadSafetensors: expected __metadata__ of ${file} to map strings to strings`);
  }
  const entries = Object.entries(tensors).map(([name, value]) => parseEntry(name, value, file));
  return { entries, metadata: metadata as Record<string, string> };
}

function parseJsonObject(bytes: Uint8Array, file: string): Record<string, unknown> {
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError(`loadSafetensors: expected the header of ${file} to be JSON in UTF-8`, { cause });
  }
  if (!isRecord(value)) throw new SyntaxError(`loadSafetensors: expected the header of ${file} to be a JSON object`);
  const twice = repeatedKey(text);
  if (twice !== undefined) {
    throw new SyntaxError(`loadSafetensors: expected every name of ${file} once but found ${JSON.stringify(twice)}`);
  }
  return value;
}

/** The first key that one object of a valid JSON text repeats; JSON.parse keeps the last one in silence. */
function repeatedKey(json: string): string | undefined {
  const keys: Set<string>[] = [];
  for (const [token, string, colon] of json.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}]/g)) {
    if (token === "{") keys.push(new Set());
    else if (token === "}") keys.pop();
    else if (colon !== undefined) {
      const key = JSON.parse(string!) as string;
      if (keys.at(-1)!.has(key)) return key;
      keys.at(-1)!.add(key);
    }
  }
  return undefined;
}

function parseEntry(name: string, value: unknown, file: string): Entry {
  const where = `loadSafetensors: ${file}: tensor ${JSON.stringify(name)}`;
  if (!isRecord(value)) throw new SyntaxError(`${where}: expected { dtype, shape, data_offsets }`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string" || !Object.hasOwn(bytesPerElement, dtype)) {
    throw new RangeError(
      `${where}: expected dtype F32, F16, BF16 or F64 but found ${JSON.stringify(dtype)}: convert or leave it out`,
    );
  }
  if (!Array.isArray(shape)) throw new SyntaxError(`${where}: expected shape to be an array`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) {
    throw new SyntaxError(`${where}: expected data_offsets to be two integers >= 0`);
  }
  const [begin, end] = offsets as [number, number];
  const bytes = elementCount(shape, where) * bytesPerElement[dtype as SafetensorsDtype];
  if (end - begin !== bytes) {
    throw new RangeError(`${where}: expected ${bytes} bytes, as dtype and shape say, but found ${end - begin}`);
  }
  return { name, dtype: dtype as SafetensorsDtype, shape, begin, end };
}

/** Sorts the entries by their bytes, which must fill [0, size) without gap or overlap. */
function checkLayout(entries: Entry[], { file, size }: { file: string; size: number }) {
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let end = 0;
  for (const entry of entries) {
    const where = `loadSafetensors: ${file}: tensor ${JSON.stringify(entry.name)}`;
    if (entry.begin !== end)
      throw new RangeError(`${where}: expected to begin at byte ${end} but found ${entry.begin}`);
    if (entry.end > size) {
      throw new RangeError(
        `${where}: expected to end within ${size} bytes but found ${entry.end}: the file is truncated`,
      );
    }
    end = entry.end;
  }
  if (end !== size)
    throw new RangeError(`loadSafetensors: ${file}: expected ${end} bytes of tensors but found ${size}`);
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
  return { dtype, shape, data: toFloat32(bytes, dtype) };
}

function toFloat32({ buffer }: Uint8Array<ArrayBuffer>, dtype: SafetensorsDtype): Float32Array {
  switch (dtype) {
    case "F32":
      return new Float32Array(buffer);
    case "F64":
      return Float32Array.from(new Float64Array(buffer));
    case "BF16":
      return new Float32Array(Uint32Array.from(new Uint16Array(buffer), (bits) => bits << 16).buffer);
    case "F16":
      return Float32Array.from(new Uint16Array(buffer), halfToNumber);
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

function elementCount(shape: readonly unknown[], where: string): number {
  const count = shape.every(isSize) ? (shape as number[]).reduce((product, size) => product * size, 1) : Number.NaN;
  if (!isSize(count)) {
    throw new RangeError(`${where}: expected a shape of integers >= 0 but found ${JSON.stringify(shape)}`);
  }
  return count;
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
