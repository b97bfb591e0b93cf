/** Tells an error in the coordinates of cells: `cell [5], line 3`, without the kernel's and Node's own frames. */

import { join, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { CellSyntaxError } from "../cell/cell.ts";
import { constantMessage } from "../cell/constants.ts";
import type { CellError } from "../link.ts";

/** What a traceback needs to know of a cell that ran. */
export interface KnownCell {
  /** The number shown beside the cell. */
  readonly count: number;
  readonly source: string;
  originalLine(line: number, column: number): number;
}

/** Cells by number, as in their file names. */
export type KnownCells = ReadonlyMap<number, KnownCell>;

/** The name a cell's script has in V8's stack traces. */
export const cellFile = (cell: number) => `srft-cell-${cell}.ts`;

/** Characters of a line that an excerpt shows. */
const longestLine = 160;

const place = /(?:file:\/\/\/?)?srft-cell-(\d+)\.ts:(\d+):(\d+)/g;
/** The kernel's compiled files and, as source maps have it, their sources. */
const ownFolders = [join(import.meta.dirname, ".."), join(import.meta.dirname, "../../../kernel")];
const ownFrames = ownFolders.flatMap((folder) => [`${pathToFileURL(folder).href}/`, `${folder}${sep}`]);

/**
 * Describes whatever a cell threw.
 *
 * @param current The cell that failed, for syntax errors.
 * @example
 * describeError(new TypeError("no"), new Map()).ename; // "TypeError"
 */
export function describeError(error: unknown, cells: KnownCells, current?: KnownCell): CellError {
  const { ename, evalue } = nameAndValue(error);
  if (error instanceof CellSyntaxError && current) return syntaxTraceback(error, current);
  const traceback = [...stackLines(error, cells), ...excerptOf(error, cells)];
  return { ename, evalue, traceback: [`\u001b[31m${traceback[0]}\u001b[39m`, ...traceback.slice(1)] };
}

/**
 * An error's stack in cell coordinates, with its causes; for text, not for a traceback.
 *
 * @example
 * cleanStack(new TypeError("no"), new Map()); // "TypeError: no…"
 */
export function cleanStack(error: unknown, cells: KnownCells): string {
  return stackLines(error, cells).join("\n");
}

/**
 * Text in which stacks may stand, as of a printed error, with them in cell coordinates.
 *
 * @example
 * cleanText("done", new Map()); // "done"
 */
export function cleanText(text: string, cells: KnownCells): string {
  return text.includes("srft-cell-") ? cleanLines(text.split("\n"), cells).join("\n") : text;
}

const cleanLines = (lines: readonly string[], cells: KnownCells) =>
  lines.filter((line) => !isOwnFrame(line) && !isWrapper(line, cells)).map((line) => inCells(line, cells));

function nameAndValue(error: unknown) {
  if (!(error instanceof Error)) return { ename: "Thrown", evalue: safely(() => inspect(error), "a value") };
  return {
    ename: safely(() => String(error.name), "Error"),
    evalue: constantMessage(safely(() => String(error.message), "")),
  };
}

function safely<Value>(read: () => Value, otherwise: Value): Value {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

function stackLines(error: unknown, cells: KnownCells, depth = 0): string[] {
  const { ename, evalue } = nameAndValue(error);
  if (!(error instanceof Error)) return [`Thrown: ${evalue}`];
  const stack = safely(() => error.stack, undefined);
  const text = typeof stack === "string" && stack !== "" ? constantMessage(stack) : `${ename}: ${evalue}`;
  const decoration = text.startsWith("srft-cell-") ? text.indexOf(`\n${ename}`) + 1 : 0;
  const lines = cleanLines(text.slice(decoration).split("\n"), cells);
  if (depth >= 5) return lines;
  return [...lines, ...causesOf(error).flatMap((cause) => causeLines(stackLines(cause, cells, depth + 1)))];
}

function causesOf(error: Error): unknown[] {
  const cause = safely(() => error.cause, undefined);
  const errors = error instanceof AggregateError ? safely(() => [...error.errors], []) : [];
  return [...errors.slice(0, 5), ...(cause === undefined ? [] : [cause])];
}

const causeLines = ([first, ...rest]: string[]) => [`Caused by: ${first}`, ...rest];

const isOwnFrame = (line: string) =>
  /^\s+at /.test(line) && (/\(?node:/.test(line) || ownFrames.some((folder) => line.includes(folder)));

function isWrapper(line: string, cells: KnownCells) {
  const [frame] = line.matchAll(place);
  return frame !== undefined && lineOf(frame, cells) === 0;
}

const lineOf = ([, cell, row, column]: RegExpExecArray | RegExpMatchArray, cells: KnownCells) =>
  cells.get(Number(cell))?.originalLine(Number(row), Number(column) - 1);

function inCells(line: string, cells: KnownCells) {
  return line.replace(place, (found, cell: string, row: string, column: string) => {
    const known = cells.get(Number(cell));
    return known ? `cell [${known.count}], line ${known.originalLine(Number(row), Number(column) - 1)}` : found;
  });
}

function excerptOf(error: unknown, cells: KnownCells): string[] {
  if (!(error instanceof Error)) return [];
  const stack = safely(() => String(error.stack), "");
  const frame = [...stack.matchAll(place)].find((found) => lineOf(found, cells));
  const cell = frame && cells.get(Number(frame[1]));
  return frame && cell ? ["", ...excerpt(cell, lineOf(frame, cells)!)] : [];
}

function excerpt({ count, source }: KnownCell, line: number) {
  const lines = source.split("\n");
  const first = Math.max(1, line - 2);
  const shown = lines.slice(first - 1, line + 2).map((text, index) => {
    const number = first + index;
    return `${number === line ? ">" : " "} ${String(number).padStart(3)} | ${clip(text, 0)}`;
  });
  return [`cell [${count}], line ${line}`, ...shown];
}

/** The part of a long line that shows a place. */
const clip = (text: string, column: number) => text.slice(windowStart(column), windowStart(column) + longestLine);

const windowStart = (column: number) => Math.max(0, column - longestLine + 20);

function syntaxTraceback(error: CellSyntaxError, cell: KnownCell): CellError {
  const lines = excerpt(cell, error.line);
  const marked = lines.findIndex((line) => line.startsWith(">"));
  const text = cell.source.split("\n")[error.line - 1] ?? "";
  lines[marked] = `> ${String(error.line).padStart(3)} | ${clip(text, error.column)}`;
  lines.splice(marked + 1, 0, `      | ${" ".repeat(error.column - windowStart(error.column))}^`);
  const head = `\u001b[31mSyntaxError: ${error.message}\u001b[39m`;
  return { ename: "SyntaxError", evalue: `${error.message} (line ${error.line})`, traceback: [head, ...lines] };
}
