/**
 * Process B: runs compiled cells on its main thread. Everything it says goes through the control worker, which sends
 * it on while this thread is busy, and which stops this thread when a cell is interrupted.
 */

import { AsyncLocalStorage } from "node:async_hooks";
import { Socket } from "node:net";
import { Script } from "node:vm";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { type CompiledCell, compileCell } from "../cell/cell.ts";
import { runtimeName } from "../cell/cell-rewrite.ts";
import { fixNames, nameConstants, openNames } from "../cell/constants.ts";
import { usingContext } from "../cell/using.ts";
import { alreadyShown, displayBundle } from "../display/display.ts";
import { displayGlobals } from "../display/display-globals.ts";
import { createDrawings, type Drawings } from "../display/drawings.ts";
import { followDrawings } from "../display/follow-drawings.ts";
import {
  type CellError,
  type Done,
  descriptors,
  type ExpressionResult,
  type FromWorker,
  interruption,
  lineReader,
  type MimeBundle,
  type Output,
  type Question,
  type RunRequest,
  type SharedCounters,
  type ToWorker,
} from "../link.ts";
import { completeFrom } from "../runtime-help/completion.ts";
import { inspectFrom } from "../runtime-help/inspection.ts";
import { createWidgets } from "../widgets/widgets.ts";
import { captureOutput, quickenConsole } from "./capture.ts";
import { createComms } from "./comms.ts";
import { type DirectLine, directLine } from "./direct-line.ts";
import { createInput } from "./input.ts";
import { createModuleLoader } from "./modules.ts";
import { cellFile, cleanStack, cleanText, describeError, type KnownCell } from "./traceback.ts";
import { createTslab } from "./tslab.ts";

/** A thread that prints faster than anybody reads waits here, in characters. */
const unsentLimit = 32 * 1024 * 1024;

/** A cell may declare these names for itself. */
const { process, globalThis: global } = globalThis;

/** Thrown into a cell's own code when it resumes after it was interrupted. */
class Interrupted extends Error {
  override readonly name = "Interrupted";
  constructor() {
    super("the cell was interrupted");
  }
}

type KnownCellMap = Map<number, KnownCell>;

function main() {
  const counters: SharedCounters = new Int32Array(new SharedArrayBuffer(20));
  const prompts = new MessageChannel();
  const nonce = process.env.SRFT_BARRIER!;
  const worker = new Worker(new URL("./control-worker.js", import.meta.url), {
    workerData: { counters, nonce, prompts: prompts.port2 },
    transferList: [prompts.port2],
    execArgv: [],
    stdout: false,
  });
  worker.unref();
  delete process.env.SRFT_BARRIER;
  const cells = new Socket({ fd: descriptors.cells, readable: true, writable: false });
  const line = directLine<ToWorker>(counters, (message) => worker.postMessage(message));
  const session = createSession(line, { counters, prompts: prompts.port1 });
  worker.on("message", (message: FromWorker) => void session.receive(message));
  const read = lineReader<RunRequest>();
  cells.setEncoding("utf8");
  cells.on("data", (text) => {
    for (const message of read(String(text))) void session.receive(message);
  });
  cells.on("error", () => {});
  worker.on("exit", () => process.exit(1));
  keepAlive();
  line.post({ op: "ready" });
}

/** The worker does not keep this thread alive, so that beforeExit never comes; a timer does. */
const keepAlive = () => setInterval(() => {}, 2 ** 30);

interface Shared {
  readonly counters: SharedCounters;
  readonly prompts: MessagePort;
}

