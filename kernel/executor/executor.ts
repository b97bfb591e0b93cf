/**
 * Process A's side of the user process: starts it, gives it cells one at a time, hands its output on in order, stops
 * it, notices its death and starts it again. Knows nothing of sockets, so that headless runs use it too.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Duplex, Readable } from "node:stream";
import {
  barrier,
  type CellError,
  type Done,
  type FromUser,
  type InputQuestion,
  lineReader,
  type Output,
  type Question,
  type RunRequest,
  toLine,
} from "../link.ts";

/** Longest wait for what a cell wrote to its pipes, once the cell itself is done, in milliseconds. */
const barrierPatience = 500;

/** What a cell came to: the value's bundle, its error, or neither. */
export type Outcome = Pick<Done, "data" | "error" | "expressions">;

/** Runs cells in a user process of its own. */
export interface Executor {
  /**
   * Runs one cell; settles after all of its output was handed on. Cells must not overlap.
   *
   * @param cell A number never used before; output carries it.
   * @param request Its text, the number shown beside it, and expressions to evaluate once it succeeded.
   */
  run(cell: number, request: Omit<RunRequest, "op" | "cell">): Promise<Outcome>;
  /**
   * Asks about the variables.
   *
   * @param patience How long to wait, in milliseconds; a main thread that computes cannot answer.
   * @returns The answer, or undefined where none came in time.
   */
  ask(question: Question, patience: number): Promise<unknown>;
  /** Names that cells declared since the user process started. */
  readonly names: ReadonlySet<string>;
  /** Stops the running cell; its outcome is an error and its variables stay. */
  interrupt(): void;
  /** Ends the user process and everything it started, at once. The running cell's outcome is an error. */
  kill(): void;
  /** Ends the user process for good. */
  close(): Promise<void>;
}

/** Where the user process works and who hears it. */
export interface ExecutorOptions {
  /** Working folder of the cells; imports begin there. */
  readonly folder: string;
  /** Called for every piece of output, in order. */
  readonly onOutput: (output: Output) => void;
  /** Answers a question of a cell; without it, or where it gives undefined, nobody can be asked. */
  readonly onInput?: (question: InputQuestion) => Promise<string | undefined>;
  /** Called when a user process can run cells. */
  readonly onReady?: () => void;
  /** Called when the user process ended, with everything in it. */
  readonly onEnd?: () => void;
  /** Largest heap of the user process, in MB; the environment's SRFT_MAX_OLD_SPACE or Node's default without. */
  readonly maxHeap?: number;
  /** The first user process, where it was started before whoever hears it was ready. */
  readonly first?: Spawned;
}

/** A user process that nobody listens to yet; `nonce` is in its barriers. */
export type Spawned = { readonly child: ChildProcess; readonly nonce: string };

interface UserProcess {
  readonly child: ChildProcess;
  send(line: string): void;
  /** Settles when both pipes have passed the cell's barrier. */
  flushed(cell: number): Promise<unknown>;
}

/**
 * Starts a user process.
 *
 * @example
 * const executor = startExecutor({ folder: ".", onOutput: (output) => outputs.push(output) });
 * await executor.run(1, { source: "1 + 1", count: 1 }); // { data: { "text/plain": "2" }, … }
 * await executor.close();
 */
export function startExecutor(options: ExecutorOptions): Executor {
  let user: UserProcess | undefined;
  let running: { cell: number; settle: (outcome: Outcome) => void } | undefined;
  const names = new Set<string>();
  const asked = new Map<number, (value: unknown) => void>();
  let latest = 0;
  let questions = 0;
  let isClosed = false;

  const finish = async (done: Done, from: UserProcess) => {
    if (done.cell !== running?.cell) return;
    for (const name of done.names ?? []) names.add(name);
    await from.flushed(done.cell);
    running?.settle(done);
  };
  const hear = (message: FromUser, from: UserProcess) => {
    if (message.op === "ready") return options.onReady?.();
    if (message.op === "done") void finish(message, from);
    else if (message.op === "answer") asked.get(message.id)?.(message.value);
    else if (message.op === "input") void answerInput(message, from);
    else options.onOutput(message);
  };
  const answerInput = async (question: InputQuestion, from: UserProcess) => {
    const value = await options.onInput?.(question);
    from.send(toLine({ op: "input_reply", id: question.id, ...(value === undefined ? {} : { value }) }));
  };
  const ended = (cause: string, from: UserProcess) => {
    if (user !== from) return;
    user = undefined;
    names.clear();
    if (!isClosed) options.onEnd?.(); // a front end that shuts the kernel down has forgotten its comms already
    const error = endOfProcess(cause);
    if (running) running.settle({ error });
    else if (!isClosed)
      options.onOutput({ op: "stream", cell: latest, name: "stderr", text: `${error.traceback[0]}\n` });
  };
  const hooks: Hooks = { hear, ended, cell: () => latest };
  const start = () => {
    user ??= startUserProcess(spawnUserProcess(options), options.onOutput, hooks);
    return user;
  };
  user = startUserProcess(options.first ?? spawnUserProcess(options), options.onOutput, hooks);
  const kill = () => user && killGroup(user.child);
  return {
    names,
    run(cell, request) {
      if (running) throw new Error(`run: expected cell ${running.cell} to have ended but found it running`);
      latest = cell;
      return new Promise((resolve) => {
        running = {
          cell,
          settle(outcome) {
            running = undefined;
            resolve(outcome);
          },
        };
        start().send(toLine({ op: "run", cell, ...request }));
      });
    },
    interrupt() {
      if (running) user?.send(toLine({ op: "interrupt", cell: running.cell }));
    },
    ask(question, patience) {
      const id = ++questions;
      user?.send(toLine({ op: "ask", id, question }));
      return new Promise((resolve) => {
        const settle = (value: unknown) => {
          clearTimeout(timer);
          asked.delete(id);
          resolve(value);
        };
        const timer = setTimeout(settle, user ? patience : 0, undefined);
        asked.set(id, settle);
      });
    },
    kill,
    async close() {
      isClosed = true;
      const child = user?.child;
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const exit = new Promise((resolve) => child.once("exit", resolve));
      kill();
      await exit;
    },
  };
}

