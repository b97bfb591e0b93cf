/**
 * Long columns as an Arrow IPC file (https://arrow.apache.org/docs/format/Columnar.html) and back, one record batch a segment,
 * without copying numbers. Any reader of Arrow takes the file: pyarrow.feather, polars, arquero's loadArrow.
 *
 * Reading checks what a damaged or hostile file may get wrong: types, nulls, buffers shorter than they say, label indices
 * beyond the labels. Compressed files are refused, so that a small file cannot become a large one in memory.
 */

import {
  type Batch,
  batchType,
  Column,
  columnFromArray,
  type DataType,
  dictionary,
  fixedSizeList,
  float32,
  float64,
  int32,
  Table,
  Type,
  tableFromIPC,
  tableToIPC,
  uint8,
  utf8,
  Version,
} from "@uwdata/flechette";
import { mostLabels, wrongClaim } from "./arrow-limits.ts";
import type { LongColumn, LongColumns, NumberArray } from "./long-columns.ts";

/** The file's parts, to be written one after the other. */
export function encodeArrow({ lengths, columns }: LongColumns, metadata: ReadonlyMap<string, string>): Uint8Array[] {
  const entries = [...columns].map(([name, column]) => ({ name, column: arrowColumn(column, lengths) }));
  const fields = entries.map(({ name, column: { type } }) => ({ name, type, nullable: false, metadata: new Map() }));
  const schema = { version: Version.V5, endianness: 0 as const, fields, metadata: new Map(metadata) };
  const table = new Table(
    schema,
    entries.map(({ column }) => column),
  );
  const parts: Uint8Array[] = [];
  const sink = {
    write: (bytes: Uint8Array) => void parts.push(bytes),
    pad: (count: number) => void parts.push(new Uint8Array(count)),
    finish: () => null,
  };
  tableToIPC(table, { format: "file", sink });
  return parts;
}

function arrowColumn({ segments, labels, width = 1 }: LongColumn, lengths: readonly number[]): Column<unknown> {
  const plain = plainType(segments[0]!);
  const dictionaryColumn = labels && columnFromArray([...labels], { ...utf8() }); // ids go by the type's identity
  const type = dictionaryColumn
    ? dictionary(dictionaryColumn.type, plain as ReturnType<typeof int32>)
    : width > 1
      ? fixedSizeList(plain, width)
      : plain;
  const batches = segments.map((values, s) => {
    const numbers = batch(plain, values.length, { values });
    if (width > 1) return batch(type, lengths[s]!, { children: [numbers] });
    const own = batch(type, lengths[s]!, { values });
    return dictionaryColumn ? (own as unknown as Labelled).setDictionary(dictionaryColumn) : own;
  });
  return new Column(batches, type);
}

type Labelled = Batch<unknown> & { setDictionary(labels: Column<unknown>): Batch<unknown> };
type BatchParts = { values?: NumberArray; children?: Batch<unknown>[] };

function batch(type: DataType, length: number, parts: BatchParts): Batch<unknown> {
  const BatchOfType = batchType(type) as unknown as new (options: object) => Batch<unknown>;
  return new BatchOfType({ length, nullCount: 0, type, validity: new Uint8Array(0), ...parts });
}

function plainType(values: NumberArray): DataType {
  if (values instanceof Float32Array) return float32();
  if (values instanceof Float64Array) return float64();
  return values instanceof Int32Array ? int32() : uint8();
}

/**
 * Long columns and metadata of an Arrow IPC file.
 *
 * @throws {SyntaxError} If the bytes are no Arrow, cut short or inconsistent, or a column has a type or nulls that token
 *   tables do not have; names the column.
 */
export function decodeArrow(bytes: Uint8Array, file: string): LongColumns & { metadata: ReadonlyMap<string, string> } {
  const table = decoded(bytes, file);
  const columns = new Map<string, LongColumn>();
  const lengths = table.children[0]?.data.map(({ length }) => length) ?? [];
  for (const [i, { name }] of table.schema.fields.entries()) {
    if (columns.has(name)) throw damaged(file, `column ${name} twice`);
    columns.set(name, longColumn(table.children[i]!, { name, file, lengths }));
  }
  return { lengths, columns, metadata: table.schema.metadata ?? new Map() };
}

function decoded(bytes: Uint8Array, file: string): Table {
  try {
    const wrong = wrongClaim(bytes);
    if (wrong) throw new RangeError(wrong);
    return tableFromIPC(bytes);
  } catch (cause) {
    throw damaged(file, (cause as Error).message, cause);
  }
}

interface Place {
  readonly name: string;
  readonly file: string;
  readonly lengths: readonly number[];
}

function longColumn({ data, type }: Column<unknown>, place: Place): LongColumn {
  const { name, file, lengths } = place;
  if (data.length !== lengths.length) throw damaged(file, `${data.length} batches in column ${name}`);
  const labels = type.typeId === Type.Dictionary ? labelsOf(data[0], place) : undefined;
  const width = type.typeId === Type.FixedSizeList ? type.stride : 1;
  const segments = data.map((part, s) => {
    const numbers = type.typeId === Type.FixedSizeList ? part.children[0]! : part;
    const values = numbersOf(numbers, { count: lengths[s]! * width, place });
    if (part.length !== lengths[s] || part.nullCount > 0) {
      throw damaged(file, `${part.length} rows, ${part.nullCount} null, in batch ${s} of column ${name}`);
    }
    if (labels) checkLabels(values, labels, place);
    return values;
  });
  return { segments, ...(labels && { labels }), ...(width > 1 && { width }) };
}

function numbersOf(
  { values, nullCount }: Batch<unknown>,
  { count, place }: { count: number; place: Place },
): NumberArray {
  const known = [Float32Array, Float64Array, Int32Array, Uint8Array].some((kind) => values instanceof kind);
  if (!known || nullCount > 0) throw damaged(place.file, `column ${place.name} of another type, or with nulls`);
  if (!(values.length >= count)) throw damaged(place.file, `column ${place.name} cut short`);
  return (values as NumberArray).subarray(0, count);
}

function labelsOf(first: Batch<unknown> | undefined, { name, file }: Place): string[] {
  const column = (first as unknown as { dictionary?: Column<unknown> } | undefined)?.dictionary;
  try {
    if (!column || column.length <= mostLabels) return Array.from(column ?? [], String);
  } catch (cause) {
    throw damaged(file, `labels of column ${name} that cannot be read`, cause);
  }
  throw damaged(file, `more than ${mostLabels} labels in column ${name}`);
}

function checkLabels(values: NumberArray, labels: readonly string[], { name, file }: Place) {
  for (const index of values) {
    if (!(index >= 0 && index < labels.length))
      throw damaged(file, `label ${index} of ${labels.length} in column ${name}`);
  }
}

const damaged = (file: string, found: string, cause?: unknown) =>
  new SyntaxError(
    `token table: expected an uncompressed Arrow file of numbers and labels but found ${found} in ${file}`,
    {
      cause,
    },
  );
