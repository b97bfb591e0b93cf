/**
 * The memory that all threads share: one WASM memory that grows and is given back as a whole. It holds the callers' logit
 * blocks, and slots of a fixed size that carry rows to a thread and results back, so that what streams through is bounded.
 */

import type { LogitArray, LogitType } from "./logits.ts";
import { type WasmMemory, wasm } from "./web-assembly.ts";

const pageBytes = 65536;
const maxPages = 65536;

/** Bytes for the logits of a slot: a pair of the widest rows, twice. */
export const slotLogitBytes = 4 * 2 ** 20;
/** Bytes for its labels and results. */
export const slotResultBytes = 2 ** 20;

/** Byte addresses of two regions; free until the next taker. */
export interface Slot {
  readonly logits: number;
  readonly results: number;
}

export interface Arena {
  readonly memory: WasmMemory;
  /** Address of new bytes, a multiple of 64; throws a RangeError where 4 GiB are exceeded. */
  allocate(bytes: number): number;
  /** A typed array in the memory. */
  createBlock(length: number, dtype: LogitType): LogitArray;
  /** Where a block, or a part of it, lies; undefined for an array that is elsewhere. */
  addressOf(array: LogitArray): number | undefined;
  /** Waits until one of the `limit` slots is free. */
  takeSlot(): Promise<Slot>;
  giveSlot(slot: Slot): void;
}

/** An arena with at most `limit` slots. */
export function createArena(limit: number): Arena {
  const memory = new wasm.Memory({ initial: 1, maximum: maxPages, shared: true });
  const buffers = new WeakSet<ArrayBufferLike>();
  const free: Slot[] = [];
  const waiting: ((slot: Slot) => void)[] = [];
  let top = pageBytes; // the first page is the modules' own
  let slots = 0;

  function allocate(bytes: number) {
    const address = top;
    const end = top + Math.ceil(bytes / 64) * 64;
    if (end > maxPages * pageBytes) {
      throw new RangeError(
        `createLogitBlock: expected at most 4 GiB in all blocks but found ${bytes} bytes more than ${top}: use a block of fewer rows again`,
      );
    }
    const missing = Math.ceil((end - memory.buffer.byteLength) / pageBytes);
    if (missing > 0) memory.grow(missing);
    top = end;
    return address;
  }

  function createBlock(length: number, dtype: LogitType) {
    const address = allocate(length * (dtype === "float32" ? 4 : 2));
    const { buffer } = memory;
    buffers.add(buffer);
    return dtype === "float32" ? new Float32Array(buffer, address, length) : new Uint16Array(buffer, address, length);
  }

  async function takeSlot() {
    const slot = free.pop();
    if (slot) return slot;
    if (slots === limit) return new Promise<Slot>((resolve) => waiting.push(resolve));
    slots++;
    return { logits: allocate(slotLogitBytes), results: allocate(slotResultBytes) };
  }

  function giveSlot(slot: Slot) {
    const next = waiting.shift();
    if (next) next(slot);
    else free.push(slot);
  }

  const addressOf = ({ buffer, byteOffset }: LogitArray) => (buffers.has(buffer) ? byteOffset : undefined);
  return { memory, allocate, createBlock, addressOf, takeSlot, giveSlot };
}
