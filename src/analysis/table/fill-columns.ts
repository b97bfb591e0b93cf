/** The columns of a token table that come from the texts, and empty ones for what models say. */

import { type RoleRule, tokenRoles } from "../roles.ts";
import type { ModelColumns, ShiftColumns } from "../token-table.ts";
import type { Text } from "./texts.ts";

/** Offsets, sequences, positions, tokens, and what is known of the texts. */
export function textColumns(
  texts: readonly Text[],
  { decode, roles }: { decode: (id: number) => string; roles?: RoleRule | undefined },
) {
  const offsets = new Int32Array(texts.length + 1);
  for (const [s, { completion }] of texts.entries()) offsets[s + 1] = offsets[s]! + completion.length;
  const n = offsets[texts.length]!;
  const columns = { sequences: new Int32Array(n), positions: new Int32Array(n), tokens: new Int32Array(n) };
  for (const [s, { completion }] of texts.entries()) {
    columns.sequences.fill(s, offsets[s], offsets[s + 1]);
    columns.tokens.set(completion, offsets[s]);
    for (let t = 0; t < completion.length; t++) columns.positions[offsets[s]! + t] = t;
  }
  return {
    offsets,
    ...columns,
    roles: Uint8Array.from(texts.flatMap((text, s) => rolesOf(text, { s, decode, rule: roles }))),
    rewards: Float32Array.from(texts, ({ reward = Number.NaN }) => reward),
    advantages: perToken(texts, { offsets, of: ({ advantage }) => advantage, what: "advantages" }),
    behaviorLogprobs: perToken(texts, { offsets, of: (text) => text.behaviorLogprobs, what: "behaviorLogprobs" }),
  };
}

function rolesOf(
  { roles, completion }: Text,
  { s, decode, rule }: { s: number; decode: (id: number) => string; rule: RoleRule | undefined },
): number[] {
  const given = roles ?? rule?.(Array.from(completion, decode)) ?? Array(completion.length).fill("answer");
  const numbers = given.map((role) => tokenRoles.indexOf(role));
  if (numbers.length === completion.length && !numbers.includes(-1)) return numbers;
  throw new RangeError(
    `tokenShift: text ${s}: expected ${completion.length} roles of ${tokenRoles.join(" | ")} but found ${JSON.stringify(given)}`,
  );
}

function perToken(
  texts: readonly Text[],
  {
    offsets,
    of,
    what,
  }: { offsets: Int32Array; of: (text: Text) => number | ArrayLike<number> | undefined; what: string },
) {
  const column = new Float32Array(offsets.at(-1)!).fill(Number.NaN);
  for (const [s, text] of texts.entries()) {
    const values = of(text);
    if (typeof values === "number") column.fill(values, offsets[s], offsets[s + 1]);
    else if (values?.length === text.completion.length) column.set(values, offsets[s]);
    else if (values) {
      throw new RangeError(
        `tokenShift: text ${s}: expected ${text.completion.length} ${what}, one a token, but found ${values.length}`,
      );
    }
  }
  return column;
}

/** Model columns of n rows and lists of k, to be filled. */
export function modelColumns({ name, n, topK }: { name: string; n: number; topK: number }) {
  return {
    name,
    logprobs: new Float32Array(n),
    entropies: new Float32Array(n),
    ranks: new Int32Array(n),
    greedyTokens: new Int32Array(n),
    coverage: "full" as const,
    topK,
    topIds: new Int32Array(n * topK),
    topLogprobs: new Float32Array(n * topK),
  } satisfies ModelColumns;
}

/** Shift columns likewise. */
export function shiftColumns(shape: { name: string; n: number; topK: number }) {
  const { n } = shape;
  return {
    ...modelColumns(shape),
    deltaLogprobs: new Float32Array(n),
    deltaProbs: new Float32Array(n),
    kl: new Float32Array(n),
    reverseKl: new Float32Array(n),
    js: new Float32Array(n),
    tv: new Float32Array(n),
    baseRanks: new Int32Array(n),
  } satisfies ShiftColumns;
}

/** Columns that are to be filled. */
export type FullModel = ReturnType<typeof modelColumns>;
export type FullShift = ReturnType<typeof shiftColumns>;
