/**
 * Process A: answers the front end's requests, one handler a message type, and hands cells to the executor in order.
 * It never runs user code, so it answers while a cell computes.
 */

import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { CellSyntaxError, checkSyntax } from "./cell.ts";
import { bindChannels, type Channel } from "./channels.ts";
import { type Outcome, startExecutor } from "./executor.ts";
import type { Output } from "./link.ts";
import { type Connection, type ExecuteRequest, kernelInfo, type Message } from "./messages.ts";
import { createWire } from "./wire.ts";

interface Pending {
  readonly channel: Channel;
  readonly message: Message<ExecuteRequest>;
}

type Parent = Message["parent"];

/** Headers of ended cells that are kept for their late output. */
const rememberedCells = 10_000;

/** Before a failure is told, cells that were sent together with the failed one may still arrive, in milliseconds. */
const abortDelay = 10;

/**
 * Runs the kernel until it is told to shut down.
 *
 * @param connectionFile Path of the JSON file with ports and key that the front end wrote.
 * @throws {SyntaxError} If the file is not a connection file.
 * @example
 * await runKernel("/run/user/1000/jupyter/kernel-1.json");
 */
export async function runKernel(connectionFile: string): Promise<void> {
  const connection = readConnection(connectionFile);
  const wire = createWire(connection.key, connection.signature_scheme);
  const parents = new Map<number, Parent>();
  const queue: Pending[] = [];
  let cells = 0;
  let count = 0;
  let isRunning = false;
  let stop: () => void;
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });

  const channels = await bindChannels(connection, (channel, frames) => {
    if (channel === "iopub") return welcome(frames[0]);
    const message = wire.decode(frames);
    if (message) receive(channel, message);
  });
  const executor = startExecutor({ folder: process.cwd(), onOutput: (output) => publishOutput(output) });

  const publish = (type: string, parent: Parent, content: object, metadata?: object) =>
    channels.send(
      "iopub",
      wire.encode({ type, parent, content, identities: [Buffer.from(type)], ...(metadata ? { metadata } : {}) }),
    );
  const publishStatus = (parent: Parent, state: "starting" | "busy" | "idle") =>
    publish("status", parent, { execution_state: state });
  const reply = (channel: Channel, request: Message<unknown>, content: object) => {
    const type = request.header.msg_type.replace(/_request$/, "_reply");
    channels.send(channel, wire.encode({ type, parent: request.header, content, identities: request.identities }));
  };
  const publishOutput = (output: Output) => {
    const { type, content } = outputMessage(output);
    publish(type, parents.get(output.cell) ?? {}, content);
  };
  const welcome = (frame: Uint8Array | undefined) => {
    if (frame?.[0] !== 1) return;
    const subscription = Buffer.from(frame.subarray(1)).toString("utf8");
    const content = { subscription };
    channels.send("iopub", wire.encode({ type: "iopub_welcome", content, identities: [frame.subarray(1)] }));
  };

  const execute = async ({ channel, message }: Pending) => {
    const { code, silent = false, store_history = !silent } = message.content;
    const cell = ++cells;
    if (store_history) count++;
    parents.set(cell, message.header);
    if (parents.size > rememberedCells) parents.delete(parents.keys().next().value!);
    publishStatus(message.header, "busy");
    if (!silent) publish("execute_input", message.header, { code, execution_count: count });
    const outcome = await executor.run(cell, { source: code, count });
    const stops = outcome.error && message.content.stop_on_error !== false;
    if (stops) await delay(abortDelay);
    if (!silent) publishOutcome(message.header, outcome, count);
    reply(channel, message, replyContent(outcome, count));
    publishStatus(message.header, "idle");
    if (stops) abortQueued();
  };
  const publishOutcome = (parent: Parent, { data, error }: Outcome, execution_count: number) => {
    if (error) publish("error", parent, error);
    else if (data) publish("execute_result", parent, { data, metadata: {}, execution_count });
  };
  const abortQueued = () => {
    for (const { channel, message } of queue.splice(0)) {
      publishStatus(message.header, "busy");
      reply(channel, message, { status: "aborted", execution_count: count });
      publishStatus(message.header, "idle");
    }
  };
  const work = async () => {
    if (isRunning) return;
    isRunning = true;
    for (let next = queue.shift(); next; next = queue.shift()) await execute(next);
    isRunning = false;
  };

  const shutdown = async (channel: Channel, message: Message) => {
    reply(channel, message, { status: "ok", restart: message.content.restart === true });
    publishStatus(message.header, "idle");
    queue.length = 0;
    await executor.close();
    stop();
  };
  const receive = (channel: Channel, message: Message) => {
    if (message.header.msg_type === "execute_request") {
      queue.push({ channel, message: executeRequest(message) });
      return void work();
    }
    if (!Object.hasOwn(answers, message.header.msg_type)) return;
    const answer = answers[message.header.msg_type]!;
    publishStatus(message.header, "busy");
    if (message.header.msg_type === "shutdown_request") return void shutdown(channel, message);
    if (message.header.msg_type === "interrupt_request") executor.interrupt();
    reply(channel, message, answer(message.content));
    publishStatus(message.header, "idle");
  };

  process.on("SIGINT", () => executor.interrupt());
  process.on("SIGTERM", () => void executor.close().then(stop));
  const orphan = setInterval(() => {
    if (process.env.JPY_PARENT_PID && process.ppid === 1) void executor.close().then(stop);
  }, 1000);
  publishStatus({}, "starting");
  await stopped;
  clearInterval(orphan);
  await channels.close();
}

/** Requests that are answered at once; an unknown one is ignored. */
const answers: Record<string, (content: Record<string, unknown>) => object> = {
  kernel_info_request: kernelInfo,
  is_complete_request: ({ code }) => completeness(String(code)),
  complete_request: ({ cursor_pos }) => ({
    status: "ok",
    matches: [],
    cursor_start: cursor_pos,
    cursor_end: cursor_pos,
    metadata: {},
  }),
  inspect_request: () => ({ status: "ok", found: false, data: {}, metadata: {} }),
  history_request: () => ({ status: "ok", history: [] }),
  comm_info_request: () => ({ status: "ok", comms: {} }),
  interrupt_request: () => ({ status: "ok" }),
  shutdown_request: () => ({ status: "ok" }),
};

function completeness(code: string) {
  try {
    checkSyntax(code);
    return { status: "complete" };
  } catch (error) {
    if (!(error instanceof CellSyntaxError)) throw error;
    return error.isIncomplete ? { status: "incomplete", indent: "  " } : { status: "invalid" };
  }
}

function executeRequest(message: Message): Message<ExecuteRequest> {
  const { content } = message;
  return { ...message, content: { ...content, code: typeof content.code === "string" ? content.code : "" } };
}

const replyContent = ({ error }: Outcome, execution_count: number) =>
  error
    ? { status: "error", execution_count, ...error }
    : { status: "ok", execution_count, payload: [], user_expressions: {} };

/** The protocol's message for a piece of output. */
function outputMessage(output: Output): { type: string; content: object } {
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
