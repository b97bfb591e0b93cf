/**
 * Train step and label statistics on WebGPU and CUDA against PyTorch on CUDA: the same architecture and work, in turn. A device
 * that is not there is skipped aloud; without CUDA in the torch of SRFT_PYTHON the rows have no peer and are not ok.
 *
 *   npm run bench -- gpu [--tiny] [--json]      --tiny: sizes that a Vulkan driver in software can take, to try the command
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { embed, labelStatistics, linear, scale } from "../../src/graph/ops.ts";
import { compile, type Device, discard, type Value, value } from "../../src/graph/session.ts";
import { constant, input } from "../../src/graph/tensor.ts";
import { createPolicy } from "../../src/models/transformer/checkpoint.ts";
import { createRandom, randomInteger } from "../../src/random.ts";
import { inTurn, type Peer, startPeer } from "./peer.ts";
import { type BenchRow, timeRow } from "./row.ts";

interface Size {
  readonly name: string;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly vocabularySize: number;
  readonly rows: number;
  readonly time: number;
}

const sizes: readonly Size[] = [
  { name: "d256 L8", width: 256, layers: 8, heads: 8, vocabularySize: 4096, rows: 32, time: 256 },
  { name: "d512 L8", width: 512, layers: 8, heads: 8, vocabularySize: 8192, rows: 16, time: 256 },
  { name: "d1024 L8", width: 1024, layers: 8, heads: 16, vocabularySize: 16_384, rows: 8, time: 256 },
  { name: "0.23 B: d1024 L16", width: 1024, layers: 16, heads: 16, vocabularySize: 32_000, rows: 8, time: 256 },
];
const tiny: readonly Size[] = [
  { name: "d16 L1", width: 16, layers: 1, heads: 2, vocabularySize: 32, rows: 2, time: 8 },
];
const [logitRows, hiddenWidth] = [256, 1024];
const script = join(import.meta.dirname, "../../../test/bench/lab_torch.py");

/** Rows of every device that works here. */
export async function gpuRows(flags: readonly string[]): Promise<BenchRow[]> {
  const found: BenchRow[] = [];
  for (const device of ["webgpu", "cuda"] as const) {
    const reason = await reasonAgainst(device);
    if (reason) console.error(`SKIPPED ${device}: ${reason}`);
    else found.push(...(await deviceRows(device, flags.includes("--tiny"))));
  }
  return found;
}

async function reasonAgainst(device: Device): Promise<string | undefined> {
  const y = scale(input("x", [1]), 2);
  return compile({ y }, { device }).then(
    async (program) => void (await program.release()),
    (error: Error) => error.message,
  );
}

async function deviceRows(device: Device, isTiny: boolean): Promise<BenchRow[]> {
  const folder = await mkdtemp(join(tmpdir(), "srft-bench-gpu-"));
  try {
    const rows: BenchRow[] = [];
    for (const size of isTiny ? tiny : sizes)
      rows.push(await trainRow(device, size, join(folder, "policy.safetensors")));
    rows.push(await statisticsRow(device, isTiny ? 512 : 151_936));
    return device === "webgpu" ? [...rows, await bandwidthRow(device, isTiny ? 2 ** 16 : 2 ** 26)] : rows;
  } finally {
    await rm(folder, { recursive: true });
  }
}

const noteOf = (peer: Peer | undefined) =>
  peer ? "peer: torch eager on CUDA, float32, fused AdamW" : "no peer: SRFT_PYTHON has no torch with CUDA";

