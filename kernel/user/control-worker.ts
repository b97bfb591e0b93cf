/**
 * The control worker of process B. Its event loop lives while the main thread is busy: it carries what the main
 * thread says to process A, batched, and stops the main thread when the running cell is interrupted.
 */

import { writeSync } from "node:fs";
import { Session } from "node:inspector";
import { Socket } from "node:net";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import {
  barrier,
  type Done,
  type FromWorker,
  type InputAnswer,
  type InputQuestion,
  interruption,
  lineReader,
  type Output,
  type PromptAnswer,
  type SharedCounters,
  type ToUser,
  type ToWorker,
  toLine,
} from "../link.ts";

/** Text waits at most this long, in milliseconds, and at most this much, in characters, before it is sent. */
const batchTime = 25;
const batchSize = 64 * 1024;

/** How long a main thread has to stop by itself before it is stopped, in milliseconds. */
const grace = 50;

/** A thread that runs JavaScript answers the inspector within so many milliseconds, one in native code does not. */
const promptly = 30;

/** So many late answers, and nothing between them that notices the interrupt: no await will. */
const mostLate = 4;

/** Pause between two questions to the inspector, in which an await may go on, in milliseconds. */
const pause = 10;

type Stream = Extract<Output, { op: "stream" }>;

interface Shared {
  readonly counters: SharedCounters;
  readonly nonce: string;
  /** Where a blocked main thread reads the answer to its prompt. */
  readonly prompts: MessagePort;
}

const { counters, nonce, prompts } = workerData as Shared;
const port = parentPort!;
const link = new Socket({ fd: 3, readable: true, writable: true });
const inspector = new Session();
const toMain = (message: FromWorker) => port.postMessage(message);

let batch: { first: Stream; parts: string[]; size: number } | undefined;
let timer: NodeJS.Timeout | undefined;
let running: number | undefined;
/** The question for whose answer the main thread is blocked. */
let prompted: number | undefined;
/** The cell that was asked to stop. */
let interrupting: number | undefined;
/** Requests that wait until the main thread answers again after its execution was terminated. */
let waiting: ToUser[] | undefined;

inspector.connectToMainThread();
const read = lineReader<ToUser>();
link.setEncoding("utf8");
link.on("data", (text) => read(String(text)).forEach(request));
link.on("error", () => {});
link.on("close", () => process.kill(process.pid, "SIGKILL"));
port.on("message", say);

function request(message: ToUser) {
  if (waiting) waiting.push(message);
  else if (message.op === "interrupt") interrupt(message.cell);
  else if (message.op === "input_reply") answerInput(message);
  else {
    if (message.op === "run") running = message.cell;
    toMain(message);
  }
}

function answerInput(message: InputAnswer) {
  if (message.id === prompted) unblock(message);
  else toMain(message);
}

function unblock(answer: PromptAnswer) {
  prompted = undefined;
  prompts.postMessage(answer);
  Atomics.add(counters, 2, 1);
  Atomics.notify(counters, 2);
}

function askInput({ isSynchronous, ...question }: InputQuestion & { readonly isSynchronous: boolean }) {
  if (isSynchronous) prompted = question.id;
  send(toLine(question));
}

function say(message: ToWorker) {
  switch (message.op) {
    case "stream":
      return addText(message);
    case "pong":
      return answered();
    case "flush":
      inspector.disconnect(); // else Node waits for it, and says so
      return send("", () => {
        Atomics.add(counters, 1, 1);
        Atomics.notify(counters, 1);
      });
    case "input":
      return askInput(message);
    case "done":
      return message.cell === running ? settle(message) : undefined;
    default:
      return send(toLine(message));
  }
}

function addText(message: Stream) {
  const { first } = batch ?? {};
  if (first && (first.cell !== message.cell || first.name !== message.name)) send("");
  batch ??= { first: message, parts: [], size: 0 };
  batch.parts.push(message.text);
  batch.size += message.text.length;
  timer ??= setTimeout(() => send(""), batchTime);
  if (batch.size >= batchSize) send("");
}

/** Sends the batch, then the line. */
function send(line: string, then?: () => void) {
  clearTimeout(timer);
  timer = undefined;
  const { first, parts = [], size = 0 } = batch ?? {};
  batch = undefined;
  const text = first ? toLine({ ...first, text: parts.join("") }) : "";
  link.write(text + line, () => {
    Atomics.sub(counters, 0, size);
    Atomics.notify(counters, 0);
    then?.();
  });
}

/** Ends the running cell. The barriers follow everything that was written to the pipes so far. */
function settle(message: Done) {
  running = undefined;
  send(toLine(message));
  for (const descriptor of [1, 2]) {
    try {
      writeSync(descriptor, barrier(nonce, message.cell));
    } catch {} // a closed or full pipe: process A waits for the barrier only so long
  }
}

/** The first interrupt lets native code come to its end; the second one, from somebody who will not wait, does not. */
function interrupt(cell: number) {
  if (cell !== running) return;
  toMain({ op: "interrupt", cell });
  if (prompted !== undefined) unblock("interrupted");
  if (interrupting === cell) return terminate(cell);
  interrupting = cell;
  stopWhenInScript(cell);
}

/**
 * Stops the main thread once it is seen to run JavaScript and nothing but. Code of an add-on that is terminated while it
 * calls back, as ONNX Runtime's does, ends the whole process; after the add-on's call an await notices the interrupt.
 * A thread that goes from one native call into the next is stopped nevertheless.
 */
function stopWhenInScript(cell: number, since = performance.now(), late = 0) {
  if (cell !== running) return;
  const asked = performance.now();
  inspector.post("Runtime.getIsolateId", () => {
    if (cell !== running) return;
    const now = performance.now();
    const isNative = now - asked > promptly;
    if (isNative ? late + 1 >= mostLate : now - since > grace) terminate(cell);
    else setTimeout(stopWhenInScript, pause, cell, isNative ? now : since, late + Number(isNative));
  });
}

/** Stops whatever JavaScript the main thread runs. Its frames unwind uncaught, so the cell is settled here. */
function terminate(cell: number) {
  waiting = [];
  inspector.post("Runtime.terminateExecution", () => {
    if (cell === running) settle({ op: "done", cell, error: interruption });
    toMain({ op: "interrupt", cell });
    askUntilAnswered();
  });
}

/** The termination may strike the handler of the first question instead of the cell, so it is asked again. */
function askUntilAnswered() {
  if (!waiting) return;
  toMain({ op: "ping" });
  setTimeout(askUntilAnswered, 20);
}

function answered() {
  const requests = waiting ?? [];
  waiting = undefined;
  requests.forEach(request);
}