function createSession({ post, tellEnd }: DirectLine<ToWorker>, { counters, prompts }: Shared) {
  const cells = new Map<number, KnownCell>();
  const storage = new AsyncLocalStorage<number>();
  const interrupted = new Set<number>();
  const held = new Set<Promise<unknown>>();
  const loader = createModuleLoader(process.cwd());
  const drawings = createDrawings();
  let latest = 0;
  let reject: (reason: Interrupted) => void = () => {};

  const cell = () => storage.getStore() ?? latest;
  const send = (output: Output) => {
    const size = output.op === "stream" ? output.text.length : 0;
    if (size > 0 && Atomics.add(counters, 0, size) > unsentLimit) waitForReader(counters);
    post(output.op === "display" ? { ...output, data: sendable(output.data, cells) } : output);
  };
  const hold = (work: Promise<unknown>) => {
    const kept = work.catch((error: unknown) => complain(error)).finally(() => held.delete(kept));
    held.add(kept);
  };
  const complain = (error: unknown) => {
    if (error instanceof Interrupted) return;
    send({ op: "stream", cell: cell(), name: "stderr", text: `Uncaught ${cleanStack(error, cells)}\n` });
  };
  const resume = <Value>(value: Value): Value => {
    if (interrupted.size > 0 && interrupted.has(cell())) throw new Interrupted();
    return value;
  };

  captureOutput((name, text) => send({ op: "stream", cell: cell(), name, text: cleanText(text, cells) }));
  quickenConsole();
  const { receive: receiveInput, ...questions } = createInput({
    ...{ cell, post, counters, prompts },
    interrupted: () => new Interrupted(),
  });
  const { receive: receiveComm, ...channels } = createComms({ cell, send });
  const tslab = createTslab((data, target) => send({ op: "display", cell: cell(), data, metadata: {}, ...target }));
  const follower = followDrawings({ send, drawings });
  const widgets = createWidgets(channels.comms.register);
  const offered = { ...displayGlobals({ cell, send, hold, follower }), ...questions, ...channels, widgets, tslab };
  Object.assign(global, offered, { require: loader.require });
  const fix = (names: readonly string[]) => fixNames(global, names);
  Object.defineProperty(global, runtimeName, { value: { load: loader.load, meta: loader.meta, resume, fix } });
  nameConstants(global);
  Object.defineProperty(global, "babelHelpers", { value: { usingCtx: usingContext } });
  process.on("uncaughtException", complain);
  process.on("unhandledRejection", complain);
  process.on("exit", () => flush(post, counters));

  const run = async (message: RunRequest) => {
    if (Atomics.load(counters, 4) >= message.cell) return; // interrupted before it began
    latest = message.cell;
    storage.run(latest, allowTermination);
    const stopped = new Promise<never>((_, fail) => {
      reject = fail;
    });
    stopped.catch(() => {});
    try {
      const work = storage.run(message.cell, () => execute(message, { cells, drawings }));
      const done = await Promise.race([work, stopped]);
      await Promise.race([Promise.all(held).then(() => follower.finish(message.cell)), stopped]);
      tellEnd({ op: "done", cell: message.cell, ...done });
    } catch (error) {
      tellEnd({ op: "done", cell: message.cell, error: failure(error, cells, message.cell) });
    }
  };
  const answer = async (question: Question): Promise<unknown> => {
    switch (question.kind) {
      case "complete":
        return completeFrom(global, question.code, question.cursor);
      case "inspect":
        return inspectFrom(global, question.code, question);
      case "comm":
        return storage.run(question.cell, () => receiveComm(question).catch(complain));
      default:
        return question satisfies never;
    }
  };
  const receive = async (message: FromWorker) => {
    switch (message.op) {
      case "ping":
        return post({ op: "pong" });
      case "run":
        return run(message);
      case "ask":
        return post({ op: "answer", id: message.id, value: await answer(message.question).catch(() => undefined) });
      case "input_reply":
        return receiveInput(message);
      case "interrupt":
        interrupted.add(message.cell);
        return message.cell === latest ? reject(new Interrupted()) : undefined;
      default:
        return message satisfies never;
    }
  };
  return { receive };
}

/**
 * Up to Node 22 AsyncLocalStorage is a hook, and a hook switches on checks of the async stack that abort the process
 * after a termination ("async hook stack has become corrupted", `execution_async_id() == 0`), whatever the command
 * line says. Node 24 has neither hook nor binding.
 */
function allowTermination() {
  if (!asyncWrap) return;
  const { async_hook_fields, constants } = asyncWrap;
  async_hook_fields[constants.kCheck] = 0;
  async_hook_fields[constants.kTotals] = 0;
}

