/** A token table as the heat map's data. */

import type { ShiftColumns, TokenColumns } from "../../analysis/token-table.ts";
import type { HeatMeasure } from "./colors.ts";
import type { HeatMapPayload, HeatModel, HeatNumber, HeatReading, HeatTop } from "./payload.ts";

/** Of longer lists the rest is not shown. */
const mostLikeliest = 8;

/** What of a table is shown, and how. */
export interface FromTableOptions {
  readonly measure: HeatMeasure;
  /** Nats at which the colour is strongest. */
  readonly limit: number;
  /** Indices of the texts. */
  readonly sequences: readonly number[];
  readonly models: readonly ShiftColumns[];
}

/**
 * Gathers the rows of some texts and the texts of their tokens.
 *
 * @example
 * payloadOf(table, { measure: "kl", limit: 3, sequences: [0], models: table.models }).source; // "demonstrations"
 */
export function payloadOf(table: TokenColumns, options: FromTableOptions): HeatMapPayload {
  const { measure, limit, sequences, models } = options;
  const pieces = createPieces(table.decode);
  const rows = sequences.flatMap((sequence) => rowsOf(table, sequence));
  const at = { rows, indexOf: pieces.indexOf };
  const advantages = rows.map((row) => table.advantages?.[row] ?? Number.NaN);
  const sources = [...new Set(sequences.map((sequence) => sourceOf(table, sequence)))];
  const nameOf = (sequence: number) => `text ${sequence}${sources.length > 1 ? ` · ${sourceOf(table, sequence)}` : ""}`;
  const known = advantages.filter((value) => !Number.isNaN(value));
  return {
    version: 1,
    source: sources.join(" and "),
    caption: `${sequences.length} of ${table.prompts.length} texts shown; base: ${table.base.name}; prompts in grey`,
    measure,
    limits: { deltaLogprob: limit, kl: limit, entropy: limit, advantage: advantageLimit(known) },
    texts: sequences.map((sequence) => ({
      name: nameOf(sequence),
      ...textOf(table, { sequence, indexOf: at.indexOf }),
    })),
    base: readingOf(table.base, at),
    models: models.map((model) => modelOf(model, at)),
    ...(known.length > 0 && { advantages: advantages.map(heatNumber) }),
    pieces: pieces.all,
  };
}

/** Token texts, each once, in the order of their first use. */
function createPieces(decode: (id: number) => string) {
  const all: string[] = [];
  const known = new Map<number, number>();
  const indexOf = (id: number) => {
    const found = known.get(id);
    if (found !== undefined) return found;
    known.set(id, all.length);
    return all.push(decode(id)) - 1;
  };
  return { all, indexOf };
}

/** Whose text a sequence is. */
function sourceOf(table: TokenColumns, sequence: number) {
  return table.sources?.[table.sourceIds?.[sequence] ?? 0] ?? table.source;
}

function rowsOf({ offsets }: TokenColumns, sequence: number) {
  const [first, end] = [offsets[sequence]!, offsets[sequence + 1]!];
  return Array.from({ length: end - first }, (_, t) => first + t);
}

function textOf(table: TokenColumns, { sequence, indexOf }: { sequence: number; indexOf(id: number): number }) {
  return {
    prompt: Array.from(table.prompts[sequence]!, indexOf),
    tokens: rowsOf(table, sequence).map((row) => indexOf(table.tokens[row]!)),
  };
}

interface At {
  readonly rows: readonly number[];
  readonly indexOf: (id: number) => number;
}

function readingOf(model: TokenColumns["base"], { rows, indexOf }: At): HeatReading {
  return {
    name: model.name,
    logprobs: picked(model.logprobs, rows),
    entropies: picked(model.entropies, rows),
    ranks: ranksOf(model.ranks, rows),
    firstChoices: rows.map((row) => indexOf(model.greedyTokens[row]!)),
    ...(model.topK && { top: topOf(model, { rows, indexOf }) }),
  };
}

function topOf({ topK = 0, topIds, topLogprobs }: TokenColumns["base"], { rows, indexOf }: At): HeatTop {
  const count = Math.min(topK, mostLikeliest);
  const places = rows.flatMap((row) => Array.from({ length: count }, (_, k) => row * topK + k));
  return { count, pieces: places.map((at) => indexOf(topIds![at]!)), logprobs: picked(topLogprobs!, places) };
}

/** A name that ends in "@40" is the checkpoint of step 40. */
function modelOf(model: ShiftColumns, at: At): HeatModel {
  const { rows } = at;
  const [, name, step] = /^(.+)@(\d{1,9})$/s.exec(model.name) ?? [];
  return {
    ...readingOf(model, at),
    ...(name !== undefined && { name, step: Number(step) }),
    deltaLogprobs: picked(model.deltaLogprobs, rows),
    kl: picked(model.kl, rows),
    baseRanks: ranksOf(model.baseRanks, rows),
  };
}

function picked(values: ArrayLike<number>, rows: readonly number[]) {
  return rows.map((row) => heatNumber(values[row]!));
}

/** 0 is not known. */
function ranksOf(ranks: Int32Array, rows: readonly number[]) {
  return rows.map((row) => ranks[row]! || null);
}

function heatNumber(value: number): HeatNumber {
  if (Number.isNaN(value)) return null;
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  return Number(value.toPrecision(4));
}

/** The largest advantage in absolute value, so that the colours use their whole range. */
function advantageLimit(values: readonly number[]) {
  const largest = values.reduce(
    (most, value) => (Math.abs(value) < Infinity ? Math.max(most, Math.abs(value)) : most),
    0,
  );
  return largest > 0 ? Number(largest.toPrecision(2)) : 1;
}
