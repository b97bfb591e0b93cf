/** Notebooks as files: nbformat 4, read with checks, written whole or not at all. */

import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { MimeBundle } from "../link.ts";

/** Text as nbformat has it: whole, or a list of lines with their ends. */
export type MultilineText = string | string[];

/** One output of a code cell. */
export type CellOutput =
  | { output_type: "stream"; name: "stdout" | "stderr"; text: MultilineText }
  | { output_type: "display_data"; data: MimeBundle; metadata: MimeBundle }
  | { output_type: "execute_result"; data: MimeBundle; metadata: MimeBundle; execution_count: number | null }
  | { output_type: "error"; ename: string; evalue: string; traceback: string[] };

/** A cell; fields we do not know stay as they are. */
export interface NotebookCell {
  cell_type: "code" | "markdown" | "raw";
  source: MultilineText;
  metadata: Record<string, unknown>;
  attachments?: Record<string, MimeBundle>;
  execution_count?: number | null;
  outputs?: CellOutput[];
}

/** A notebook of nbformat 4. */
export interface Notebook {
  nbformat: number;
  nbformat_minor: number;
  metadata: Record<string, unknown> & { kernelspec?: { name?: string; language?: string }; title?: string };
  cells: NotebookCell[];
}

/** Names under which notebooks ask for this kernel. */
const ownKernels = ["srft"];

/**
 * Reads a notebook and checks that it is one of ours.
 *
 * @throws {SyntaxError} If the file is not JSON or not nbformat 4. @throws {TypeError} If it asks for another kernel.
 * @example
 * readNotebook("notebooks/01-srft-in-five-minutes.ipynb").cells.length;
 */
export function readNotebook(path: string): Notebook {
  const notebook = parseNotebook(readText(path), path);
  const asked = notebook.metadata.kernelspec?.name ?? foreignLanguage(notebook);
  if (asked !== undefined && !ownKernels.includes(asked))
    throw new TypeError(
      `readNotebook: expected the kernel srft but found ${asked} in ${path}; choose "TypeScript (srft)" in your notebook editor and save`,
    );
  return notebook;
}

/** The language of a notebook that names no kernel, where it is not ours. */
function foreignLanguage({ metadata }: Notebook) {
  const { name } = (metadata.language_info ?? {}) as { name?: string };
  return name === undefined || /^(type|java)script$/.test(name) ? undefined : name;
}

function readText(path: string) {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new TypeError(`readNotebook: expected a notebook but found ${(error as Error).message}`);
  }
}

function parseNotebook(text: string, path: string): Notebook {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new SyntaxError(
      `readNotebook: expected a notebook (JSON) in ${path} but found text that is not: ${(error as Error).message}`,
    );
  }
  const complaint = complaintAbout(value);
  if (complaint) throw new SyntaxError(`readNotebook: expected ${complaint} in ${path}`);
  return value as Notebook;
}

/** What a value lacks to be a notebook: "WHAT but found VALUE". */
function complaintAbout(value: unknown): string | undefined {
  if (!isRecord(value)) return `a notebook object but found ${kindOf(value)}`;
  if (value.nbformat !== 4) return `nbformat 4 but found ${JSON.stringify(value.nbformat) ?? "none"}`;
  if (!isRecord(value.metadata)) return `metadata but found ${kindOf(value.metadata)}`;
  if (!Array.isArray(value.cells)) return `a list of cells but found ${kindOf(value.cells)}`;
  for (const [index, cell] of value.cells.entries()) {
    const complaint = complaintAboutCell(cell);
    if (complaint) return `cell ${index + 1} to have ${complaint}`;
  }
  return undefined;
}

function complaintAboutCell(cell: unknown): string | undefined {
  if (!isRecord(cell)) return `fields but found ${kindOf(cell)}`;
  if (!["code", "markdown", "raw"].includes(cell.cell_type as string))
    return `cell_type code, markdown or raw but found ${JSON.stringify(cell.cell_type)}`;
  const isText = typeof cell.source === "string" || (Array.isArray(cell.source) && cell.source.every(isString));
  if (!isText) return `text as source but found ${kindOf(cell.source)}`;
  if (!isRecord(cell.metadata)) return `metadata but found ${kindOf(cell.metadata)}`;
  if (cell.cell_type === "code" && cell.outputs !== undefined && !Array.isArray(cell.outputs))
    return `a list of outputs but found ${kindOf(cell.outputs)}`;
  return undefined;
}

const isString = (value: unknown) => typeof value === "string";

const isRecord = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === "object" && !Array.isArray(value);

const kindOf = (value: unknown) => (value === null ? "null" : Array.isArray(value) ? "a list" : typeof value);

/** Multi-line text as one string. */
export const joined = (text: MultilineText): string => (Array.isArray(text) ? text.join("") : text);

/** A string as the list of lines that nbformat writes. */
export const splitLines = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+/g) ?? [];

/**
 * The notebook as the text of its file: one space of indentation, text as lists of lines.
 *
 * @example
 * formatNotebook({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [] }); // "{\n \"nbformat\": 4,…}\n"
 */
export function formatNotebook(notebook: Notebook): string {
  const cells = notebook.cells.map((cell) => ({
    ...cell,
    source: splitLines(joined(cell.source)),
    ...(cell.outputs ? { outputs: cell.outputs.map(splitOutput) } : {}),
  }));
  return `${JSON.stringify({ ...notebook, cells }, null, 1)}\n`;
}

function splitOutput(output: CellOutput): CellOutput {
  if (output.output_type === "stream") return { ...output, text: splitLines(joined(output.text)) };
  if (output.output_type === "error") return output;
  const data = Object.entries(output.data).map(([mime, value]) => [
    mime,
    typeof value === "string" && isTextType(mime) ? splitLines(value) : value,
  ]);
  return { ...output, data: Object.fromEntries(data) };
}

const isTextType = (mime: string) => mime.startsWith("text/") || mime === "image/svg+xml";

/**
 * Writes a file so that a reader sees the old one or the whole new one: temporary file, fsync, rename.
 *
 * @example
 * writeAtomically("out/01.ipynb", formatNotebook(notebook));
 */
export function writeAtomically(path: string, text: string): void {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    const file = openSync(temporary, "w");
    try {
      writeAll(file, Buffer.from(text));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function writeAll(file: number, bytes: Uint8Array) {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
}

/**
 * Checks, before any work is done for it, that a file can be written, and makes its folder.
 *
 * @throws {TypeError} If its folder cannot be made or written to, or if it is a folder itself.
 * @example
 * checkWritable("out/01.ipynb");
 */
export function checkWritable(path: string): void {
  const folder = dirname(resolve(path));
  const probe = join(folder, `.srft-${process.pid}.tmp`);
  try {
    mkdirSync(folder, { recursive: true });
    closeSync(openSync(probe, "w"));
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw new Error("a folder of that name");
  } catch (error) {
    throw new TypeError(`run: expected to write ${path} but found ${(error as Error).message}`);
  } finally {
    rmIfThere(probe);
  }
}

function rmIfThere(path: string) {
  try {
    rmSync(path, { force: true });
  } catch {} // its folder is none
}
