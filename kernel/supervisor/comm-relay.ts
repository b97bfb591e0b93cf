/** The supervisor's view of comms: carries their messages both ways and knows which are open. */

import type { Executor } from "../executor/executor.ts";
import type { CommMessage } from "../link.ts";
import type { Message } from "../protocol/messages.ts";
import type { Extras, Parent, Speaker } from "../protocol/speaker.ts";

/** How long the idle after a comm message waits for its handler while a cell runs, in milliseconds. */
const handlingPatience = 50;

/**
 * Makes the relay of one kernel.
 *
 * @example
 * const relay = createCommRelay({ publish: () => {} }, { ask: async () => undefined });
 * relay.info("chart"); // {}
 */
export function createCommRelay(speaker: Pick<Speaker, "publish">, executor: Pick<Executor, "ask">) {
  const open = new Map<string, string>();
  const note = ({ type, content }: Pick<CommMessage, "type" | "content">) => {
    if (type === "comm_open") open.set(content.comm_id, content.target_name ?? "");
    if (type === "comm_close") open.delete(content.comm_id);
  };
  return {
    /** Publishes what a cell said. */
    publish(parent: Parent, { type, content, metadata, buffers }: CommMessage) {
      note({ type, content });
      const extras: Extras = { metadata, buffers: buffers.map((text) => Buffer.from(text, "base64")) };
      speaker.publish(type, parent, content, extras);
    },
    /** Takes a front end's message to the cells' handlers. @param cell Number for the handler's own output. */
    async deliver({ header, content, metadata, buffers }: Message, cell: number): Promise<void> {
      const { comm_id, target_name, data = {} } = content;
      if (typeof comm_id !== "string") return;
      const type = header.msg_type as CommMessage["type"];
      const named = typeof target_name === "string" ? { target_name } : {};
      const message = { type, content: { comm_id, data, ...named }, metadata, buffers: buffers.map(base64) };
      note(message);
      await executor.ask({ kind: "comm", cell, ...message }, handlingPatience);
    },
    /** The open comms, all or those of one target. */
    info(target: unknown): Record<string, { target_name: string }> {
      const entries = [...open].filter(([, name]) => typeof target !== "string" || name === target);
      return Object.fromEntries(entries.map(([id, target_name]) => [id, { target_name }]));
    },
    /** The user process ended, and every comm with it. */
    closeAll() {
      for (const comm_id of open.keys()) speaker.publish("comm_close", {}, { comm_id, data: {} });
      open.clear();
    },
  };
}

/** Carries comms. */
export type CommRelay = ReturnType<typeof createCommRelay>;

const base64 = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
