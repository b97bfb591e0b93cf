import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fromArrow } from "arquero";
import { loadTokenTable, saveTokenTable } from "../../../src/analysis/frame/token-file.ts";
import { type Reader, tokenShift } from "../../../src/analysis/token-shift.ts";
import { createTokenTable, type TokenColumns, type TokenTable } from "../../../src/analysis/token-table.ts";
import { SoftmaxTable } from "../../../src/models/softmax-table.ts";
import { createRandom } from "../../../src/random.ts";
import { missing, python } from "../../python.ts";

const folder = mkdtempSync(join(tmpdir(), "srft-table-"));
after(() => rmSync(folder, { recursive: true }));
const file = join(folder, "tokens.arrow");

const policy = (scale: number) => {
  const rows = Array.from({ length: 4 * 4 }, (_, i) => scale * Math.sin(7 * i + scale));
  return new SoftmaxTable({ vocabularySize: 4, contextLength: 16, endToken: 3 }, [...rows, 0, 0, 0, 0]);
};
const described = (scale: number): Reader => ({
  vocabularySize: 4,
  contextLength: 16,
  logits: (sequences) => policy(scale).logits(sequences),
  provenance: { engine: "test", version: "1.2.3", dtype: "float64", weightsHash: `${scale}`, seed: 7 },
});
/** The likeliest of the same, as from a server. */
const listed = (scale: number): Reader => ({
  vocabularySize: 4,
  contextLength: 16,
  async topLogprobs(sequences, { topK }) {
    const { base } = await tokenShift([policy(scale), policy(scale)], { on: sequences, source: "x", topK });
    return { logprobs: base.logprobs, topK, topIds: base.topIds!, topLogprobs: base.topLogprobs! };
  },
});
const decode = (id: number) => ["<", "zwölf", "\n", ">"][id]!;
const own = () =>
  tokenShift(
    [described(1), described(2), described(3)].map((reader, i) => ({ ...reader, sample: sampler(i + 1) })),
    {
      on: "own",
      prompts: [[0], [1, 2]],
      sample: { maxTokens: 6, random: createRandom(3) },
      names: ["base", "sft", "grpo"],
      decode,
    },
  );
const sampler = (scale: number): NonNullable<Reader["sample"]> => policy(scale).sample.bind(policy(scale));

/** All values, typed arrays as they are, without methods. */
function contentOf(table: TokenTable) {
  const { decode: decodeIn, of: _of, summary: _summary, rows, toArquero: _arquero, ...columns } = table;
  const text = Array.from(table.tokens, decodeIn);
  return { ...columns, [Symbol.for("Jupyter.display")]: undefined, text, rows: [...rows()] };
}

test("loadTokenTable gives back what saveTokenTable wrote, bit for bit", async () => {
  const table = await own();
  await saveTokenTable(table, file);
  const loaded = await loadTokenTable(file);
  assert.deepEqual(contentOf(loaded), contentOf(table));
  assert.deepEqual(loaded.of("sft rollouts").summary(), table.of("sft rollouts").summary());
  assert.equal(loaded.models[1]!.provenance!.weightsHash, "3");
});

test("loadTokenTable gives back bounds, and none for a model whose distributions are whole", async () => {
  const on = [
    { prompt: [0], completion: [1, 2, 3], reward: 1, advantage: 0.5, roles: ["think", "format", "answer"] as const },
  ];
  const readers = [described(1), listed(2), described(3)];
  const table = await tokenShift(readers, { on, source: "demonstrations", topK: 2, decode });
  await saveTokenTable(table, file);
  const loaded = await loadTokenTable(file);
  assert.deepEqual(contentOf(loaded), contentOf(table));
  assert.deepEqual([loaded.models[0]!.coverage, loaded.models[1]!.bounds], ["top-k", undefined]);
});

