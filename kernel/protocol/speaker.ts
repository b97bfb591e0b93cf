/** How the supervisor speaks: replies to who asked, publishes to everybody. Handlers get this, never a socket. */

import type { Channel, Channels } from "./channels.ts";
import type { Message } from "./messages.ts";
import type { Wire } from "./wire.ts";

/** The header of the request that a message answers; empty where there is none. */
export type Parent = Message["parent"];

/** Parts of a published message beside its content. */
export interface Extras {
  readonly metadata?: object;
  readonly buffers?: readonly Uint8Array[];
}

/** Says things to front ends. */
export interface Speaker {
  publish(type: string, parent: Parent, content: object, extras?: Extras): void;
  publishStatus(parent: Parent, state: "starting" | "busy" | "idle"): void;
  /** Answers a request with the reply of its own type. */
  reply(channel: Channel, request: Message<unknown>, content: object): void;
  /** Says something on stdin to whoever sent a request. */
  ask(request: Message<unknown>, content: object): void;
  /** Greets a new subscription. */
  welcome(subscription: Uint8Array): void;
}

/**
 * Makes the speaker of one kernel.
 *
 * @example
 * const sent: unknown[] = [];
 * const frames = { encode: () => [], decode: () => undefined };
 * createSpeaker({ send: (channel) => sent.push(channel) }, frames).publishStatus({}, "starting");
 * sent; // ["iopub"]
 */
export function createSpeaker({ send }: Pick<Channels, "send">, wire: Wire): Speaker {
  const publish: Speaker["publish"] = (type, parent, content, extras = {}) =>
    send("iopub", wire.encode({ type, parent, content, identities: [Buffer.from(type)], ...extras }));
  return {
    publish,
    publishStatus: (parent, state) => publish("status", parent, { execution_state: state }),
    reply(channel, request, content) {
      const type = request.header.msg_type.replace(/_request$/, "_reply");
      send(channel, wire.encode({ type, parent: request.header, content, identities: request.identities }));
    },
    ask: ({ header, identities }, content) =>
      send("stdin", wire.encode({ type: "input_request", parent: header, content, identities })),
    welcome(subscription) {
      const content = { subscription: Buffer.from(subscription).toString("utf8") };
      send("iopub", wire.encode({ type: "iopub_welcome", content, identities: [subscription] }));
    },
  };
}
