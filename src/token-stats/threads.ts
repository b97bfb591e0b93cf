/**
 * Threads that compute token statistics, and the memory they share. They start with the first call, wait between calls
 * without keeping the process alive, and end with close().
 *
 * The kernels come in two modules: with relaxed SIMD (Node >= 22; node --experimental-wasm-relaxed-simd on 20), and without.
 */

import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { type Arena, createArena } from "./arena.ts";
import { checkFormat, type LogitFormat, maxVocabularySize } from "./logits.ts";
import { type WasmModule, wasm } from "./web-assembly.ts";

export interface LogitBlockOptions extends LogitFormat {
  readonly rows: number;
}

/** Kept threads; see `createTokenThreads`. */
export interface TokenThreads extends AsyncDisposable {
  /** How many. */
  readonly threads: number;
  /**
   * A [rows, V] array in the threads' own memory, filled with zeros: what is written there is read without a copy. It lives
   * until close(); all blocks together have 4 GiB.
   *
   * @throws {RangeError} If the rows are no positive integer, V is out of range or the memory is used up.
   */
  createLogitBlock(options: LogitBlockOptions & { readonly dtype?: "float32" }): Float32Array;
  createLogitBlock(options: LogitBlockOptions & { readonly dtype: "float16" | "bfloat16" }): Uint16Array;
  /** Ends the threads; a call that is under way fails. */
  close(): Promise<void>;
  /** For tokenStatistics and divergenceStatistics. */
  readonly arena: Arena;
  /** For tokenStatistics and divergenceStatistics: runs a kernel on the thread with the fewest calls. */
  call(call: KernelCall): Promise<void>;
}

/** A kernel and its arguments, but for the scratch memory, which each thread has its own of. */
export interface KernelCall {
  readonly kernel: "tokenRows" | "divergenceRows";
  readonly args: readonly number[];
}

/** A thread count for one call, or threads that are kept for many. */
export type ThreadsOption = number | TokenThreads;

interface Thread {
  readonly worker: Worker;
  /** Calls that have no answer yet. */
  readonly calls: Map<number, { resolve: () => void; reject: (error: Error) => void }>;
}

/** Two chunks of 1024 float32 numbers, and two rows of the widest. */
const scratchBytes = 2 * 4 * (1024 + maxVocabularySize);

/**
 * Threads to be used by many calls of `tokenStatistics` and `divergenceStatistics`.
 *
 * @param threads A positive integer. Default: the processor's, at most 8.
 * @throws {RangeError} If the number is not a positive integer.
 * @example
 * const threads = createTokenThreads(2);
 * const block = threads.createLogitBlock({ rows: 2, vocabularySize: 2 });
 * block.set([0, 0, 1, 1]);
 * (await tokenStatistics(block, [0, 1], { vocabularySize: 2, threads })).ranks; // Int32Array [1, 1]
 * await threads.close();
 */
export function createTokenThreads(threads = Math.min(8, availableParallelism())): TokenThreads {
  if (!(Number.isInteger(threads) && threads >= 1)) {
    throw new RangeError(`createTokenThreads: expected a positive integer of threads but found ${threads}`);
  }
  const arena = createArena(2 * threads);
  let team: Thread[] | undefined;
  let closed = false;
  let nextId = 0;

  function call(kernelCall: KernelCall) {
    if (closed) throw new Error("createTokenThreads: expected open threads but found them closed: create new ones");
    team ??= startTeam(threads, arena);
    return post(leastBusy(team), { id: nextId++, ...kernelCall });
  }

  async function close() {
    closed = true;
    await Promise.all((team ?? []).map(({ worker }) => worker.terminate()));
    team = [];
  }

  function createLogitBlock({ rows, vocabularySize, dtype = "float32" }: LogitBlockOptions) {
    checkFormat("createLogitBlock", { vocabularySize, dtype });
    if (!(Number.isInteger(rows) && rows >= 1)) {
      throw new RangeError(`createLogitBlock: expected a positive integer of rows but found ${rows}`);
    }
    return arena.createBlock(rows * vocabularySize, dtype);
  }

  return {
    threads,
    createLogitBlock: createLogitBlock as TokenThreads["createLogitBlock"],
    close,
    [Symbol.asyncDispose]: close,
    arena,
    call,
  };
}

/** Runs `work` on kept threads, or on threads that end with it. */
export async function withThreads<T>(option: ThreadsOption | undefined, work: (threads: TokenThreads) => Promise<T>) {
  if (typeof option === "object") return work(option);
  const threads = createTokenThreads(option);
  try {
    return await work(threads);
  } finally {
    await threads.close();
  }
}

function startTeam(threads: number, arena: Arena) {
  const module = compile();
  return Array.from({ length: threads }, () => startThread({ module, arena }));
}

function compile() {
  const relaxed = readFileSync(new URL("./kernel-relaxed.wasm", import.meta.url));
  if (wasm.validate(relaxed)) return new wasm.Module(relaxed);
  return new wasm.Module(readFileSync(new URL("./kernel-simd.wasm", import.meta.url)));
}

function startThread({ module, arena }: { module: WasmModule; arena: Arena }): Thread {
  const worker = new Worker(new URL("./worker.js", import.meta.url), {
    execArgv: [], // --input-type, for one, would keep a thread from starting
    workerData: { module, memory: arena.memory, scratch: arena.allocate(scratchBytes) },
  });
  const thread: Thread = { worker, calls: new Map() };
  worker.on("message", (id: number) => settle(thread, id));
  worker.on("error", (error) => fail(thread, error));
  worker.on("exit", () => fail(thread, new Error("createTokenThreads: expected a running thread but found it ended")));
  worker.unref();
  return thread;
}

const leastBusy = (team: readonly Thread[]) => team.reduce((a, b) => (b.calls.size < a.calls.size ? b : a));

/** A thread keeps the process alive as long as it has a call to answer. */
function post({ worker, calls }: Thread, call: KernelCall & { readonly id: number }) {
  return new Promise<void>((resolve, reject) => {
    if (calls.size === 0) worker.ref();
    calls.set(call.id, { resolve, reject });
    worker.postMessage(call);
  });
}

function settle({ worker, calls }: Thread, id: number) {
  calls.get(id)!.resolve();
  calls.delete(id);
  if (calls.size === 0) worker.unref();
}

function fail({ calls }: Thread, error: Error) {
  for (const { reject } of calls.values()) reject(error);
  calls.clear();
}