test("saveTokenTable takes columns made by hand, without lists or provenance", async () => {
  const table = await tokenShift([described(1), described(2)], {
    on: [{ prompt: [0], completion: [1] }],
    source: "x",
    topK: 0,
  });
  const { logprobs, entropies, ranks, greedyTokens } = table.base;
  const { prompts, offsets, sequences, positions, tokens } = table;
  const base = { name: "base", logprobs, entropies, ranks, greedyTokens };
  const { deltaLogprobs, deltaProbs, kl, reverseKl, js, tv, baseRanks } = table.models[0]!;
  const models = [{ ...base, name: "sft", deltaLogprobs, deltaProbs, kl, reverseKl, js, tv, baseRanks }];
  const columns: TokenColumns = {
    source: "by hand",
    prompts,
    offsets,
    sequences,
    positions,
    tokens,
    base,
    models,
    decode,
  };
  await saveTokenTable(columns, file);
  assert.deepEqual([...(await loadTokenTable(file)).rows()], [...createTokenTable(columns).rows()]);
});

test("saveTokenTable's file is one that arquero reads, labels as labels", async () => {
  const table = await own();
  await saveTokenTable(table, file);
  const rows = fromArrow(readFileSync(file).buffer as ArrayBuffer);
  assert.equal(rows.numRows(), 2 * table.tokens.length);
  const names = ["source", "model", "position", "logprob", "kl", "category", "role"];
  const expected = table
    .toArquero()
    .select(...names)
    .objects();
  assert.deepEqual(rows.select(...names).objects(), expected);
});

test("saveTokenTable's file is one that pyarrow reads and finds valid", {
  skip: missing("pyarrow", ""),
}, async () => {
  const table = await own();
  await saveTokenTable(table, file);
  const script = `import pyarrow.ipc, json, sys
t = pyarrow.ipc.open_file(sys.argv[1]).read_all()
t.validate(full=True)
print(json.dumps({n: t[n].to_pylist() for n in ["source", "model", "category", "kl", "topIds"]}))`;
  const columns = JSON.parse(execFileSync(python, ["-c", script, file], { encoding: "utf8" }));
  const rows = [...table.rows()];
  for (const name of ["source", "model", "category"] as const) {
    assert.deepEqual(
      columns[name],
      rows.map((row) => row[name]),
    );
  }
  assert.deepEqual(
    columns.kl.map(Math.fround),
    rows.map(({ kl }) => kl),
  );
  assert.deepEqual(
    columns.topIds.flat(),
    table.models.flatMap(({ topIds }) => [...topIds!]),
  );
});

test("saveTokenTable leaves the old file when it fails", async () => {
  await saveTokenTable(await own(), file);
  const before = readFileSync(file);
  const broken = { ...(await own()), decode: () => assert.fail("no text") };
  await assert.rejects(saveTokenTable(broken as unknown as TokenColumns, file), /no text/);
  assert.deepEqual(readFileSync(file), before);
});

const bytes = async () => {
  await saveTokenTable(await own(), file);
  return readFileSync(file);
};
const attempt = async (content: Uint8Array) => {
  const hostile = join(folder, "hostile.arrow");
  writeFileSync(hostile, content);
  return loadTokenTable(hostile);
};

test("loadTokenTable refuses files cut anywhere, with an error that names the file", async () => {
  const whole = await bytes();
  for (let end = 0; end < whole.length; end += Math.ceil(whole.length / 150)) {
    await assert.rejects(attempt(whole.subarray(0, end)), (error: Error) => {
      assert.match(error.message, /hostile\.arrow$/);
      return error instanceof SyntaxError;
    });
  }
});

test("loadTokenTable of files with changed bytes ends in a table or a SyntaxError, and never takes long", async () => {
  const whole = await bytes();
  const random = createRandom(9);
  for (let turn = 0; turn < 200; turn++) {
    const content = Uint8Array.from(whole);
    for (let i = 0; i <= turn % 4; i++) content[Math.floor(random() * content.length)] = Math.floor(random() * 256);
    const begin = performance.now();
    try {
      await attempt(content);
    } catch (error) {
      assert.ok(error instanceof SyntaxError, `${error}`);
    }
    assert.ok(performance.now() - begin < 2000);
  }
});

test("loadTokenTable refuses what is no token table, or larger than it may be", async () => {
  await assert.rejects(attempt(new TextEncoder().encode("no Arrow at all")), /^SyntaxError: token table: expected/);
  await saveTokenTable(await own(), file);
  await assert.rejects(
    loadTokenTable(file, { maxBytes: 100 }),
    /^RangeError: token table: expected a file of at most 100 bytes but found \d+ in /,
  );
});
