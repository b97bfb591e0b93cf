/** Fingerprints of files that may be larger than memory. */

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";

/**
 * SHA-256 over the bytes of files, one after the other, in hexadecimal.
 *
 * @throws {Error} If a file cannot be read.
 * @example
 * await hashFiles(["models/tiny-qwen2/model.safetensors"]); // 64 hexadecimal digits
 */
export async function hashFiles(files: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const file of files) for await (const piece of createReadStream(file)) hash.update(piece as Buffer);
  return hash.digest("hex");
}
