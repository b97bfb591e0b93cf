/**
 * Next-token logits of growing texts, by reading each text again for every token, or through the model's own cache. With a
 * cache, prompts of one length are read together, a prompt shared by a group once; rows that have ended leave it.
 */

import type { TfjsFunctions, TfjsTensor } from "./tensorflow.ts";

/** What a model keeps of the texts it has read; the first axis of each tensor counts rows. */
export type TfjsCache = readonly TfjsTensor[];

/**
 * Reads further tokens [rows, time] int32 of texts without padding, after those that the cache holds (undefined: none).
 * Gives the logits after the last token, [rows, V], and the cache with the new tokens in it, all new tensors.
 */
export type TfjsDecode = (
  tokens: TfjsTensor,
  cache: TfjsCache | undefined,
) => { readonly logits: TfjsTensor; readonly cache: TfjsCache };

/** A text that is not at its end. */
export interface OpenRow {
  /** Index among all rows. */
  readonly row: number;
  readonly prompt: ArrayLike<number>;
  /** Tokens drawn so far. */
  readonly tokens: readonly number[];
}

/** Logits [open rows, V] after each text; asked again and again, each text one token longer, rows only ever leaving. */
export interface NextLogits {
  next(open: readonly OpenRow[]): Promise<Float32Array>;
  dispose(): void;
}

/** Rows of one prompt length, and what the model keeps of them. */
interface Batch {
  readonly rows: readonly number[];
  readonly cache: TfjsCache;
}

interface Read extends Batch {
  readonly logits: Float32Array;
}

/** Through the model's cache. */
export function cachedLogits(tf: TfjsFunctions, decode: TfjsDecode): NextLogits {
  let batches: readonly Batch[] | undefined;
  const dispose = () => {
    for (const tensor of (batches ?? []).flatMap(({ cache }) => cache)) tensor.dispose();
    batches = undefined;
  };
  return {
    async next(open) {
      const reads: Read[] = [];
      if (batches === undefined) for (const rows of byLength(open)) reads.push(await readPrompts(tf, decode, rows));
      for (const batch of batches ?? []) {
        const rows = open.filter(({ row }) => batch.rows.includes(row));
        if (rows.length > 0) reads.push(await readTokens(tf, decode, { batch, rows }));
      }
      dispose();
      batches = reads;
      return inOrder(open, reads);
    },
    dispose,
  };
}

function byLength(open: readonly OpenRow[]): OpenRow[][] {
  const lengths = new Set(open.map(({ prompt }) => prompt.length));
  return [...lengths].map((length) => open.filter(({ prompt }) => prompt.length === length));
}

/** Each prompt once, then repeated for the rows that share it. */
async function readPrompts(tf: TfjsFunctions, decode: TfjsDecode, rows: readonly OpenRow[]): Promise<Read> {
  const prompts = [...new Set(rows.map(({ prompt }) => prompt))];
  const places = Int32Array.from(rows, ({ prompt }) => prompts.indexOf(prompt));
  const texts = prompts.map((prompt) => Array.from(prompt));
  return run(tf, rows, () => {
    const { logits, cache } = decode(tf.tensor(Int32Array.from(texts.flat()), shapeOf(texts), "int32"), undefined);
    return [logits, ...cache].map((tensor) => tf.gather(tensor, tf.tensor(places, [places.length], "int32")));
  });
}

/** The newest token of each row that is still open. */
async function readTokens(
  tf: TfjsFunctions,
  decode: TfjsDecode,
  { batch, rows }: { batch: Batch; rows: readonly OpenRow[] },
): Promise<Read> {
  const tokens = Int32Array.from(rows, (row) => row.tokens.at(-1)!);
  const kept = Int32Array.from(rows, ({ row }) => batch.rows.indexOf(row));
  return run(tf, rows, () => {
    const index = tf.tensor(kept, [kept.length], "int32");
    const all = kept.length === batch.rows.length;
    const before = all ? batch.cache : batch.cache.map((tensor) => tf.gather(tensor, index));
    const { logits, cache } = decode(tf.tensor(tokens, [tokens.length, 1], "int32"), before);
    return [logits, ...cache];
  });
}

async function run(tf: TfjsFunctions, rows: readonly OpenRow[], read: () => TfjsTensor[]): Promise<Read> {
  const [logits, ...cache] = tf.tidy(read);
  const data = Float32Array.from(await logits!.data());
  logits!.dispose();
  return { rows: rows.map(({ row }) => row), cache, logits: data };
}

const shapeOf = (texts: readonly (readonly number[])[]) => [texts.length, texts[0]!.length];

/** The logits of all batches in the order of the open rows. */
function inOrder(open: readonly OpenRow[], reads: readonly Read[]): Float32Array {
  const width = reads[0]!.logits.length / reads[0]!.rows.length;
  const place = new Map(open.map(({ row }, i) => [row, i]));
  const logits = new Float32Array(open.length * width);
  for (const read of reads)
    for (const [i, row] of read.rows.entries())
      logits.set(read.logits.subarray(i * width, (i + 1) * width), place.get(row)! * width);
  return logits;
}
