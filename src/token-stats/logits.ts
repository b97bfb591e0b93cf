/**
 * Arrays of logits as callers have them: one typed array of [T, V], or blocks of whole rows that arrive one after the other.
 */

/** Largest vocabulary, in tokens. */
export const maxVocabularySize = 262144;

/** Element types; the order is that of the kernels' numbers. */
export const logitTypes = ["float32", "float16", "bfloat16"] as const;
export type LogitType = (typeof logitTypes)[number];

/** Logits in row-major order: float32, or the bits of float16 or bfloat16. */
export type LogitArray = Float32Array | Uint16Array;

/**
 * [T, V] logits in one array, or blocks of whole rows. A block has been read when the next is asked for, so that one buffer
 * can be filled again and again.
 */
export type Logits = LogitArray | Iterable<LogitArray> | AsyncIterable<LogitArray>;

export interface LogitFormat {
  /** V, 1 … 262,144. */
  readonly vocabularySize: number;
  /** Default "float32" for a Float32Array; a Uint16Array must say "float16" or "bfloat16". */
  readonly dtype?: LogitType;
}

/** Rows that lie one after the other in one array of each input. */
export interface Run {
  /** Index of the first row among all rows. */
  readonly first: number;
  readonly rows: number;
  /** [rows, V] logits, one array an input. */
  readonly arrays: readonly LogitArray[];
}

/** Bytes a logit. */
export const bytesOf = (dtype: LogitType) => (dtype === "float32" ? 4 : 2);

/** The kernels' number of a dtype. */
export const numberOf = (dtype: LogitType) => logitTypes.indexOf(dtype);

/** Throws unless V and the dtype are among those the kernels know. */
export function checkFormat(name: string, { vocabularySize, dtype = "float32" }: LogitFormat) {
  if (!(Number.isInteger(vocabularySize) && vocabularySize >= 1 && vocabularySize <= maxVocabularySize)) {
    throw new RangeError(
      `${name}: expected an integer vocabularySize in [1, ${maxVocabularySize}] but found ${vocabularySize}`,
    );
  }
  if (!logitTypes.includes(dtype)) {
    throw new TypeError(`${name}: expected a dtype ${logitTypes.join(" | ")} but found ${JSON.stringify(dtype)}`);
  }
}

/** Walks inputs in step and yields the longest runs of rows that lie in one array of each. */
export async function* runs(
  inputs: readonly Logits[],
  format: { readonly name: string } & LogitFormat,
): AsyncGenerator<Run> {
  const blocks = inputs.map((input) => arraysOf(input)[Symbol.asyncIterator]());
  const rests: LogitArray[] = inputs.map(() => new Float32Array(0));
  try {
    for (let first = 0; ; ) {
      const ended = await Promise.all(rests.map((rest, i) => rest.length === 0 && refill(i, first)));
      if (ended.some(Boolean)) {
        checkEnds(ended, { ...format, first });
        return;
      }
      const rows = Math.min(...rests.map(({ length }) => length)) / format.vocabularySize;
      const arrays = rests.map((rest) => rest.subarray(0, rows * format.vocabularySize));
      yield { first, rows, arrays };
      for (const [i, rest] of rests.entries()) rests[i] = rest.subarray(rows * format.vocabularySize);
      first += rows;
    }
  } finally {
    await Promise.all(blocks.map((block) => block.return?.(undefined)));
  }

  /** Takes the next block that has rows; true if there is none. */
  async function refill(input: number, first: number) {
    for (;;) {
      const { value, done } = await blocks[input]!.next();
      if (done) return true;
      checkBlock(value, { ...format, first });
      rests[input] = value;
      if (value.length > 0) return false;
    }
  }
}

async function* arraysOf(logits: Logits): AsyncGenerator<LogitArray> {
  if (ArrayBuffer.isView(logits)) yield logits;
  else yield* logits;
}

type Place = { readonly name: string; readonly first: number } & LogitFormat;

function checkBlock(block: unknown, { name, first, vocabularySize, dtype = "float32" }: Place) {
  const expected = dtype === "float32" ? Float32Array : Uint16Array;
  if (!(block instanceof expected)) {
    throw new TypeError(
      `${name}: expected ${dtype} logits in a ${expected.name} but found ${kindOf(block)} at row ${first}: ` +
        `say dtype: ${logitTypes.map((type) => `"${type}"`).join(" | ")}`,
    );
  }
  if (block.length % vocabularySize !== 0) {
    throw new RangeError(
      `${name}: expected whole rows of ${vocabularySize} logits but found ${block.length} numbers from row ${first} on`,
    );
  }
}

const kindOf = (value: unknown) => (value === null ? "null" : (Object(value).constructor?.name ?? typeof value));

function checkEnds(ended: readonly boolean[], { name, first }: Place) {
  if (ended.every(Boolean)) return;
  throw new RangeError(
    `${name}: expected as many rows of p as of q but found ${ended[0] ? "p" : "q"} to end after ${first} rows`,
  );
}

/** What keeps a row of logits, [V], from being a distribution; undefined if nothing does. */
export function flawOf(logits: LogitArray, dtype: LogitType): string | undefined {
  const values = Array.from(logits, (value) => decode(value, dtype));
  const token = values.findIndex((value) => !(value < Infinity));
  if (token >= 0) return `finite or -Infinity logits but found ${values[token]} at token ${token}`;
  return values.every((value) => value === -Infinity) ? "a finite logit but found none" : undefined;
}

/** ±Infinity, NaN or else 0: all that 16-bit values need to be told apart by here. */
function decode(value: number, dtype: LogitType) {
  if (dtype === "float32") return value;
  const infinite = dtype === "float16" ? 0x7c00 : 0x7f80;
  const magnitude = value & 0x7fff;
  if (magnitude > infinite) return Number.NaN;
  if (magnitude < infinite) return 0;
  return value & 0x8000 ? -Infinity : Infinity;
}
