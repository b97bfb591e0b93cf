/**
 * A dump as a reader: its texts, and what its engine said of them, without a model. It knows only the texts of the dump, and
 * as many of the likeliest tokens as the dump holds.
 */

import type { TokenLogprobs } from "../data/dumps/position-scores.ts";
import type { DumpRow, DumpTokens } from "../data/dumps/row.ts";
import type { Sequence } from "../srft/policy.ts";
import { type Provenance, plainProvenance, type Reader } from "../srft/reader.ts";

export interface DumpReaderOptions {
  /** V of the model that wrote the dump. */
  readonly vocabularySize: number;
  /** What you know of the run: the dump says nothing of it but its format. */
  readonly provenance?: Partial<Provenance>;
}

/** The texts of a dump, and what reads them. */
export interface DumpTexts {
  /** In the order of the rows; give them, or some of them, to the reader as they are. */
  readonly texts: readonly Sequence[];
  /** Of every text; NaN where the dump has none. */
  readonly rewards: Float32Array;
  readonly reader: Reader & { readonly provenance: Provenance };
}

/**
 * Makes rows with token ids and log-probs a reader.
 *
 * @throws {TypeError} If a row has none, naming file and line: a dump of texts is encoded and scored by a model instead.
 * @throws {RangeError} If an id lies outside the vocabulary, or there is no row.
 * @example
 * const { texts, reader } = dumpReader([row], { vocabularySize: 32 });
 * (await reader.topLogprobs(texts, { topK: 0 })).logprobs; // Float32Array [-0.5, -2.25]
 */
export function dumpReader(rows: readonly DumpRow[], { vocabularySize, provenance }: DumpReaderOptions): DumpTexts {
  if (rows.length === 0) throw new RangeError("dumpReader: expected rows of a dump but found none");
  const entries = rows.map((row) => [scoredTokens(row, vocabularySize), row] as const);
  const texts = entries.map(([{ prompt, completion }]) => ({ prompt, completion }));
  const known = new Map<unknown, TokenLogprobs>(entries.map(([tokens]) => [keyOf(tokens), tokens.scores]));
  for (const [i, [{ scores }]] of entries.entries()) known.set(texts[i], scores);
  const topLogprobs = async (sequences: readonly Sequence[], { topK }: { readonly topK: number }) =>
    joined(
      sequences.map((sequence) => scoresOf(known, sequence)),
      topK,
    );
  const reader = {
    vocabularySize,
    contextLength: texts.reduce((most, text) => Math.max(most, text.prompt.length + text.completion.length), 0),
    topLogprobs,
    provenance: { ...plainProvenance, engine: rows[0]!.format, ...provenance },
  };
  return { texts, rewards: Float32Array.from(rows, ({ reward = Number.NaN }) => reward), reader };
}

type Scored = DumpTokens & { readonly scores: TokenLogprobs };

function scoredTokens({ tokens, file, line }: DumpRow, vocabularySize: number): Scored {
  if (!tokens?.scores) {
    throw new TypeError(
      `dumpReader: expected token ids and log-probs but found ${tokens ? "ids alone" : "text"} in ${file}, line ${line}: ` +
        "encode the texts and score them with a model",
    );
  }
  const beyond = [...tokens.prompt, ...tokens.completion].find((id) => id >= vocabularySize);
  if (beyond === undefined) return tokens as Scored;
  throw new RangeError(
    `dumpReader: expected ids in [0, ${vocabularySize}) but found ${beyond} in ${file}, line ${line}`,
  );
}

const keyOf = ({ prompt, completion }: Sequence) =>
  `${Array.from(prompt).join(" ")}|${Array.from(completion).join(" ")}`;

/** By the text itself, since a dump may hold equal texts with numbers of two runs; else by its tokens. */
function scoresOf(known: ReadonlyMap<unknown, TokenLogprobs>, sequence: Sequence) {
  const scores = known.get(sequence) ?? known.get(keyOf(sequence));
  if (scores) return scores;
  throw new RangeError("topLogprobs: expected a text of the dump but found another: a dump knows its own texts only");
}

function joined(parts: readonly TokenLogprobs[], topK: number): TokenLogprobs {
  const short = parts.find((part) => part.topK < topK && part.logprobs.length > 0);
  if (short) {
    throw new RangeError(`topLogprobs: expected topK of at most ${short.topK}, what the dump holds, but found ${topK}`);
  }
  const cut = ({ topIds, topK: k }: TokenLogprobs, values: ArrayLike<number>) =>
    Array.from({ length: topIds.length / (k || 1) }, (_, i) =>
      Array.from({ length: topK }, (_, j) => values[i * k + j]!),
    ).flat();
  return {
    logprobs: Float32Array.from(parts.flatMap(({ logprobs }) => Array.from(logprobs))),
    ranks: Int32Array.from(parts.flatMap(({ ranks }) => Array.from(ranks))),
    topK,
    topIds: Int32Array.from(parts.flatMap((part) => cut(part, part.topIds))),
    topLogprobs: Float32Array.from(parts.flatMap((part) => cut(part, part.topLogprobs))),
  };
}
