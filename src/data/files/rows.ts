/** What the readers of files have in common: rows with the place where they stand. */

/** A row, or why there is none. */
export type FileRow =
  | {
      /** JSONL: line from 1. Parquet: row from 0. */
      readonly line: number;
      readonly columns: Readonly<Record<string, unknown>>;
    }
  | { readonly line: number; readonly problem: string };

/** A value as it is shown in an error: its kind and its beginning. */
export function shown(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (typeof value === "string") return value === "" ? "an empty text" : `"${value.slice(0, 40)}"`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return typeof value === "object" ? "an object" : `${typeof value} ${String(value)}`;
}
