/** The recorded transformer of PyTorch, which our engine and TensorFlow.js are both held to. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../../test/golden/transformer.json"), "utf8"),
);

export const cotangents = {
  logprobs: Float32Array.from(golden.dLogprobs as number[]),
  entropies: Float32Array.from(golden.dEntropies as number[]),
};

/** Largest difference relative to the largest golden entry. */
export function relativeError(ours: ArrayLike<number>, theirs: readonly number[]): number {
  assert.equal(ours.length, theirs.length);
  const size = Math.max(...theirs.map(Math.abs));
  return Math.max(...theirs.map((one, i) => Math.abs(one - ours[i]!))) / size;
}
