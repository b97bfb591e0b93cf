/** Rows of a JSONL file, one line in memory at a time. */

import { createReadStream } from "node:fs";
import type { FileRow } from "./rows.ts";

const newline = 0x0a;

/** Bounds of the reading. */
export interface JsonlOptions {
  /** Bytes of a line, at most. */
  readonly longestLine: number;
}

/**
 * The rows of a JSONL file with their line numbers, from 1. Blank lines are not rows. A line that is too long, is no
 * UTF-8 or no JSON object comes as a row with a problem.
 *
 * @throws {Error} If the file cannot be read.
 */
export async function* readJsonl(file: string, { longestLine }: JsonlOptions): AsyncGenerator<FileRow> {
  let line = 1;
  let parts: Buffer[] = [];
  let length = 0;
  const row = () => (length > longestLine ? tooLong(line, longestLine) : parseLine(Buffer.concat(parts), line));
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      length += end - start;
      if (length <= longestLine) parts.push(chunk.subarray(start, end));
      const found = row();
      if (found) yield found;
      [parts, length, line, start] = [[], 0, line + 1, end + 1];
    }
    length += chunk.length - start;
    if (length <= longestLine) parts.push(chunk.subarray(start));
    else parts = [];
  }
  const last = row();
  if (last) yield last;
}

const tooLong = (line: number, longestLine: number): FileRow => ({
  line,
  problem: `expected a line of at most ${longestLine} bytes but found a longer one`,
});

function parseLine(bytes: Buffer, line: number): FileRow | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes).trim();
    if (text === "") return undefined;
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return { line, columns: value as Readonly<Record<string, unknown>> };
    }
    return { line, problem: `expected a JSON object but found ${Array.isArray(value) ? "an array" : typeof value}` };
  } catch (error) {
    return { line, problem: `expected JSON but found a line that does not parse (${(error as Error).message})` };
  }
}
