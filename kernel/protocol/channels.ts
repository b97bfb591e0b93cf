/**
 * The kernel's five sockets. Each has one queue, first in first out, whose sends are awaited: ZeroMQ for Node refuses
 * a second send while one is in progress, and what it refuses would be lost.
 */

import { Reply, Router, type Socket, type Writable, XPublisher } from "zeromq";
import type { Connection } from "./messages.ts";

/** Largest message the kernel accepts, in bytes. */
const maxMessageSize = 64 * 1024 * 1024;

/** The sockets by which requests come and answers go. */
export type Channel = "shell" | "control" | "stdin" | "iopub";

/** Somebody who wants to know what arrives; an iopub frame is a subscription. */
export type Listener = (channel: Channel, frames: readonly Uint8Array[]) => void;

/** The bound sockets. */
export interface Channels {
  /** Queues a message; it is sent after everything queued on that socket before it. */
  send(channel: Channel, frames: readonly Uint8Array[]): void;
  /** Waits until all queues are empty, then closes the sockets. */
  close(): Promise<void>;
}

/**
 * Binds the sockets of a connection, and answers the heartbeat.
 *
 * @throws {Error} If an address is taken.
 * @example
 * const channels = await bindChannels(connection, (channel, frames) => received(channel, frames));
 * await channels.close();
 */
export async function bindChannels(connection: Connection, listener: Listener): Promise<Channels> {
  const options = { maxMessageSize, linger: 1000 };
  const sockets = {
    iopub: new XPublisher({ linger: 1000, sendHighWaterMark: 0, verbosity: "allSubs" }),
    shell: new Router({ ...options, sendHighWaterMark: 0 }),
    control: new Router({ ...options, sendHighWaterMark: 0 }),
    stdin: new Router({ ...options, sendHighWaterMark: 0 }),
  };
  const heartbeat = new Reply(options);
  const address = (port: number) =>
    `${connection.transport}://${connection.ip}${connection.transport === "ipc" ? "-" : ":"}${port}`;
  await Promise.all([
    ...(["iopub", "shell", "control", "stdin"] as const).map((name) =>
      sockets[name].bind(address(connection[`${name}_port`])),
    ),
    heartbeat.bind(address(connection.hb_port)),
  ]);
  const queues = {
    iopub: sendQueue(sockets.iopub),
    shell: sendQueue(sockets.shell),
    control: sendQueue(sockets.control),
    stdin: sendQueue(sockets.stdin),
  };
  for (const name of ["iopub", "shell", "control", "stdin"] as const)
    void listen(sockets[name], (frames) => listener(name, frames));
  const echo = sendQueue(heartbeat);
  void listen(heartbeat, echo.push);
  return {
    send: (channel, frames) => queues[channel].push(frames),
    async close() {
      await Promise.all(Object.values(queues).map((queue) => queue.drained()));
      for (const socket of [heartbeat, ...Object.values(sockets)]) socket.close();
    },
  };
}

async function listen(socket: Socket & AsyncIterable<Uint8Array[]>, receive: (frames: Uint8Array[]) => void) {
  for await (const frames of socket) receive(frames);
}

/** A socket's queue of messages to send. */
export interface SendQueue {
  push(frames: readonly Uint8Array[]): void;
  /** Settles when everything pushed so far is sent. */
  drained(): Promise<void>;
}

/**
 * Puts a queue before a socket. A message whose receiver is gone is dropped, as a ROUTER drops it.
 *
 * @example
 * const queue = sendQueue(socket);
 * for (const frames of messages) queue.push(frames);
 * await queue.drained();
 */
export function sendQueue(socket: Pick<Writable<Uint8Array[]>, "send">): SendQueue {
  const waiting: (readonly Uint8Array[])[] = [];
  let pumping: Promise<void> | undefined;
  const pump = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      try {
        await socket.send(next as Uint8Array[]);
      } catch {} // the receiver or the socket is gone; later messages may have another receiver
    }
    pumping = undefined;
  };
  return {
    push(frames) {
      waiting.push(frames);
      pumping ??= pump();
    },
    drained: async () => pumping,
  };
}
