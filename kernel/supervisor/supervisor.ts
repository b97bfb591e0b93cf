/**
 * Process A: answers the front end's requests, one handler a message type, and hands cells to the executor in order.
 * It never runs user code, so it answers while a cell computes.
 */

import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { Spawned } from "../executor/child.ts";
import { startExecutor } from "../executor/executor.ts";
import { startLanguage } from "../language/language.ts";
import type { Output } from "../link.ts";
import { bindChannels, type Channel } from "../protocol/channels.ts";
import type { Connection, Message } from "../protocol/messages.ts";
import { createSpeaker, type Parent } from "../protocol/speaker.ts";
import { createWire } from "../protocol/wire.ts";
import { createAnswers } from "./answers.ts";
import { createAssistant } from "./assistant.ts";
import { createCellQueue } from "./cell-queue.ts";
import { createCommRelay } from "./comm-relay.ts";
import { historyFile, openHistory } from "./history.ts";
import { createStdin } from "./stdin.ts";

/** Longest wait of the first cell for somebody who hears it, in milliseconds. */
const audiencePatience = 500;

/** Headers of ended cells that are kept for their late output. */
const rememberedCells = 10_000;

/**
 * Runs the kernel until it is told to shut down.
 *
 * @param connectionFile Path of the JSON file with ports and key that the front end wrote.
 * @param first The first user process, where it runs already.
 * @throws {SyntaxError} If the file is not a connection file.
 * @example
 * await runKernel("/run/user/1000/jupyter/kernel-1.json");
 */
export async function runKernel(connectionFile: string, first?: Spawned): Promise<void> {
  const connection = readConnection(connectionFile);
  const wire = createWire(connection.key, connection.signature_scheme);
  const channels = await bindChannels(connection, (channel, frames) => {
    if (channel === "iopub") return frames[0]?.[0] === 1 ? greet(frames[0].subarray(1)) : undefined;
    const message = wire.decode(frames);
    if (message) receive(channel, message);
  });
  const speaker = createSpeaker(channels, wire);
  const { number, parentOf, latest } = createNumbers();
  const gate = createGate();
  const audience = createAudience();
  let isReady: () => void;
  const ready = new Promise<void>((resolve) => {
    isReady = resolve;
  });
  const executor = startExecutor({
    folder: process.cwd(),
    ...(first ? { first } : {}),
    onOutput: (output) => gate.pass(output.cell, () => publishOutput(output)),
    onInput: (question) => new Promise((resolve) => gate.pass(question.cell, () => resolve(stdin.ask(question)))),
    onReady: () => isReady(),
    onEnd: () => gate.pass("all", () => comms.closeAll()),
  });
  const comms = createCommRelay(speaker, executor);
  const language = startLanguage({
    folder: process.cwd(),
    after: ready,
    onOff: (message) => publishOutput({ op: "stream", cell: latest(), name: "stderr", text: `${message}\n` }),
  });
  const assistant = createAssistant(executor, language);
  const history = openHistory(historyFile());
  const cells = createCellQueue({
    ...{ speaker, executor, history, assistant },
    number: ({ header }) => number(header),
    output: gate,
    heard: audience.awaited,
    ended: () => stdin.forget(),
  });
  const stdin = createStdin(speaker, cells.running);
  const answers = createAnswers({ assistant, history, comms, interrupt: executor.interrupt });
  let stop: () => void;
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });

  let hasBegun = false;
  /** The first status, said when somebody can hear it. */
  const begin = () => {
    if (!hasBegun) speaker.publishStatus({}, "starting");
    hasBegun = true;
  };
  const greet = (subscription: Uint8Array) => {
    speaker.welcome(subscription);
    begin();
    audience.arrive();
  };
  const publishOutput = (output: Output) => {
    const parent = parentOf(output.cell);
    if (output.op === "comm") return comms.publish(parent, output);
    const { type, content } = outputMessage(output);
    speaker.publish(type, parent, content);
  };
  const close = async () => {
    cells.clear();
    await Promise.all([executor.close(), assistant.close()]);
    stop();
  };
  const shutdown = (channel: Channel, message: Message) => {
    speaker.publishStatus(message.header, "busy");
    speaker.reply(channel, message, { status: "ok", restart: message.content.restart === true });
    speaker.publishStatus(message.header, "idle");
    return close();
  };
  const deliver = async (message: Message) => {
    speaker.publishStatus(message.header, "busy");
    await comms.deliver(message, number(message.header));
    speaker.publishStatus(message.header, "idle");
  };
  const answer = async (channel: Channel, message: Message) => {
    const content = answers.get(message.header.msg_type);
    if (!content) return;
    speaker.publishStatus(message.header, "busy");
    speaker.reply(channel, message, await content(message.content));
    speaker.publishStatus(message.header, "idle");
  };
  const receive = (channel: Channel, message: Message) => {
    begin();
    if (channel === "stdin") return stdin.receive(message);
    switch (message.header.msg_type) {
      case "execute_request":
        return cells.push(channel, message);
      case "shutdown_request":
        return void shutdown(channel, message);
      case "comm_open":
      case "comm_msg":
      case "comm_close":
        return void deliver(message);
      default:
        return void answer(channel, message);
    }
  };

  process.on("SIGINT", () => executor.interrupt());
  process.on("SIGTERM", () => void close());
  const orphan = setInterval(() => {
    if (process.env.JPY_PARENT_PID && process.ppid === 1) void close();
  }, 1000);
  await stopped;
  clearInterval(orphan);
  await channels.close();
}

