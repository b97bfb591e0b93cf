/** A small front end: starts our kernel over real sockets and collects what it says. */

import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Dealer, Request, Subscriber } from "zeromq";
import { sendQueue } from "../../kernel/protocol/channels.ts";
import type { Connection, Message } from "../../kernel/protocol/messages.ts";
import { createWire } from "../../kernel/protocol/wire.ts";

// biome-ignore lint/suspicious/noExplicitAny: contents differ by message type
export type Received = Message<any>;

/** A request's messages: those on iopub up to idle, and the reply. */
export interface Answer {
  readonly iopub: Received[];
  readonly reply: Received;
}

export interface Client {
  readonly process: ChildProcess;
  readonly folder: string;
  /** Every iopub message so far. */
  readonly heard: Received[];
  /** Runs a cell and waits for idle and reply. */
  execute(code: string, options?: object): Promise<Answer>;
  request(type: string, content?: object, channel?: "shell" | "control"): Promise<Answer>;
  /** Sends a comm message and waits for its idle. */
  comm(type: string, content: object, buffers?: readonly Uint8Array[]): Promise<Received[]>;
  /** Answers input requests; nobody answers until this is set. */
  onInput: ((content: { prompt: string; password: boolean }) => string) | undefined;
  /** Sends a heartbeat and gives what comes back. */
  beat(text: string): Promise<string>;
  /** Sends raw frames to the shell socket. */
  sendRaw(frames: readonly Uint8Array[]): void;
  /** Waits until an iopub message passes the test. */
  hear(test: (message: Received) => boolean): Promise<Received>;
  close(): Promise<void>;
}

export const mainFile = join(import.meta.dirname, "../../kernel/main.js");

export const connectionKey = "a test's key";

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

async function writeConnection(folder: string) {
  const [shell_port, iopub_port, stdin_port, control_port, hb_port] = (await Promise.all(
    Array.from({ length: 5 }, freePort),
  )) as [number, number, number, number, number];
  const connection: Connection = {
    transport: "tcp",
    ip: "127.0.0.1",
    key: connectionKey,
    signature_scheme: "hmac-sha256",
    ...{ shell_port, iopub_port, stdin_port, control_port, hb_port },
  };
  const file = join(folder, "connection.json");
  writeFileSync(file, JSON.stringify(connection));
  return { connection, file };
}

