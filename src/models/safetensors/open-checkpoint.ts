/**
 * The tensors of a checkpoint whose bytes may lie in several files: a *.safetensors file, a *.safetensors.index.json, or a
 * folder with model.safetensors or model.safetensors.index.json.
 */

import { readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { openSafetensors, type SafetensorsFile, type SafetensorsTensor } from "./safetensors.ts";

/** Open files, read a range of a tensor at a time. */
export interface Checkpoint {
  /** As it was opened, for messages. */
  readonly path: string;
  /** In the order of the files and of their bytes. */
  readonly tensors: ReadonlyMap<string, Pick<SafetensorsTensor, "dtype" | "shape">>;
  readRange(name: string, target: Float32Array, start: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens every file of a checkpoint and checks its headers; no tensor is read.
 *
 * @throws {RangeError} If a file is missing, a tensor is not in the file that the index names, or is in two.
 * @throws {SyntaxError} If the index or a header is not what the formats say.
 * @example
 * const checkpoint = await openCheckpoint("models/tiny-qwen2");
 * checkpoint.tensors.get("model.norm.weight"); // { dtype: "F16", shape: [16], … }
 * await checkpoint.close();
 */
export async function openCheckpoint(path: string): Promise<Checkpoint> {
  const { folder, files, places } = await filesOf(path);
  const opened: SafetensorsFile[] = [];
  const close = async () => {
    for (const file of opened) await file.close();
  };
  try {
    for (const file of files) opened.push(await openShard(join(folder, file), path));
    const owners = ownersOf(opened, { path, files, places });
    return {
      path,
      tensors: new Map([...owners].map(([name, file]) => [name, file.entries.get(name)!])),
      readRange: (name, target, start) => owners.get(name)!.readRange(name, target, start),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Files {
  readonly folder: string;
  readonly files: readonly string[];
  /** File of each tensor, as the index says. */
  readonly places: ReadonlyMap<string, string>;
}

async function filesOf(path: string): Promise<Files> {
  if (!(await stat(path)).isDirectory()) return path.endsWith(".json") ? readIndex(path) : single(path);
  const index = join(path, "model.safetensors.index.json");
  const sharded = await stat(index).then(
    () => true,
    () => false,
  );
  return sharded ? readIndex(index) : single(join(path, "model.safetensors"));
}

const single = (file: string): Files => ({ folder: "", files: [file], places: new Map() });

async function readIndex(file: string): Promise<Files> {
  let index: unknown;
  try {
    index = JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    throw new SyntaxError(`openCheckpoint: expected JSON in ${file}`, { cause });
  }
  const places = new Map(Object.entries(Object((index as { weight_map?: unknown } | null)?.weight_map)));
  const bad = [...places.values()].find((name) => typeof name !== "string" || !/^[\w.-]+\.safetensors$/.test(name));
  if (places.size === 0 || bad !== undefined) {
    throw new RangeError(
      `openCheckpoint: expected plain *.safetensors names in weight_map of ${file} but found ${bad ?? "none"}`,
    );
  }
  const named = places as Map<string, string>;
  return { folder: dirname(file), files: [...new Set(named.values())], places: named };
}

async function openShard(file: string, path: string): Promise<SafetensorsFile> {
  return openSafetensors(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    throw new RangeError(`openCheckpoint: expected ${file}, a part of ${path}, but found no such file`, {
      cause: error,
    });
  });
}

function ownersOf(
  opened: readonly SafetensorsFile[],
  { path, files, places }: Omit<Files, "folder"> & { path: string },
) {
  const owners = new Map<string, SafetensorsFile>();
  for (const file of opened) {
    for (const name of file.entries.keys()) {
      if (owners.has(name)) throw new RangeError(`openCheckpoint: expected ${name} once in ${path} but found it twice`);
      owners.set(name, file);
    }
  }
  for (const [name, file] of places) {
    if (owners.get(name) === opened[files.indexOf(file)]) continue;
    throw new RangeError(
      `openCheckpoint: expected ${name} in ${file}, as the index of ${path} says, but found it elsewhere or not`,
    );
  }
  return owners;
}
