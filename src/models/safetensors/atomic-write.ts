/**
 * Files written in one step: a reader sees the old content or the new one, never a part.
 */

import { randomUUID } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/**
 * Writes a file in one step: a new file in the same folder, flushed, then renamed; on an error the old one stays.
 *
 * @example
 * await writeAtomically("note.txt", [new TextEncoder().encode("done")]);
 */
export async function writeAtomically(file: string, parts: readonly Uint8Array[]) {
  const folder = dirname(file);
  const temporary = join(folder, `.${basename(file)}.${process.pid}-${randomUUID()}.tmp`);
  try {
    const handle = await open(temporary, "wx");
    try {
      for (const part of parts) await handle.writeFile(part);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
