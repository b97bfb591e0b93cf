/**
 * A table of 10 million token rows against DuckDB's own Node API on the same rows (ours an Arrow file, DuckDB's a Parquet file
 * that it wrote), and tokenShift of 256 positions of a large vocabulary against PyTorch eager, 16 rows at a time. In turn.
 */

import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { encodeArrow } from "../../src/analysis/frame/arrow.ts";
import { openTokenFrame } from "../../src/analysis/frame/frame.ts";
import type { LongColumn } from "../../src/analysis/frame/long-columns.ts";
import { type Reader, tokenShift } from "../../src/analysis/token-shift.ts";
import { createRandom } from "../../src/random.ts";
import { inTurn, startPeer } from "./peer.ts";
import { type BenchRow, timeRow } from "./row.ts";

const rows = 10_000_000;
const models = ["base rollouts", "sft", "grpo", "srft"];
const perModel = rows / models.length;
const target = 0.83; // within 1.2 times the peer's time

/** The same numbers as the SQL below, one segment a model. */
function writeArrow(file: string) {
  const each = (of: (i: number) => number, Type: typeof Int32Array | typeof Float32Array) =>
    models.map((_, m) => new Type(perModel).map((_, i) => of(m * perModel + i)));
  const columns = new Map<string, LongColumn>([
    ["source", { segments: models.map(() => new Uint8Array(perModel)), labels: ["demonstrations"] }],
    ["model", { segments: models.map((_, m) => new Uint8Array(perModel).fill(m)), labels: models }],
    ["position", { segments: each((i) => i % 200, Int32Array) }],
    ["token", { segments: each((i) => (i * 31) % 50_000, Int32Array) }],
    ["rank", { segments: each((i) => 1 + (i % 7), Int32Array) }],
    ["logprob", { segments: each((i) => -((i * 13) % 1009) / 100, Float32Array) }],
    ["entropy", { segments: each((i) => ((i * 17) % 997) / 300, Float32Array) }],
    ["kl", { segments: each((i) => ((i * 7919) % 1_000_003) / 100_000, Float32Array) }],
  ]);
  writeFileSync(file, Buffer.concat(encodeArrow({ lengths: models.map(() => perModel), columns }, new Map())));
}

const select = `SELECT 'demonstrations' AS source, [${models.map((name) => `'${name}'`)}][1 + i // ${perModel}] AS model,
  (i % 200)::INTEGER AS position, (i * 31 % 50000)::INTEGER AS token, (1 + i % 7)::INTEGER AS rank,
  (-(i * 13 % 1009) / 100)::FLOAT AS logprob, ((i * 17 % 997) / 300)::FLOAT AS entropy,
  ((i * 7919 % 1000003) / 100000)::FLOAT AS kl FROM range(${rows}) AS r(i)`;
const group =
  "SELECT source, model, position, count(*) AS tokens, avg(kl) AS mean, max(entropy) AS most FROM t GROUP BY ALL ORDER BY ALL";
const top = "SELECT * FROM t ORDER BY kl DESC LIMIT 20";

async function tableRows(folder: string): Promise<BenchRow[]> {
  const [arrow, parquet] = [join(folder, "tokens.arrow"), join(folder, "tokens.parquet")];
  writeArrow(arrow);
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  await connection.run(`COPY (${select}) TO '${parquet}' (FORMAT parquet, COMPRESSION zstd)`);
  const timed = (sql: string) => async () => {
    const begin = performance.now();
    await (await connection.runAndReadAll(sql)).getRowObjectsJS();
    return { ms: performance.now() - begin };
  };
  const rounds = { rounds: 5, warmup: 1 };
  const load = await inTurn(
    () => openTokenFrame(arrow),
    timed(`CREATE OR REPLACE TABLE t AS SELECT * FROM read_parquet('${parquet}')`),
    rounds,
  );
  const frame = await openTokenFrame(arrow);
  const summaries = { tokens: "count", mean: ["mean", "kl"], most: ["max", "entropy"] } as const;
  const grouped = await inTurn(
    () => frame.group("source", "model", "position").summarise(summaries),
    timed(group),
    rounds,
  );
  const largest = await inTurn(() => frame.top(20, { by: "kl" }), timed(top), rounds);
  const onParquet = await openTokenFrame(parquet);
  const direct = await inTurn(
    () => onParquet.group("source", "model", "position").summarise(summaries),
    timed(group.replace("FROM t", `FROM read_parquet('${parquet}')`)),
    rounds,
  );
  const note = `DuckDB ${(await connection.runAndReadAll("SELECT version() AS v")).getRowObjectsJS()[0]!.v}, ${availableParallelism()} threads; ours ${frame.engine}`;
  await onParquet.close();
  connection.closeSync();
  return [
    timeRow({ name: "10 M token rows: load", ...load, target, note: `${note}; Arrow against Parquet, zstd` }),
    timeRow({ name: "10 M token rows: 800 groups, count, mean, max", ...grouped, target, note }),
    timeRow({ name: "10 M token rows: top 20", ...largest, target, note }),
    timeRow({
      name: "10 M token rows in Parquet: 800 groups",
      ...direct,
      target,
      note: note.replace("arrays", "duckdb"),
    }),
  ];
}

