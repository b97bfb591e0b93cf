/** Takes what the user process prints before it reaches the pipes. */

import { Console } from "node:console";
import { StringDecoder } from "node:string_decoder";

/** A cell may declare this name for itself. */
const { queueMicrotask } = globalThis;

/**
 * Sends what is written to `process.stdout` and `process.stderr` elsewhere.
 *
 * @param write Called with the stream's name and the text.
 * @example
 * typeof captureOutput; // "function"
 */
export function captureOutput(write: (name: "stdout" | "stderr", text: string) => void) {
  for (const name of ["stdout", "stderr"] as const) {
    const decoder = new StringDecoder("utf8");
    const capture = (chunk: string | Uint8Array, encoding?: unknown, callback?: unknown) => {
      const text = typeof chunk === "string" ? chunk : decoder.write(Buffer.from(chunk));
      if (text !== "") write(name, text);
      const done = typeof encoding === "function" ? encoding : callback;
      if (typeof done === "function") queueMicrotask(() => done());
      return true;
    };
    process[name].write = capture as typeof process.stdout.write;
  }
}

/**
 * Node's global console adds and removes an error listener for every line and tells the inspector too: five times the
 * cost of a console of one's own, whose methods take the places of the global one's.
 *
 * @example
 * typeof quickenConsole; // "function"
 */
export function quickenConsole() {
  const own = new Console({ stdout: process.stdout, stderr: process.stderr, ignoreErrors: false });
  for (const [name, method] of Object.entries(own))
    if (typeof method === "function") Object.assign(console, { [name]: method });
}
