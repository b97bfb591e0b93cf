/**
 * What was executed, for the front end's search and arrow keys: one JSON line a cell in a file of the user's, shared
 * by all kernels and bounded. A file that cannot be read or written costs the history, never the kernel.
 */

import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { thisMachine, userDataFolder } from "../install.ts";
import { writeAtomically } from "../notebook/notebook.ts";

/** One executed cell. */
export interface Entry {
  readonly session: number;
  readonly line: number;
  readonly source: string;
  /** Text of its value, of this session's cells only. */
  output?: string;
}

/** What a front end asks for. */
export interface HistoryQuery {
  readonly hist_access_type?: unknown;
  readonly output?: unknown;
  readonly n?: unknown;
  readonly session?: unknown;
  readonly start?: unknown;
  readonly stop?: unknown;
  readonly pattern?: unknown;
  readonly unique?: unknown;
}

/** `[session, line, input]`, or `[session, line, [input, output]]` where outputs are asked for. */
export type HistoryItem = readonly [number, number, string | readonly [string, string | null]];

/** The history of one kernel and of those before it. */
export interface History {
  add(line: number, source: string): void;
  /** Notes the value of the latest cell. */
  addOutput(line: number, text: string): void;
  find(query: HistoryQuery): HistoryItem[];
}

/** A file of more cells than this is cut to half as many when a kernel starts. */
const mostEntries = 10_000;

/** A longer cell is not kept, in characters. */
const longestCell = 100_000;

/**
 * Where the history lies: SRFT_HISTORY, or a file beside Jupyter's data; an empty SRFT_HISTORY keeps none.
 *
 * @example
 * historyFile({ platform: "linux", home: "/home/ada", env: { SRFT_HISTORY: "h.jsonl" } }); // "h.jsonl"
 */
export const historyFile = (machine = thisMachine()): string =>
  machine.env.SRFT_HISTORY ?? join(userDataFolder(machine), "srft-history.jsonl");

/**
 * Opens a history.
 *
 * @param file Path of the JSONL file; an empty one keeps the history in memory only.
 * @example
 * const history = openHistory("");
 * history.add(1, "1 + 1");
 * history.find({ hist_access_type: "tail", n: 5 }); // [[1, 1, "1 + 1"]]
 */
export function openHistory(file: string): History {
  const entries = readEntries(file);
  makeFolder(file);
  const session = entries.reduce((latest, entry) => Math.max(latest, entry.session), 0) + 1;
  return {
    add(line, source) {
      if (source.length > longestCell || source.trim() === "") return;
      entries.push({ session, line, source });
      append(file, { session, line, source });
    },
    addOutput(line, text) {
      const entry = entries.at(-1);
      if (entry?.session === session && entry.line === line) entry.output = text.slice(0, 10_000);
    },
    find: (query) => select(entries, session, query).map((entry) => itemOf(entry, query.output === true)),
  };
}

function select(entries: readonly Entry[], session: number, query: HistoryQuery): readonly Entry[] {
  const n = typeof query.n === "number" && query.n >= 0 ? query.n : mostEntries;
  switch (query.hist_access_type) {
    case "tail":
      return lastOf(entries, n);
    case "search":
      return lastOf(search(entries, query), n);
    case "range":
      return range(entries, session, query);
    default:
      return [];
  }
}

const lastOf = (entries: readonly Entry[], n: number) => entries.slice(Math.max(0, entries.length - n));

function search(entries: readonly Entry[], { pattern, unique }: HistoryQuery) {
  const matches = globMatcher(typeof pattern === "string" ? pattern : "*");
  const found = entries.filter(({ source }) => matches(source));
  return unique === true ? [...new Map(found.map((entry) => [entry.source, entry])).values()] : found;
}

/** Session 0 is this one, negative ones count back from it; `stop` is not included. */
function range(entries: readonly Entry[], current: number, { session, start, stop }: HistoryQuery) {
  const asked = typeof session === "number" ? session : 0;
  const wanted = asked > 0 ? asked : current + asked;
  const [from, to] = [typeof start === "number" ? start : 0, typeof stop === "number" ? stop : Infinity];
  return entries.filter((entry) => entry.session === wanted && entry.line >= from && entry.line < to);
}

/** `*` stands for any text, `?` for one character; linear in the text for each star. */
function globMatcher(pattern: string) {
  const pieces = pattern.split(/\*+/);
  const [first = [], ...rest] = pieces.map((piece) => Array.from(piece));
  const last = rest.pop();
  return (source: string) => {
    const text = Array.from(source);
    if (!fits(text, 0, first)) return false;
    if (last === undefined) return text.length === first.length;
    let at = first.length;
    for (const piece of rest) {
      while (at + piece.length <= text.length && !fits(text, at, piece)) at++;
      at += piece.length;
    }
    return at + last.length <= text.length && fits(text, text.length - last.length, last);
  };
}

const fits = (text: readonly string[], at: number, piece: readonly string[]) =>
  piece.every((character, index) => (character === "?" ? at + index < text.length : text[at + index] === character));

const itemOf = ({ session, line, source, output }: Entry, withOutput: boolean): HistoryItem => [
  session,
  line,
  withOutput ? [source, output ?? null] : source,
];

function readEntries(file: string): Entry[] {
  if (file === "") return [];
  try {
    const entries = readFileSync(file, "utf8").split("\n").flatMap(parseLine);
    if (entries.length <= mostEntries) return entries;
    const kept = entries.slice(-mostEntries / 2);
    writeAtomically(file, kept.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
    return kept;
  } catch {
    return [];
  }
}

/** Half a line, left by a crash or by another program, is passed over. */
function parseLine(text: string): Entry[] {
  try {
    const { session, line, source } = JSON.parse(text) as Entry;
    return Number.isInteger(session) && Number.isInteger(line) && typeof source === "string"
      ? [{ session, line, source }]
      : [];
  } catch {
    return [];
  }
}

function makeFolder(file: string) {
  try {
    if (file !== "") mkdirSync(dirname(file), { recursive: true });
  } catch {} // a read-only home
}

function append(file: string, entry: Entry) {
  if (file === "") return;
  try {
    appendFileSync(file, `${JSON.stringify(entry)}\n`);
  } catch {} // a full disk or a read-only home: this session's history is in memory
}
