/** What the verbs of a frame ask, as data, so that typed arrays and DuckDB answer the same questions. */

/** A value, one of several, or numbers from (inclusive) to below (exclusive). */
export type Condition =
  | string
  | number
  | readonly (string | number)[]
  | { readonly from?: number; readonly below?: number };

/** Conditions by column; all must hold. */
export type Conditions = Readonly<Record<string, Condition>>;

/** "count", or an operation on a column. */
export type Summary = "count" | readonly [operation: "sum" | "mean" | "min" | "max", column: string];

export type FrameValue = string | number;
export type FrameRow = Readonly<Record<string, FrameValue>>;

export interface SummaryQuery {
  readonly where: readonly Conditions[];
  readonly by: readonly string[];
  readonly summaries: Readonly<Record<string, Summary>>;
}

export interface TopQuery {
  readonly where: readonly Conditions[];
  readonly count: number;
  readonly by: string;
  readonly order: "largest" | "smallest";
  readonly columns: readonly string[];
}

/** What answers: typed arrays or DuckDB. */
export interface FrameEngine {
  readonly engine: "arrays" | "duckdb";
  /** Columns of one value a row. */
  readonly names: readonly string[];
  /** Columns of text. */
  readonly labelNames: readonly string[];
  count(where: readonly Conditions[]): Promise<number>;
  /** Groups in ascending order of their keys, labels by their text. */
  summarise(query: SummaryQuery): Promise<FrameRow[]>;
  /** Rows whose value is a number, in order; of equals the earlier row first. */
  top(query: TopQuery): Promise<FrameRow[]>;
  close(): Promise<void>;
}

/** Ascending; text by code units, as in SQL's binary collation. */
export const ascending = (a: FrameValue, b: FrameValue) => (a < b ? -1 : a > b ? 1 : 0);
