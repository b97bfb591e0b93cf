/** Rows of a Parquet file, one row group in memory at a time. hyparquet is loaded only here, when the first is read. */

import { open } from "node:fs/promises";
import type { FileMetaData } from "hyparquet";
import type { FileRow } from "./rows.ts";

/**
 * Whether a file begins as Parquet files do.
 *
 * @throws {Error} If the file cannot be read.
 */
export async function isParquet(file: string): Promise<boolean> {
  await using handle = await open(file);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
  return bytesRead === 4 && buffer.toString("latin1") === "PAR1";
}

/**
 * The rows of a Parquet file with their numbers, from 0; int64 comes as BigInt, nulls as null.
 *
 * @param wanted Top-level columns to read; those that the file lacks are left out.
 * @param reader Who reads, for the errors.
 * @throws {SyntaxError} If the file is cut short, damaged or compressed in a way that is not known.
 */
export async function* readParquet(
  file: string,
  wanted: readonly string[] | "all",
  reader = "readDemonstrations",
): AsyncGenerator<FileRow> {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } = await import("hyparquet");
  const { compressors } = await import("hyparquet-compressors");
  const source = await asyncBufferFromFile(file);
  const metadata = await orDamaged(parquetMetadataAsync(source), { file, reader });
  const present = parquetSchema(metadata).children.map(({ element }) => element.name);
  const columns = present.filter((name) => wanted === "all" || wanted.includes(name));
  if (columns.length === 0) throw new TypeError(`${reader}: expected a column of ${wanted} but found ${present}`);
  for (const { rowStart, rowEnd } of rowGroups(metadata)) {
    const options = { file: source, metadata, columns, rowStart, rowEnd, compressors };
    const rows = await orDamaged(parquetReadObjects(options), { file, reader });
    for (const [i, row] of rows.entries()) yield { line: rowStart + i, columns: row };
  }
}

function rowGroups({ row_groups: groups }: FileMetaData) {
  let rowEnd = 0;
  return groups.map(({ num_rows: rows }) => {
    const rowStart = rowEnd;
    rowEnd += Number(rows);
    return { rowStart, rowEnd };
  });
}

async function orDamaged<T>(reading: Promise<T>, { file, reader }: { file: string; reader: string }): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    throw new SyntaxError(`${reader}: expected a whole Parquet file but found ${(error as Error).message} in ${file}`, {
      cause: error,
    });
  }
}
