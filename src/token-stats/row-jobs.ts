/**
 * Divides rows into jobs of a slot each: rows that are not in the threads' memory are copied there, a thread computes, and its
 * results are read before the slot is free again. So memory is bounded by the slots, however many rows stream through.
 */

import { type Slot, slotLogitBytes, slotResultBytes } from "./arena.ts";
import {
  bytesOf,
  flawOf,
  type LogitArray,
  type LogitFormat,
  type Logits,
  type LogitType,
  type Run,
  runs,
} from "./logits.ts";
import type { KernelCall, TokenThreads } from "./threads.ts";

/** Rows that one thread reads at a time. */
export interface RowJob {
  /** Index of the first row among all rows. */
  readonly first: number;
  readonly rows: number;
  /** Byte addresses of the [rows, V] logits, one an input. */
  readonly logits: readonly number[];
  /** Byte address of labels and results. */
  readonly results: number;
  readonly buffer: SharedArrayBuffer;
}

/** One kind of statistics. */
export interface RowKernel {
  /** The public function, for messages. */
  readonly name: string;
  /** What each input is called in messages. */
  readonly inputNames: readonly string[];
  /** Labels and results of a row, in bytes. */
  readonly resultBytes: number;
  /** Writes what the kernel reads besides logits, and says how to call it. */
  call(job: RowJob): KernelCall;
  /** Takes the results; gives the first row, from 0, whose sums are those of no distribution, or −1. */
  take(job: RowJob): number;
}

interface Work extends LogitFormat {
  readonly dtype: LogitType;
  readonly threads: TokenThreads;
  readonly kernel: RowKernel;
}

const maxRows = 1024;
/** log2(e) as the kernels have it, in float32. */
const log2OfE = Math.fround(Math.LOG2E);

/** A sum weighted by the kernels' exponents of two, in nats. */
export const nats = (sum: number) => sum / log2OfE;

/** Whether sums are those of a distribution: NaN, +Infinity and a row of −Infinity show in them. */
export function isDistribution({ maximum, total, sums }: { maximum: number; total: number; sums: number }) {
  return maximum < Infinity && total > 0 && !Number.isNaN(sums);
}

/** Runs the kernel over all rows of the inputs, walked in step; gives their number. */
export async function runRows(inputs: readonly Logits[], work: Work): Promise<number> {
  const pending = new Set<Promise<void>>();
  let failure: unknown;
  let rows = 0;
  for await (const run of runs(inputs, { ...work, name: work.kernel.name })) {
    for (const part of partsOf(run, work)) {
      const slot = await work.threads.arena.takeSlot();
      const job = place(part, slot, work);
      const done = runJob(job, slot, work).catch((error) => {
        failure ??= error;
      });
      pending.add(done);
      done.then(() => pending.delete(done));
      if (failure) break;
    }
    // rows that are read where they are must stay until they are read
    if (run.arrays.some((array) => work.threads.arena.addressOf(array) !== undefined)) await Promise.all(pending);
    if (failure) break;
    rows = run.first + run.rows;
  }
  await Promise.all(pending);
  if (failure) throw failure;
  return rows;
}

function* partsOf({ first, rows, arrays }: Run, { vocabularySize, dtype, threads, kernel }: Work): Generator<Run> {
  const rowBytes = vocabularySize * bytesOf(dtype) * arrays.length;
  const fitting = Math.floor(Math.min(slotLogitBytes / rowBytes, slotResultBytes / kernel.resultBytes, maxRows));
  const size = Math.min(fitting, Math.ceil(rows / threads.threads));
  for (let begin = 0; begin < rows; begin += size) {
    const end = Math.min(begin + size, rows);
    const cut = (array: LogitArray) => array.subarray(begin * vocabularySize, end * vocabularySize);
    yield { first: first + begin, rows: end - begin, arrays: arrays.map(cut) };
  }
}

function place({ first, rows, arrays }: Run, slot: Slot, { threads, dtype }: Work): RowJob {
  const { buffer } = threads.arena.memory;
  let free = slot.logits;
  const logits = arrays.map((array) => {
    const address = threads.arena.addressOf(array);
    if (address !== undefined) return address;
    viewOf(buffer, { address: free, length: array.length, dtype }).set(array);
    free += array.byteLength;
    return free - array.byteLength;
  });
  return { first, rows, logits, results: slot.results, buffer };
}

async function runJob(job: RowJob, slot: Slot, work: Work) {
  const { threads, kernel } = work;
  try {
    await threads.call(kernel.call(job));
    const row = kernel.take(job);
    if (row >= 0) throw flawedRow(job, row, work);
  } finally {
    threads.arena.giveSlot(slot);
  }
}

function flawedRow({ first, logits, buffer }: RowJob, row: number, { kernel, vocabularySize, dtype }: Work) {
  for (const [i, begin] of logits.entries()) {
    const address = begin + row * vocabularySize * bytesOf(dtype);
    const flaw = flawOf(viewOf(buffer, { address, length: vocabularySize, dtype }), dtype);
    if (flaw) return new RangeError(`${kernel.name}: row ${first + row}${kernel.inputNames[i]}: expected ${flaw}`);
  }
  return new RangeError(`${kernel.name}: row ${first + row}: expected logits that stay within float32`);
}

function viewOf(buffer: SharedArrayBuffer, at: { address: number; length: number; dtype: LogitType }): LogitArray {
  const { address, length, dtype } = at;
  return dtype === "float32" ? new Float32Array(buffer, address, length) : new Uint16Array(buffer, address, length);
}
