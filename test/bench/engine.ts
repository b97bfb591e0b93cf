/**
 * The engine against PyTorch eager: the same architecture, work and threads, in turn. Without torch in SRFT_PYTHON the
 * rows have no peer and are not ok. Rows that ended leave our sampling loop and stay in the peer's.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { arithmeticTask } from "../../src/data/arithmetic-task.ts";
import { createPolicy, loadPolicy } from "../../src/models/transformer/checkpoint.ts";
import { createRandom, randomInteger } from "../../src/random.ts";
import { srft } from "../../src/srft/objectives/srft.ts";
import { train } from "../../src/srft/train.ts";
import { inTurn, type Peer, startPeer } from "./peer.ts";
import { type BenchRow, timeRow } from "./row.ts";

const root = join(import.meta.dirname, "../../..");
const checkpoint = join(root, "notebooks/checkpoints/in-support.safetensors");
const threads = Math.min(8, availableParallelism());
const load = (file: string) => ["load", { file, threads, seed: 1 }] as const;
const note = (peer: Peer | undefined) =>
  peer
    ? `torch eager, ${threads} threads, scaled_dot_product_attention, fused AdamW`
    : "no peer: SRFT_PYTHON has no torch";

/** Train step of three sizes, sampling, and the lab policy's train step, sampling and full SRFT step. */
export async function engineRows(): Promise<BenchRow[]> {
  const peer = await startPeer(join(root, "test/bench/lab_torch.py"), load(checkpoint));
  const rows = [...(await sizeRows(peer)), ...(await labRows(peer))];
  await peer?.end();
  return rows;
}

const sizes = [
  { name: "d64 L2", width: 64, layers: 2, heads: 4, rows: 128, time: 48 },
  { name: "d128 L4", width: 128, layers: 4, heads: 4, rows: 64, time: 64 },
  { name: "d256 L8", width: 256, layers: 8, heads: 8, rows: 16, time: 64 },
];

async function sizeRows(peer: Peer | undefined): Promise<BenchRow[]> {
  const folder = await mkdtemp(join(tmpdir(), "srft-bench-"));
  const found: BenchRow[] = [];
  for (const { name, rows, time, ...size } of sizes) {
    const policy = await createPolicy({ ...size, vocabularySize: 64, contextLength: 128, threads, seed: 1 });
    const file = join(folder, "policy.safetensors");
    await policy.save(file);
    await peer?.ask(...load(file));
    const random = createRandom(1);
    const token = () => 3 + randomInteger(random, 61);
    const texts = Array.from({ length: rows }, () => ({
      prompt: [1],
      completion: Array.from({ length: time }, token),
    }));
    const slope = new Float32Array(rows * time).fill(-1 / (rows * time));
    const updated = await inTurn(
      async () => {
        await policy.backward(texts, { logprobs: slope });
        await policy.step({ learningRate: 1e-6 });
      },
      peer && (() => peer.ask("update", { rows: texts })),
    );
    found.push(
      timeRow({ name: `train step, ${name}`, ...updated, target: 1, note: `${rows} x ${time} tokens; ${note(peer)}` }),
    );
    if (name === "d256 L8") continue;
    await peer?.ask(...load(file));
    const sampled = await inTurn(
      () => policy.sample([[1]], { groupSize: 256, maxTokens: 48, random }),
      peer && (() => peer.ask("sample", { prompts: [[1]], group: 256, limit: 48 })),
    );
    found.push(
      timeRow({ name: `sampling, ${name}, 256 rows x at most 48 tokens`, ...sampled, target: 1.2, note: note(peer) }),
    );
  }
  await rm(folder, { recursive: true });
  return found;
}

async function labRows(peer: Peer | undefined): Promise<BenchRow[]> {
  const task = arithmeticTask({ seed: 1 });
  const problems = task.problems.slice(0, 24);
  const prompts = problems.map(({ prompt }) => Array.from(prompt));
  const answers = problems.map(({ answer }) => 3 + answer);
  const [policy, random] = [await loadPolicy(checkpoint, { threads }), createRandom(1)];
  const texts = task.texts
    .slice(0, 192)
    .map(({ prompt, completion }) => ({ prompt: Array.from(prompt), completion: Array.from(completion) }));
  const tokens = texts.reduce((count, { completion }) => count + completion.length, 0);
  const slope = new Float32Array(tokens).fill(-1 / tokens);
  await peer?.ask(...load(checkpoint));
  const sampled = await inTurn(
    () => policy.sample(prompts, { groupSize: 8, maxTokens: 48, random }),
    peer && (() => peer.ask("sample", { prompts, group: 8, limit: 48 })),
  );
  const updated = await inTurn(
    async () => {
      await policy.backward(texts, { logprobs: slope });
      await policy.step({ learningRate: 1e-9 });
    },
    peer && (() => peer.ask("update", { rows: texts })),
  );
  // both begin the steps from the same checkpoint and learn at the same rate
  await peer?.ask(...load(checkpoint));
  const options = { objective: srft(), steps: 100, learningRate: 2e-4, maxTokens: 48, seed: 1 };
  const steps = train(await loadPolicy(checkpoint, { threads }), task, options);
  const whole = await inTurn(
    () => steps.next(),
    peer && (() => peer.ask("step", { prompts, group: 8, limit: 48, demonstrations: texts.slice(0, 48), answers })),
  );
  return [
    timeRow({
      name: "lab policy: train step, 192 demonstrations",
      ...updated,
      target: 1,
      note: `${tokens} tokens; ${note(peer)}`,
    }),
    timeRow({ name: "lab policy: sampling, 24 x 8 rows", ...sampled, target: 1.2, note: note(peer) }),
    timeRow({
      name: "lab policy: full SRFT step",
      ...whole,
      target: 1.2,
      note: `24 x 8 rollouts + 48 demonstrations; ${note(peer)}`,
    }),
  ];
}
