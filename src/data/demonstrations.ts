/**
 * Demonstrations and prompts from JSONL and Parquet files, streamed: a line or a row group in memory at a time.
 * A row that does not hold what its layout says stops the reading, unless it is asked to skip and report it.
 */

import { readJsonl } from "./files/jsonl.ts";
import {
  type ColumnProblem,
  type Demonstration,
  type DemonstrationLayout,
  demonstrationIn,
  layoutOf,
  readColumns,
} from "./files/layouts.ts";
import { isParquet, readParquet } from "./files/parquet.ts";

export type { ChatMessage, Demonstration, DemonstrationLayout } from "./files/layouts.ts";

/** How to read, and what to do with malformed rows. */
export interface DemonstrationOptions {
  /** Default: told from the columns of the first row. */
  readonly layout?: DemonstrationLayout;
  /** Default "throw". */
  readonly onMalformed?: "throw" | "skip";
  /** Bytes of a JSONL line, at most. Default 16 MiB. */
  readonly longestLine?: number;
}

/** A row that was left out, and why. */
export interface MalformedRow {
  readonly file: string;
  /** JSONL: line from 1. Parquet: row from 0. */
  readonly line: number;
  /** Absent if the whole line does not parse. */
  readonly column?: string;
  readonly problem: string;
}

/** Demonstrations in the order of the file; `skipped` grows while they are read. */
export interface DemonstrationReader extends AsyncGenerator<Demonstration, void, void> {
  readonly skipped: readonly MalformedRow[];
}

/** The first malformed row, where rows are not skipped. */
export class MalformedRowError extends SyntaxError {
  readonly row: MalformedRow;

  constructor(row: MalformedRow, reader = "readDemonstrations") {
    const place = `${row.file}, line ${row.line}${row.column ? `, column ${row.column}` : ""}`;
    super(`${reader}: ${row.problem} in ${place}; onMalformed: "skip" goes on without such rows`);
    this.name = "MalformedRowError";
    this.row = row;
  }
}

/**
 * Reads a file of demonstrations or prompts. Whether it is Parquet is told from its first bytes. Of Parquet only the
 * columns of the layouts are decoded, a row group at a time: files written in one large group need its memory.
 *
 * @param file A path.
 * @returns Demonstrations, and in `skipped` the rows that were left out.
 * @throws {MalformedRowError} While reading, at the first malformed row, unless they are skipped.
 * @throws {TypeError} While reading, if the columns are those of no layout.
 * @throws {SyntaxError} While reading, if a Parquet file is damaged.
 * @throws {RangeError} If longestLine is no positive integer.
 * @example
 * const prompts = [];
 * for await (const { prompt } of readDemonstrations("demonstrations.jsonl")) prompts.push(prompt);
 */
export function readDemonstrations(file: string, options: DemonstrationOptions = {}): DemonstrationReader {
  const { onMalformed = "throw", longestLine = 2 ** 24 } = options;
  if (!(Number.isInteger(longestLine) && longestLine >= 1)) {
    throw new RangeError(`readDemonstrations: expected an integer longestLine >= 1 but found ${longestLine}`);
  }
  if (onMalformed !== "throw" && onMalformed !== "skip") {
    throw new TypeError(`readDemonstrations: expected onMalformed throw or skip but found ${onMalformed}`);
  }
  const skipped: MalformedRow[] = [];
  const reject = (row: MalformedRow) => {
    if (onMalformed === "throw") throw new MalformedRowError(row);
    skipped.push(row);
  };
  return Object.assign(demonstrationsIn({ file, longestLine, layout: options.layout, reject }), { skipped });
}

interface Reading {
  readonly file: string;
  readonly longestLine: number;
  readonly layout: DemonstrationLayout | undefined;
  readonly reject: (row: MalformedRow) => void;
}

async function* demonstrationsIn({
  file,
  longestLine,
  layout,
  reject,
}: Reading): AsyncGenerator<Demonstration, void, void> {
  const rows = (await isParquet(file)) ? readParquet(file, readColumns) : readJsonl(file, { longestLine });
  let known = layout;
  for await (const row of rows) {
    if ("problem" in row) {
      reject({ file, ...row });
      continue;
    }
    known ??= layoutOf(Object.keys(row.columns));
    const found = demonstrationIn(row.columns, { layout: known, line: row.line });
    if (isProblem(found)) reject({ file, line: row.line, ...found });
    else yield found;
  }
}

const isProblem = (found: Demonstration | ColumnProblem): found is ColumnProblem => "problem" in found;
