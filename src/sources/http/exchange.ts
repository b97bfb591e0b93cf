/**
 * One request and its whole answer, over node:http and node:https.
 *
 * Not `fetch`: its time limits cannot be set without a package of its own (five minutes without a byte, while the
 * log-probs of a long prompt take longer), it follows redirects, with which a key would go to another host, and it
 * sends the headers of a browser, which some servers refuse.
 */

import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, request as overHttp } from "node:http";
import { Agent as HttpsAgent, request as overHttps } from "node:https";

export interface Request {
  readonly method: "GET" | "POST";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: string;
}

export interface ExchangeOptions {
  readonly agent: Agent;
  /** Milliseconds from the first byte out to the last byte in, at most. */
  readonly timeout: number;
  /** Bytes of an answer, at most. */
  readonly maxBytes: number;
  readonly signal: AbortSignal | undefined;
}

export type Agent = HttpAgent | HttpsAgent;

/** Connections that are kept open between requests. */
export function createAgent(url: URL, connections: number): Agent {
  const options = { keepAlive: true, maxSockets: connections };
  return url.protocol === "https:" ? new HttpsAgent(options) : new HttpAgent(options);
}

/**
 * Sends a request and reads the answer to its end.
 *
 * @throws {RangeError} If the answer is longer than `maxBytes`; the rest of it is not read.
 * @throws {Error} If the connection fails or ends before the answer does, or the time is over (a TimeoutError).
 */
export async function exchange(request: Request, options: ExchangeOptions): Promise<Answer> {
  const { timeout, signal } = options;
  const over = AbortSignal.timeout(timeout);
  try {
    const message = await send(request, { ...options, signal: signal ? AbortSignal.any([signal, over]) : over });
    const { statusCode: status = 0, headers } = message;
    return { status, retryAfter: headers["retry-after"], body: await read(message, options.maxBytes) };
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw over.aborted ? over.reason : error;
  }
}

function send({ method, url, headers, body }: Request, { agent, signal }: ExchangeOptions): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const bytes = body === undefined ? undefined : Buffer.from(body);
    const length = bytes && { "content-type": "application/json", "content-length": `${bytes.length}` };
    const options = { method, agent, headers: { accept: "application/json", ...length, ...headers }, signal: signal! };
    const request: ClientRequest = (url.protocol === "https:" ? overHttps : overHttp)(url, options, resolve);
    request.on("error", reject);
    request.end(bytes);
  });
}

async function read(message: IncomingMessage, maxBytes: number): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of message as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > maxBytes) {
      message.destroy();
      throw new RangeError(`expected an answer of at most ${maxBytes} bytes but found a longer one; see maxBytes`);
    }
    parts.push(part);
  }
  if (!message.complete) throw new Error("expected a whole answer but found that the connection ended before it did");
  return Buffer.concat(parts).toString("utf8");
}
