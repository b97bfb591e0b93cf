/** Reads texts with several readers in step and yields the rows of all of them block by block, so that few are in memory. */

import type { Sequence } from "../../srft/policy.ts";
import type { Reader } from "../../srft/reader.ts";
import { runs } from "../../token-stats/logits.ts";
import type { FullModel, FullShift } from "./fill-columns.ts";

/** Rows of all readers, and the columns they are written to. */
export interface Block {
  /** [rows, V] a reader, the base's first. */
  readonly logits: readonly Float32Array[];
  /** The rows' token ids. */
  readonly tokens: Int32Array;
  /** Where the rows begin in the columns. */
  readonly firstRow: number;
  readonly base: FullModel;
  readonly models: readonly FullShift[];
}

/** Logits of all readers that are in memory at a time: 64 MiB. */
export const maxBlockLogits = 2 ** 24;

/** Yields the rows' logits of a few texts; `first` counts from the first of them. */
export async function* readBlocks(
  readers: readonly Reader[],
  { texts, tokens, names }: { texts: readonly Sequence[]; tokens: number; names: readonly string[] },
) {
  const vocabularySize = readers[0]!.vocabularySize;
  const rows = Math.max(1, Math.floor(maxBlockLogits / (vocabularySize * readers.length)));
  const inputs: (AsyncIterable<Float32Array> | Float32Array)[] = [];
  for (const [i, reader] of readers.entries()) {
    const input = reader.logitBlocks?.(texts, { rows });
    inputs.push(
      input
        ? counted(input, { name: names[i]!, tokens, vocabularySize })
        : await whole(reader, { texts, tokens, name: names[i]! }),
    );
  }
  for await (const { first, arrays } of runs(inputs, { name: "tokenShift", vocabularySize })) {
    yield* pieces(first, arrays as Float32Array[], { rows, vocabularySize });
  }
}

/** Cuts long runs, so that what is computed of them stays small as well. */
function* pieces(
  first: number,
  arrays: readonly Float32Array[],
  { rows, vocabularySize }: { rows: number; vocabularySize: number },
) {
  const length = arrays[0]!.length / vocabularySize;
  for (let begin = 0; begin < length; begin += rows) {
    const end = Math.min(begin + rows, length);
    yield {
      first: first + begin,
      logits: arrays.map((array) => array.subarray(begin * vocabularySize, end * vocabularySize)),
    };
  }
}

async function whole(
  reader: Reader,
  { texts, tokens, name }: { texts: readonly Sequence[]; tokens: number; name: string },
) {
  const logits = await reader.logits!(texts);
  if (logits.length !== tokens * reader.vocabularySize)
    throw wrongShape(name, { tokens, found: logits.length, reader });
  return logits;
}

/** The same blocks, and an error where their rows are not as many as the tokens. */
async function* counted(
  blocks: AsyncIterable<Float32Array> | Iterable<Float32Array>,
  { name, tokens, vocabularySize }: { name: string; tokens: number; vocabularySize: number },
) {
  let found = 0;
  for await (const block of blocks) {
    found += block.length;
    if (found > tokens * vocabularySize) break;
    yield block;
  }
  if (found !== tokens * vocabularySize) throw wrongShape(name, { tokens, found, reader: { vocabularySize } });
}

function wrongShape(
  name: string,
  { tokens, found, reader }: { tokens: number; found: number; reader: { vocabularySize: number } },
) {
  return new TypeError(
    `tokenShift: expected [${tokens}, ${reader.vocabularySize}] logits of ${name} but found ${found} numbers`,
  );
}
