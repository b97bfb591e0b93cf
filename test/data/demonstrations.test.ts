import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { parquetWriteFile } from "hyparquet-writer";
import {
  type Demonstration,
  type DemonstrationOptions,
  MalformedRowError,
  readDemonstrations,
} from "../../src/data/demonstrations.ts";

const folder = mkdtempSync(join(tmpdir(), "srft-demonstrations-"));
after(() => rmSync(folder, { recursive: true }));

let files = 0;
function fileOf(content: string | Buffer, ending = "jsonl") {
  const file = join(folder, `${files++}.${ending}`);
  writeFileSync(file, content);
  return file;
}
const jsonl = (...rows: readonly unknown[]) => fileOf(rows.map((row) => JSON.stringify(row)).join("\n"));

async function read(file: string, options: DemonstrationOptions = {}) {
  const reader = readDemonstrations(file, options);
  const found: Demonstration[] = [];
  for await (const demonstration of reader) found.push(demonstration);
  return { found, skipped: reader.skipped };
}

const system = { role: "system", content: "Think." };
const user = (content: string) => ({ role: "user", content });
const assistant = (content: string) => ({ role: "assistant", content });
const openr1Row = (index: number) => ({
  data_source: "openr1",
  prompt: [system, user(`What is ${index} + 1?`)],
  target: [assistant(`<think>…</think> \\boxed{${index + 1}}`)],
  ability: "math",
  reward_model: { ground_truth: `${index + 1}`, style: "rule" },
  extra_info: { index, split: "default" },
});
const openr1Demonstration = (index: number, line: number) => ({
  prompt: [system, user(`What is ${index} + 1?`)],
  completion: `<think>…</think> \\boxed{${index + 1}}`,
  answer: `${index + 1}`,
  dataSource: "openr1",
  id: `${index}`,
  line,
});

test("readDemonstrations reads the layout of OpenR1-Math-46k-8192 from JSONL", async () => {
  const { found } = await read(jsonl(openr1Row(1), openr1Row(2)));
  assert.deepEqual(found, [openr1Demonstration(1, 1), openr1Demonstration(2, 2)]);
});

test("readDemonstrations reads verl's rows, which have no completion", async () => {
  const { target: _, ...row } = openr1Row(4);
  const text = {
    prompt: "raw",
    reward_model: '{"ground_truth": {"target": 24, "numbers": [1, 2]}}',
    data_source: "countdown",
  };
  const { found } = await read(jsonl(row, text));
  const { completion: __, ...expected } = openr1Demonstration(4, 1);
  assert.deepEqual(found, [
    expected,
    { prompt: "raw", answer: '{"target":24,"numbers":[1,2]}', dataSource: "countdown", line: 2 },
  ]);
});

test("readDemonstrations reads conversations, and prompts with completions", async () => {
  const conversation = await read(
    jsonl({ messages: [system, user("a"), assistant("b"), user("c"), assistant("d")], answer: 3 }),
  );
  assert.deepEqual(conversation.found, [
    { prompt: [system, user("a"), assistant("b"), user("c")], completion: "d", answer: "3", line: 1 },
  ]);
  const pairs = await read(
    jsonl({ prompt: "a", completion: "b", id: 9 }, { prompt: [user("a")], completion: [assistant("b")] }),
  );
  assert.deepEqual(pairs.found, [
    { prompt: "a", completion: "b", id: "9", line: 1 },
    { prompt: [user("a")], completion: "b", line: 2 },
  ]);
});

test("readDemonstrations reads as the layout it is told, not as the columns suggest", async () => {
  const { found } = await read(jsonl(openr1Row(1)), { layout: "verl" });
  assert.equal(found[0]!.completion, undefined);
});

