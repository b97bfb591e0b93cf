/**
 * Rows of ids through a decoder in pieces, each going on from the cache of the one before: the logits of one piece, not of
 * a whole text, are in memory at a time.
 */

import type { Runtime, RuntimeOutput } from "./runtime.ts";

/** Logits of one piece: [rows, positions, V]. */
export interface Piece {
  /** Index of the piece's first position. */
  readonly start: number;
  readonly positions: number;
  readonly logits: Float32Array;
}

/** Numbers of a piece's logits, at most, unless one position has more. */
const pieceNumbers = 2 ** 24;

/** A run over some rows of equal length. */
export interface Run {
  /** Feeds as many more ids to every row, [rows, positions], in pieces. */
  feed(ids: readonly (readonly number[])[]): AsyncGenerator<Piece>;
}

/** Begins with an empty cache. */
export function startRun(runtime: Runtime, vocabularySize: number): Run {
  let cache: unknown;
  let length = 0;
  return {
    async *feed(ids) {
      const rows = ids.length;
      const size = Math.max(1, Math.floor(pieceNumbers / (rows * vocabularySize)));
      for (let start = 0; start < ids[0]!.length; start += size) {
        const piece = ids.map((row) => row.slice(start, start + size));
        const positions = piece[0]!.length;
        const first = length;
        length += positions;
        const output = await runtime.model({
          ...inputsOf(runtime, piece, length),
          ...(cache !== undefined && { past_key_values: cache }),
        });
        cache = runtime.cache(output);
        yield { start: first, positions, logits: logitsOf(output, rows * positions * vocabularySize) };
      }
    },
  };
}

function inputsOf({ tensor }: Runtime, ids: readonly (readonly number[])[], length: number) {
  const dims = [ids.length, ids[0]!.length];
  return {
    input_ids: tensor(BigInt64Array.from(ids.flat(), BigInt), dims),
    attention_mask: tensor(new BigInt64Array(ids.length * length).fill(1n), [ids.length, length]),
  };
}

function logitsOf({ logits }: RuntimeOutput, size: number): Float32Array {
  if (logits?.type === "float32" && logits.data.length === size) return logits.data;
  throw new TypeError(
    `loadTransformersJs: expected ${size} float32 logits but found ${logits ? `${logits.type} [${logits.dims}]` : "none"}; ` +
      "another dtype of the model may have them",
  );
}
