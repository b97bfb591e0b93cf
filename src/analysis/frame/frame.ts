/**
 * Verbs on the rows of a token table, in memory or in a file: filter, group and summarise, top n. Typed arrays answer for
 * tables in memory and Arrow files, DuckDB (optional, `npm i @duckdb/node-api`) for Parquet files and where it is asked for.
 *
 * Rows of different sources are never averaged together: a summary over several sources throws unless it is grouped by
 * source. NaN, a value that is not known, makes sums, means and maxima NaN; `top` leaves such rows out.
 */

import { completed, type TokenColumns, type TokenTable } from "../token-table.ts";
import { createArrayEngine } from "./array-engine.ts";
import { decodeArrow } from "./arrow.ts";
import { createDuckDbEngine, openParquet, sourceless } from "./duckdb-engine.ts";
import { type LongColumns, longColumnsOf } from "./long-columns.ts";
import type { Conditions, FrameEngine, FrameRow, Summary } from "./query.ts";
import { readBounded } from "./token-file.ts";

export interface TokenFrame {
  readonly engine: "arrays" | "duckdb";
  /** Columns of one value a row. */
  readonly columns: readonly string[];
  /** Rows for which the conditions hold as well. */
  filter(conditions: Conditions): TokenFrame;
  /** Rows by the values of columns. */
  group(...columns: string[]): Pick<TokenFrame, "summarise">;
  /** One row a group, in ascending order: its values and the summaries. */
  summarise(summaries: Readonly<Record<string, Summary>>): Promise<FrameRow[]>;
  /** The rows of the n largest (or smallest) values of a column. */
  top(count: number, options: TopOptions): Promise<FrameRow[]>;
  count(): Promise<number>;
  /** Ends DuckDB, if it answers; the frames made of this one end with it. */
  close(): Promise<void>;
}

export interface TopOptions {
  readonly by: string;
  /** Default "largest". */
  readonly order?: "largest" | "smallest";
  /** Default: all. */
  readonly columns?: readonly string[];
}

export interface FrameOptions {
  /** Default "auto": DuckDB for Parquet files, typed arrays for all else. */
  readonly engine?: "auto" | "arrays" | "duckdb";
  /** Whose text the rows are of, where the file has no column `source`. */
  readonly source?: string;
  /** Largest Arrow file that is read. Default 2 GiB − 1, the most there may be. */
  readonly maxBytes?: number;
}

/**
 * A frame on a table in memory; its numbers are not copied by the typed arrays' engine.
 *
 * @throws {Error} If DuckDB is asked for and is not installed; says the command.
 * @example
 * const frame = await tokenFrame(table);
 * await frame.group("source", "model", "category").summarise({ tokens: "count", meanKl: ["mean", "kl"] });
 * (await frame.top(3, { by: "kl", columns: ["model", "token", "kl"] })).length; // 3
 */
export async function tokenFrame(table: TokenColumns, options: Pick<FrameOptions, "engine"> = {}): Promise<TokenFrame> {
  const columns = longColumnsOf("of" in table ? (table as TokenTable) : completed(table));
  return frameOf(options.engine === "duckdb" ? await createDuckDbEngine(columns) : createArrayEngine(columns));
}

/**
 * A frame on an Arrow IPC file (read whole) or a Parquet file (read by DuckDB as far as a question needs), of ours or others.
 *
 * @throws {TypeError} If rows do not say whose text they are and `source` does not either.
 * @throws {SyntaxError} If the file is neither, or damaged.
 * @throws {Error} If DuckDB is needed and not installed; says the command.
 * @example
 * await saveTokenTable(table, "tokens.arrow");
 * const frame = await openTokenFrame("tokens.arrow");
 * await frame.filter({ model: "sft", kl: { from: 0.1 } }).count();
 */
export async function openTokenFrame(file: string, options: FrameOptions = {}): Promise<TokenFrame> {
  const { engine = "auto", source } = options;
  if (/\.parquet$/i.test(file)) {
    if (engine !== "arrays") return frameOf(await openParquet(file, source));
    throw new TypeError(`openTokenFrame: expected engine "auto" or "duckdb" for a Parquet file but found "arrays"`);
  }
  const columns = withSource(decodeArrow(await readBounded(file, options.maxBytes), file), { file, source });
  return frameOf(engine === "duckdb" ? await createDuckDbEngine(columns) : createArrayEngine(columns));
}

function withSource({ lengths, columns }: LongColumns, { file, source }: { file: string; source: string | undefined }) {
  if (columns.has("source")) return { lengths, columns };
  if (source === undefined) throw sourceless(file);
  const column = { segments: lengths.map((length) => new Int32Array(length)), labels: [source] };
  return { lengths, columns: new Map([["source", column], ...columns]) };
}

function frameOf(engine: FrameEngine, where: readonly Conditions[] = [], by: readonly string[] = []): TokenFrame {
  const checked = (names: readonly string[]) => checkNames(engine, names);
  return {
    engine: engine.engine,
    columns: engine.names,
    filter(conditions) {
      checked(Object.keys(conditions));
      return frameOf(engine, [...where, conditions], by);
    },
    group(...columns) {
      checked(columns);
      return frameOf(engine, where, columns);
    },
    async summarise(summaries) {
      const names = Object.values(summaries).flatMap((summary) => (summary === "count" ? [] : [summary[1]]));
      checked(names);
      checkNumbers(engine, names);
      if (!by.includes("source")) await checkSource(engine, where);
      return engine.summarise({ where, by, summaries });
    },
    async top(count, { by: column, order = "largest", columns = engine.names }) {
      checked([column, ...columns]);
      checkNumbers(engine, [column]);
      if (!(Number.isInteger(count) && count >= 1)) {
        throw new RangeError(`TokenFrame.top: expected a positive integer but found ${count}`);
      }
      return engine.top({ where, count, by: column, order, columns });
    },
    count: () => engine.count(where),
    close: () => engine.close(),
  };
}

function checkNames({ names }: FrameEngine, wanted: readonly string[]) {
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw new RangeError(`TokenFrame: expected columns of ${names.join(", ")} but found ${unknown}`);
}

function checkNumbers({ labelNames }: FrameEngine, wanted: readonly string[]) {
  const text = wanted.find((name) => labelNames.includes(name));
  if (text === undefined) return;
  throw new TypeError(`TokenFrame: expected a column of numbers but found ${text}, which has text: group by it`);
}

async function checkSource(engine: FrameEngine, where: readonly Conditions[]) {
  const found = await engine.summarise({ where, by: ["source"], summaries: { rows: "count" } });
  if (found.length <= 1) return;
  throw new RangeError(
    `TokenFrame.summarise: expected rows of one source but found ${found.map(({ source }) => source).join(", ")}: ` +
      'numbers of different texts do not mix, group("source", …) or filter({ source })',
  );
}
