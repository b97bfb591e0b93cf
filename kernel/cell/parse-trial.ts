/**
 * Parses and compiles the text on its input in a thread with half the stack of a main thread. A text too deeply nested
 * for the native parser ends this process and no other.
 */

import { isMainThread, Worker, workerData } from "node:worker_threads";
import { parseSync } from "oxc-parser";
import { transformSync } from "oxc-transform";

if (isMainThread) await inThread();
else compile(workerData);

async function inThread() {
  let source = "";
  for await (const chunk of process.stdin.setEncoding("utf8")) source += chunk;
  new Worker(new URL(import.meta.url), { workerData: source });
}

/** Everything that compileCell does in native code. */
function compile(source: string) {
  for (const file of ["cell.ts", "cell.tsx"]) {
    if (parseSync(file, source, { sourceType: "module", showSemanticErrors: true }).errors.length > 0) continue;
    const { code } = transformSync(file, source, { sourceType: "module", target: "es2022", sourcemap: true });
    parseSync("cell.js", code, { sourceType: "module" });
  }
}
