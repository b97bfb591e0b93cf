/** A peer in another process: one JSON command a line in, one JSON answer a line out. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { python } from "../python.ts";

export interface Answer {
  /** Wall time of the work alone. */
  readonly ms: number;
  readonly tokens: number | null;
  readonly torch: string;
}

export interface Peer {
  ask(verb: string, argument: object): Promise<Answer>;
  end(): Promise<void>;
}

/** Starts a Python peer with SRFT_PYTHON (default python3); undefined if its first command fails, as without torch. */
export async function startPeer(script: string, first: readonly [string, object]): Promise<Peer | undefined> {
  const child = spawn(python, [script], { stdio: ["pipe", "pipe", "ignore"] });
  const ended = once(child, "exit").catch(() => {});
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  child.stdin!.on("error", () => {});
  const ask = async (verb: string, argument: object): Promise<Answer> => {
    child.stdin!.write(`${JSON.stringify({ [verb]: argument })}\n`);
    const { value } = await lines.next();
    if (value === undefined) throw new Error(`peer: expected an answer to ${verb} but found the end of ${script}`);
    return JSON.parse(value);
  };
  const end = async () => {
    child.kill();
    await ended;
  };
  return ask(...first).then(
    () => ({ ask, end }),
    () => undefined,
  );
}

/** Milliseconds of both, in turn, after rounds that do not count. */
export async function inTurn(
  ours: () => Promise<unknown>,
  peer: (() => Promise<{ readonly ms: number }>) | undefined,
  { rounds = 15, warmup = 2 } = {},
) {
  const times = { ours: [] as number[], peer: [] as number[] };
  for (let round = -warmup; round < rounds; round++) {
    const begin = performance.now();
    await ours();
    const ms = performance.now() - begin;
    const theirs = await peer?.();
    if (round < 0) continue;
    times.ours.push(ms);
    if (theirs) times.peer.push(theirs.ms);
  }
  return times;
}
