/** Reads texts block by block and fills the columns of every model: whole distributions compared, lists bounded. */

import type { Reader } from "../../srft/reader.ts";
import { maxVocabularySize } from "../../token-stats/logits.ts";
import { createTokenThreads } from "../../token-stats/threads.ts";
import { type Block, maxBlockLogits, readBlocks } from "./blocks.ts";
import { compareExactly } from "./compare-exactly.ts";
import { compareLists, entropyIntervals, readLists } from "./compare-lists.ts";
import { compareWide } from "./compare-wide.ts";
import { type FullModel, type FullShift, modelColumns, shiftColumns } from "./fill-columns.ts";
import type { Text } from "./texts.ts";

/** Smaller vocabularies are compared in float64. */
const wideVocabulary = 4096;

export interface Reading {
  readonly texts: readonly Text[];
  readonly names: readonly string[];
  readonly rows: { readonly offsets: Int32Array; readonly tokens: Int32Array };
  readonly topK?: number;
  readonly tolerance?: number;
  readonly batchSize?: number;
}

const isWhole = ({ logits, logitBlocks }: Reader) => Boolean(logits || logitBlocks);

/** The base's columns and the models', filled. */
export async function readColumns(readers: readonly Reader[], reading: Reading) {
  const { vocabularySize } = readers[0]!;
  const { rows, names, tolerance = 1e-6 } = reading;
  const topK = reading.topK ?? Math.min(vocabularySize, readers.every(isWhole) ? 5 : 20);
  const shapes = names.map((name) => ({ name, n: rows.tokens.length, topK }));
  const base = modelColumns(shapes[0]!);
  const models = shapes.slice(1).map(shiftColumns);
  for (const group of inStep(readers, [base, ...models])) await fillWhole(group, reading);
  for (const [i, reader] of readers.entries()) {
    if (!isWhole(reader)) await fillLists(reader, [base, ...models][i]!, reading);
  }
  const options = { vocabularySize, tolerance };
  const listed = <T extends FullModel>(model: T, i: number) =>
    isWhole(readers[i]!)
      ? model
      : { ...model, coverage: "top-k" as const, entropyBounds: entropyIntervals(model, rows.tokens, options) };
  return {
    base: listed(base, 0),
    models: models.map((model, m) =>
      isWhole(readers[0]!) && isWhole(readers[m + 1]!)
        ? model
        : listed({ ...model, bounds: compareLists(model, base, { ...options, tokens: rows.tokens }) }, m + 1),
    ),
  };
}

/** Readers of whole distributions that are read together: with the base, or each alone where the base gives lists. */
interface Group {
  readonly readers: readonly Reader[];
  readonly base: FullModel;
  readonly models: readonly FullShift[];
}

function inStep(readers: readonly Reader[], [base, ...models]: readonly [FullModel, ...FullShift[]]): Group[] {
  const whole = readers.slice(1).flatMap((reader, m) => (isWhole(reader) ? [{ reader, model: models[m]! }] : []));
  if (!isWhole(readers[0]!)) return whole.map(({ reader, model }) => ({ readers: [reader], base: model, models: [] }));
  return [
    { readers: [readers[0]!, ...whole.map(({ reader }) => reader)], base, models: whole.map(({ model }) => model) },
  ];
}

async function fillWhole({ readers, base, models }: Group, { texts, rows, batchSize }: Reading) {
  const { vocabularySize } = readers[0]!;
  const isWide = vocabularySize >= wideVocabulary && vocabularySize <= maxVocabularySize;
  const threads = isWide ? createTokenThreads() : undefined;
  const names = [base, ...models].map(({ name }) => name);
  try {
    for (const { block, from, to } of blocksOf(texts, rows.offsets, batchSize ?? defaultBatchSize(readers, texts))) {
      for await (const { first, logits } of readBlocks(readers, { texts: block, tokens: to - from, names })) {
        const firstRow = from + first;
        const tokens = rows.tokens.subarray(firstRow, firstRow + logits[0]!.length / vocabularySize);
        const work: Block = { logits, tokens, firstRow, base, models };
        if (threads) await compareWide(work, threads);
        else compareExactly(work);
      }
    }
  } finally {
    await threads?.close();
  }
}

async function fillLists(reader: Reader, model: FullModel, { texts, rows, batchSize = 64 }: Reading) {
  for (const { block, from, to } of blocksOf(texts, rows.offsets, batchSize)) {
    await readLists(reader, { texts: block, firstRow: from, tokens: rows.tokens.subarray(from, to), model });
  }
}

/** Texts a block at a time, with the rows they own. */
function* blocksOf(texts: readonly Text[], offsets: Int32Array, size: number) {
  for (let begin = 0; begin < texts.length; begin += size) {
    const block = texts.slice(begin, begin + size);
    yield { block, from: offsets[begin]!, to: offsets[begin + block.length]! };
  }
}

function defaultBatchSize(readers: readonly Reader[], texts: readonly Text[]) {
  if (readers.every(({ logitBlocks }) => logitBlocks)) return 64;
  const longest = texts.reduce((most, { completion }) => Math.max(most, completion.length), 0);
  const fitting = Math.floor(maxBlockLogits / (longest * readers[0]!.vocabularySize * readers.length));
  return Math.min(Math.max(fitting, 1), 64);
}
