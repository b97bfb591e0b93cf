/** A small front end: talks to a kernel over real sockets and collects what it says. */

import type { ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { Dealer, Request, Subscriber } from "zeromq";
import { sendQueue } from "../../kernel/protocol/channels.ts";
import type { Connection, Message } from "../../kernel/protocol/messages.ts";
import { createWire } from "../../kernel/protocol/wire.ts";
import { type StartOptions, startKernel } from "./kernel-process.ts";

export { connectionKey, mainFile } from "./kernel-process.ts";

// biome-ignore lint/suspicious/noExplicitAny: contents differ by message type
export type Received = Message<any>;

/** A request's messages: those on iopub up to idle, and the reply. */
export interface Answer {
  readonly iopub: Received[];
  readonly reply: Received;
}

/** One front end of a kernel that somebody started. */
export interface Connected {
  /** Every iopub message so far. */
  readonly heard: Received[];
  /** Every message on shell and control so far. */
  readonly replies: Received[];
  /** Runs a cell and waits for idle and reply. */
  execute(code: string, options?: object): Promise<Answer>;
  request(type: string, content?: object, channel?: "shell" | "control"): Promise<Answer>;
  /** Sends a request and waits for its reply alone. */
  ask(type: string, content?: object, channel?: "shell" | "control"): Promise<Received>;
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
  /** Settles when what the front end asks is heard on iopub too: a subscription takes a moment. */
  subscribed(): Promise<void>;
  disconnect(): Promise<void>;
}

/** A front end and the kernel that it started. */
export interface Client extends Connected {
  readonly process: ChildProcess;
  readonly folder: string;
  readonly connection: Connection;
  close(): Promise<void>;
}

/** Starts a kernel in a temporary folder and waits until it answers and its iopub is heard. */
export async function startClient(options: StartOptions = {}): Promise<Client> {
  const { process: kernel, folder, connection } = await startKernel(options);
  const client = connectClient(connection);
  const close = async () => {
    const ended = new Promise((resolve) => kernel.once("exit", resolve));
    if (kernel.exitCode === null && kernel.signalCode === null) {
      void client.ask("shutdown_request", { restart: false }, "control");
      await ended;
    }
    await client.disconnect();
    rmSync(folder, { recursive: true, force: true });
  };
  await client.subscribed();
  return Object.assign(client, { process: kernel, folder, connection, close });
}

/** Connects a front end to a running kernel. */
export function connectClient(connection: Connection): Connected {
  const wire = createWire(connection.key);
  const identity = { routingId: randomUUID(), reconnectInterval: 10, linger: 0 };
  const sockets = { shell: new Dealer(identity), control: new Dealer(identity), stdin: new Dealer(identity) };
  const heartbeat = new Request({ reconnectInterval: 10, linger: 0 });
  const iopub = new Subscriber({ receiveHighWaterMark: 0, reconnectInterval: 10 });
  iopub.subscribe();
  const at = (port: number) => `tcp://127.0.0.1:${port}`;
  sockets.shell.connect(at(connection.shell_port));
  sockets.control.connect(at(connection.control_port));
  sockets.stdin.connect(at(connection.stdin_port));
  heartbeat.connect(at(connection.hb_port));
  iopub.connect(at(connection.iopub_port));

  const heard: Received[] = [];
  const replies: Received[] = [];
  const waiting = new Map<string, (message: Received) => void>();
  const watchers = new Set<() => void>();
  const parentOf = (message: Received) => (message.parent as { msg_id?: string }).msg_id ?? "";
  const collectReplies = async (socket: Dealer) => {
    for await (const frames of socket) {
      const message = wire.decode(frames);
      if (!message) continue;
      replies.push(message);
      waiting.get(parentOf(message))?.(message);
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
  const post = (type: string, content: object, channel: "shell" | "control") => {
    const frames = wire.encode({ type, content });
    const { msg_id } = JSON.parse(Buffer.from(frames[2]!).toString()) as { msg_id: string };
    const reply = new Promise<Received>((resolve) => waiting.set(msg_id, resolve));
    queues[channel].push(frames);
    return { msg_id, reply: reply.finally(() => waiting.delete(msg_id)) };
  };
  const request: Connected["request"] = async (type, content = {}, channel = "shell") => {
    const { msg_id, reply } = post(type, content, channel);
    const [replied] = await Promise.all([reply, hear(isIdleOf(msg_id))]);
    return { reply: replied, iopub: heard.filter((message) => parentOf(message) === msg_id) };
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
  const client: Connected = {
    onInput: undefined,
    comm,
    async beat(text) {
      await heartbeat.send(text);
      return String((await heartbeat.receive())[0]);
    },
    heard,
    replies,
    request,
    ask: (type, content = {}, channel = "shell") => post(type, content, channel).reply,
    execute: (code, options = {}) => request("execute_request", { code, allow_stdin: false, ...options }),
    sendRaw: (frames) => queues.shell.push(frames),
    hear,
    async subscribed() {
      for (;;) {
        const late = new Promise<undefined>((resolve) => setTimeout(resolve, 100, undefined));
        if (await Promise.race([request("kernel_info_request"), late])) return;
      }
    },
    async disconnect() {
      for (const socket of [iopub, heartbeat, ...Object.values(sockets)]) socket.close();
      await Promise.all(collecting);
    },
  };
  return client;
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
