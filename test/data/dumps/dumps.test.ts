import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { parquetWriteFile } from "hyparquet-writer";
import { MalformedRowError } from "../../../src/data/demonstrations.ts";
import { type DumpOptions, type DumpRow, readDump } from "../../../src/data/dumps/dumps.ts";
import { exchangesOf } from "../../sources/local-server.ts";

const folder = await mkdtemp(join(tmpdir(), "srft-dumps-"));
after(() => rm(folder, { recursive: true }));

let files = 0;

/** Writes lines, or text as it is, and reads the dump. */
async function read(content: readonly unknown[] | string, options: DumpOptions & { extension?: string } = {}) {
  const { extension = "jsonl", ...rest } = options;
  const file = join(folder, `${++files}.${extension}`);
  await writeFile(
    file,
    typeof content === "string" ? content : `${content.map((line) => JSON.stringify(line)).join("\n")}\n`,
  );
  const reader = readDump(file, rest);
  const rows: DumpRow[] = [];
  for await (const row of reader) rows.push(row);
  return { rows, skipped: reader.skipped, file };
}

const verl = { input: "2 + 2 =", output: " 4", gts: "4", score: 1, step: 12, acc: true };

const prime = {
  schema_version: 1,
  step: 40,
  export_step: 41,
  rank: 0,
  micro_step: 2,
  micro_sequence_idx: 0,
  export_sequence_idx: 3,
  run_id: null,
  env_name: "arithmetic",
  token_ids: [1, 5, 9, 2, 7],
  position_ids: [0, 1, 2, 3, 4],
  loss_mask: [false, false, true, false, true],
  advantages: [0, 0, 0.5, 0, 0.5],
  losses: [{}, {}, { rl: { advantage: 0.5, mask: true } }, {}, { rl: { advantage: 0.5, mask: true } }],
  rewards: [1, 1, 1, 1, 1],
  inference_logprobs: [0, 0, -0.5, 0, -2.25],
  trainer_logprobs: [null, -3, -0.5625, -1, -2],
  entropy: [null, 1, 0.75, 0.5, 0.25],
  mismatch_kl: [null, null, 0.01, null, 0.02],
  log_importance_ratio: [null, null, -0.0625, null, 0.25],
  importance_ratio: [null, null, 0.94, null, 1.28],
  prob_delta: [null, null, -0.04, null, 0.03],
  is_masked: [false, false, false, false, false],
  is_masked_high: [false, false, false, false, false],
  is_masked_low: [false, false, false, false, false],
};

const lmEval = {
  doc_id: 3,
  doc: { question: "2 + 2 =" },
  target: "4",
  arguments: { gen_args_0: { arg_0: "2 + 2 =", arg_1: { until: ["\n"], do_sample: false } } },
  resps: [["4", "5"]],
  filtered_resps: ["4"],
  filter: "strict-match",
  metrics: ["exact_match"],
  doc_hash: "a1",
  prompt_hash: "b2",
  target_hash: "c3",
  exact_match: 1,
};

const vllmAnswer = exchangesOf("by-hand/vllm")[3]!.answer as Record<string, unknown>;

