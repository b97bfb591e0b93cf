/**
 * The engine against PyTorch eager on the lab policy: same work, same threads, in turn. The peer is
 * `lab_torch.py`, run by SRFT_PYTHON (default python3); without torch there the rows have no peer and are not ok.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { arithmeticTask } from "../../src/data/arithmetic-task.ts";
import { loadPolicy } from "../../src/models/checkpoint.ts";
import { createRandom } from "../../src/random.ts";
import { srft } from "../../src/srft/objectives/srft.ts";
import { train } from "../../src/srft/train.ts";
import { type BenchRow, timeRow } from "./row.ts";

const root = join(import.meta.dirname, "../../..");
const checkpoint = join(root, "notebooks/checkpoints/in-support.safetensors");
const threads = Math.min(8, availableParallelism());
const rounds = 15;

type Ask = (verb: string, argument: object) => Promise<{ ms: number; tokens: number; torch: string }>;

/** Starts the peer; undefined if it has no torch. */
async function startPeer(): Promise<{ ask: Ask; child: ChildProcess } | undefined> {
  const script = join(root, "test/bench/lab_torch.py");
  const child = spawn(process.env.SRFT_PYTHON ?? "python3", [script], { stdio: ["pipe", "pipe", "ignore"] });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  child.stdin!.on("error", () => {});
  child.on("error", () => {});
  const ask: Ask = async (verb, argument) => {
    child.stdin!.write(`${JSON.stringify({ [verb]: argument })}\n`);
    const { value } = await lines.next();
    if (value === undefined) throw new Error("the peer ended");
    return JSON.parse(value);
  };
  const started = await ask("load", { file: checkpoint, threads, seed: 1 }).catch(() => undefined);
  return started && { ask, child };
}

/** Runs both in turn, after two rounds that do not count. */
async function inTurn(ours: () => Promise<unknown>, peer: (() => Promise<{ ms: number }>) | undefined) {
  const times = { ours: [] as number[], peer: [] as number[] };
  for (let round = -2; round < rounds; round++) {
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

/** Train step, sampling and a full SRFT step of the lab policy, each 24 prompts × 8. */
export async function engineRows(): Promise<BenchRow[]> {
  const started = await startPeer();
  const ask = started?.ask;
  const task = arithmeticTask({ seed: 1 });
  const problems = task.problems.slice(0, 24);
  const prompts = problems.map(({ prompt }) => Array.from(prompt));
  const [policy, random] = [await loadPolicy(checkpoint, { threads }), createRandom(1)];
  const rows = task.texts
    .slice(0, 192)
    .map(({ prompt, completion }) => ({ prompt: Array.from(prompt), completion: Array.from(completion) }));
  const tokens = rows.reduce((count, { completion }) => count + completion.length, 0);
  const slope = new Float32Array(tokens).fill(-1 / tokens);
  const unknown = ask ? `torch eager, ${threads} threads` : "no peer: SRFT_PYTHON has no torch";

  const sampled = await inTurn(
    () => policy.sample(prompts, { groupSize: 8, maxTokens: 48, random }),
    ask && (() => ask("sample", { prompts, group: 8, limit: 48 })),
  );
  const updated = await inTurn(
    async () => {
      await policy.backward(rows, { logprobs: slope });
      await policy.step({ learningRate: 1e-9 });
    },
    ask && (() => ask("update", { rows })),
  );
  // the peer learns from its updates, so it begins the steps afresh; a tiny rate keeps ours at the base as well
  await ask?.("load", { file: checkpoint, threads, seed: 1 });
  const steps = train(await loadPolicy(checkpoint, { threads }), task, {
    objective: srft(),
    steps: rounds + 2,
    learningRate: 2e-4,
    maxTokens: 48,
    seed: 1,
  });
  const whole = await inTurn(
    () => steps.next(),
    ask &&
      (() =>
        ask("step", {
          prompts,
          group: 8,
          limit: 48,
          demonstrations: rows.slice(0, 48),
          answers: problems.map(({ answer }) => 3 + answer),
        })),
  );
  if (started) {
    started.child.kill();
    await once(started.child, "exit");
  }
  return [
    timeRow({ name: "train step, 192 demonstrations", ...updated, target: 1, note: `${tokens} tokens; ${unknown}` }),
    timeRow({ name: "sampling with KV cache, 24 x 8 rows", ...sampled, target: 1.2, note: unknown }),
    timeRow({ name: "full SRFT step, 24 x 8 rollouts + 48 demonstrations", ...whole, target: 1.2, note: unknown }),
  ];
}
