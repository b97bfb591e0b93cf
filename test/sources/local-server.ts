/** A local HTTP server: answers from a recording, or as a test says. */

import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";

const golden = join(import.meta.dirname, "../../../test/golden/servers");

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly authorization: string | undefined;
}

export type Handler = (asked: Asked, response: ServerResponse, count: number) => void;

export interface LocalServer extends AsyncDisposable {
  readonly url: string;
  readonly asked: Asked[];
}

export const recordingOf = (engine: string) => join(golden, `${engine}.jsonl`);

/** The recorded exchanges of an engine. */
export function exchangesOf(engine: string) {
  const lines = readFileSync(recordingOf(engine), "utf8").trim().split("\n");
  return lines.map((line) => JSON.parse(line) as { method: string; path: string; body?: unknown; answer: unknown });
}

export const send = (response: ServerResponse, status: number, value: unknown, headers: Record<string, string> = {}) =>
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(value));

/** Answers exactly what was recorded, each with the same body, in their order and the last again; 404 or 400 to all else. */
export function replaying(engine: string): Handler {
  const exchanges = exchangesOf(engine);
  const taken = new Map<unknown, number>();
  return ({ method, path, body }, response) => {
    const here = exchanges.filter((exchange) => exchange.method === method && exchange.path === path);
    const same = here.filter((exchange) => isDeepStrictEqual(exchange.body, body));
    const count = taken.get(same[0]) ?? 0;
    taken.set(same[0], count + 1);
    const found = same[Math.min(count, same.length - 1)];
    if (found) send(response, 200, found.answer);
    else send(response, here.length > 0 ? 400 : 404, { error: { message: `not recorded: ${JSON.stringify(body)}` } });
  };
}

export async function serve(handler: Handler): Promise<LocalServer> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const { method = "", url: path = "", headers } = request;
    const text = await textOf(request);
    const one = { method, path, body: text ? JSON.parse(text) : undefined, authorization: headers.authorization };
    asked.push(one);
    handler(one, response, asked.length);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function textOf(request: IncomingMessage) {
  let text = "";
  for await (const piece of request) text += piece;
  return text;
}
