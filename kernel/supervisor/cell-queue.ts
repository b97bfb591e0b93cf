/** Cells in the order of their requests, one at a time: busy, execute_input, outputs, result or error, reply, idle. */

import { setTimeout as delay } from "node:timers/promises";
import { withoutMagic } from "../cell/cell.ts";
import type { Executor, Outcome } from "../executor/executor.ts";
import type { TypeProblem } from "../language/language.ts";
import type { MimeBundle } from "../link.ts";
import type { Channel } from "../protocol/channels.ts";
import type { ExecuteRequest, Message } from "../protocol/messages.ts";
import type { Speaker } from "../protocol/speaker.ts";
import type { Assistant } from "./assistant.ts";
import { diagnosticsBundle, typeError } from "./diagnostics.ts";
import type { History } from "./history.ts";
import type { RunningCell } from "./stdin.ts";

/** Before a failure is told, cells that were sent together with the failed one may still arrive, in milliseconds. */
const abortDelay = 10;

/** What the queue works with. */
export interface Workshop {
  readonly speaker: Speaker;
  readonly executor: Pick<Executor, "run">;
  readonly history: Pick<History, "add" | "addOutput">;
  readonly assistant: Pick<Assistant, "check" | "commit" | "inspect">;
  /** Gives a cell its number, under which its output finds its request. */
  number(message: Message<ExecuteRequest>): number;
  /** Holds a cell's output back, which comes after its type problems. */
  readonly output: { hold(cell: number): void; release(): void };
  /** Settles when what a cell shows can be heard. */
  heard(): Promise<void>;
  /** Called after each cell. */
  ended(): void;
}

interface Pending {
  readonly channel: Channel;
  readonly message: Message<ExecuteRequest>;
}

/**
 * Makes the queue of one kernel.
 *
 * @example
 * typeof createCellQueue({}).push; // "function"
 */