const asyncWrap = bindingOfAsyncWrap();

function bindingOfAsyncWrap() {
  type AsyncWrap = { async_hook_fields: Uint32Array; constants: { kCheck: number; kTotals: number } };
  try {
    return (process as unknown as { binding(name: string): AsyncWrap }).binding("async_wrap");
  } catch {
    return undefined; // Node 24
  }
}

type Finished = Pick<Done, "data" | "expressions" | "names">;

interface Surroundings {
  readonly cells: KnownCellMap;
  readonly drawings: Drawings;
}

async function execute(request: RunRequest, { cells, drawings }: Surroundings): Promise<Finished> {
  const { cell, count, source, expressions } = request;
  const known: KnownCell = { count, source, originalLine: (line) => line };
  cells.set(cell, known);
  const compiled = compileCell(source);
  cells.set(cell, { ...known, originalLine: compiled.originalLine });
  openNames(global, compiled.names);
  const value = await resultOf(compiled, cellFile(cell));
  const isSeen = compiled.hasValue && isShown(value.value);
  const bundle = isSeen ? await displayBundle(value.value) : undefined;
  const data = bundle && sendable(await drawings.add(bundle), cells);
  const evaluated = expressions && (await evaluateAll(expressions, cells));
  const { names } = compiled;
  return { names, ...(data ? { data } : {}), ...(evaluated ? { expressions: evaluated } : {}) };
}

/** Runs a script; its value may itself be a promise that nobody awaits. */
async function resultOf({ code, isAsync }: CompiledCell, filename: string): Promise<{ readonly value?: unknown }> {
  const completion: unknown = new Script(code, { filename }).runInThisContext({ displayErrors: false });
  return isAsync ? (((await completion) as { value: unknown } | undefined) ?? {}) : { value: completion };
}

async function evaluateAll(expressions: Record<string, string>, cells: KnownCellMap) {
  const results: [string, ExpressionResult][] = [];
  for (const [name, source] of Object.entries(expressions)) results.push([name, await evaluate(source, cells)]);
  return Object.fromEntries(results);
}

async function evaluate(source: string, cells: KnownCellMap): Promise<ExpressionResult> {
  try {
    const { value } = await resultOf(compileCell(source), "srft-expression.ts");
    return { status: "ok", data: sendable(await displayBundle(value), cells), metadata: {} };
  } catch (error) {
    return { status: "error", ...describeError(error, cells, { count: 0, source, originalLine: (line) => line }) };
  }
}

/**
 * A bundle that can be sent: JSON values only, so that what JSON cannot hold throws in the cell that made it; a shown
 * error's stack is told in cell coordinates.
 */
function sendable(bundle: MimeBundle, cells: KnownCellMap): MimeBundle {
  const entries = Object.entries(bundle).flatMap(([mime, value]) => {
    if (typeof value === "string") return [[mime, mime === "text/plain" ? cleanText(value, cells) : value]];
    const text = JSON.stringify(value);
    return text === undefined ? [] : [[mime, JSON.parse(text)]];
  });
  return Object.fromEntries(entries) as MimeBundle;
}

const isShown = (value: unknown) =>
  value !== undefined && !(typeof value === "object" && value && alreadyShown in value);

function failure(error: unknown, cells: KnownCellMap, cell: number): CellError {
  if (error instanceof Interrupted) return interruption;
  return describeError(error, cells, cells.get(cell));
}

function waitForReader(counters: SharedCounters) {
  for (let unsent = Atomics.load(counters, 0); unsent > unsentLimit / 2; unsent = Atomics.load(counters, 0))
    Atomics.wait(counters, 0, unsent, 100);
}

/** Waits, as the process ends, until the worker has sent everything; a second at most. */
function flush(post: (message: ToWorker) => void, counters: SharedCounters) {
  const before = Atomics.load(counters, 1);
  post({ op: "flush" });
  Atomics.wait(counters, 1, before, 1000);
}

main();
