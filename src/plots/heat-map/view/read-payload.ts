/**
 * Reads a payload that may come from anybody: every field is checked and bounded, and what is returned holds nothing of
 * it but strings and numbers.
 */

import type { HeatMeasure } from "../colors.ts";
import type { HeatLimits } from "../payload.ts";

/** What one model says of the N tokens; NaN is what is not known. */
export interface Column {
  readonly name: string;
  readonly step: number | undefined;
  readonly isBase: boolean;
  readonly logprobs: Float64Array;
  readonly entropies: Float64Array;
  readonly ranks: Float64Array;
  /** Index of the first choice among the pieces. */
  readonly firstChoices: Int32Array | undefined;
  readonly deltaLogprobs: Float64Array;
  readonly kl: Float64Array;
  readonly baseRanks: Float64Array;
  readonly top: { readonly count: number; readonly pieces: Int32Array; readonly logprobs: Float64Array } | undefined;
}

/** One text; its tokens are the rows from `first` on. */
export interface Text {
  readonly name: string;
  readonly prompt: Int32Array;
  readonly tokens: Int32Array;
  readonly first: number;
}

/** A payload that was checked. The base is the first column. */
export interface HeatMap {
  readonly source: string;
  readonly caption: string;
  readonly measure: HeatMeasure;
  readonly limits: HeatLimits;
  readonly pieces: readonly string[];
  readonly texts: readonly Text[];
  readonly columns: readonly Column[];
  readonly advantages: Float64Array | undefined;
}

const most = { tokens: 200_000, numbers: 4_000_000, pieces: 400_000, letters: 4_000, models: 64, texts: 20_000 };
export const measures: readonly HeatMeasure[] = ["deltaLogprob", "kl", "class", "entropy", "advantage"];

type Raw = Readonly<Record<string, unknown>>;

/**
 * Checks a payload.
 *
 * @throws {TypeError} If a field has the wrong shape or kind.
 * @throws {RangeError} If something is larger than a page can show, or an index points nowhere.
 */
export function readPayload(payload: unknown): HeatMap {
  const raw = record(payload, "a payload");
  if (raw.version !== 1) throw new RangeError(`heat map: expected version 1 but found ${kind(raw.version)}`);
  const pieces = list(raw.pieces, { what: "pieces", max: most.pieces }).map((piece) => text(piece, "a piece"));
  const texts = readTexts(raw.texts, pieces.length);
  const n = texts.reduce((sum, { tokens }) => sum + tokens.length, 0);
  if (n > most.tokens) throw new RangeError(`heat map: expected at most ${most.tokens} tokens but found ${n}`);
  const size = { n, pieces: pieces.length };
  const models = list(raw.models, { what: "models", max: most.models });
  return {
    source: text(raw.source, "source"),
    caption: text(raw.caption ?? "", "caption"),
    measure: measures.find((measure) => measure === raw.measure) ?? "deltaLogprob",
    limits: readLimits(raw.limits),
    pieces,
    texts,
    columns: [readBase(raw.base, size), ...models.map((model) => readModel(model, size))],
    advantages: raw.advantages === undefined ? undefined : numbers(raw.advantages, { what: "advantages", n }),
  };
}

function readTexts(value: unknown, pieces: number): Text[] {
  let first = 0;
  return list(value, { what: "texts", max: most.texts }).map((item) => {
    const { name, prompt, tokens } = record(item, "a text");
    const at = first;
    const read = { prompt: indices(prompt, pieces), tokens: indices(tokens, pieces) };
    first += read.tokens.length;
    return { name: text(name, "a text's name"), ...read, first: at };
  });
}

function readLimits(value: unknown): HeatLimits {
  const raw = record(value, "limits");
  const limit = (key: string) => {
    const found = raw[key];
    if (typeof found === "number" && found > 0 && found < Infinity) return found;
    throw new RangeError(`heat map: expected a finite limit > 0 for ${key} but found ${kind(found)}`);
  };
  return {
    deltaLogprob: limit("deltaLogprob"),
    kl: limit("kl"),
    entropy: limit("entropy"),
    advantage: limit("advantage"),
  };
}

interface Size {
  readonly n: number;
  readonly pieces: number;
}

function readBase(value: unknown, size: Size): Column {
  const zeros = new Float64Array(size.n);
  const derived = { deltaLogprobs: zeros, kl: zeros, baseRanks: zeros.map(() => 1) };
  return { ...readReading(record(value, "base"), size), ...derived, step: undefined, isBase: true };
}