async function trainRow(device: Device, { name, rows, time, ...size }: Size, file: string): Promise<BenchRow> {
  const policy = await createPolicy({ ...size, contextLength: time + 1, device, seed: 1 });
  await policy.save(file);
  const peer = await startPeer(script, ["load", { file, threads: 8, seed: 1, device: "cuda" }]);
  const random = createRandom(1);
  const token = () => 3 + randomInteger(random, size.vocabularySize - 3);
  const texts = Array.from({ length: rows }, () => ({ prompt: [1], completion: Array.from({ length: time }, token) }));
  const slope = new Float32Array(rows * time).fill(-1 / (rows * time));
  const times = await inTurn(
    async () => {
      await policy.backward(texts, { logprobs: slope });
      await policy.step({ learningRate: 1e-6 });
    },
    peer && (() => peer.ask("update", { rows: texts })),
  );
  await peer?.end();
  const parameters = Object.values(await policy.parameters()).reduce((sum, { length }) => sum + length, 0);
  const ms = times.ours.toSorted((a, b) => a - b)[times.ours.length >> 1]!;
  // weights twice, then AdamW: parameter, gradient and moments read, parameter and moments written
  const traffic = `${((9 * 4 * parameters) / ms / 1e6).toPrecision(3)} GB/s of parameters and moments`;
  const note = `${(parameters / 1e6).toPrecision(3)} M parameters, ${rows} x ${time} tokens; ${traffic}; ${noteOf(peer)}`;
  return timeRow({ name: `${device}: train step, ${name}`, ...times, target: 0, note });
}

/** Log-probability and entropy of [256, V] logits that are made on the device; only these cross. */
async function statisticsRow(device: Device, vocabularySize: number): Promise<BenchRow> {
  const shapes = { hidden: [logitRows, hiddenWidth], table: [vocabularySize, hiddenWidth] } as const;
  const labels = Int32Array.from({ length: logitRows }, (_, row) => (row * 7919) % vocabularySize);
  const logits = linear(input("hidden", shapes.hidden), input("table", shapes.table));
  const statistics = labelStatistics(logits, input("labels", [logitRows], "int32"));
  const program = await compile({ ...statistics }, { device });
  const fixed = await onDevice(device, shapes);
  const peer = await startPeer(script, ["logits", { ...shapes, labels: Array.from(labels), device: "cuda" }]);
  const feeds = { ...fixed, labels: value(labels, [logitRows]) };
  const times = await inTurn(() => program.run(feeds), peer && (() => peer.ask("statistics", {})));
  await peer?.end();
  await program.release();
  discard(fixed);
  const name = `${device}: logits, log-probability and entropy, [${logitRows}, ${vocabularySize}]`;
  const note = `hidden width ${hiddenWidth}; ${noteOf(peer)}: matmul, log_softmax, gather, exp, sum`;
  return timeRow({ name, ...times, target: 0, note });
}

/** Reads and writes of a resident array: what the device's memory gives at best. One number comes back, so that it waits. */
async function bandwidthRow(device: Device, size: number): Promise<BenchRow> {
  const x = await onDevice(device, { x: [size, 1] });
  const y = scale(input("x", [size, 1]), 2);
  const first = embed(y, constant(Int32Array.of(0), [1]));
  const program = await compile({ y, first }, { device, resident: (name) => name === "y" });
  const times = await inTurn(async () => discard(await program.run(x)), undefined);
  const ms = times.ours.toSorted((a, b) => a - b)[times.ours.length >> 1]!;
  discard(x);
  const note = `${((8 * size) / ms / 1e6).toPrecision(3)} GB/s, the share of the rows above is of this`;
  return timeRow({ name: `${device}: scale ${size} resident numbers`, ...times, target: 0, note });
}

/** Small random numbers; resident where the device keeps results (WebGPU). */
async function onDevice(device: Device, shapes: Readonly<Record<string, readonly number[]>>) {
  const arrays = Object.entries(shapes).map(([name, shape]) => {
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1)).map((_, i) => 0.1 * Math.sin(i));
    return [name, value(data, shape)] as const;
  });
  const here: Record<string, Value> = Object.fromEntries(arrays);
  if (device !== "webgpu") return here;
  const copies = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, scale(input(name, shape), 1)]),
  );
  return (await compile(copies, { device, resident: () => true })).run(here);
}
