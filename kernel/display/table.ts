/**
 * Tables of several packages, told by their shape: arquero, Arrow, danfo, polars, DuckDB. The first rows are shown, the
 * next pages fold out in HTML; no script, no style, every text escaped.
 */

import type { MimeBundle } from "../link.ts";
import { escapeHtml, plainText, round } from "./plain-text.ts";

/** Rows of a page; text shows the first page. */
const pageRows = 20;

/** Rows on all pages together; the rest is counted. */
const shownRows = 200;

/** Longest text of a value, in characters. */
const longestValue = 500;

interface Table {
  readonly names: readonly string[];
  readonly count: number;
  /** The values of the first rows. */
  readonly rows: readonly (readonly unknown[])[];
}

type Shape = Record<string, unknown>;

/**
 * The bundle of a table, or undefined for what is none.
 *
 * @example
 * tableBundle({ columns: ["a"], values: [[1]], shape: [1, 1] })?.["text/plain"]; // "a\n1\n1 rows x 1 columns"
 */
export function tableBundle(shape: Record<string, unknown>): MimeBundle | undefined {
  const table = arqueroTable(shape) ?? arrowTable(shape) ?? danfoFrame(shape) ?? polarsFrame(shape) ?? duckTable(shape);
  if (!table) return undefined;
  const { names, count } = table;
  const size = `${count.toLocaleString("en")} rows x ${names.length} columns`;
  const rows = table.rows.map((row) => row.map(cellText));
  return { "text/html": tableHtml(names, rows, size), "text/plain": tableText(names, rows.slice(0, pageRows), size) };
}

const firstRows = <Row>(count: number, row: (index: number) => Row) =>
  Array.from({ length: Math.min(shownRows, count) }, (_, index) => row(index));

interface Arquero {
  numRows(): number;
  columnNames(): string[];
  get(column: string, row: number): unknown;
}

function arqueroTable(shape: Shape): Table | undefined {
  const { numRows, numCols, columnNames, get } = shape;
  if (![numRows, numCols, columnNames, get].every((method) => typeof method === "function")) return undefined;
  const table = shape as unknown as Arquero;
  const [names, count] = [table.columnNames(), table.numRows()];
  return { names, count, rows: firstRows(count, (row) => names.map((name) => table.get(name, row))) };
}

interface Arrow {
  readonly numRows: number;
  readonly schema: { readonly fields: readonly { readonly name: string }[] };
  get(row: number): Shape | null;
}

function arrowTable(shape: Shape): Table | undefined {
  const { numRows, schema, get } = shape as Partial<Arrow>;
  if (typeof numRows !== "number" || !Array.isArray(schema?.fields) || typeof get !== "function") return undefined;
  const names = schema.fields.map(({ name }) => name);
  const rows = firstRows(numRows, (index) => {
    const row = (shape as unknown as Arrow).get(index);
    return names.map((name) => row?.[name]);
  });
  return { names, count: numRows, rows };
}

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);

function danfoFrame({ columns, values, shape }: Shape): Table | undefined {
  if (!isList(columns) || !isList(values) || !isList(shape) || shape.length !== 2) return undefined;
  const rows = values.slice(0, shownRows).map((row) => (isList(row) ? row : [row]));
  return { names: columns.map(String), count: values.length, rows };
}

interface Polars {
  readonly columns: readonly string[];
  readonly height: number;
  head(count: number): Partial<Polars> | undefined;
  toRecords(): Shape[];
}

function polarsFrame(shape: Shape): Table | undefined {
  const { columns, height, head, toRecords } = shape as Partial<Polars>;
  if (!isList(columns) || typeof height !== "number" || typeof toRecords !== "function") return undefined;
  const frame = shape as unknown as Polars;
  const first = typeof head === "function" ? frame.head(shownRows) : undefined;
  const records = first?.toRecords?.() ?? frame.toRecords().slice(0, shownRows);
  return { names: columns.map(String), count: height, rows: records.map((row) => columns.map((name) => row[name])) };
}

interface Duck {
  readonly currentRowCount: number;
  columnNames(): string[];
  getRows(): unknown[][];
}

/** What DuckDB's reader has read. */
function duckTable(shape: Shape): Table | undefined {
  const { columnNames, getRows, currentRowCount } = shape;
  if (typeof columnNames !== "function" || typeof getRows !== "function" || typeof currentRowCount !== "number")
    return undefined;
  const reader = shape as unknown as Duck;
  return { names: reader.columnNames(), count: currentRowCount, rows: reader.getRows().slice(0, shownRows) };
}

const isText = (value: unknown) => typeof value === "string" || typeof value === "bigint";

function cellText(value: unknown) {
  const text = typeof value === "number" ? String(round(value)) : isText(value) ? String(value) : plainText(value);
  return text.length > longestValue ? `${text.slice(0, longestValue)}…` : text;
}

function tableHtml(names: readonly string[], rows: readonly string[][], size: string) {
  const [first = "", ...pages] = Array.from({ length: Math.max(1, Math.ceil(rows.length / pageRows)) }, (_, page) =>
    pageHtml(names, rows.slice(page * pageRows, (page + 1) * pageRows)),
  );
  const folded = pages.map((page, index) => {
    const from = (index + 1) * pageRows;
    const to = Math.min(from + pageRows, rows.length);
    return `<details><summary>rows ${from + 1} to ${to}</summary>${page}</details>`;
  });
  return `${first}${folded.join("")}<p>${size}</p>`;
}

/** Front ends take text between dollar signs for formulas, also in a table's HTML; MathJax 3 and 2 skip what has these. */
const noMath = "mathjax_ignore tex2jax_ignore";

function pageHtml(names: readonly string[], rows: readonly string[][]) {
  const cells = (tag: string, values: readonly string[]) =>
    `<tr>${values.map((value) => `<${tag}>${escapeHtml(value)}</${tag}>`).join("")}</tr>`;
  const body = rows.map((row) => cells("td", row)).join("");
  return `<table class="${noMath}"><thead>${cells("th", names)}</thead><tbody>${body}</tbody></table>`;
}

function tableText(names: readonly string[], rows: readonly string[][], size: string) {
  const widths = names.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]!.length)));
  const line = (values: readonly string[]) =>
    values
      .map((value, column) => value.padEnd(widths[column]!))
      .join("  ")
      .trimEnd();
  return [line(names), ...rows.map(line), size].join("\n");
}