const json = { type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" } as const;
const messagesSchema = (name: string) => [
  { name, repetition_type: "OPTIONAL", num_children: 1, converted_type: "LIST" } as const,
  { name: "list", repetition_type: "REPEATED", num_children: 1 } as const,
  { name: "element", repetition_type: "OPTIONAL", num_children: 2 } as const,
  { name: "content", ...json },
  { name: "role", ...json },
];
const openr1Schema = [
  { name: "root", num_children: 6 } as const,
  { name: "data_source", ...json },
  ...messagesSchema("prompt"),
  ...messagesSchema("target"),
  { name: "ability", ...json },
  { name: "reward_model", repetition_type: "OPTIONAL", num_children: 2 } as const,
  { name: "ground_truth", ...json },
  { name: "style", ...json },
  { name: "extra_info", repetition_type: "OPTIONAL", num_children: 2 } as const,
  { name: "index", type: "INT64", repetition_type: "OPTIONAL" } as const,
  { name: "split", ...json },
];

function parquet(rows: readonly Record<string, unknown>[], rowGroupSize = 100) {
  const filename = join(folder, `${files++}.data`);
  const names = ["data_source", "prompt", "target", "ability", "reward_model", "extra_info"];
  const columnData = names.map((name) => ({ name, data: rows.map((row) => row[name] ?? null) }));
  parquetWriteFile({ filename, columnData, schema: openr1Schema, rowGroupSize });
  return filename;
}

const withBigInt = (row: ReturnType<typeof openr1Row>, index = BigInt(row.extra_info.index)) => ({
  ...row,
  extra_info: { ...row.extra_info, index },
});

test("readDemonstrations reads OpenR1-Math-46k-8192's Parquet over several row groups, whatever the file's name", async () => {
  const rows = [0, 1, 2, 3, 4].map((index) => withBigInt(openr1Row(index)));
  const { found } = await read(parquet(rows, 2));
  assert.deepEqual(
    found,
    [0, 1, 2, 3, 4].map((index) => openr1Demonstration(index, index)),
  );
});

test("readDemonstrations decompresses what hyparquet itself does not: gzip", async () => {
  const filename = join(folder, "gzip.parquet");
  const data = Array.from({ length: 50 }, (_, i) => `prompt ${i}`);
  const columnData = ["prompt", "completion"].map((name) => ({ name, data }));
  parquetWriteFile({ filename, columnData, codec: "GZIP", compressors: { GZIP: (bytes) => gzipSync(bytes) } });
  const { found } = await read(filename);
  assert.deepEqual(found[49], { prompt: "prompt 49", completion: "prompt 49", line: 49 });
});

test("readDemonstrations keeps int64 ids that no number holds", async () => {
  const large = 2n ** 62n + 1n;
  const { found } = await read(parquet([withBigInt(openr1Row(1), large)]));
  assert.equal(found[0]!.id, "4611686018427387905");
});

test("readDemonstrations names the file, the row and the column of a malformed Parquet row", async () => {
  const file = parquet([withBigInt(openr1Row(0)), { ...withBigInt(openr1Row(1)), target: null }]);
  await assert.rejects(read(file), (error: unknown) => {
    assert.ok(error instanceof MalformedRowError);
    assert.equal(
      error.message,
      `readDemonstrations: expected messages but found nothing in ${file}, line 1, column target; ` +
        'onMalformed: "skip" goes on without such rows',
    );
    assert.deepEqual(error.row, { file, line: 1, column: "target", problem: "expected messages but found nothing" });
    return true;
  });
});

const malformed: readonly (readonly [name: string, line: string, column: string | undefined, problem: RegExp])[] = [
  ["is no JSON", "{", undefined, /does not parse/],
  ["is an array", "[1]", undefined, /expected a JSON object but found an array/],
  ["is a number", "3", undefined, /expected a JSON object but found number/],
  ["has no prompt", '{"target":[]}', "prompt", /expected messages but found nothing/],
  ["has an empty prompt", '{"prompt":""}', "prompt", /found an empty text/],
  ["has a message without role", '{"prompt":[{"content":"a"}]}', "prompt[0].role", /found nothing/],
  ["has content in parts", '{"prompt":[{"role":"user","content":[]}]}', "prompt[0].content", /found an array of 0/],
  [
    "has a target by the user",
    '{"prompt":"a","target":[{"role":"user","content":"b"}]}',
    "target",
    /expected one message by the assistant but found user/,
  ],
  ["has a reward model in prose", '{"prompt":"a","target":"b","reward_model":"rule"}', "reward_model", /"rule"/],
  [
    "has a truth value as answer",
    '{"prompt":"a","target":"b","reward_model":{"ground_truth":true}}',
    "reward_model.ground_truth",
    /boolean true/,
  ],
  [
    "has an id that JSON rounds",
    '{"prompt":"a","target":"b","extra_info":{"index":9007199254740993}}',
    "extra_info.index",
    /below 2\^53/,
  ],
];

for (const [name, line, column, problem] of malformed) {
  test(`readDemonstrations reports a row that ${name}, and skips it only if asked`, async () => {
    const good = JSON.stringify(openr1Row(1));
    const file = fileOf(`${good}\n${line}\n${good}\n`);
    await assert.rejects(read(file), /^MalformedRowError: readDemonstrations: .*, line 2.*onMalformed: "skip"/);
    const { found, skipped } = await read(file, { onMalformed: "skip" });
    assert.deepEqual(
      found.map((each) => each.line),
      [1, 3],
    );
    assert.equal(skipped.length, 1);
    assert.deepEqual(
      { file, line: 2, column },
      { file: skipped[0]!.file, line: skipped[0]!.line, column: skipped[0]!.column },
    );
    assert.match(skipped[0]!.problem, problem);
  });
}

test("readDemonstrations reports a line that is no UTF-8", async () => {
  const file = fileOf(
    Buffer.concat([Buffer.from(`${JSON.stringify(openr1Row(1))}\n{"prompt":"`), Buffer.from([0xff, 0x0a])]),
  );
  const { skipped } = await read(file, { onMalformed: "skip" });
  assert.deepEqual(
    skipped.map(({ line }) => line),
    [2],
  );
});

test("readDemonstrations reports a line longer than longestLine and goes on behind it", async () => {
  const row = { prompt: "a", completion: "b" };
  const file = jsonl(row, { ...row, completion: "b".repeat(300_000) }, row);
  const { found, skipped } = await read(file, { onMalformed: "skip", longestLine: 1000 });
  assert.deepEqual(
    found.map(({ line }) => line),
    [1, 3],
  );
  assert.match(skipped[0]!.problem, /at most 1000 bytes/);
});

test("readDemonstrations takes lines over chunk borders, CRLF, a byte order mark and blank lines", async () => {
  const long = JSON.stringify({ prompt: "a", completion: "é".repeat(200_000) });
  const { found } = await read(fileOf(`\ufeff${long}\r\n\r\n${long}`));
  assert.deepEqual(
    found.map(({ line, completion }) => [line, completion!.length]),
    [
      [1, 200_000],
      [3, 200_000],
    ],
  );
});

test("readDemonstrations stops reading where the loop breaks, and reads an empty file as nothing", async () => {
  for await (const { line } of readDemonstrations(jsonl(openr1Row(1), openr1Row(2)))) {
    assert.equal(line, 1);
    break;
  }
  assert.deepEqual((await read(fileOf(""))).found, []);
});

test("readDemonstrations names the columns of a file that has no known layout", async () => {
  await assert.rejects(read(jsonl({ question: "a", text: "b" })), /^TypeError: .* but found question, text/);
});

test("readDemonstrations refuses a damaged Parquet file, whatever is asked of malformed rows", async () => {
  const bytes = readFileSync(parquet([withBigInt(openr1Row(1))]));
  const cut = fileOf(bytes.subarray(0, bytes.length - 20), "parquet");
  await assert.rejects(
    read(cut, { onMalformed: "skip" }),
    /^SyntaxError: readDemonstrations: expected a whole Parquet file/,
  );
});

test("readDemonstrations refuses options out of range and a file that is not there", async () => {
  assert.throws(() => readDemonstrations("a", { longestLine: 0 }), /^RangeError: .* longestLine >= 1 but found 0/);
  await assert.rejects(read(join(folder, "none.jsonl")), /ENOENT/);
});
