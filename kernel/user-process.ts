/**
 * Process B: runs compiled cells on its main thread. Everything it says goes through the control worker, which sends
 * it on while this thread is busy, and which stops this thread when a cell is interrupted.
 */

import { AsyncLocalStorage } from "node:async_hooks";
import { Console } from "node:console";
import { StringDecoder } from "node:string_decoder";
import { Script } from "node:vm";
import { Worker } from "node:worker_threads";
import { type CompiledCell, compileCell } from "./cell.ts";
import { runtimeName } from "./cell-rewrite.ts";
import { alreadyShown, displayBundle } from "./display.ts";
import { displayGlobals } from "./display-globals.ts";
import {
  type CellError,
  type FromWorker,
  interruption,
  type MimeBundle,
  type Output,
  type SharedCounters,
  type ToUser,
  type ToWorker,
} from "./link.ts";
import { createModuleLoader } from "./modules.ts";
import { cellFile, cleanStack, cleanText, describeError, type KnownCell } from "./traceback.ts";

/** A thread that prints faster than anybody reads waits here, in characters. */
const unsentLimit = 32 * 1024 * 1024;

/** A cell may declare these names for itself. */
const { queueMicrotask, process, Buffer, globalThis: global } = globalThis;

/** Thrown into a cell's own code when it resumes after it was interrupted. */
class Interrupted extends Error {
  override readonly name = "Interrupted";
  constructor() {
    super("the cell was interrupted");
  }
}

function main() {
  const counters: SharedCounters = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(new URL("./control-worker.js", import.meta.url), {
    workerData: { counters, nonce: process.env.SRFT_BARRIER },
    execArgv: [],
    stdout: false,
  });
  worker.unref();
  delete process.env.SRFT_BARRIER;
  const post = (message: ToWorker) => worker.postMessage(message);
  const session = createSession(post, counters);
  worker.on("message", (message: FromWorker) => session.receive(message));
  worker.on("exit", () => process.exit(1));
  keepAlive();
  post({ op: "ready" });
}

/** The worker does not keep this thread alive, so that beforeExit never comes; a timer does. */
const keepAlive = () => setInterval(() => {}, 2 ** 30);

function createSession(post: (message: ToWorker) => void, counters: SharedCounters) {
  const cells = new Map<number, KnownCell>();
  const storage = new AsyncLocalStorage<number>();
  const interrupted = new Set<number>();
  const held = new Set<Promise<unknown>>();
  const loader = createModuleLoader(process.cwd());
  let latest = 0;
  let reject: (reason: Interrupted) => void = () => {};

  const cell = () => storage.getStore() ?? latest;
  const send = (output: Output) => {
    const size = output.op === "stream" ? output.text.length : 0;
    if (size > 0 && Atomics.add(counters, 0, size) > unsentLimit) waitForReader(counters);
    post(output.op === "display" ? { ...output, data: sendable(output.data, cells) } : output);
  };
  const hold = (work: Promise<unknown>) => {
    const kept = work.catch((error: unknown) => complain(error)).finally(() => held.delete(kept));
    held.add(kept);
  };
  const complain = (error: unknown) => {
    if (error instanceof Interrupted) return;
    send({ op: "stream", cell: cell(), name: "stderr", text: `Uncaught ${cleanStack(error, cells)}\n` });
  };
  const resume = <Value>(value: Value): Value => {
    if (interrupted.size > 0 && interrupted.has(cell())) throw new Interrupted();
    return value;
  };

  captureOutput((name, text) => send({ op: "stream", cell: cell(), name, text: cleanText(text, cells) }));
  quickenConsole();
  Object.assign(global, displayGlobals({ cell, send, hold }), { require: loader.require });
  Object.defineProperty(global, runtimeName, { value: { load: loader.load, meta: loader.meta, resume } });
  process.on("uncaughtException", complain);
  process.on("unhandledRejection", complain);
  process.on("exit", () => flush(post, counters));

  const run = async (message: Extract<ToUser, { op: "run" }>) => {
    latest = message.cell;
    storage.run(latest, allowTermination);
    const stopped = new Promise<never>((_, fail) => {
      reject = fail;
    });
    stopped.catch(() => {});
    try {
      const work = storage.run(message.cell, () => execute(message, cells));
      const data = await Promise.race([work, stopped]);
      await Promise.race([Promise.all(held), stopped]);
      post({ op: "done", cell: message.cell, ...(data ? { data } : {}) });
    } catch (error) {
      post({ op: "done", cell: message.cell, error: failure(error, cells, message.cell) });
    }
  };
  const receive = (message: FromWorker) => {
    if (message.op === "ping") return post({ op: "pong" });
    if (message.op === "run") return void run(message);
    interrupted.add(message.cell);
    if (message.cell === latest) reject(new Interrupted());
  };
  return { receive };
}

