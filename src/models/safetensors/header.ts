/**
 * The header of a safetensors file: parsed and checked against the file before anything is allocated.
 * @see https://huggingface.co/docs/safetensors (Format)
 */

/** Element types that can be read. */
export type SafetensorsDtype = "F32" | "F16" | "BF16" | "F64";

export interface Entry {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export const bytesPerElement: Record<SafetensorsDtype, number> = { F32: 4, F16: 2, BF16: 2, F64: 8 };
export const maxHeaderBytes = 100_000_000;

/**
 * @throws {SyntaxError} If the header is not what the format says.
 * @throws {RangeError} If a dtype is not one that we read, or the bytes of a tensor do not fit its shape.
 * @example
 * parseHeader(new TextEncoder().encode("{}"), "w.safetensors").entries; // []
 */
export function parseHeader(bytes: Uint8Array, file: string) {
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

/**
 * Sorts the entries by their bytes, which must fill [0, size) without gap or overlap.
 *
 * @throws {RangeError} If they do not.
 * @example
 * checkLayout([], { file: "w.safetensors", size: 0 }); // nothing
 */
export function checkLayout(entries: Entry[], { file, size }: { file: string; size: number }) {
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

/**
 * @throws {RangeError} If the shape is no list of sizes.
 * @example
 * elementCount([2, 3], "here"); // 6
 */
export function elementCount(shape: readonly unknown[], where: string): number {
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
