/** The statistics in plain TypeScript and float64, row by row: what the kernels are compared with. */

import { divergences, entropy, logSoftmax, rankOf, topK } from "../../src/analysis/divergences.ts";
import type { LogitArray, LogitType } from "../../src/token-stats/logits.ts";

/** The numbers that an array of logits stands for. */
export function decode(logits: LogitArray, dtype: LogitType): Float64Array {
  if (dtype === "float32") return Float64Array.from(logits);
  return Float64Array.from(logits, dtype === "float16" ? fromFloat16 : fromBfloat16);
}

function fromFloat16(bits: number) {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 0x3ff];
  if (exponent === 31) return fraction ? Number.NaN : sign * Infinity;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

function fromBfloat16(bits: number) {
  return new Float32Array(Uint32Array.of(bits << 16).buffer)[0]!;
}

interface Rows {
  readonly vocabularySize: number;
  readonly dtype: LogitType;
}

function rowsOf(logits: LogitArray, { vocabularySize, dtype }: Rows) {
  const rows = logits.length / vocabularySize;
  return Array.from({ length: rows }, (_, t) =>
    decode(logits.subarray(t * vocabularySize, (t + 1) * vocabularySize), dtype),
  );
}

export function plainTokenStatistics(logits: LogitArray, labels: ArrayLike<number>, shape: Rows & { topK: number }) {
  const rows = rowsOf(logits, shape);
  const logprobs = rows.map((row) => logSoftmax(row));
  const top = rows.map((row) => (shape.topK > 0 ? Array.from(topK(row, shape.topK)) : []));
  return {
    logprobs: logprobs.map((row, t) => row[labels[t]!]!),
    entropies: logprobs.map((row) => entropy(row)),
    maxima: rows.map((row) => row.reduce((most, value) => Math.max(most, value), -Infinity)),
    argmax: rows.map((row) => topK(row, 1)[0]!),
    ranks: rows.map((row, t) => rankOf(row, labels[t]!)),
    topIds: top.flat(),
    topLogprobs: top.flatMap((ids, t) => ids.map((id) => logprobs[t]![id]!)),
  };
}

export function plainDivergenceStatistics(p: LogitArray, q: LogitArray, shape: Rows) {
  const [logP, logQ] = [rowsOf(p, shape), rowsOf(q, shape)].map((rows) => rows.map((row) => logSoftmax(row)));
  const rows = logP!.map((row, t) => divergences(row, logQ![t]!));
  return {
    kl: rows.map(({ kl }) => kl),
    reverseKl: rows.map(({ reverseKl }) => reverseKl),
    js: rows.map(({ js }) => js),
    tv: rows.map(({ tv }) => tv),
  };
}
