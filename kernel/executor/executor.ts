/**
 * Process A's side of the user process: starts it, gives it cells one at a time, hands its output on in order, stops
 * it, notices its death and starts it again. Knows nothing of sockets, so that headless runs use it too.
 */

import {
  type CellError,
  type Done,
  type FromUser,
  type InputQuestion,
  type Output,
  type Question,
  type RunRequest,
  toLine,
} from "../link.ts";
import { type Hooks, hearUserProcess, type Spawned, spawnUserProcess, type UserProcess } from "./child.ts";

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
   * @param patience How long to wait while a cell runs, in milliseconds; a main thread that computes cannot answer.
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

/** How long an answer is waited for while no cell runs, in milliseconds: only a slow machine or a timer keeps it. */
const idlePatience = 500;

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
  /** Questions that the user process has not dealt with, whether or not anybody still waits. */
  let unanswered = 0;
  let isClosed = false;
  /** A stop may still strike the main thread: the control worker keeps the next cell until it answers. */
  let isInterrupted = false;

  const finish = async (done: Done, from: UserProcess) => {
    if (done.cell !== running?.cell) return;
    for (const name of done.names ?? []) names.add(name);
    await (done.isStraight ? from.drained() : from.flushed(done.cell));
    if (done.cell === running?.cell) running.settle(done); // an interrupt may have told the end once more
  };
  const hear = (message: FromUser, from: UserProcess) => {
    if (message.op === "ready") return options.onReady?.();
    if (message.op === "done") void finish(message, from);
    else if (message.op === "answer") answered(message);
    else if (message.op === "input") void answerInput(message, from);
    else options.onOutput(message);
  };
  const answered = ({ id, value }: { readonly id: number; readonly value?: unknown }) => {
    unanswered--;
    asked.get(id)?.(value);
  };
  const answerInput = async (question: InputQuestion, from: UserProcess) => {
    const value = await options.onInput?.(question);
    from.send(toLine({ op: "input_reply", id: question.id, ...(value === undefined ? {} : { value }) }));
  };
  const ended = (cause: string, from: UserProcess) => {
    if (user !== from) return;
    user = undefined;
    unanswered = 0;
    names.clear();
    if (!isClosed) options.onEnd?.(); // a front end that shuts the kernel down has forgotten its comms already
    const error = endOfProcess(cause);
    if (running) running.settle({ error });
    else if (!isClosed)
      options.onOutput({ op: "stream", cell: latest, name: "stderr", text: `${error.traceback[0]}\n` });
  };
  const hooks: Hooks = { hear, ended, cell: () => latest };
  const start = () => {
    user ??= hearUserProcess(spawnUserProcess(options), options.onOutput, hooks);
    return user;
  };
  user = hearUserProcess(options.first ?? spawnUserProcess(options), options.onOutput, hooks);
  const kill = () => user?.kill();
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
        const message = { op: "run", cell, ...request } as const;
        const isStraight = !isInterrupted && unanswered === 0; // else it would overtake what the worker carries
        isInterrupted = false;
        if (isStraight) start().run(message);
        else start().send(toLine(message));
      });
    },
    interrupt() {
      isInterrupted ||= running !== undefined;
      if (running) user?.send(toLine({ op: "interrupt", cell: running.cell }));
    },
    ask(question, patience) {
      const id = ++questions;
      if (user) unanswered++;
      user?.send(toLine({ op: "ask", id, question }));
      const wait = running ? patience : Math.max(patience, idlePatience);
      return new Promise((resolve) => {
        const settle = (value: unknown) => {
          clearTimeout(timer);
          asked.delete(id);
          resolve(value);
        };
        const timer = setTimeout(settle, user ? wait : 0, undefined);
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

function endOfProcess(cause: string): CellError {
  const evalue = `the user process ended (${cause}); its variables are lost, the next cell starts a new one`;
  return { ename: "UserProcessEnded", evalue, traceback: [`UserProcessEnded: ${evalue}`] };
}
