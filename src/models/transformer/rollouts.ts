/** What the generation graph gives, [steps, rows], as rollouts: row after row, cut after the end token. */

import type { Value } from "../../graph/session.ts";
import type { Rollouts } from "../../srft/policy.ts";
import { offsetsOf } from "../../srft/policy-input.ts";

export function collectRollouts(
  results: Readonly<Record<string, Value>>,
  { rows, endToken }: { readonly rows: number; readonly endToken: number },
): Rollouts {
  const tokens = results.completions!.data as Int32Array;
  const steps = tokens.length / rows;
  const completions = Array.from({ length: rows }, (_, row) => {
    const own = Int32Array.from({ length: steps }, (_, t) => tokens[t * rows + row]!);
    const end = own.indexOf(endToken);
    return end < 0 ? own : own.slice(0, end + 1);
  });
  const offsets = offsetsOf(completions);
  const packed = (name: string) => packRows(results[name]!.data as Float32Array, { rows, offsets });
  return {
    completions,
    logprobs: packed("logprobs"),
    entropies: packed("entropies"),
    behaviorLogprobs: packed("behaviorLogprobs"),
    offsets,
  };
}

function packRows(data: Float32Array, { rows, offsets }: { rows: number; offsets: Int32Array }): Float32Array {
  const packed = new Float32Array(offsets[rows]!);
  for (let row = 0; row < rows; row++) {
    for (let at = offsets[row]!, t = 0; at < offsets[row + 1]!; at++, t++) packed[at] = data[t * rows + row]!;
  }
  return packed;
}
