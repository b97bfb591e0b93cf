/**
 * What a thread of process B writes to process A by itself, without a loop of events between: barriers into the pipes,
 * and the end of a cell that had nothing else to say. The way through the control worker costs one more wake-up and two
 * barriers.
 */

import { writeSync } from "node:fs";
import { barrier, type Done, descriptors, type SharedCounters, toLine } from "../link.ts";

/**
 * Linux writes so few bytes to a socket as a whole or not at all, so that no line of the worker's gets between; and what
 * was written to another socket before can be read before, so that no barrier is needed.
 */
const wholeLine = process.platform === "linux" ? 4096 : 0;

/**
 * Writes a cell's barriers to stdout and stderr: everything that was written there so far comes before them.
 *
 * @example
 * typeof writeBarriers; // "function"
 */
export function writeBarriers(nonce: string, cell: number): void {
  for (const descriptor of [1, 2]) write(descriptor, barrier(nonce, cell));
}

/** Writes to a descriptor of the process; false where it is closed or full. */
function write(descriptor: number, text: string | Uint8Array): boolean {
  try {
    return writeSync(descriptor, text as string) > 0;
  } catch {
    return false; // process A waits for a barrier only so long
  }
}

/** The two ways from the main thread: any message through the worker, the end of a cell by the shortest way. */
export interface DirectLine<Message> {
  post(message: Message): void;
  tellEnd(done: Done): void;
}

/**
 * Makes the way by which the main thread tells the end of a cell.
 *
 * @param counters Shared with the control worker.
 * @param post Hands a message to the control worker, which sends it on after everything posted before.
 * @example
 * const { post, tellEnd } = directLine(new Int32Array(new SharedArrayBuffer(20)), () => {});
 * post({ op: "ready" });
 * tellEnd({ op: "done", cell: 1 }); // posted too: "ready" was not written yet
 */
export function directLine<Message>(
  counters: SharedCounters,
  post: (message: Message | Done) => void,
): DirectLine<Message> {
  let posted = 0;
  const postCounted = (message: Message | Done) => {
    posted++;
    post(message);
  };
  const tellEnd = (done: Done) => {
    if (Atomics.load(counters, 4) >= done.cell) return; // the worker tells that it was interrupted
    const line = Buffer.from(toLine({ ...done, isStraight: true }));
    const isAlone = posted === Atomics.load(counters, 3) && line.length <= wholeLine;
    if (!isAlone || !write(descriptors.link, line)) return postCounted(done);
    Atomics.store(counters, 4, done.cell);
  };
  return { post: postCounted, tellEnd };
}
