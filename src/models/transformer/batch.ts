/**
 * Packs texts for the transformer: all input tokens of all rows in one list, without padding, and the index lists that
 * lay them out for attention and pick the positions that predict completion tokens.
 */

import type { Data } from "../../graph/tensor.ts";
import type { Sequence } from "../../srft/policy.ts";

/** Arrays with their shapes, by the name of a graph's input. */
export type Feeds = Readonly<Record<string, { readonly data: Data; readonly shape: readonly number[] }>>;

/** What an attention mask adds where a query may not look. */
export const masked = -1e9;

/** Rows × time that one run may hold; longer lists are scored in blocks. */
const blockSize = 1 << 16;

export interface PackedBatch {
  readonly rows: number;
  /** Longest row, in input tokens. */
  readonly time: number;
  /** Input ids: each row's prompt and completion without its last token, [M]. */
  readonly tokens: Int32Array;
  /** Index into tokens by row and time, M where the row has ended, [rows · time]. */
  readonly slots: Int32Array;
  /** row · time + position of each token, [M]. */
  readonly places: Int32Array;
  /** The token that predicts each completion token, [N]. */
  readonly selected: Int32Array;
  /** Index into selected by token, N where it predicts none, [M]. */
  readonly selectedAt: Int32Array;
  /** Completion ids, [N]. */
  readonly labels: Int32Array;
  /** Where each row's completion tokens begin, [rows + 1]. */
  readonly offsets: Int32Array;
}

export interface Limits {
  readonly vocabularySize: number;
  readonly contextLength: number;
}

/**
 * @throws {RangeError} If a prompt or completion is empty, a row is longer than the context, or a token is not in the
 *   vocabulary; the message names the row.
 */
export function packBatch(sequences: readonly Sequence[], limits: Limits): PackedBatch {
  if (sequences.length === 0) throw new RangeError("packBatch: expected one sequence or more but found none");
  sequences.forEach((sequence, row) => {
    checkSequence(sequence, row, limits);
  });
  const lengths = sequences.map(({ prompt, completion }) => prompt.length + completion.length - 1);
  const total = lengths.reduce((a, b) => a + b, 0);
  const labelCount = sequences.reduce((count, { completion }) => count + completion.length, 0);
  const time = Math.max(...lengths);
  const batch = emptyBatch({ rows: sequences.length, time, total, labelCount });
  let [at, label] = [0, 0];
  sequences.forEach(({ prompt, completion }, row) => {
    for (let t = 0; t < lengths[row]!; t++, at++) {
      batch.tokens[at] = t < prompt.length ? prompt[t]! : completion[t - prompt.length]!;
      batch.slots[row * time + t] = at;
      batch.places[at] = row * time + t;
      if (t < prompt.length - 1) continue;
      batch.selected[label] = at;
      batch.selectedAt[at] = label;
      batch.labels[label++] = completion[t - prompt.length + 1]!;
    }
    batch.offsets[row + 1] = label;
  });
  return batch;
}

function emptyBatch(size: { rows: number; time: number; total: number; labelCount: number }): PackedBatch {
  const { rows, time, total, labelCount } = size;
  return {
    rows,
    time,
    tokens: new Int32Array(total),
    slots: new Int32Array(rows * time).fill(total),
    places: new Int32Array(total),
    selected: new Int32Array(labelCount),
    selectedAt: new Int32Array(total).fill(labelCount),
    labels: new Int32Array(labelCount),
    offsets: new Int32Array(rows + 1),
  };
}

function checkSequence({ prompt, completion }: Sequence, row: number, limits: Limits): void {
  const length = prompt.length + completion.length;
  if (prompt.length === 0 || completion.length === 0) {
    const empty = prompt.length === 0 ? "prompt (begin it with a start token)" : "completion";
    throw new RangeError(`packBatch: expected tokens but found an empty ${empty} in row ${row}`);
  }
  if (length > limits.contextLength) {
    throw new RangeError(
      `packBatch: expected at most ${limits.contextLength} tokens but found ${length} in row ${row}; raise contextLength or shorten the text`,
    );
  }
  checkTokens(prompt, `prompt of row ${row}`, limits);
  checkTokens(completion, `completion of row ${row}`, limits);
}

/** @throws {RangeError} If an id is not an integer in [0, vocabularySize). */
export function checkTokens(tokens: ArrayLike<number>, where: string, { vocabularySize }: Limits): void {
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (!(Number.isInteger(token) && token >= 0 && token < vocabularySize)) {
      throw new RangeError(
        `checkTokens: expected a token id in [0, ${vocabularySize}) but found ${token} at position ${i} of the ${where}; was it encoded with another vocabulary?`,
      );
    }
  }
}

/** Runs of rows whose rows × time stay within what one run may hold; a longer row stands alone. */
export function* blocksOf(sequences: readonly Sequence[]): Generator<readonly Sequence[]> {
  let [from, longest] = [0, 0];
  for (let row = 0; row < sequences.length; row++) {
    const length = sequences[row]!.prompt.length + sequences[row]!.completion.length;
    if (row > from && (row - from + 1) * Math.max(longest, length) > blockSize) {
      yield sequences.slice(from, row);
      [from, longest] = [row, 0];
    }
    longest = Math.max(longest, length);
  }
  yield sequences.slice(from);
}

/** What the graphs over a batch are fed, but for gradients. */
export function batchFeeds(batch: PackedBatch) {
  const { rows, time, tokens, slots, places, selected, selectedAt, labels } = batch;
  return {
    tokens: { data: tokens, shape: [tokens.length] },
    slots: { data: slots, shape: [rows, time] },
    places: { data: places, shape: [tokens.length] },
    selected: { data: selected, shape: [labels.length] },
    selectedAt: { data: selectedAt, shape: [tokens.length] },
    labels: { data: labels, shape: [labels.length] },
    mask: { data: causalMask(time), shape: [1, 1, time, time] },
    positions: { data: BigInt64Array.of(0n), shape: [1] },
  } satisfies Feeds;
}

/** 0 where a query may look, −1e9 where the key lies in its future, [time · time]. */
export function causalMask(time: number): Float32Array {
  return Float32Array.from({ length: time * time }, (_, i) => (i % time > Math.floor(i / time) ? masked : 0));
}
