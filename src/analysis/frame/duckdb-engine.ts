/** Answers a frame's questions by DuckDB: on Parquet files as they are, or on columns that are copied into it. */

import type { DuckDBConnection, DuckDBValue } from "@duckdb/node-api";
import type { LongColumn, LongColumns } from "./long-columns.ts";
import type { Condition, Conditions, FrameEngine, FrameRow, FrameValue, Summary } from "./query.ts";

const chunkRows = 2048;

async function loadDuckDb() {
  try {
    return await import("@duckdb/node-api");
  } catch (cause) {
    throw new Error("TokenFrame: expected DuckDB but it is not installed: npm i @duckdb/node-api", { cause });
  }
}

/** The error of a file whose rows do not say whose text they are. */
export const sourceless = (file: string) =>
  new TypeError(
    `openTokenFrame: expected a column source but found none in ${file}: say whose text it is, { source: "…" }`,
  );

/** An engine on a Parquet file. */
export async function openParquet(file: string, source: string | undefined): Promise<FrameEngine> {
  const { DuckDBInstance } = await loadDuckDb();
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const scan = `read_parquet(${literal(file)}, file_row_number = true)`;
  const described = await rowsOf(connection, `DESCRIBE SELECT * FROM ${scan}`).catch((cause: Error) => {
    connection.closeSync();
    throw new SyntaxError(`openTokenFrame: expected a Parquet file but found ${cause.message}`, { cause });
  });
  const types = described.filter(({ column_name }) => column_name !== "file_row_number");
  const hasSource = types.some(({ column_name }) => column_name === "source");
  if (!hasSource && source === undefined) {
    connection.closeSync();
    throw sourceless(file);
  }
  const extra = hasSource ? "" : `${literal(source!)} AS source, `;
  await connection.run(`CREATE VIEW tokens AS SELECT ${extra}*, file_row_number AS srft_row FROM ${scan}`);
  const columns = types.map(({ column_name, column_type }) => ({ name: `${column_name}`, type: `${column_type}` }));
  const all = hasSource ? columns : [{ name: "source", type: "VARCHAR" }, ...columns];
  return engineOn(connection, { columns: all, row: "srft_row", close: () => instance.closeSync() });
}

/** An engine on columns in memory, which are copied. */
export async function createDuckDbEngine({ lengths, columns }: LongColumns): Promise<FrameEngine> {
  const { DuckDBInstance } = await loadDuckDb();
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const single = [...columns].filter(([, { width = 1 }]) => width === 1);
  const types = single.map(([name, column], i) => ({ name, type: typeOf(column), enumName: `labels_${i}` }));
  for (const [i, [, { labels }]] of single.entries()) {
    if (labels)
      await connection.run(`CREATE TYPE labels_${i} AS ENUM (${[...new Set(labels)].map(literal).join(", ")})`);
  }
  const fields = types.map(({ name, type, enumName }) => `${quoted(name)} ${type === "ENUM" ? enumName : type}`);
  await connection.run(`CREATE TABLE tokens (${fields.join(", ")})`);
  await fillTable(connection, { lengths, columns: single.map(([, column]) => column) });
  return engineOn(connection, { columns: types, row: "rowid", close: () => instance.closeSync() });
}

function typeOf({ segments: [values], labels }: LongColumn) {
  if (labels) return "ENUM";
  if (values instanceof Float32Array) return "FLOAT";
  if (values instanceof Float64Array) return "DOUBLE";
  return values instanceof Uint8Array ? "UTINYINT" : "INTEGER";
}

async function fillTable(
  connection: DuckDBConnection,
  { lengths, columns }: { lengths: readonly number[]; columns: readonly LongColumn[] },
) {
  const { DuckDBDataChunk } = await loadDuckDb();
  const appender = await connection.createAppender("tokens");
  const types = columns.map((_, i) => appender.columnType(i));
  for (const [segment, length] of lengths.entries()) {
    for (let first = 0; first < length; first += chunkRows) {
      const end = Math.min(first + chunkRows, length);
      const chunk = DuckDBDataChunk.create(types, end - first);
      for (const [i, { segments, labels }] of columns.entries()) {
        const values = Array.from(segments[segment]!.subarray(first, end));
        chunk.setColumnValues(i, labels ? values.map((index) => labels[index]!) : values);
      }
      appender.appendDataChunk(chunk);
    }
  }
  appender.closeSync();
}