describe("readDump", () => {
  test("verl: texts with score and step, the rest as it is", async () => {
    const { rows } = await read([verl]);
    const [row] = rows;
    assert.deepEqual([row!.format, row!.line, row!.prompt, row!.completion], ["verl", 1, "2 + 2 =", " 4"]);
    assert.deepEqual([row!.reward, row!.step], [1, 12]);
    assert.deepEqual(row!.fields, { gts: "4", score: 1, acc: true });
  });

  test("verl: older versions wrote every value as text", async () => {
    const { rows } = await read([{ ...verl, score: "0.5", step: "12" }]);
    assert.deepEqual([rows[0]!.reward, rows[0]!.step], [0.5, 12]);
  });

  test("prime-rl: the completion begins at the first trained token, and every column keeps its place", async () => {
    const { rows } = await read([prime]);
    const { tokens, reward, step, fields } = rows[0]!;
    assert.deepEqual(
      [[...tokens!.prompt], [...tokens!.completion]],
      [
        [1, 5],
        [9, 2, 7],
      ],
    );
    assert.deepEqual([...tokens!.mask], [1, 0, 1]);
    assert.deepEqual([...tokens!.scores!.logprobs], [-0.5625, -1, -2]);
    assert.deepEqual([...tokens!.behaviorLogprobs!], [-0.5, 0, -2.25]);
    assert.deepEqual([...tokens!.entropies!], [0.75, 0.5, 0.25]);
    assert.deepEqual([...tokens!.advantages!], [0.5, 0, 0.5]);
    assert.deepEqual([reward, step, fields.trainerStep, fields.env_name], [1, 41, 40, "arithmetic"]);
  });

  test("prime-rl: an unknown number is refused where the token counts, and NaN where it does not", async () => {
    const bad = { ...prime, trainer_logprobs: [null, -3, null, -1, -2] };
    await assert.rejects(
      read([prime, bad]),
      /expected a number where loss_mask is true .* line 2, column trainer_logprobs\[2\]/,
    );
    const { rows } = await read([{ ...prime, entropy: [null, 1, 0.75, null, 0.25] }]);
    assert.deepEqual([...rows[0]!.tokens!.entropies!], [0.75, Number.NaN, 0.25]);
  });

  test("vLLM: a row for each completion with ids, log-probs and certain alternatives", async () => {
    const { rows } = await read([vllmAnswer]);
    assert.deepEqual(
      rows.map(({ completion }) => completion),
      [" e a b", " d"],
    );
    const [first, second] = rows.map(({ tokens }) => tokens!);
    assert.deepEqual([...first!.completion], [9, 3, 4]);
    assert.deepEqual([...first!.scores!.logprobs], [-0.5, -Infinity, -0.125]);
    // a list of one that holds the text's own token may be the answer to logprobs: 0
    assert.equal(first!.scores!.topK, 0);
    assert.deepEqual([second!.scores!.topK, [...second!.scores!.topIds]], [1, [9]]);
    const known = await read([vllmAnswer], { topK: 1 });
    assert.deepEqual([...known.rows[0]!.tokens!.scores!.topIds], [9, 7, 4]);
    assert.deepEqual([...known.rows[0]!.tokens!.scores!.ranks], [1, 0, 1]);
  });

  test("vLLM: one JSON file with an answer, or with several", async () => {
    const one = await read(JSON.stringify(vllmAnswer, undefined, 2), { extension: "json" });
    assert.equal(one.rows.length, 2);
    const two = await read(JSON.stringify([vllmAnswer, vllmAnswer]), { extension: "json" });
    assert.deepEqual(
      two.rows.map(({ line }) => line),
      [1, 1, 2, 2],
    );
    await assert.rejects(read("{", { extension: "json" }), /expected JSON in .*\.json/);
    await assert.rejects(
      read(JSON.stringify(vllmAnswer), { extension: "json", longestLine: 9 }),
      /at most 9 bytes .* write one answer a line/,
    );
  });

  test("vLLM: chat answers, whose prompt stands beside the choices", async () => {
    const chat = {
      object: "chat.completion",
      prompt_token_ids: [1, 5],
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: " e" },
          logprobs: {
            content: [
              {
                token: "token_id:9",
                logprob: -0.5,
                bytes: [],
                top_logprobs: [
                  { token: "token_id:4", logprob: -0.25 },
                  { token: "token_id:9", logprob: -0.5 },
                ],
              },
            ],
          },
          finish_reason: "stop",
          token_ids: [9],
        },
      ],
    };
    const { rows } = await read([chat]);
    assert.deepEqual([...rows[0]!.tokens!.prompt], [1, 5]);
    assert.deepEqual([rows[0]!.tokens!.scores!.logprobs[0], rows[0]!.tokens!.scores!.topK], [-0.5, 1]);
  });

  test("lm-eval: a row for each request and repeat; a loglikelihood's continuation is its completion", async () => {
    const { rows } = await read([lmEval], { reward: "exact_match" });
    assert.deepEqual(
      rows.map(({ prompt, completion, reward }) => [prompt, completion, reward]),
      [
        ["2 + 2 =", "4", 1],
        ["2 + 2 =", "5", 1],
      ],
    );
    assert.deepEqual(
      rows.map(({ fields }) => [fields.doc_id, fields.request, fields.repeat]),
      [
        [3, 0, 0],
        [3, 0, 1],
      ],
    );
    const choice = {
      ...lmEval,
      arguments: { gen_args_0: { arg_0: "2 + 2 =", arg_1: " 4" }, gen_args_1: { arg_0: "2 + 2 =", arg_1: " 5" } },
      resps: [[["-0.5", "True"]], [["-2.25", "False"]]],
    };
    const found = await read([choice]);
    assert.deepEqual(
      found.rows.map(({ completion, totalLogprob }) => [completion, totalLogprob]),
      [
        [" 4", -0.5],
        [" 5", -2.25],
      ],
    );
    await assert.rejects(
      read([{ ...choice, resps: choice.resps.slice(1) }]),
      /expected 2 answers, one a request, but found 1 .* line 1, column resps/,
    );
  });

  test("TRL: Parquet with reward columns and int64, a row group at a time", async () => {
    const file = join(folder, "completions_00012.parquet");
    await parquetWriteFile({
      filename: file,
      rowGroupSize: 2,
      columnData: [
        { name: "step", data: [12n, 12n, 12n], type: "INT64" },
        { name: "prompt", data: ["a", "b", "c"], type: "STRING" },
        { name: "completion", data: ["A", "B", "C"], type: "STRING" },
        { name: "accuracy_reward", data: [1, 0, 0.5], type: "DOUBLE" },
        { name: "request", data: [1n, 2n ** 60n, 3n], type: "INT64" },
        { name: "advantage", data: [0.5, -0.5, 0], type: "DOUBLE" },
      ],
    });
    const rows: DumpRow[] = [];
    for await (const row of readDump(file, { reward: "accuracy_reward" })) rows.push(row);
    assert.deepEqual(
      rows.map(({ line, prompt, completion, reward, advantage, step }) => [
        line,
        prompt,
        completion,
        reward,
        advantage,
        step,
      ]),
      [
        [0, "a", "A", 1, 0.5, 12],
        [1, "b", "B", 0, -0.5, 12],
        [2, "c", "C", 0.5, 0, 12],
      ],
    );
    assert.deepEqual(
      rows.map(({ fields }) => fields.request),
      [1, String(2n ** 60n), 3],
    );
    await assert.rejects(async () => {
      for await (const _ of readDump(file, { reward: "format_reward" }));
    }, /expected a reward but found the columns step, prompt, .*; see reward in .*completions_00012\.parquet, line 0, column format_reward/);
  });
});