export function createCellQueue({ speaker, executor, history, assistant, output, number, heard, ended }: Workshop) {
  const queue: Pending[] = [];
  let types: "error" | "warn" | "off" = typesMode(process.env.SRFT_TYPES) ?? "warn";
  let count = 0;
  let running: RunningCell | undefined;
  let isWorking = false;

  const runCell = async (cell: number, { header, content }: Message<ExecuteRequest>): Promise<Ended> => {
    const { code, user_expressions, silent } = content;
    types = typesMode(/^%types\s+(\w+)\s*$/.exec(code.split("\n", 1)[0]!)?.[1]) ?? types;
    const shown = count;
    const tell = (problems: readonly TypeProblem[]) => {
      if (problems.length === 0) return;
      const data = diagnosticsBundle(problems, { count: shown, source: code });
      speaker.publish("display_data", header, { data, metadata: {}, transient: {} });
    };
    const help = /^\s*([\p{ID_Start}$_][\p{ID_Continue}$.]*)(\?\??)\s*$/u.exec(code);
    if (help)
      return page(await assistant.inspect(help[1]!, { cursor: help[1]!.length, detail: help[2] === "??" ? 1 : 0 }));
    const isAsked = user_expressions !== undefined && Object.keys(user_expressions).length > 0;
    const run = () =>
      executor.run(cell, { source: code, count, ...(isAsked ? { expressions: user_expressions } : {}) });
    if (types === "off" || silent) return run();
    const check = () =>
      assistant.check({ source: withoutMagic(code), id: cell, types: types as "error" | "warn" }, tell);
    if (types === "error") return runWhenRight(run, await check(), tell);
    output.hold(cell);
    return runBeside(check, run, tell);
  };
  const runWhenRight = async (run: () => Promise<Outcome>, problems: readonly TypeProblem[], tell: Tell) => {
    tell(problems);
    const isRefused = problems.some(({ severity }) => severity === "error");
    return isRefused ? ({ error: typeError(problems, count), isRefused } as const) : run();
  };
  /** Output is held until the type problems are told, though the cell began before they were known. */
  const runBeside = async (check: () => Promise<readonly TypeProblem[]>, run: () => Promise<Outcome>, tell: Tell) => {
    const work = run();
    tell(await check());
    output.release();
    return work;
  };
  const execute = async ({ channel, message }: Pending) => {
    const { header, content } = message;
    const { code, silent = false, store_history = true, stop_on_error = true } = content;
    const cell = number(message);
    const isKept = store_history && !silent;
    if (isKept) count++;
    running = { cell, message };
    const work = runCell(cell, message); // says nothing before this function waits
    speaker.publishStatus(header, "busy");
    if (!silent) speaker.publish("execute_input", header, { code, execution_count: count });
    if (isKept) history.add(count, code);
    const outcome = await work;
    running = undefined;
    ended();
    const stops = outcome.error !== undefined && stop_on_error;
    if (stops) await delay(abortDelay);
    if (!silent) publishOutcome(message, outcome);
    speaker.reply(channel, message, replyContent(outcome, count));
    speaker.publishStatus(header, "idle");
    if (wasRun(outcome)) assistant.commit(withoutMagic(code), cell);
    if (stops) abortAll();
  };
  const publishOutcome = ({ header }: Message<ExecuteRequest>, { data, error }: Outcome) => {
    if (error) return speaker.publish("error", header, error);
    if (!data) return;
    history.addOutput(count, String(data["text/plain"]));
    speaker.publish("execute_result", header, { data, metadata: {}, execution_count: count });
  };
  const abortAll = () => {
    for (const { channel, message } of queue.splice(0)) {
      speaker.publishStatus(message.header, "busy");
      speaker.reply(channel, message, { status: "aborted", execution_count: count });
      speaker.publishStatus(message.header, "idle");
    }
  };
  const work = async () => {
    if (isWorking) return;
    isWorking = true;
    await heard();
    for (let next = queue.shift(); next; next = queue.shift()) await execute(next);
    isWorking = false;
  };
  return {
    push(channel: Channel, message: Message) {
      queue.push({ channel, message: executeRequest(message) });
      void work();
    },
    /** Forgets the cells that wait, as the kernel ends. */
    clear() {
      queue.length = 0;
    },
    /** The cell that runs now. */
    running: () => running,
  };
}

/** A front end may leave fields out, and a broken one may send anything. */
function executeRequest(message: Message): Message<ExecuteRequest> {
  const { code, silent, store_history, stop_on_error, allow_stdin, user_expressions } = message.content;
  const flags = { silent, store_history, stop_on_error, allow_stdin };
  const known = Object.entries(flags).filter(([, value]) => typeof value === "boolean");
  const expressions = Object.entries(Object(user_expressions) as object).filter(([, text]) => typeof text === "string");
  const content = {
    code: typeof code === "string" ? code : "",
    user_expressions: Object.fromEntries(expressions) as Record<string, string>,
    ...Object.fromEntries(known),
  };
  return { ...message, content };
}

type Tell = (problems: readonly TypeProblem[]) => void;

/** What a cell declared is there, even if it failed later on. */
const wasRun = ({ error, payload, isRefused }: Ended) => !payload && !isRefused && error?.ename !== "UserProcessEnded";

/** What a cell came to, whether its types were refused, and what it puts into the front end's pager. */
type Ended = Outcome & { readonly isRefused?: boolean; readonly payload?: readonly object[] };

/** The answer to `name?` and, with the source, `name??`. */
const page = (data: MimeBundle | undefined): Ended => ({
  payload: [{ source: "page", data: data ?? { "text/plain": "There is no such variable." }, start: 0 }],
});

const replyContent = ({ error, expressions = {}, payload = [] }: Ended, execution_count: number) =>
  error
    ? { status: "error", execution_count, ...error }
    : { status: "ok", execution_count, payload, user_expressions: expressions };

const typesMode = (text: string | undefined) =>
  text === "error" || text === "warn" || text === "off" ? text : undefined;
