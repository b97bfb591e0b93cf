import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readDump } from "../../../src/data/dumps/dumps.ts";

const folder = await mkdtemp(join(tmpdir(), "srft-dump-memory-"));
after(() => rm(folder, { recursive: true }));

const verl = { input: "2 + 2 =", output: " 4", gts: "4", score: 1, step: 12, acc: true };

test("readDump holds a line, not a file, in memory", async () => {
  const line = JSON.stringify({ ...verl, output: "x".repeat(100_000) });
  const file = join(folder, "long.jsonl");
  await writeFile(file, `${line}\n`.repeat(1500)); // 150 MB
  global.gc?.();
  const before = process.memoryUsage().rss;
  let [rows, most] = [0, 0];
  for await (const _ of readDump(file)) {
    if (++rows % 50 === 0) most = Math.max(most, process.memoryUsage().rss - before);
  }
  assert.equal(rows, 1500);
  assert.ok(most < 120e6, `${Math.round(most / 1e6)} MB more`);
});