/** Starts a kernel in a temporary folder and waits until it answers and its iopub is heard. */
export async function startClient({ env = {} }: { readonly env?: Record<string, string> } = {}): Promise<Client> {
  const folder = mkdtempSync(join(tmpdir(), "srft-kernel-"));
  const { connection, file } = await writeConnection(folder);
  const kernel = spawn(process.execPath, [mainFile, "kernel", file], {
    cwd: folder,
    stdio: ["ignore", 2, 2],
    env: { ...process.env, SRFT_HISTORY: join(folder, "history.jsonl"), ...env },
  });
  const wire = createWire(connectionKey);
  const identity = { routingId: randomUUID() };
  const sockets = { shell: new Dealer(identity), control: new Dealer(identity), stdin: new Dealer(identity) };
  const heartbeat = new Request();
  const iopub = new Subscriber({ receiveHighWaterMark: 0 });
  iopub.subscribe();
  const at = (port: number) => `tcp://127.0.0.1:${port}`;
  sockets.shell.connect(at(connection.shell_port));
  sockets.control.connect(at(connection.control_port));
  sockets.stdin.connect(at(connection.stdin_port));
  heartbeat.connect(at(connection.hb_port));
  iopub.connect(at(connection.iopub_port));

  const heard: Received[] = [];
  const replies = new Map<string, (message: Received) => void>();
  const watchers = new Set<() => void>();
  const parentOf = (message: Received) => (message.parent as { msg_id?: string }).msg_id ?? "";
  const collectReplies = async (socket: Dealer) => {
    for await (const frames of socket) {
      const message = wire.decode(frames);
      if (message) replies.get(parentOf(message))?.(message);
    }
  };
  const collectOutput = async () => {
    for await (const frames of iopub) {
      const message = wire.decode(frames);
      if (message) heard.push(message);
      for (const watch of [...watchers]) watch();
    }
  };
  const answerInput = async () => {
    for await (const frames of sockets.stdin) {
      const question = wire.decode(frames) as Received | undefined;
      if (!question || !client.onInput) continue;
      const content = { value: client.onInput(question.content) };
      queues.stdin.push(wire.encode({ type: "input_reply", parent: question.header, content }));
    }
  };
  const collecting = [answerInput(), collectReplies(sockets.shell), collectReplies(sockets.control), collectOutput()];

  const hear = (test: (message: Received) => boolean) =>
    new Promise<Received>((resolve) => {
      let seen = 0;
      const watch = () => {
        while (seen < heard.length) {
          const message = heard[seen++]!;
          if (!test(message)) continue;
          watchers.delete(watch);
          return resolve(message);
        }
      };
      watchers.add(watch);
      watch();
    });
  const queues = {
    shell: sendQueue(sockets.shell),
    control: sendQueue(sockets.control),
    stdin: sendQueue(sockets.stdin),
  };
  const request = async (type: string, content: object = {}, channel: "shell" | "control" = "shell") => {
    const frames = wire.encode({ type, content });
    const { msg_id } = JSON.parse(Buffer.from(frames[2]!).toString()) as { msg_id: string };
    const replied = new Promise<Received>((resolve) => replies.set(msg_id, resolve));
    queues[channel].push(frames);
    const [reply] = await Promise.all([replied, hear(isIdleOf(msg_id))]);
    replies.delete(msg_id);
    return { reply, iopub: heard.filter((message) => parentOf(message) === msg_id) };
  };
  const isIdleOf = (id: string) => (message: Received) =>
    parentOf(message) === id && message.header.msg_type === "status" && message.content.execution_state === "idle";
  const comm = async (type: string, content: object, buffers: readonly Uint8Array[] = []) => {
    const frames = wire.encode({ type, content, buffers });
    const { msg_id } = JSON.parse(Buffer.from(frames[2]!).toString()) as { msg_id: string };
    queues.shell.push(frames);
    await hear(isIdleOf(msg_id));
    return heard.filter((message) => parentOf(message) === msg_id);
  };
  const client: Client = {
    onInput: undefined,
    comm,
    async beat(text) {
      await heartbeat.send(text);
      return String((await heartbeat.receive())[0]);
    },
    process: kernel,
    folder,
    heard,
    request,
    execute: (code, options = {}) => request("execute_request", { code, allow_stdin: false, ...options }),
    sendRaw: (frames) => queues.shell.push(frames),
    hear,
    async close() {
      const ended = new Promise((resolve) => kernel.once("exit", resolve));
      if (kernel.exitCode === null && kernel.signalCode === null) {
        void request("shutdown_request", { restart: false }, "control");
        await ended;
      }
      for (const socket of [iopub, heartbeat, ...Object.values(sockets)]) socket.close();
      await Promise.all(collecting);
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await hearsItself(request);
  return client;
}

/** The subscription takes a moment: asks until an answer is heard on iopub too. */
async function hearsItself(request: Client["request"]) {
  for (;;) {
    const answer = request("kernel_info_request");
    const late = new Promise<undefined>((resolve) => setTimeout(resolve, 100, undefined));
    if (await Promise.race([answer, late])) return;
  }
}

export const types = (answer: Answer) =>
  answer.iopub.map(({ header, content }) =>
    header.msg_type === "status" ? String(content.execution_state) : header.msg_type,
  );

/** All text of one stream in an answer. */
export const streamText = (answer: Answer, name = "stdout") =>
  answer.iopub
    .filter(({ header, content }) => header.msg_type === "stream" && content.name === name)
    .map(({ content }) => content.text as string)
    .join("");

/** The text/plain of the execute_result, if there is one. */
export const resultText = (answer: Answer) =>
  answer.iopub.find(({ header }) => header.msg_type === "execute_result")?.content.data["text/plain"] as
    | string
    | undefined;
