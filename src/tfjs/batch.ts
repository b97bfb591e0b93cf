/**
 * Lays texts out as the rectangle [rows, time] that a TensorFlow.js model reads: padded on the right with token 0, so
 * that a causal model's answers do not depend on the padding. Index lists say which positions predict completions.
 */

import type { Sequence } from "../srft/policy.ts";

export interface Limits {
  /** V; token ids are 0 … V − 1. */
  readonly vocabularySize: number;
  /** Longest prompt + completion, in tokens. */
  readonly contextLength: number;
}

/** N completion tokens in a rectangle of M = rows · time input tokens. */
export interface PaddedBatch {
  readonly rows: number;
  /** Longest row, in input tokens: prompt and completion without its last token. */
  readonly time: number;
  /** [M]. */
  readonly tokens: Int32Array;
  /** The place, row · time + position, that predicts each completion token, [N]. */
  readonly selected: Int32Array;
  /** Index into selected by place, N where it predicts none, [M]. */
  readonly selectedAt: Int32Array;
  /** Completion ids, [N]. */
  readonly labels: Int32Array;
}

/** Pads texts that `checkSequences` has passed. */
export function padBatch(sequences: readonly Sequence[]): PaddedBatch {
  const rows = sequences.length;
  const time = Math.max(...sequences.map(inputLength));
  const labels = Int32Array.from(sequences.flatMap(({ completion }) => Array.from(completion)));
  const tokens = new Int32Array(rows * time);
  const selected = new Int32Array(labels.length);
  const selectedAt = new Int32Array(rows * time).fill(labels.length);
  let label = 0;
  sequences.forEach(({ prompt, completion }, row) => {
    tokens.set(Array.from(prompt), row * time);
    tokens.set(Array.from(completion).slice(0, -1), row * time + prompt.length);
    for (let t = 0; t < completion.length; t++, label++) {
      selected[label] = row * time + prompt.length - 1 + t;
      selectedAt[selected[label]!] = label;
    }
  });
  return { rows, time, tokens, selected, selectedAt, labels };
}

/** Runs of rows whose logits, padding included, are `most` numbers at most; a row too long for that stands alone. */
export function* blocksOf(
  sequences: readonly Sequence[],
  { vocabularySize, most }: { vocabularySize: number; most: number },
): Generator<{ readonly block: readonly Sequence[]; readonly from: number; readonly to: number }> {
  let [first, longest, from, at] = [0, 0, 0, 0];
  for (const [row, sequence] of sequences.entries()) {
    const time = Math.max(longest, inputLength(sequence));
    const full = row > first && (row - first + 1) * time * vocabularySize > most;
    if (full) {
      yield { block: sequences.slice(first, row), from, to: at };
      [first, from] = [row, at];
    }
    longest = full ? inputLength(sequence) : time;
    at += sequence.completion.length;
  }
  yield { block: sequences.slice(first), from, to: at };
}

const inputLength = ({ prompt, completion }: Sequence) => prompt.length + completion.length - 1;

/**
 * @throws {RangeError} If there is no row, a prompt or completion is empty, a row is longer than the context, or a
 *   token is not in the vocabulary; the message names the row.
 */
export function checkSequences(sequences: readonly Sequence[], limits: Limits): void {
  if (sequences.length === 0) throw new RangeError("tfjsPolicy: expected one sequence or more but found none");
  for (const [row, { prompt, completion }] of sequences.entries()) {
    checkPrompt(prompt, { ...limits, row });
    if (completion.length === 0) {
      throw new RangeError(`tfjsPolicy: expected tokens but found an empty completion in row ${row}`);
    }
    checkTokens(completion, { ...limits, where: `completion of row ${row}` });
    const length = prompt.length + completion.length;
    if (length > limits.contextLength) {
      throw new RangeError(
        `tfjsPolicy: expected at most ${limits.contextLength} tokens but found ${length} in row ${row}; raise contextLength or shorten the text`,
      );
    }
  }
}

/** @throws {RangeError} If the prompt is empty or a token is not in the vocabulary; the message names the row. */
export function checkPrompt(prompt: ArrayLike<number>, { row, ...limits }: Limits & { row: number }): void {
  if (prompt.length === 0) {
    throw new RangeError(
      `tfjsPolicy: expected tokens but found an empty prompt in row ${row}; begin it with a start token`,
    );
  }
  checkTokens(prompt, { ...limits, where: `prompt of row ${row}` });
}

function checkTokens(tokens: ArrayLike<number>, { vocabularySize, where }: Limits & { where: string }): void {
  const at = Array.from(tokens).findIndex((id) => !(Number.isInteger(id) && id >= 0 && id < vocabularySize));
  if (at >= 0) {
    throw new RangeError(
      `tfjsPolicy: expected a token id in [0, ${vocabularySize}) but found ${tokens[at]} at position ${at} of the ${where}; was it encoded with another vocabulary?`,
    );
  }
}