/**
 * Up to Node 22 AsyncLocalStorage is a hook, and a hook switches on checks of the async stack that abort the process
 * after a termination ("async hook stack has become corrupted", `execution_async_id() == 0`), whatever the command
 * line says. Node 24 has neither hook nor binding.
 */
function allowTermination() {
  type AsyncWrap = { async_hook_fields: Uint32Array; constants: { kCheck: number; kTotals: number } };
  try {
    const { binding } = process as unknown as { binding(name: string): AsyncWrap };
    const { async_hook_fields, constants } = binding("async_wrap");
    async_hook_fields[constants.kCheck] = 0;
    async_hook_fields[constants.kTotals] = 0;
  } catch {} // Node 24
}

async function execute({ cell, count, source }: Extract<ToUser, { op: "run" }>, cells: Map<number, KnownCell>) {
  const known: KnownCell = { count, source, originalLine: (line) => line };
  cells.set(cell, known);
  const compiled = compileCell(source);
  cells.set(cell, { ...known, originalLine: compiled.originalLine });
  makeAssignable(compiled);
  const script = new Script(compiled.code, { filename: cellFile(cell) });
  const completion: unknown = script.runInThisContext({ displayErrors: false });
  const value = compiled.isAsync ? ((await completion) as { value: unknown } | undefined)?.value : completion;
  return compiled.hasValue && isShown(value) ? sendable(await displayBundle(value), cells) : undefined;
}

/**
 * A bundle that can be sent: JSON values only, so that what JSON cannot hold throws in the cell that made it; a shown
 * error's stack is told in cell coordinates.
 */
function sendable(bundle: MimeBundle, cells: Map<number, KnownCell>): MimeBundle {
  const entries = Object.entries(bundle).flatMap(([mime, value]) => {
    if (typeof value === "string") return [[mime, mime === "text/plain" ? cleanText(value, cells) : value]];
    const text = JSON.stringify(value);
    return text === undefined ? [] : [[mime, JSON.parse(text)]];
  });
  return Object.fromEntries(entries) as MimeBundle;
}

const isShown = (value: unknown) =>
  value !== undefined && !(typeof value === "object" && value && alreadyShown in value);

/** A cell may declare a name that Node defines as an accessor or a constant (crypto, navigator): it becomes a variable. */
function makeAssignable({ names }: CompiledCell) {
  for (const name of names) {
    const property = Object.getOwnPropertyDescriptor(global, name);
    if (property?.configurable && !property.writable)
      Object.defineProperty(global, name, { value: undefined, writable: true, enumerable: true, configurable: true });
  }
}

function failure(error: unknown, cells: Map<number, KnownCell>, cell: number): CellError {
  if (error instanceof Interrupted) return interruption;
  return describeError(error, cells, cells.get(cell));
}

function waitForReader(counters: SharedCounters) {
  for (let unsent = Atomics.load(counters, 0); unsent > unsentLimit / 2; unsent = Atomics.load(counters, 0))
    Atomics.wait(counters, 0, unsent, 100);
}

/** Waits, as the process ends, until the worker has sent everything; a second at most. */
function flush(post: (message: ToWorker) => void, counters: SharedCounters) {
  const before = Atomics.load(counters, 1);
  post({ op: "flush" });
  Atomics.wait(counters, 1, before, 1000);
}

function captureOutput(write: (name: "stdout" | "stderr", text: string) => void) {
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
 */
function quickenConsole() {
  const own = new Console({ stdout: process.stdout, stderr: process.stderr, ignoreErrors: false });
  for (const [name, method] of Object.entries(own))
    if (typeof method === "function") Object.assign(console, { [name]: method });
}

main();
