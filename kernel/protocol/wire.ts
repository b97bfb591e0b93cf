/** Frames to message and back, signed by HMAC; the signature is checked over the bytes that were received. */

import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import { type Header, type Message, protocolVersion } from "./messages.ts";

const delimiter = Buffer.from("<IDS|MSG>");

/** Signatures remembered against repetition. */
const remembered = 65_536;

/** What to send; everything but the type may be left out. */
export interface Draft {
  readonly type: string;
  readonly content?: object;
  readonly parent?: Message["parent"];
  readonly metadata?: object;
  readonly identities?: readonly Uint8Array[];
  readonly buffers?: readonly Uint8Array[];
}

/** Signs and verifies the messages of one connection. */
export interface Wire {
  encode(draft: Draft): Uint8Array[];
  /** The message, or undefined where it is malformed, not signed by the key, or seen before. */
  decode(frames: readonly Uint8Array[]): Message | undefined;
}

/**
 * Makes the wire of one connection.
 *
 * @param key Shared secret; an empty one switches signatures off, as the protocol has it.
 * @throws {RangeError} If the scheme is not an HMAC that Node has.
 * @example
 * const wire = createWire("secret");
 * wire.decode(wire.encode({ type: "status", content: { execution_state: "idle" } }))?.header.msg_type; // "status"
 */
export function createWire(key: string, scheme = "hmac-sha256"): Wire {
  const algorithm = scheme.replace(/^hmac-/, "");
  const session = randomUUID();
  const seen = new Set<string>();
  const sign = (frames: readonly Uint8Array[]) => {
    if (key === "") return Buffer.alloc(0);
    const hmac = createHmac(algorithm, key);
    for (const frame of frames) hmac.update(frame);
    return Buffer.from(hmac.digest("hex"));
  };
  checkScheme(scheme, sign);
  const isRepeated = (signature: Uint8Array) => {
    const text = Buffer.from(signature).toString("latin1");
    if (key === "") return false;
    if (seen.has(text)) return true;
    seen.add(text);
    if (seen.size > remembered) seen.delete(seen.values().next().value!);
    return false;
  };
  return {
    encode(draft) {
      const header: Header = {
        msg_id: randomUUID(),
        msg_type: draft.type,
        username: "srft",
        session,
        date: new Date().toISOString(),
        version: protocolVersion,
      };
      const parts = [header, draft.parent ?? {}, draft.metadata ?? {}, draft.content ?? {}];
      const frames = parts.map((part) => Buffer.from(JSON.stringify(part)));
      return [...(draft.identities ?? []), delimiter, sign(frames), ...frames, ...(draft.buffers ?? [])];
    },
    decode(frames) {
      const at = frames.findIndex((frame) => delimiter.equals(frame));
      const [signature, ...signed] = at < 0 ? [] : frames.slice(at + 1, at + 6);
      if (!signature || signed.length < 4) return undefined;
      if (!isSame(signature, sign(signed)) || isRepeated(signature)) return undefined;
      return parse(frames.slice(0, at), signed, frames.slice(at + 6));
    },
  };
}

function checkScheme(scheme: string, sign: (frames: Uint8Array[]) => Buffer) {
  try {
    sign([]);
  } catch {
    throw new RangeError(`createWire: expected a signature scheme such as hmac-sha256 but found ${scheme}`);
  }
}

const isSame = (a: Uint8Array, b: Uint8Array) => a.length === b.length && timingSafeEqual(a, b);

function parse(identities: readonly Uint8Array[], signed: readonly Uint8Array[], buffers: readonly Uint8Array[]) {
  try {
    const parts = signed.map((frame) => JSON.parse(Buffer.from(frame).toString("utf8")) as Record<string, unknown>);
    if (parts.some((part) => part === null || typeof part !== "object" || Array.isArray(part))) return undefined;
    const [header, parent, metadata, content] = parts as [
      never,
      never,
      Record<string, unknown>,
      Record<string, unknown>,
    ];
    if (typeof (header as Header).msg_type !== "string") return undefined;
    return { identities, header: header as Header, parent, metadata, content, buffers };
  } catch {
    return undefined;
  }
}
