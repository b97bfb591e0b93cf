import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { tokenShift } from "../../src/analysis/token-shift.ts";
import { readDump } from "../../src/data/dumps/dumps.ts";
import * as srft from "../../src/index.ts";
import { dumpReader } from "../../src/sources/dump-reader.ts";
import { openServer } from "../../src/sources/server/open-server.ts";
import { execute } from "../examples/execute.ts";
import { exchangesOf, recordingOf } from "./local-server.ts";

const root = join(import.meta.dirname, "../../..");
const temporary = mkdtempSync(join(tmpdir(), "srft-readers-"));
after(() => rmSync(temporary, { recursive: true }));

const text = { prompt: [1, 5], completion: [9, 2] };
const sizes = { vocabularySize: 32, contextLength: 64, url: "http://127.0.0.1:1", network: "never" } as const;
const open = (engine: "vllm" | "sglang", file: string) =>
  openServer({ engine, ...sizes, recording: recordingOf(`by-hand/${file}`) });

test("tokenShift compares two servers on one text: exact log-probs, and bounds for what their lists do not tell", async () => {
  const [vllm, sglang] = [await open("vllm", "vllm"), await open("sglang", "sglang")];
  const options = { on: [text], source: "given texts", names: ["vllm", "sglang"], topK: 2 };
  const table = await tokenShift([vllm, sglang], options);
  assert.deepEqual([...table.base.logprobs], [-0.5, -2.25]);
  const [model] = table.models;
  assert.deepEqual([...model!.deltaLogprobs], [0, 0]);
  for (const t of [0, 1]) assert.ok(model!.bounds!.kl.lower[t]! <= 1e-6 && model!.bounds!.kl.upper[t]! > 0);
  assert.deepEqual([table.base.provenance!.engine, model!.provenance!.engine], ["vllm", "sglang"]);
  await vllm.close();
  await sglang.close();
});

test("tokenShift refuses a server's processed log-probs beside raw ones", async () => {
  const raw = await open("vllm", "vllm");
  const recording = recordingOf("by-hand/vllm");
  const processed = await openServer({ engine: "vllm", ...sizes, recording, provenance: { mode: "processed" } });
  const shift = tokenShift([raw, processed], { on: [text], source: "given texts", topK: 2 });
  await assert.rejects(shift, /expected log-probs of one mode but found raw of base and processed of model 1/);
  await raw.close();
  await processed.close();
});

test("tokenShift compares a dump with a server that reads the dump's texts", async () => {
  const answer = structuredClone(exchangesOf("by-hand/vllm")[2]!.answer) as { choices: Record<string, unknown>[] };
  const logprobs = {
    token_logprobs: [-0.75, -2],
    tokens: ["token_id:9", "token_id:2"],
    top_logprobs: [
      { "token_id:9": -0.75, "token_id:4": -1 },
      { "token_id:2": -2, "token_id:7": -0.5, "token_id:3": -1.5 },
    ],
  };
  Object.assign(answer.choices[0]!, { token_ids: [9, 2], prompt_token_ids: [1, 5], prompt_logprobs: null, logprobs });
  const file = join(temporary, "answers.json");
  const { writeFileSync } = await import("node:fs");
  writeFileSync(file, JSON.stringify(answer));
  const rows = [];
  for await (const row of readDump(file, { topK: 2 })) rows.push(row);
  const { texts, reader } = dumpReader(rows, { vocabularySize: 32 });
  const server = await open("vllm", "vllm");
  const table = await tokenShift([reader, server], { on: texts, source: "vllm rollouts", topK: 2 });
  assert.deepEqual([...table.models[0]!.deltaLogprobs], [0.25, -0.25]);
  await server.close();
});

test("README's section on models elsewhere runs, offline", async () => {
  const section = readFileSync(join(root, "README.md"), "utf8")
    .split("## Models and runs elsewhere")[1]!
    .split("\n## ")[0]!;
  const code = /```ts\n(.*?)```/s.exec(section)?.[1];
  assert.ok(code);
  for (const [, name] of section.matchAll(/`(\w+)`/g)) {
    if (name !== "onnx" && name !== "keyVariable") assert.ok(name! in srft, `srft exports no ${name}`);
  }
  cpSync(recordingOf("by-hand/vllm"), join(temporary, "vllm.jsonl"));
  const before = process.cwd();
  process.chdir(temporary);
  try {
    assert.equal((await execute(code, { ...srft })).compared, 2);
  } finally {
    process.chdir(before);
  }
});

test("loadTransformersJs leaves no record of its use in the user's folders", () => {
  const home = mkdtempSync(join(temporary, "home-"));
  const ours = pathToFileURL(join(import.meta.dirname, "../../src/sources/transformers-js/transformers-js.js")).href;
  const folder = join(root, "test/golden/transformers-js");
  const script = `
    const reader = await (await import(${JSON.stringify(ours)})).loadTransformersJs(${JSON.stringify(folder)});
    await reader.score([{ prompt: [1], completion: [2] }]);
    await reader.close();`;
  const env = { PATH: process.env.PATH, HOME: home, USERPROFILE: home, XDG_CACHE_HOME: join(home, "cache") };
  const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    env,
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  assert.ok(
    !existsSync(join(home, "cache")) && readdirSync(home).length === 0,
    readdirSync(home, { recursive: true }).join(),
  );
});