const [positions, vocabularySize] = [256, 151_936];
const labels = Array.from({ length: positions }, (_, row) => (row * 7919) % vocabularySize);

/** p and then q, normal-like logits; q is p with some noise. */
function writeLogits(file: string) {
  const random = createRandom(1);
  const noise = Float32Array.from({ length: 1 << 20 }, () => 6 * (random() + random() + random() - 1.5));
  const descriptor = openSync(file, "w");
  for (const scale of [0, 0.3]) {
    for (let row = 0; row < positions; row++) {
      const at = (v: number) => noise[(row * 104_729 + v) & 0xfffff]! + scale * noise[(row * 31 + v * 3) & 0xfffff]!;
      writeSync(
        descriptor,
        Float32Array.from({ length: vocabularySize }, (_, v) => at(v)),
      );
    }
  }
  closeSync(descriptor);
}

/** Reads one half of the file into memory once, and gives it in blocks. */
function readerOf(file: string, half: number): Reader {
  const logits = new Float32Array(positions * vocabularySize);
  const bytes = new Uint8Array(logits.buffer);
  const descriptor = openSync(file, "r");
  for (let done = 0; done < bytes.length; ) {
    done += readSync(descriptor, bytes, done, Math.min(1 << 26, bytes.length - done), half * bytes.length + done);
  }
  closeSync(descriptor);
  return { vocabularySize, contextLength: 4096, logitBlocks: () => [logits] };
}

async function shiftRow(folder: string): Promise<BenchRow> {
  const file = join(folder, "logits.f32");
  writeLogits(file);
  const readers = [readerOf(file, 0), readerOf(file, 1)];
  const on = [{ prompt: [0], completion: labels }];
  const threads = Math.min(8, availableParallelism());
  const script = join(import.meta.dirname, "../../../test/bench/token_stats_torch.py");
  const peer = await startPeer(script, [
    "load",
    { file, rows: positions, vocabulary: vocabularySize, labels, threads },
  ]);
  const theirs = async () => {
    const parts = [
      await peer!.ask("tokens", { chunk: 16 }),
      await peer!.ask("tokens", { chunk: 16 }),
      await peer!.ask("divergences", { chunk: 16 }),
    ];
    return { ms: parts.reduce((sum, { ms }) => sum + ms, 0) };
  };
  const times = await inTurn(() => tokenShift(readers, { on, source: "demonstrations" }), peer && theirs, {
    rounds: 5,
    warmup: 1,
  });
  await peer?.end();
  const note = peer
    ? `${threads} threads; ours also ranks, the 5 likeliest and classes`
    : "no peer: SRFT_PYTHON has no torch";
  return timeRow({
    name: `tokenShift, 2 x [${positions}, ${vocabularySize}]; torch 16 rows at a time`,
    ...times,
    target: 1,
    note,
  });
}

/** All rows. */
export async function analysisRows(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), "srft-analysis-"));
  try {
    return [...(await tableRows(folder)), await shiftRow(folder)];
  } finally {
    rmSync(folder, { recursive: true });
  }
}
