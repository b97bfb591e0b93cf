import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { encodeArrow } from "../../../src/analysis/frame/arrow.ts";
import { openTokenFrame, type TokenFrame, tokenFrame } from "../../../src/analysis/frame/frame.ts";
import type { Conditions, FrameRow, FrameValue, Summary } from "../../../src/analysis/frame/query.ts";
import { saveTokenTable } from "../../../src/analysis/frame/token-file.ts";
import { tokenShift } from "../../../src/analysis/token-shift.ts";
import { SoftmaxTable } from "../../../src/models/softmax-table.ts";

const folder = mkdtempSync(join(tmpdir(), "srft-frame-"));
after(() => rmSync(folder, { recursive: true }));

const policy = (scale: number) => {
  const rows = Array.from({ length: 4 * 4 }, (_, i) => scale * Math.sin(7 * i + scale));
  return new SoftmaxTable({ vocabularySize: 4, contextLength: 16, endToken: 3 }, [...rows, 0, 0, 0, 0]);
};
const table = await tokenShift([policy(1), policy(2), policy(5)], {
  on: {
    demonstrations: [{ prompt: [0], completion: [1, 2, 3], reward: 1 }],
    "it's base": [
      { prompt: [1], completion: [0, 0, 2, 1] },
      { prompt: [2], completion: [3, 1] },
    ],
  },
  names: ["base", "sft", "grpo"],
});
const plain = [...table.rows()] as unknown as FrameRow[];

const arrow = join(folder, "tokens.arrow");
await saveTokenTable(table, arrow);
const parquet = join(folder, "it's.parquet");

/** The same rows as a Parquet file, written by DuckDB. */
async function writeParquet() {
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  const text = (value: FrameValue) =>
    typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : `'${value}'::FLOAT`;
  const values = plain.map((row) => `(${Object.values(row).map(text).join(", ")})`).join(", ");
  const names = Object.keys(plain[0]!)
    .map((name) => `"${name}"`)
    .join(", ");
  await connection.run(`CREATE TABLE t AS SELECT * FROM (VALUES ${values}) AS t(${names})`);
  await connection.run(`COPY t TO '${parquet.replaceAll("'", "''")}' (FORMAT parquet)`);
  connection.closeSync();
}
await writeParquet();

const frames: Record<string, () => Promise<TokenFrame>> = {
  "arrays in memory": () => tokenFrame(table),
  "arrays of an Arrow file": () => openTokenFrame(arrow),
  "DuckDB on a table in memory": () => tokenFrame(table, { engine: "duckdb" }),
  "DuckDB on an Arrow file": () => openTokenFrame(arrow, { engine: "duckdb" }),
  "DuckDB on a Parquet file": () => openTokenFrame(parquet),
};

