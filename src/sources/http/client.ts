/**
 * Questions to an HTTP server that may be slow, busy or gone: a limit on how many run at once, repeated attempts with
 * growing waits, and a recording from which the same questions are answered without a network.
 *
 * An attempt is repeated after 408, 425, 429 and 5xx, a failed or dropped connection, a time-out, and an answer that is no whole
 * JSON. The nth wait is firstWait · 2^(n − 1) seconds or what Retry-After says, whichever is longer; there is no
 * random part in it, since the limit keeps one client's attempts apart.
 */

import { setTimeout as wait } from "node:timers/promises";
import { type Answer, createAgent, exchange } from "./exchange.ts";
import { createLimit } from "./limit.ts";
import { openRecording, type Question } from "./recording.ts";
import { type Secret, secretFrom } from "./secret.ts";

export interface HttpOptions {
  /** Requests at once. Default 4. */
  readonly concurrency?: number;
  /** Attempts at a request. Default 6. */
  readonly attempts?: number;
  /** Seconds before the second attempt. Default 0.5. */
  readonly firstWait?: number;
  /** Seconds between attempts, at most; a server that asks for more ends the request. Default 60. */
  readonly longestWait?: number;
  /** Seconds an attempt may take, to the last byte. Default 600. */
  readonly timeout?: number;
  /** Bytes of an answer, at most. Default 2^28. */
  readonly maxBytes?: number;
  /** Name of the environment variable with the server's key, which goes into the Authorization header. Default: no key. */
  readonly keyVariable?: string;
  /** A JSONL file, one a server: questions that it answers are not asked again, the answers to others are added. */
  readonly recording?: string;
  /** "never" answers from the recording alone. Default "when-missing". */
  readonly network?: "when-missing" | "never";
  /** Ends all requests. */
  readonly signal?: AbortSignal;
}

/** A server that gave no answer we can use; the message has its own words, without the key. */
export class ServerError extends Error {
  /** The last status; absent if there was no whole answer. */
  readonly status?: number;
  readonly attempts: number;

  constructor(message: string, { status, attempts, cause }: { status?: number; attempts: number; cause?: unknown }) {
    super(message, cause === undefined ? {} : { cause });
    this.name = "ServerError";
    this.attempts = attempts;
    if (status !== undefined) this.status = status;
  }
}

export interface HttpClient {
  /**
   * Asks and parses; what `parse` refuses is not recorded.
   *
   * @throws {ServerError} If no attempt brought an answer.
   */
  ask<T>(question: Question, parse: (answer: unknown) => T): Promise<T>;
  readonly concurrency: number;
  close(): Promise<void>;
}

type Settings = Required<Omit<HttpOptions, "keyVariable" | "recording" | "signal">> & Pick<HttpOptions, "signal">;

const defaults = {
  concurrency: 4,
  attempts: 6,
  firstWait: 0.5,
  longestWait: 60,
  timeout: 600,
  maxBytes: 2 ** 28,
  network: "when-missing",
} as const;

/**
 * A client of the server at an address.
 *
 * @param address http: or https:, with the path before /v1 or /completion if there is one.
 * @throws {TypeError} If the address holds a name, a password or a query, or `network: "never"` has no recording.
 * @throws {RangeError} If a number is out of range.
 */
export async function createClient(address: string, options: HttpOptions): Promise<HttpClient> {
  const { keyVariable, recording: file, ...given } = options;
  const settings: Settings = { ...defaults, ...given };
  const base = checkedAddress(address);
  checkSettings(settings, file);
  const online = settings.network === "when-missing";
  const secret = online ? secretFrom(keyVariable) : secretFrom(undefined);
  const recording =
    file === undefined ? undefined : await openRecording(file, { access: online ? "add" : "read", server: base.href });
  const agent = createAgent(base, settings.concurrency);
  const limit = createLimit(settings.concurrency);
  const askServer = asker({ base, settings, secret, agent });
  return {
    concurrency: settings.concurrency,
    ask: (question, parse) =>
      limit(async () => {
        const recorded = await recording?.take(question);
        if (recorded !== undefined) return parse(recorded);
        if (!online) throw missing(question, file!);
        const answer = await askServer(question);
        const parsed = parse(answer);
        await recording?.add(question, answer);
        return parsed;
      }),
    async close() {
      agent.destroy();
      await recording?.close();
    },
  };
}