interface Opened {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** What numbers the rows in their order. */
  readonly row: string;
  readonly close: () => void;
}

function engineOn(connection: DuckDBConnection, { columns, row, close }: Opened): FrameEngine {
  const single = columns.filter(({ type }) => !type.includes("["));
  const isText = ({ type }: { type: string }) => type.startsWith("VARCHAR") || type.startsWith("ENUM");
  const labelNames = single.filter(isText).map(({ name }) => name);
  const key = (name: string) => (labelNames.includes(name) ? `${quoted(name)}::VARCHAR` : quoted(name));
  return {
    engine: "duckdb",
    names: single.map(({ name }) => name),
    labelNames,
    async count(where) {
      const [found] = await rowsOf(connection, `SELECT count(*) AS rows FROM tokens ${conditionOf(where)}`);
      return found!.rows as number;
    },
    summarise({ where, by, summaries }) {
      const fields = [
        ...by.map((name) => `${key(name)} AS ${quoted(name)}`),
        ...Object.entries(summaries).map(([name, summary]) => `${summaryOf(summary)} AS ${quoted(name)}`),
      ];
      const groups = by.length > 0 ? `GROUP BY ALL ORDER BY ${by.map(key).join(", ")}` : "HAVING count(*) > 0";
      return rowsOf(connection, `SELECT ${fields.join(", ")} FROM tokens ${conditionOf(where)} ${groups}`);
    },
    top({ where, count, by, order, columns: chosen }) {
      const fields = chosen.map((name) => `${key(name)} AS ${quoted(name)}`).join(", ");
      const numbers = conditionOf(where, `NOT isnan(${quoted(by)}::DOUBLE)`);
      const direction = order === "largest" ? "DESC" : "ASC";
      return rowsOf(
        connection,
        `SELECT ${fields} FROM (FROM tokens ${numbers} ORDER BY tokens.${quoted(by)} ${direction}, ${row} LIMIT ${count})`,
      );
    },
    async close() {
      connection.closeSync();
      close();
    },
  };
}

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

function summaryOf(summary: Summary) {
  if (summary === "count") return "count(*)";
  const [operation, name] = summary;
  return operation === "mean" ? `avg(${quoted(name)})` : `${operation}(${quoted(name)})`;
}

function conditionOf(where: readonly Conditions[], ...more: string[]) {
  const all = where.flatMap(Object.entries).map(([name, condition]) => clauseOf(quoted(name), condition as Condition));
  return [...all, ...more].length > 0 ? `WHERE ${[...all, ...more].join(" AND ")}` : "";
}

function clauseOf(name: string, condition: Condition): string {
  if (typeof condition === "string" || typeof condition === "number" || Array.isArray(condition)) {
    const values = [condition].flat().map((value) => (typeof value === "string" ? literal(value) : numeral(value)));
    return values.length > 0 ? `${name} IN (${values.join(", ")})` : "false";
  }
  const { from, below } = condition as { from?: number; below?: number };
  const ends = [
    from === undefined ? [] : `${name} >= ${numeral(from)}`,
    below === undefined ? [] : `${name} < ${numeral(below)}`,
  ];
  const holds = ["true", ...ends.flat()].join(" AND ");
  return `(${holds} AND NOT isnan(${name}::DOUBLE))`; // DuckDB holds NaN for larger than all numbers
}

const numeral = (value: number) => (Number.isFinite(value) ? `${value}` : `'${value}'::DOUBLE`);

async function rowsOf(connection: DuckDBConnection, sql: string): Promise<FrameRow[]> {
  const reader = await connection.runAndReadAll(sql);
  return reader.getRowObjectsJS().map((row) => {
    const entries = Object.entries(row as Record<string, DuckDBValue>);
    return Object.fromEntries(entries.map(([name, value]) => [name, plain(value)]));
  });
}

const plain = (value: DuckDBValue): FrameValue => (typeof value === "bigint" ? Number(value) : (value as FrameValue));