/** The naive answer, from plain rows. */
function expectedSummary(
  rows: readonly FrameRow[],
  { by, summaries }: { by: readonly string[]; summaries: Record<string, Summary> },
) {
  const groups = new Map<string, FrameRow[]>();
  for (const row of rows) {
    const key = JSON.stringify(by.map((name) => row[name]));
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const answers = [...groups.values()].map((group) => ({
    ...Object.fromEntries(by.map((name) => [name, group[0]![name]!])),
    ...Object.fromEntries(Object.entries(summaries).map(([name, summary]) => [name, naive(group, summary)])),
  }));
  const compare = (a: FrameRow, b: FrameRow) =>
    by.reduce((order, name) => order || (a[name]! < b[name]! ? -1 : a[name]! > b[name]! ? 1 : 0), 0);
  return answers.sort(compare);
}

function naive(rows: readonly FrameRow[], summary: Summary): number {
  if (summary === "count") return rows.length;
  const values = rows.map((row) => row[summary[1]] as number);
  const sum = values.reduce((total, value) => total + value, 0);
  return { sum, mean: sum / rows.length, min: Math.min(...values), max: Math.max(...values) }[summary[0]];
}

function assertRows(got: readonly FrameRow[], expected: readonly FrameRow[]) {
  assert.equal(got.length, expected.length);
  for (const [i, row] of got.entries()) {
    assert.deepEqual(Object.keys(row), Object.keys(expected[i]!));
    for (const [name, value] of Object.entries(row)) {
      const wanted = expected[i]![name]!;
      const isClose =
        typeof value === "number" && Math.abs(value - (wanted as number)) <= 1e-12 * Math.abs(wanted as number);
      assert.ok(isClose || Object.is(value, wanted), `${name}: ${value}, not ${wanted}`);
    }
  }
}

const summaries = {
  tokens: "count",
  meanKl: ["mean", "kl"],
  most: ["max", "kl"],
  least: ["min", "deltaLogprob"],
  sum: ["sum", "tv"],
} as const;

for (const [what, open] of Object.entries(frames)) {
  test(`${what}: groups, in order, are those of plain rows`, async () => {
    const frame = await open();
    for (const by of [
      ["source", "model"],
      ["source", "position"],
      ["model", "source", "category", "role"],
      ["source", "kl"],
    ]) {
      assertRows(
        await frame.group(...by).summarise(summaries),
        expectedSummary(plain, { by, summaries: { ...summaries } }),
      );
    }
    await frame.close();
  });

  test(`${what}: filters are those of plain rows, also one after the other`, async () => {
    const frame = await open();
    const cases: [Conditions, (row: FrameRow) => boolean][] = [
      [{ source: "it's base" }, ({ source }) => source === "it's base"],
      [
        { model: ["sft", "nobody"], source: "demonstrations" },
        ({ model, source }) => model === "sft" && source === "demonstrations",
      ],
      [
        { source: "it's base", kl: { from: 0.1, below: 1 } },
        ({ source, kl }) => source === "it's base" && (kl as number) >= 0.1 && (kl as number) < 1,
      ],
      [
        { source: "it's base", position: [0, 2] },
        ({ source, position }) => source === "it's base" && (position === 0 || position === 2),
      ],
      [{ reward: { from: 0 } }, ({ reward }) => reward === 1],
      [{ source: "nobody" }, () => false],
    ];
    for (const [conditions, holds] of cases) {
      const rows = plain.filter(holds);
      const chosen = Object.entries(conditions).reduce((all, [name, one]) => all.filter({ [name]: one }), frame);
      assert.equal(await frame.filter(conditions).count(), rows.length);
      assertRows(await chosen.summarise(summaries), expectedSummary(rows, { by: [], summaries: { ...summaries } }));
    }
    await frame.close();
  });

  test(`${what}: the largest and the smallest, of equals the earlier, without values that are not known`, async () => {
    const frame = await open();
    const columns = ["source", "model", "sequence", "position", "kl", "reward"];
    for (const [by, order, sign] of [
      ["kl", "largest", -1],
      ["deltaLogprob", "smallest", 1],
      ["position", "largest", -1],
      ["reward", "smallest", 1],
    ] as const) {
      const known = plain.filter((row) => !Number.isNaN(row[by]));
      const sorted = known.toSorted((a, b) => sign * ((a[by] as number) - (b[by] as number)));
      const expected = sorted.slice(0, 7).map((row) => Object.fromEntries(columns.map((name) => [name, row[name]!])));
      assertRows(await frame.top(7, { by, order, columns }), expected);
    }
    await frame.close();
  });

  test(`${what}: a summary of several sources is refused unless it is by source or of one`, async () => {
    const frame = await open();
    const mixed =
      /^RangeError: TokenFrame.summarise: expected rows of one source but found demonstrations, it's base: numbers of different/;
    await assert.rejects(frame.summarise({ tokens: "count" }), mixed);
    await assert.rejects(frame.group("model").summarise({ meanKl: ["mean", "kl"] }), mixed);
    await assert.rejects(frame.filter({ position: 0 }).summarise({ tokens: "count" }), mixed);
    assert.deepEqual(await frame.filter({ position: 3 }).summarise({ tokens: "count" }), [{ tokens: 2 }]);
    await frame.close();
  });

  test(`${what}: unknown columns, text where numbers belong and n = 0 are refused`, async () => {
    const frame = await open();
    assert.throws(
      () => frame.filter({ klx: 1 }),
      /^RangeError: TokenFrame: expected columns of source, .* but found klx$/,
    );
    assert.throws(() => frame.group("klx"), RangeError);
    await assert.rejects(
      frame.group("source").summarise({ a: ["mean", "model"] }),
      /^TypeError: .*found model, which has text/,
    );
    await assert.rejects(
      frame.top(0, { by: "kl" }),
      /^RangeError: TokenFrame.top: expected a positive integer but found 0$/,
    );
    await assert.rejects(frame.top(3, { by: "source" }), TypeError);
    await frame.close();
  });
}

test("tokenFrame's maxima and means of values that are not known are NaN, in both engines", async () => {
  for (const engine of ["arrays", "duckdb"] as const) {
    const frame = await tokenFrame(table, { engine });
    const [demonstrations, base] = await frame
      .group("source")
      .summarise({ mean: ["mean", "reward"], max: ["max", "reward"], min: ["min", "reward"] });
    assert.deepEqual(demonstrations, { source: "demonstrations", mean: 1, max: 1, min: 1 });
    assert.deepEqual(base, { source: "it's base", mean: Number.NaN, max: Number.NaN, min: Number.NaN });
    await frame.close();
  }
});

test("tokenFrame's verbs on random columns in segments are those of plain rows", async () => {
  const row = fc.record({
    source: fc.nat(1),
    token: fc.integer({ min: -3, max: 40_000 }),
    kl: fc.float({ min: 0, noDefaultInfinity: true, noNaN: true }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(row, { maxLength: 30 }), { minLength: 1, maxLength: 4 }), async (parts) => {
      const labels = ["a", "b"];
      const columns = new Map([
        ["source", { segments: parts.map((rows) => Int32Array.from(rows, ({ source }) => source)), labels }],
        ["token", { segments: parts.map((rows) => Int32Array.from(rows, ({ token }) => token)) }],
        ["kl", { segments: parts.map((rows) => Float32Array.from(rows, ({ kl }) => kl)) }],
      ]);
      const file = join(folder, "random.arrow");
      writeFileSync(
        file,
        Buffer.concat(encodeArrow({ lengths: parts.map(({ length }) => length), columns }, new Map())),
      );
      const frame = await openTokenFrame(file);
      const rows = parts.flat().map((one) => ({ ...one, source: labels[one.source]! })) as unknown as FrameRow[];
      const asked = {
        by: ["source", "token"],
        summaries: { n: "count", sum: ["sum", "kl"], max: ["max", "kl"] } as const,
      };
      assertRows(
        await frame.group(...asked.by).summarise(asked.summaries),
        expectedSummary(rows, { ...asked, summaries: { ...asked.summaries } }),
      );
      const largest = rows.toSorted((a, b) => (b.kl as number) - (a.kl as number)).slice(0, 5);
      assertRows(await frame.top(5, { by: "kl" }), largest);
    }),
    { numRuns: 100 },
  );
});

test("openTokenFrame takes a file without sources when it is told whose text it is", async () => {
  const columns = new Map([["kl", { segments: [Float32Array.of(3, 1)] }]]);
  const file = join(folder, "foreign.arrow");
  writeFileSync(file, Buffer.concat(encodeArrow({ lengths: [2], columns }, new Map())));
  await assert.rejects(
    openTokenFrame(file),
    /^TypeError: openTokenFrame: expected a column source but found none in .*say whose text/,
  );
  const frame = await openTokenFrame(file, { source: "rollouts" });
  assert.deepEqual(await frame.top(1, { by: "kl" }), [{ source: "rollouts", kl: 3 }]);
});

test("openTokenFrame refuses a Parquet file that is none, and arrays for one that is", async () => {
  const file = join(folder, "none.parquet");
  writeFileSync(file, "no Parquet");
  await assert.rejects(openTokenFrame(file), /^SyntaxError: openTokenFrame: expected a Parquet file but found/);
  await assert.rejects(
    openTokenFrame(parquet, { engine: "arrays" }),
    /^TypeError: openTokenFrame: expected engine "auto"/,
  );
});

test("openTokenFrame says the command where DuckDB is not installed", () => {
  const hooks = `export async function resolve(name, context, next) {
    if (name === "@duckdb/node-api") throw Object.assign(new Error("not found"), { code: "ERR_MODULE_NOT_FOUND" });
    return next(name, context);
  }`;
  const frame = new URL("../../../src/analysis/frame/frame.js", import.meta.url);
  const script = `import { register } from "node:module";
    register("data:text/javascript," + encodeURIComponent(${JSON.stringify(hooks)}));
    const { openTokenFrame } = await import(${JSON.stringify(frame.href)});
    await openTokenFrame("x.parquet").catch((error) => console.log(error.message));`;
  const found = execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  assert.equal(found.trim(), "TokenFrame: expected DuckDB but it is not installed: npm i @duckdb/node-api");
});