function readModel(value: unknown, size: Size): Column {
  const raw = record(value, "a model");
  const { n } = size;
  const step = raw.step;
  if (step !== undefined && !(Number.isSafeInteger(step) && (step as number) >= 0)) {
    throw new RangeError(`heat map: expected a step >= 0 but found ${kind(step)}`);
  }
  return {
    ...readReading(raw, size),
    step: step as number | undefined,
    isBase: false,
    deltaLogprobs: numbers(raw.deltaLogprobs, { what: "deltaLogprobs", n }),
    kl: numbers(raw.kl, { what: "kl", n }),
    baseRanks: ranks(raw.baseRanks, { what: "baseRanks", n }),
  };
}

function readReading(raw: Raw, size: Size) {
  const { n } = size;
  return {
    name: text(raw.name, "a model's name"),
    logprobs: numbers(raw.logprobs, { what: "logprobs", n }),
    entropies: numbers(raw.entropies, { what: "entropies", n }),
    ranks: ranks(raw.ranks, { what: "ranks", n }),
    firstChoices: raw.firstChoices === undefined ? undefined : readChoices(raw.firstChoices, size),
    top: raw.top === undefined ? undefined : readTop(raw.top, size),
  };
}

function readChoices(value: unknown, { n, pieces }: Size) {
  const found = indices(value, pieces);
  if (found.length === n) return found;
  throw new RangeError(`heat map: expected ${n} firstChoices but found ${found.length}`);
}

function readTop(value: unknown, { n, pieces }: Size): Column["top"] {
  const raw = record(value, "top");
  const count = raw.count;
  if (!(Number.isInteger(count) && (count as number) >= 1 && (count as number) <= 50)) {
    throw new RangeError(`heat map: expected top.count in 1 … 50 but found ${kind(count)}`);
  }
  const length = n * (count as number);
  const logprobs = numbers(raw.logprobs, { what: "top.logprobs", n: length });
  const found = indices(raw.pieces, pieces);
  if (found.length === length) return { count: count as number, pieces: found, logprobs };
  throw new RangeError(`heat map: expected ${length} top.pieces but found ${found.length}`);
}

function record(value: unknown, what: string): Raw {
  if (value !== null && typeof value === "object" && !Array.isArray(value)) return value as Raw;
  throw new TypeError(`heat map: expected an object for ${what} but found ${kind(value)}`);
}

function list(value: unknown, { what, max }: { what: string; max: number }): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError(`heat map: expected an array for ${what} but found ${kind(value)}`);
  if (value.length > max) throw new RangeError(`heat map: expected at most ${max} ${what} but found ${value.length}`);
  return value;
}

function text(value: unknown, what: string): string {
  if (typeof value !== "string") throw new TypeError(`heat map: expected text for ${what} but found ${kind(value)}`);
  return value.length <= most.letters ? value : `${value.slice(0, most.letters)}…`;
}

function indices(value: unknown, end: number): Int32Array {
  return Int32Array.from(list(value, { what: "indices", max: most.numbers }), (index) => {
    if (Number.isInteger(index) && (index as number) >= 0 && (index as number) < end) return index as number;
    throw new RangeError(`heat map: expected an index in [0, ${end}) but found ${kind(index)}`);
  });
}

function numbers(value: unknown, { what, n }: { what: string; n: number }): Float64Array {
  const items = list(value, { what, max: most.numbers });
  if (items.length !== n) throw new RangeError(`heat map: expected ${n} ${what} but found ${items.length}`);
  return Float64Array.from(items, (item) => {
    if (typeof item === "number") return item;
    if (item === null) return Number.NaN;
    if (item === "inf") return Infinity;
    if (item === "-inf") return -Infinity;
    throw new TypeError(`heat map: expected a number in ${what} but found ${kind(item)}`);
  });
}

function ranks(value: unknown, options: { what: string; n: number }): Float64Array {
  const found = numbers(value, options);
  const wrong = found.find((rank) => !Number.isNaN(rank) && !(Number.isInteger(rank) && rank >= 1));
  if (wrong === undefined) return found;
  throw new RangeError(`heat map: expected ranks >= 1 in ${options.what} but found ${wrong}`);
}

/** A value in a message: short, whatever it is. */
function kind(value: unknown) {
  return typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : value === null
      ? "null"
      : typeof value;
}
