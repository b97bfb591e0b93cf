/** Process B seen from A: how it is started, spoken to, heard and ended. */

import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Duplex, Writable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { descriptors, type FromUser, lineReader, type RunRequest, toLine } from "../link.ts";
import type { ExecutorOptions } from "./executor.ts";
import { watchPipe } from "./pipes.ts";

/** Longest wait for what a cell wrote to its pipes, once the cell itself is done, in milliseconds. */
const barrierPatience = 500;

/** A user process that nobody listens to yet; `nonce` is in its barriers. */
export type Spawned = { readonly child: ChildProcess; readonly nonce: string };

/** A user process that is heard. */
export interface UserProcess {
  readonly child: ChildProcess;
  send(line: string): void;
  /** Gives a cell to the main thread, which need not wait for the control worker to hand it on. */
  run(request: RunRequest): void;
  /** Ends it and everything it started, at once. */
  kill(): void;
  /** Settles when both pipes have passed the cell's barrier. */
  flushed(cell: number): Promise<unknown>;
  /** Settles when both pipes have given everything that could be read. */
  drained(): Promise<void>;
}

/** Who hears a user process. */
export interface Hooks {
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
    stdio: ["ignore", "pipe", "pipe", "pipe", "pipe"],
    env: { ...process.env, SRFT_BARRIER: nonce },
  });
  child.on("error", () => {}); // a process that cannot be started exits too
  return { child, nonce };
}

/**
 * Begins to hear a user process.
 *
 * @param onOutput Called for what it and its children write to stdout and stderr.
 * @example
 * const hooks = { hear: () => {}, ended: () => {}, cell: () => 1 };
 * const user = hearUserProcess(spawnUserProcess({ folder: "." }), (output) => outputs.push(output), hooks);
 * user.kill();
 */
export function hearUserProcess(
  { child, nonce }: Spawned,
  onOutput: ExecutorOptions["onOutput"],
  hooks: Hooks,
): UserProcess {
  const link = child.stdio[descriptors.link] as Duplex;
  const cells = (child.stdio as (Writable | null)[])[descriptors.cells]!;
  const pipes = (["stdout", "stderr"] as const).map((name) =>
    watchPipe(child[name]!, nonce, (text) => {
      tail = (tail + text).slice(-4000);
      onOutput({ op: "stream", cell: hooks.cell(), name, text });
    }),
  );
  let tail = "";
  let pieces = 0;
  for (const name of ["stdout", "stderr"] as const) child[name]!.on("data", () => pieces++);
  const drained = async () => {
    for (let before = -1; before !== pieces; ) {
      before = pieces;
      await turn(); // the rest of this turn of the event loop
      await turn(); // one that looks at both pipes
    }
  };
  const user: UserProcess = {
    child,
    send: (line) => link.write(line),
    run: (request) => cells.write(toLine(request)),
    kill: () => killGroup(child),
    drained,
    flushed: (cell) => Promise.race([Promise.all(pipes.map((passed) => passed(cell))), patience()]),
  };
  const read = lineReader<FromUser>();
  link.setEncoding("utf8");
  link.on("data", (text: string) => {
    for (const message of read(text)) hooks.hear(message, user);
  });
  for (const socket of [link, cells]) socket.on("error", () => {});
  child.on("error", (error) => hooks.ended(error.message, user));
  child.on("exit", () => killGroup(child)); // what it started may hold its pipes open
  child.on("close", (code, signal) => hooks.ended(causeOfDeath(code, signal, tail), user));
  return user;
}

const patience = () => new Promise((resolve) => setTimeout(resolve, barrierPatience).unref());

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
