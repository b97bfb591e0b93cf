/**
 * Dumps of trainers and engines as rows of one form, streamed: a line or a row group in memory at a time. The formats
 * are told from their columns; what each holds stands in text-formats.ts and token-formats.ts. A row that does not hold
 * what its format says stops the reading, unless it is asked to skip; then each is listed in `skipped`.
 */

import { readFile, stat } from "node:fs/promises";
import { extname } from "node:path";
import type { MalformedRow } from "../demonstrations.ts";
import { MalformedRowError } from "../demonstrations.ts";
import { readJsonl } from "../files/jsonl.ts";
import { isParquet, readParquet } from "../files/parquet.ts";
import type { FileRow } from "../files/rows.ts";
import { type Fields, WrongField } from "./fields.ts";
import type { DumpContent, DumpFormat, DumpRow } from "./row.ts";
import { lmEvalRows, trlRows, verlRows } from "./text-formats.ts";
import { primeRlRows, vllmRows } from "./token-formats.ts";

export type { DumpFormat, DumpRow, DumpTokens } from "./row.ts";

export interface DumpOptions {
  /** Default: told from the columns of the first row. */
  readonly format?: DumpFormat;
  /** Column of the reward. Default: verl's score, prime-rl's rewards; TRL and lm-eval have one for each function or metric. */
  readonly reward?: string;
  /** vllm: k of the requests' logprobs. Default: the most that is certain at every token. */
  readonly topK?: number;
  /** Default "throw". */
  readonly onMalformed?: "throw" | "skip";
  /** Bytes of a JSONL line or of a JSON file, at most. Default 64 MiB: a prompt's log-probs are long. */
  readonly longestLine?: number;
}

/** Rows in the order of the file; `skipped` grows while they are read. */
export interface DumpReader extends AsyncGenerator<DumpRow, void, void> {
  readonly skipped: readonly MalformedRow[];
}

const formats: readonly DumpFormat[] = ["verl", "trl", "prime-rl", "vllm", "lm-eval"];

/**
 * Reads a file that verl, TRL, prime-rl, vLLM or lm-eval wrote.
 *
 * @param file JSONL or Parquet, told from its first bytes; a name that ends in .json is one JSON text.
 * @throws {MalformedRowError} While reading, at the first malformed row, unless they are skipped.
 * @throws {TypeError} While reading, if the columns are those of no format.
 * @throws {SyntaxError} While reading, if a Parquet or JSON file is damaged.
 * @throws {RangeError} If a number is out of range.
 * @example
 * for await (const { prompt, completion, reward } of readDump("rollouts/12.jsonl")) [prompt, completion, reward]; // one text
 */
export function readDump(file: string, options: DumpOptions = {}): DumpReader {
  const { onMalformed = "throw", longestLine = 2 ** 26, format, topK } = options;
  if (!(Number.isInteger(longestLine) && longestLine >= 1)) {
    throw new RangeError(`readDump: expected an integer longestLine >= 1 but found ${longestLine}`);
  }
  if (topK !== undefined && !(Number.isInteger(topK) && topK >= 0)) {
    throw new RangeError(`readDump: expected an integer topK >= 0 but found ${topK}`);
  }
  if (onMalformed !== "throw" && onMalformed !== "skip") {
    throw new TypeError(`readDump: expected onMalformed throw or skip but found ${onMalformed}`);
  }
  if (format !== undefined && !formats.includes(format)) {
    throw new TypeError(`readDump: expected a format of ${formats.join(", ")} but found ${format}`);
  }
  const skipped: MalformedRow[] = [];
  const reject = (row: MalformedRow) => {
    if (onMalformed === "throw") throw new MalformedRowError(row, "readDump");
    skipped.push(row);
  };
  return Object.assign(rowsIn(file, { ...options, longestLine, reject }), { skipped });
}

interface Reading extends DumpOptions {
  readonly longestLine: number;
  readonly reject: (row: MalformedRow) => void;
}

async function* rowsIn(
  file: string,
  { reject, longestLine, ...options }: Reading,
): AsyncGenerator<DumpRow, void, void> {
  let { format } = options;
  for await (const row of await fileRows(file, longestLine)) {
    if ("problem" in row) {
      reject({ file, ...row });
      continue;
    }
    format ??= formatOf(Object.keys(row.columns), file);
    try {
      for (const content of contentsOf(row.columns, { ...options, format })) {
        yield { format, file, line: row.line, ...content };
      }
    } catch (error) {
      if (!(error instanceof WrongField)) throw error;
      reject({ file, line: row.line, column: error.field, problem: error.problem });
    }
  }
}

async function fileRows(file: string, longestLine: number): Promise<AsyncIterable<FileRow> | Iterable<FileRow>> {
  if (await isParquet(file)) return readParquet(file, "all", "readDump");
  if (extname(file) === ".json") return jsonRows(file, longestLine);
  return readJsonl(file, { longestLine });
}

/** A JSON file with one object or an array of them. */
async function jsonRows(file: string, longest: number): Promise<FileRow[]> {
  const { size } = await stat(file);
  if (size > longest) {
    throw new RangeError(
      `readDump: expected a JSON file of at most ${longest} bytes but found ${size} in ${file}: write one answer a line`,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    throw new SyntaxError(`readDump: expected JSON in ${file} but found what does not parse`, { cause });
  }
  return (Array.isArray(value) ? value : [value]).map((columns, i) =>
    typeof columns === "object" && columns !== null && !Array.isArray(columns)
      ? { line: i + 1, columns }
      : { line: i + 1, problem: `expected a JSON object but found ${typeof columns}` },
  );
}

function formatOf(columns: readonly string[], file: string): DumpFormat {
  const has = (...names: readonly string[]) => names.every((name) => columns.includes(name));
  if (has("schema_version", "token_ids")) return "prime-rl";
  if (has("choices")) return "vllm";
  if (has("doc_id", "resps")) return "lm-eval";
  if (has("input", "output")) return "verl";
  if (has("prompt", "completion")) return "trl";
  throw new TypeError(
    `readDump: expected the columns of verl (input, output), trl (prompt, completion), prime-rl (schema_version, token_ids), ` +
      `vllm (choices) or lm-eval (doc_id, resps) but found ${columns.join(", ") || "none"} in ${file}`,
  );
}

function contentsOf(columns: Fields, options: DumpOptions & { readonly format: DumpFormat }): DumpContent[] {
  switch (options.format) {
    case "verl":
      return verlRows(columns, options);
    case "trl":
      return trlRows(columns, options);
    case "lm-eval":
      return lmEvalRows(columns, options);
    case "prime-rl":
      return primeRlRows(columns);
    case "vllm":
      return vllmRows(columns, options);
    default:
      return options.format satisfies never;
  }
}