test("readDump reads a completions file that pandas wrote, as TRL calls it; a missing reward is none", async () => {
  const golden = join(import.meta.dirname, "../../../../test/golden/dumps/completions_00012");
  const { logs } = JSON.parse(readFileSync(`${golden}.json`, "utf8"));
  const rows: DumpRow[] = [];
  for await (const row of readDump(`${golden}.parquet`, { reward: "accuracy_reward" })) rows.push(row);
  assert.deepEqual(
    rows.map(({ prompt }) => prompt),
    logs.prompt,
  );
  assert.deepEqual(
    rows.map(({ completion }) => completion),
    logs.completion,
  );
  assert.deepEqual(
    rows.map(({ reward }) => reward ?? null),
    logs.rewards.accuracy_reward,
  );
  assert.deepEqual(
    rows.map(({ advantage, step }) => [advantage, step]),
    logs.advantages.map((advantage: number) => [advantage, 12]),
  );
  assert.deepEqual(
    rows.map(({ fields }) => [fields.format_reward, fields.request]),
    logs.extra.request.map((request: unknown, i: number) => [logs.rewards.format_reward[i], request]),
  );
});

describe("readDump names by file and line", () => {
  const wrong: Record<string, [unknown[] | string, RegExp]> = {
    "a line that is cut": [
      `${JSON.stringify(verl)}\n${JSON.stringify(verl).slice(0, 30)}`,
      /readDump: expected JSON but found a line that does not parse .*\.jsonl, line 2/,
    ],
    "NaN, which Python's json writes and JSON has not": [
      '{"input":"a","output":"b","score":NaN,"step":1}\n',
      /expected JSON but found a line that does not parse .* line 1/,
    ],
    "a line that is no object": [[verl, [1]], /expected a JSON object but found an array in .*, line 2/],
    "a missing column": [
      [verl, { input: "a", score: 1, step: 1 }],
      /expected text but found nothing in .*, line 2, column output/,
    ],
    "a missing reward": [
      [{ input: "a", output: "b", step: 1 }],
      /expected a reward but found the columns input, output, step; .* line 1, column score/,
    ],
    "a number that is none": [
      [{ ...verl, score: "high" }],
      /expected a number but found "high" in .*, line 1, column score/,
    ],
    "ids that JSON has rounded": [
      '{"input":"a","output":"b","score":1,"step":1,"request_id":12345678901234567890}\n',
      /expected text or an integer below 2\^53 but found 12345678901234567000, which JSON has rounded .* column request_id/,
    ],
    "mismatched lengths": [
      [prime, { ...prime, inference_logprobs: [0] }],
      /expected 5 numbers, one a token, but found 1 in .*, line 2, column inference_logprobs/,
    ],
    "a mask of another length": [
      [{ ...prime, loss_mask: [true] }],
      /expected 5 entries, one a token, but found 1 .* column loss_mask/,
    ],
    "a text that was not trained on": [
      [{ ...prime, loss_mask: Array(5).fill(false) }],
      /expected a token that counts but found none/,
    ],
    "an id that is none": [
      [{ ...prime, token_ids: [1, 5, -1, 2, 7] }],
      /expected a token id in \[0, 2\^31\) but found number -1 .* column token_ids\[2\]/,
    ],
    "a later schema": [
      [{ ...prime, schema_version: 2 }],
      /expected 1, the one we know, but found 2 .* column schema_version/,
    ],
    "an answer with fewer log-probs than tokens": [
      [{ ...vllmAnswer, choices: [{ ...(vllmAnswer.choices as object[])[0], token_ids: [2, 3] }] }],
      /expected 2 log-probs, one a token, but found 1 .* line 1, column choices\[0\]\.logprobs/,
    ],
    "an answer that is an error": [
      [{ ...vllmAnswer, choices: [] }],
      /expected a completion but found none .* column choices/,
    ],
  };
  for (const [name, [content, message]] of Object.entries(wrong)) {
    test(name, () =>
      assert.rejects(read(content), (error: Error) => {
        assert.ok(error instanceof MalformedRowError);
        assert.match(error.message, message);
        return true;
      }),
    );
  }

  test("and lists what it was asked to skip, each row, with the rest read", async () => {
    const lines = [verl, "no JSON", { ...verl, score: null, output: 3 }, verl, [], verl];
    const content = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n");
    const { rows, skipped, file } = await read(content, { onMalformed: "skip" });
    assert.deepEqual(
      rows.map(({ line }) => line),
      [1, 4, 6],
    );
    assert.deepEqual(
      skipped.map(({ line, column }) => [line, column]),
      [
        [2, undefined],
        [3, "output"],
        [5, undefined],
      ],
    );
    assert.ok(skipped.every((row) => row.file === file));
  });

  test("columns of no format, and settings that are none", async () => {
    await assert.rejects(read([{ text: "a" }]), /expected the columns of verl .* but found text in .*\.jsonl/);
    await assert.rejects(
      read([verl], { format: "csv" as never }),
      /expected a format of verl, trl, prime-rl, vllm, lm-eval but found csv/,
    );
    await assert.rejects(
      read([verl], { onMalformed: "ignore" as never }),
      /expected onMalformed throw or skip but found ignore/,
    );
    await assert.rejects(read([verl], { longestLine: 0 }), RangeError);
    await assert.rejects(read([verl], { topK: -1 }), RangeError);
    await assert.rejects(
      read([verl], { longestLine: 20 }),
      /expected a line of at most 20 bytes but found a longer one .* line 1/,
    );
  });
});
