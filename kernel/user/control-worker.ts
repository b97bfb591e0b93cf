/**
 * The control worker of process B. Its event loop lives while the main thread is busy: it carries what the main
 * thread says to process A, batched, and stops the main thread when the running cell is interrupted.
 */

import { Session } from "node:inspector";
import { Socket } from "node:net";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import {
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
import { writeBarriers } from "./direct-line.ts";

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
/** Messages of the main thread that were not written yet. */
let unwritten = 0;
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
  else toMain(message);
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
  unwritten++;
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
      return hasEnded(message.cell) ? undefined : settle(message);
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
  const written = unwritten;
  unwritten = 0;
  link.write(text + line, () => {
    Atomics.add(counters, 3, written);
    Atomics.sub(counters, 0, size);
    Atomics.notify(counters, 0);
    then?.();
  });
}

/** Ends the running cell. */
function settle(message: Done) {
  Atomics.store(counters, 4, message.cell);
  send(toLine(message));
  writeBarriers(nonce, message.cell);
}

const hasEnded = (cell: number) => Atomics.load(counters, 4) >= cell;

/** The first interrupt lets native code come to its end; the second one, from somebody who will not wait, does not. */
function interrupt(cell: number) {
  if (hasEnded(cell)) return;
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
  if (hasEnded(cell)) return;
  const asked = performance.now();
  inspector.post("Runtime.getIsolateId", () => {
    if (hasEnded(cell)) return;
    const now = performance.now();
    const isNative = now - asked > promptly;
    if (isNative ? late + 1 >= mostLate : now - since > grace) terminate(cell);
    else setTimeout(stopWhenInScript, pause, cell, isNative ? now : since, late + Number(isNative));
  });
}

/**
 * Stops whatever JavaScript the main thread runs. Its frames unwind uncaught, so the cell is settled here; it counts as
 * ended at once, since the main thread may have it still before itself.
 */
function terminate(cell: number) {
  waiting = [];
  Atomics.store(counters, 4, cell);
  inspector.post("Runtime.terminateExecution", () => {
    settle({ op: "done", cell, error: interruption });
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
