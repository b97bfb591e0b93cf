/**
 * The types of a notebook's cells, from process C. Every question has a time budget and the answer "absent" where C is
 * dead, late or does not know: cells run without it.
 */

import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { Match } from "./completion.ts";
import type { Inspection } from "./inspection.ts";
import type { FromLanguage, ToLanguage, TypeProblem } from "./service.ts";

export type { Inspection, Match, TypeProblem };

/** Milliseconds a question may take unless it says otherwise. */
const defaultBudget = 300;

/** A question that takes so many milliseconds means that C hangs. */
const hangs = 20_000;

/** Cells that a new process C is told; longer histories lose their oldest. */
const mostCommits = 200;

interface Budget {
  /** Milliseconds, 300 by default. */
  readonly budget?: number;
}

/** A place in a cell that is being written; `cursor` is in code points. */
export interface CursorRequest extends Budget {
  readonly code: string;
  readonly cursor: number;
}

/** The type checker of one notebook. */
export interface Language {
  /**
   * What is wrong with a cell, all cells committed so far known; text that does not parse has no type problems.
   *
   * @param options `id` is the number under which the cell would be committed.
   */
  check(source: string, options: Budget & { readonly id: number }): Promise<readonly TypeProblem[] | "absent">;
  /** What could stand at the cursor, best first; "absent" where the type left of the dot is not known. */
  complete(request: CursorRequest): Promise<readonly Match[] | "absent">;
  /** What the name at the cursor means; `detail` 1 gives long types in full. */
  inspect(request: CursorRequest & { readonly detail?: 0 | 1 }): Promise<Inspection | "absent">;
  /** An executed cell, under a number never used before: later cells see what it declares. */
  commit(source: string, id: number): void;
  /** Resolves when C has loaded its libraries, or has died. */
  readonly ready: Promise<void>;
  /** Process id of C, while it lives. */
  readonly pid: number | undefined;
  close(): Promise<void>;
}

/** Where to start, and whom to tell when it is over. */
export interface LanguageOptions {
  /** Absolute path of the notebook's folder. */
  readonly folder: string;
  /** C starts after it, so as not to slow what matters more; what is asked before waits. */
  readonly after?: Promise<unknown>;
  /** Called at most once, when C has died twice and stays off. */
  onOff?(message: string): void;
}

interface Waiting {
  readonly source: string;
  settle(answer: unknown): void;
}

/**
 * Starts process C.
 *
 * @example
 * const language = startLanguage({ folder: "/tmp" });
 * await language.ready;
 * await language.check("const n: number = 'one'", { id: 1 }); // [{ code: 2322, start: { line: 1, column: 6 }, … }]
 * language.close();
 */
export function startLanguage({ folder, after, onOff }: LanguageOptions): Language {
  const commits: { source: string; id: number }[] = [];
  const waiting = new Map<number, Waiting>();
  const suspects = new Set<string>();
  let child: ChildProcess | undefined;
  let early: ToLanguage[] | undefined = after ? [] : undefined;
  let isClosed = false;
  let deaths = 0;
  let requests = 0;
  let isReady: () => void;
  const ready = new Promise<void>((resolve) => {
    isReady = resolve;
  });

  const send = (message: ToLanguage) => (early ? early.push(message) : child?.send(message, () => {}));
  const hear = (message: FromLanguage) => {
    if (message.op === "ready") isReady();
    else waiting.get(message.request)?.settle(message.answer);
  };
  const start = () => {
    const current = spawnService(folder);
    child = current;
    current.on("message", hear);
    current.on("error", () => {});
    current.once("exit", () => ended(current));
    for (const { source, id } of commits) send({ op: "commit", source, id });
  };
  const startLate = () => {
    const messages = early ?? [];
    early = undefined;
    if (isClosed) return;
    commits.length = 0; // they are among the messages, in their place
    start();
    for (const message of messages) {
      if (message.op === "commit") commits.push(message);
      send(message);
    }
  };
  const ended = (from: ChildProcess) => {
    if (child !== from) return;
    child = undefined;
    killGroup(from); // its compiler may have outlived it
    isReady();
    for (const { source, settle } of [...waiting.values()]) {
      suspects.add(source);
      settle("absent");
    }
    if (++deaths === 1) return start();
    onOff?.("types are off: the type checker ended twice; cells run without it, restart the kernel to have it again");
  };
  const ask = <Answer>(source: string, budget: number, message: (request: number, deadline: number) => ToLanguage) =>
    new Promise<Answer | "absent">((resolve) => {
      if (!(child || early) || suspects.has(source)) return resolve("absent");
      const request = ++requests;
      const timer = setTimeout(() => resolve("absent"), budget);
      const watchdog = setTimeout((from) => killGroup(from ?? child), hangs + budget, child);
      const settle = (answer: unknown) => {
        waiting.delete(request);
        clearTimeout(timer);
        clearTimeout(watchdog);
        resolve(answer as Answer);
      };
      waiting.set(request, { source, settle });
      send(message(request, Date.now() + budget));
    });
  const askAt = <Answer>(op: "complete" | "inspect", detail: 0 | 1, { code, cursor, budget }: CursorRequest) =>
    ask<Answer>(code, budget ?? defaultBudget, (request, deadline) => ({
      op,
      request,
      deadline,
      code,
      cursor,
      detail,
    }));
  if (after) void after.then(startLate);
  else start();
  return {
    check: (source, { budget = defaultBudget }) =>
      ask(source, budget, (request, deadline) => ({ op: "check", request, deadline, source })),
    complete: (request) => askAt("complete", 0, request),
    inspect: ({ detail = 0, ...request }) => askAt("inspect", detail, request),
    commit(source, id) {
      if (suspects.has(source)) return;
      commits.push({ source, id });
      if (commits.length > mostCommits) commits.shift();
      send({ op: "commit", source, id });
    },
    ready,
    get pid() {
      return child?.pid;
    },
    async close() {
      const current = child;
      child = undefined;
      isClosed = true;
      for (const { settle } of [...waiting.values()]) settle("absent");
      if (!current || current.exitCode !== null || current.signalCode !== null) return;
      const exit = new Promise((resolve) => current.once("exit", resolve));
      killGroup(current);
      await exit;
    },
  };
}

/** It leads a group of its own, so that its compiler goes with it. */
const spawnService = (folder: string) =>
  fork(join(import.meta.dirname, "service.js"), [], {
    cwd: folder,
    detached: true,
    execArgv: ["--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });

function killGroup(child: ChildProcess | undefined) {
  if (!child) return;
  try {
    if (process.platform === "win32" || child.pid === undefined) child.kill("SIGKILL");
    else process.kill(-child.pid, "SIGKILL");
  } catch {
    child.kill("SIGKILL");
  }
}