/**
 * Whoever hears iopub: what is said there before is lost. A front end connects socket by socket, and one that found the
 * kernel not yet bound tries again after 100 to 200 ms, so that its first cell can come before it hears anything.
 */
function createAudience() {
  let arrive = () => {};
  const arrival = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  let waited: Promise<void> | undefined;
  /** Waits for it, once and not for long: a front end need not listen. */
  const awaited = () => {
    waited ??= Promise.race([arrival, delay(audiencePatience, undefined, { ref: false })]);
    return waited;
  };
  return { arrive, awaited };
}

/** Where what cells do meets the front end: what one cell does, or all do, can be held there, in its order. */
function createGate() {
  let held: { readonly cell: number; readonly works: (() => void)[] } | undefined;
  return {
    pass(cell: number | "all", work: () => void) {
      if (held && (cell === held.cell || cell === "all")) held.works.push(work);
      else work();
    },
    hold(cell: number) {
      held = { cell, works: [] };
    },
    release() {
      const { works } = held ?? { works: [] };
      held = undefined;
      for (const work of works) work();
    },
  };
}

/** Numbers for whatever may print, and the way back to the request. */
function createNumbers() {
  const parents = new Map<number, Parent>();
  let latest = 0;
  return {
    number(parent: Parent): number {
      parents.set(++latest, parent);
      if (parents.size > rememberedCells) parents.delete(parents.keys().next().value!);
      return latest;
    },
    latest: () => latest,
    parentOf: (cell: number) => parents.get(cell) ?? {},
  };
}

/** The protocol's message for a piece of output. */
function outputMessage(output: Exclude<Output, { op: "comm" }>): { type: string; content: object } {
  switch (output.op) {
    case "stream":
      return { type: "stream", content: { name: output.name, text: output.text } };
    case "clear":
      return { type: "clear_output", content: { wait: output.wait } };
    case "display": {
      const { data, metadata, id, update } = output;
      const content = { data, metadata, transient: id === undefined ? {} : { display_id: id } };
      return { type: update ? "update_display_data" : "display_data", content };
    }
    default:
      return output satisfies never;
  }
}

function readConnection(path: string): Connection {
  const connection = JSON.parse(readFileSync(path, "utf8")) as Partial<Connection>;
  const ports = ["shell_port", "iopub_port", "stdin_port", "control_port", "hb_port"] as const;
  const missing = ports.find((name) => !Number.isInteger(connection[name]));
  if (missing || typeof connection.key !== "string" || typeof connection.ip !== "string")
    throw new SyntaxError(
      `runKernel: expected a connection file with ${missing ?? "key and ip"} but found none in ${path}`,
    );
  return { ...connection, transport: connection.transport ?? "tcp" } as Connection;
}
