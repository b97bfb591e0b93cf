/**
 * A file of requests and their answers, one JSON object a line:
 *
 *     {"server":"9f2c…","method":"POST","path":"/v1/completions","body":{…},"answer":{…}}
 *
 * An answer is written in one piece and flushed before it is used, so a run that was killed goes on where it stopped:
 * what was answered is read, what was not is asked. A last line that the kill cut short is removed. The nth request of
 * one kind gets the nth answer of that kind, so a text that is scored twice, as for a noise floor, has two answers.
 * Neither the server's address nor any header is written, but a hash of the address: two models must not answer from one
 * file. Only the places of the answers are held in memory.
 */

import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";

/** What is asked. */
export interface Question {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: unknown;
}

export interface Recording {
  /** The next recorded answer to a question, or undefined. */
  take(question: Question): Promise<unknown | undefined>;
  add(question: Question, answer: unknown): Promise<void>;
  close(): Promise<void>;
}

interface Place {
  readonly offset: number;
  readonly length: number;
}

const newline = 0x0a;
const pieceBytes = 1 << 20;

/**
 * Opens a recording to read from it or also to add to it; then a file that is not there is made.
 *
 * @param options.server Whose answers are added.
 * @throws {SyntaxError} If a line other than a torn last one is no recorded answer.
 * @throws {RangeError} If answers are to be added to those of another server.
 * @example
 * const recording = await openRecording("recording.jsonl", { access: "add" });
 * await recording.take({ method: "GET", path: "/never-asked" }); // undefined
 * await recording.close();
 */
export async function openRecording(
  file: string,
  { access, server = "" }: { readonly access: "add" | "read"; readonly server?: string },
): Promise<Recording> {
  const handle = await openFile(file, access);
  try {
    const { places, end, servers } = await scan(handle, file);
    if (access === "read") return recordingOf({ handle, server }, places);
    const label = shortHash(server);
    if (servers.size > 0 && !servers.has(label)) throw otherServer(file);
    await handle.truncate(end);
    return recordingOf({ handle, server: label, writer: await open(file, "a") }, places);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

const shortHash = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 16);

const otherServer = (file: string) =>
  new RangeError(
    `openServer: expected a recording of this url but found one of another server in ${file}: give each server a file of its ` +
      'own; for the same model at a new url, change "server" in the file',
  );

async function openFile(file: string, access: "add" | "read"): Promise<FileHandle> {
  try {
    return await open(file, access === "add" ? "r+" : "r");
  } catch (error) {
    if (access === "add" && (error as NodeJS.ErrnoException).code === "ENOENT") return open(file, "wx+", 0o600);
    throw error;
  }
}

interface Files {
  readonly handle: FileHandle;
  /** Appends whole lines, so that several clients may add to one file. */
  readonly writer?: FileHandle;
  readonly server: string;
}

function recordingOf({ handle, writer, server }: Files, places: ReadonlyMap<string, readonly Place[]>): Recording {
  const taken = new Map<string, number>();
  let writing: Promise<unknown> = Promise.resolve();
  const write = async (bytes: Buffer) => {
    await writer!.appendFile(bytes);
    await writer!.datasync();
  };
  return {
    async take(question) {
      const key = keyOf(question);
      const count = taken.get(key) ?? 0;
      const place = places.get(key)?.[count];
      if (!place) return undefined;
      taken.set(key, count + 1);
      const line = Buffer.alloc(place.length);
      await handle.read(line, 0, place.length, place.offset);
      return (JSON.parse(line.toString("utf8")) as { answer: unknown }).answer;
    },
    add({ method, path, body }, answer) {
      const bytes = Buffer.from(`${JSON.stringify({ server, method, path, body, answer })}\n`);
      const written = writing.then(() => write(bytes));
      writing = written.catch(() => {});
      return written;
    },
    async close() {
      await writing;
      await writer?.close();
      await handle.close();
    },
  };
}

async function scan(handle: FileHandle, file: string) {
  const places = new Map<string, Place[]>();
  const servers = new Set<string>();
  let [offset, line, rest] = [0, 1, Buffer.alloc(0)];
  for (let position = 0; ; ) {
    const piece = Buffer.alloc(pieceBytes);
    const { bytesRead } = await handle.read(piece, 0, pieceBytes, position);
    if (bytesRead === 0) return { places, servers, end: offset };
    position += bytesRead;
    rest = Buffer.concat([rest, piece.subarray(0, bytesRead)]);
    let start = 0;
    for (let end = rest.indexOf(newline); end >= 0; end = rest.indexOf(newline, start)) {
      const found = questionIn(rest.subarray(start, end), `${file}, line ${line}`);
      const key = keyOf(found);
      if (found.server !== undefined) servers.add(found.server);
      places.set(key, [...(places.get(key) ?? []), { offset, length: end - start }]);
      offset += end + 1 - start;
      [start, line] = [end + 1, line + 1];
    }
    rest = rest.subarray(start);
  }
}

function questionIn(bytes: Buffer, where: string): Question & { readonly server?: string } {
  try {
    const found = JSON.parse(bytes.toString("utf8"));
    if ((found.method === "GET" || found.method === "POST") && typeof found.path === "string" && "answer" in found) {
      return found;
    }
  } catch {} // said below
  throw new SyntaxError(`openServer: expected a recorded answer but found something else in ${where}`);
}

const keyOf = ({ method, path, body }: Question) =>
  createHash("sha256")
    .update(JSON.stringify([method, path, sorted(body)]))
    .digest("base64");

/** With the names of objects in order, so that equal questions have equal texts. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, entry]) => [name, sorted(entry)]));
}