function checkedAddress(address: string): URL {
  const url = URL.parse ? URL.parse(address) : URL.canParse(address) ? new URL(address) : null;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new TypeError("openServer: expected an http: or https: address as url but found something else");
  }
  if (url.username || url.password || url.search) {
    throw new TypeError(
      "openServer: expected a url without name, password and query but found some: keys come from keyVariable",
    );
  }
  url.pathname = url.pathname.replace(/\/?$/, "/");
  return url;
}

function checkSettings(settings: Settings, recording: string | undefined) {
  const { concurrency, attempts, network } = settings;
  for (const [name, value] of Object.entries({ concurrency, attempts })) {
    if (!(Number.isInteger(value) && value >= 1)) {
      throw new RangeError(`openServer: expected an integer ${name} >= 1 but found ${value}`);
    }
  }
  for (const name of ["firstWait", "longestWait", "timeout", "maxBytes"] as const) {
    if (!(settings[name] >= 0 && settings[name] < Infinity)) {
      throw new RangeError(`openServer: expected a finite ${name} >= 0 but found ${settings[name]}`);
    }
  }
  if (network === "never" && recording === undefined) {
    throw new TypeError('openServer: expected a recording with network: "never" but found none');
  }
}

const missing = ({ method, path }: Question, file: string) =>
  new ServerError(
    `openServer: expected an answer to ${method} ${path} in ${file} but found none; network: "when-missing" asks the server`,
    { attempts: 0 },
  );

interface Asker {
  readonly base: URL;
  readonly settings: Settings;
  readonly secret: Secret;
  readonly agent: ReturnType<typeof createAgent>;
}

type Attempt = { readonly value: unknown } | Failure;

interface Failure {
  readonly problem: string;
  readonly again: boolean;
  /** Seconds. */
  readonly wait?: number;
  readonly status?: number;
  readonly cause?: unknown;
}

function asker(asker: Asker) {
  const { settings, secret } = asker;
  return async (question: Question): Promise<unknown> => {
    for (let attempts = 1; ; attempts++) {
      const found = await attempt(question, asker);
      if ("value" in found) return found.value;
      const seconds = Math.max(found.wait ?? 0, settings.firstWait * 2 ** (attempts - 1));
      const last = !found.again || attempts >= settings.attempts || (found.wait ?? 0) > settings.longestWait;
      if (last) throw serverError(question, { failure: found, attempts, secret });
      await wait(1000 * Math.min(seconds, settings.longestWait), undefined, { signal: settings.signal! });
    }
  };
}

function serverError(
  { method, path }: Question,
  { failure, attempts, secret }: { failure: Failure; attempts: number; secret: Secret },
) {
  const { problem, status, cause } = failure;
  const times = attempts === 1 ? "" : ` after ${attempts} attempts`;
  const message = secret.strike(`openServer: expected an answer to ${method} ${path} but found ${problem}${times}`);
  return new ServerError(message, { attempts, cause, ...(status !== undefined && { status }) });
}

async function attempt({ method, path, body }: Question, { base, settings, secret, agent }: Asker): Promise<Attempt> {
  const url = new URL(path.replace(/^\//, ""), base);
  const request = { method, url, headers: secret.headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
  const { timeout, maxBytes, signal } = settings;
  try {
    return judged(await exchange(request, { agent, timeout: 1000 * timeout, maxBytes, signal }), secret);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    return unanswered(error as Error & { code?: string }, settings);
  }
}

function unanswered(error: Error & { code?: string }, { timeout }: Settings): Failure {
  if (error instanceof RangeError) return { problem: error.message, again: false };
  if (error.name === "TimeoutError") return { problem: `none within ${timeout} seconds`, again: true };
  return { problem: error.code ? `${error.code} (${error.message})` : error.message, again: true, cause: error };
}

function judged({ status, retryAfter, body }: Answer, secret: Secret): Attempt {
  if (status < 200 || status > 299) {
    const again = status === 408 || status === 425 || status === 429 || status >= 500;
    const problem = `status ${status}: ${secret.strike(body).trim().slice(0, 300) || "nothing more"}`;
    return { problem, again, status, wait: secondsOf(retryAfter) };
  }
  try {
    return { value: JSON.parse(secret.strike(body)) };
  } catch (cause) {
    const problem = `a text of ${body.length} characters that is no JSON (${(cause as Error).message})`;
    return { problem, again: true, status };
  }
}

/** Retry-After: seconds or a date. */
function secondsOf(retryAfter: string | undefined): number {
  if (retryAfter === undefined) return 0;
  const seconds = /^\s*\d+\s*$/.test(retryAfter) ? Number(retryAfter) : (Date.parse(retryAfter) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? 0 : Math.max(seconds, 0);
}
