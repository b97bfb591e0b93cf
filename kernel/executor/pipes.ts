/** What a user process and its children write to stdout and stderr, apart from the barriers between cells. */

import type { Readable } from "node:stream";
import { barrier } from "../link.ts";

/**
 * Hands on a pipe's text without the barriers in it.
 *
 * @returns A function that waits for the barrier of a cell, or of a later one.
 * @example
 * const passed = watchPipe(pipe, "nonce", (text) => texts.push(text));
 * pipe.write(`first${barrier("nonce", 1)}second`);
 * await passed(1);
 * texts[0]; // "first"
 */
export function watchPipe(pipe: Readable, nonce: string, onText: (text: string) => void) {
  let passed = 0;
  const waiting = new Map<number, () => void>();
  const mark = new RegExp(`\\0srft:${nonce}:(\\d+)\\0`);
  let rest = "";
  pipe.setEncoding("utf8");
  pipe.on("data", (chunk: string) => {
    rest += chunk;
    for (let found = mark.exec(rest); found; found = mark.exec(rest)) {
      if (found.index > 0) onText(rest.slice(0, found.index));
      rest = rest.slice(found.index + found[0].length);
      passed = Number(found[1]);
      waiting.get(passed)?.();
    }
    const doubtful = rest.lastIndexOf("\0");
    const isPartial = doubtful >= 0 && barrier(nonce, 0).startsWith(rest.slice(doubtful, doubtful + nonce.length + 7));
    const safe = isPartial ? doubtful : rest.length;
    if (safe > 0) onText(rest.slice(0, safe));
    rest = rest.slice(safe);
  });
  return (cell: number) =>
    new Promise<void>((resolve) => {
      if (passed >= cell) return resolve();
      waiting.set(cell, () => {
        waiting.delete(cell);
        resolve();
      });
    });
}
