/** Comms: channels between a cell's objects and the front end's, such as widgets. One registry of targets a kernel. */

import { randomUUID } from "node:crypto";
import type { CommMessage, Output } from "../link.ts";

/** A message as handlers receive it. */
export interface CommEvent {
  readonly data: unknown;
  readonly metadata: Record<string, unknown>;
  readonly buffers: readonly Uint8Array[];
}

/** One open channel. */
export interface Comm {
  readonly id: string;
  readonly target: string;
  send(data: unknown, buffers?: readonly Uint8Array[]): void;
  close(data?: unknown): void;
  /** Names who hears the front end's messages; the last one named does. */
  onMessage(handler: (event: CommEvent) => unknown): void;
  onClose(handler: (event: CommEvent) => unknown): void;
}

/** Called when the front end opens a channel to a target. */
export type TargetHandler = (comm: Comm, event: CommEvent) => unknown;

/** How comms reach their cell and the front end. */
export interface CommPort {
  cell(): number;
  send(output: Output): void;
}

interface OpenComm {
  readonly comm: Comm;
  message: (event: CommEvent) => unknown;
  closed: (event: CommEvent) => unknown;
}

/**
 * Makes the comms of one user process.
 *
 * @example
 * const { comms, openComm } = createComms({ cell: () => 1, send: () => {} });
 * comms.register("clock", (comm) => comm.send({ now: 12 }));
 * openComm("chart", { points: [1, 2] }).target; // "chart"
 */
export function createComms({ cell, send }: CommPort) {
  const targets = new Map<string, TargetHandler>();
  const open = new Map<string, OpenComm>();
  const say = (type: CommMessage["type"], content: CommMessage["content"], buffers: readonly Uint8Array[] = []) => {
    const data = JSON.parse(JSON.stringify(content.data ?? {})) as unknown;
    const encoded = buffers.map((bytes) =>
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64"),
    );
    send({ op: "comm", cell: cell(), type, content: { ...content, data }, metadata: {}, buffers: encoded });
  };
  const add = (id: string, target: string): OpenComm => {
    const comm: Comm = {
      id,
      target,
      send(data, buffers) {
        if (!open.has(id)) throw new TypeError(`send: expected an open comm but found ${target} ${id} closed`);
        say("comm_msg", { comm_id: id, data }, buffers);
      },
      close(data) {
        if (open.delete(id)) say("comm_close", { comm_id: id, data });
      },
      onMessage(handler) {
        entry.message = handler;
      },
      onClose(handler) {
        entry.closed = handler;
      },
    };
    const entry: OpenComm = { comm, message: () => {}, closed: () => {} };
    open.set(id, entry);
    return entry;
  };
  const opened = async ({ comm_id, target_name = "" }: CommMessage["content"], event: CommEvent) => {
    const handler = targets.get(target_name);
    if (!handler) return say("comm_close", { comm_id, data: { error: `no target ${target_name}` } });
    await handler(add(comm_id, target_name).comm, event);
  };
  return {
    comms: {
      /** Names who answers when the front end opens a comm to a target. */
      register(target: string, handler: TargetHandler) {
        if (typeof handler !== "function")
          throw new TypeError(`register: expected a function for ${target} but found ${typeof handler}`);
        targets.set(target, handler);
      },
      /** Forgets a target; its open comms stay. */
      unregister: (target: string) => targets.delete(target),
      /** The comms that are open. */
      list: () => Array.from(open.values(), ({ comm }) => comm),
    },
    /** Opens a comm to a target of the front end. */
    openComm(target: string, data: unknown = {}, buffers: readonly Uint8Array[] = []): Comm {
      const { comm } = add(randomUUID(), target);
      say("comm_open", { comm_id: comm.id, target_name: target, data }, buffers);
      return comm;
    },
    /** Takes a message of the front end to its handler; settles when that is done. */
    async receive({ type, content, metadata, buffers }: CommMessage): Promise<void> {
      const event = { data: content.data, metadata, buffers: buffers.map((text) => Buffer.from(text, "base64")) };
      const entry = open.get(content.comm_id);
      if (type === "comm_open") return opened(content, event);
      if (type === "comm_close") open.delete(content.comm_id);
      await (type === "comm_msg" ? entry?.message(event) : entry?.closed(event));
    },
  };
}