interface Hooks {
  hear(message: FromUser, from: UserProcess): void;
  ended(cause: string, from: UserProcess): void;
  /** The cell that output of unknown origin belongs to. */
  cell(): number;
}

/** The environment's limit, as kernel.json's `env` can set it. */
function heapLimit(): number | undefined {
  const text = process.env.SRFT_MAX_OLD_SPACE ?? "";
  if (text === "") return undefined;
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new RangeError(`startExecutor: expected SRFT_MAX_OLD_SPACE in MB, such as 8192, but found ${text}`);
}

/**
 * Starts a user process; `startExecutor` takes it over.
 *
 * @throws {RangeError} If SRFT_MAX_OLD_SPACE is not a number of megabytes.
 * @example
 * const { child } = spawnUserProcess({ folder: "." });
 * child.kill(); // true
 */
export function spawnUserProcess({
  folder,
  maxHeap = heapLimit(),
}: Pick<ExecutorOptions, "folder" | "maxHeap">): Spawned {
  const nonce = randomUUID();
  const heap = maxHeap === undefined ? [] : [`--max-old-space-size=${maxHeap}`];
  const quiet = ["--disable-warning=ExperimentalWarning", "--disable-warning=DEP0111"];
  const flags = ["--no-force-async-hooks-checks", "--enable-source-maps", ...quiet];
  const child = spawn(process.execPath, [...flags, ...heap, join(import.meta.dirname, "../user/user-process.js")], {
    cwd: folder,
    detached: true,
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    env: { ...process.env, SRFT_BARRIER: nonce },
  });
  child.on("error", () => {}); // a process that cannot be started exits too
  return { child, nonce };
}

function startUserProcess({ child, nonce }: Spawned, onOutput: ExecutorOptions["onOutput"], hooks: Hooks): UserProcess {
  const link = child.stdio[3] as Duplex;
  const pipes = (["stdout", "stderr"] as const).map((name) =>
    watchPipe(child[name]!, nonce, (text) => {
      tail = (tail + text).slice(-4000);
      onOutput({ op: "stream", cell: hooks.cell(), name, text });
    }),
  );
  let tail = "";
  const user: UserProcess = {
    child,
    send: (line) => link.write(line),
    flushed: (cell) => Promise.race([Promise.all(pipes.map((passed) => passed(cell))), patience()]),
  };
  const read = lineReader<FromUser>();
  link.setEncoding("utf8");
  link.on("data", (text: string) => {
    for (const message of read(text)) hooks.hear(message, user);
  });
  link.on("error", () => {});
  child.on("error", (error) => hooks.ended(error.message, user));
  child.on("exit", () => killGroup(child)); // what it started may hold its pipes open
  child.on("close", (code, signal) => hooks.ended(causeOfDeath(code, signal, tail), user));
  return user;
}

const patience = () => new Promise((resolve) => setTimeout(resolve, barrierPatience).unref());

/** Hands on a pipe's text without the barriers in it; the result waits for the barrier of a cell. */
function watchPipe(pipe: Readable, nonce: string, onText: (text: string) => void) {
  const passed = new Set<number>();
  const waiting = new Map<number, () => void>();
  const mark = new RegExp(`\\0srft:${nonce}:(\\d+)\\0`);
  let rest = "";
  pipe.setEncoding("utf8");
  pipe.on("data", (chunk: string) => {
    rest += chunk;
    for (let found = mark.exec(rest); found; found = mark.exec(rest)) {
      if (found.index > 0) onText(rest.slice(0, found.index));
      rest = rest.slice(found.index + found[0].length);
      const cell = Number(found[1]);
      passed.add(cell);
      waiting.get(cell)?.();
    }
    const doubtful = rest.lastIndexOf("\0");
    const isPartial = doubtful >= 0 && barrier(nonce, 0).startsWith(rest.slice(doubtful, doubtful + nonce.length + 7));
    const safe = isPartial ? doubtful : rest.length;
    if (safe > 0) onText(rest.slice(0, safe));
    rest = rest.slice(safe);
  });
  return (cell: number) =>
    new Promise<void>((resolve) => {
      if (passed.delete(cell)) return resolve();
      waiting.set(cell, () => {
        waiting.delete(cell);
        passed.delete(cell);
        resolve();
      });
    });
}

/** The user process leads a group of its own: what it started goes with it. */
function killGroup(child: ChildProcess) {
  try {
    if (process.platform === "win32" || child.pid === undefined) child.kill("SIGKILL");
    else process.kill(-child.pid, "SIGKILL");
  } catch {
    child.kill("SIGKILL");
  }
}

function causeOfDeath(code: number | null, signal: NodeJS.Signals | null, tail: string) {
  if (/heap out of memory/.test(tail)) return "out of memory";
  return signal ? `signal ${signal}` : `exit code ${code}`;
}

function endOfProcess(cause: string): CellError {
  const evalue = `the user process ended (${cause}); its variables are lost, the next cell starts a new one`;
  return { ename: "UserProcessEnded", evalue, traceback: [`UserProcessEnded: ${evalue}`] };
}
