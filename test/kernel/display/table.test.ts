import assert from "node:assert/strict";
import { test } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import { tableFromArrays } from "@uwdata/flechette";
import { from, table } from "arquero";
import { displayBundle } from "../../../kernel/display/display.ts";
import type { MimeBundle } from "../../../kernel/link.ts";
import { type PageElement, readPage } from "./page.ts";

const bundle = (value: unknown) => displayBundle(value) as MimeBundle;
const page = (value: unknown) => readPage(bundle(value)["text/html"]);
const rowsOf = (element: PageElement | undefined) =>
  Array.from(element?.querySelectorAll("tbody tr") ?? [], (row) =>
    Array.from(row.children, (cell) => cell.textContent),
  );

/** The same three rows as each package holds them. */
const frames: Record<string, () => unknown> = {
  arquero: () =>
    from([
      { a: 1, b: "x" },
      { a: 2, b: "y" },
      { a: 3, b: "<z>" },
    ]),
  Arrow: () => tableFromArrays({ a: [1, 2, 3], b: ["x", "y", "<z>"] }),
  danfo: () => ({
    columns: ["a", "b"],
    values: [
      [1, "x"],
      [2, "y"],
      [3, "<z>"],
    ],
    shape: [3, 2],
    index: [0, 1, 2],
  }),
  polars: () => ({
    columns: ["a", "b"],
    height: 3,
    head: (count: number) => ({
      toRecords: () =>
        [
          { a: 1, b: "x" },
          { a: 2, b: "y" },
          { a: 3, b: "<z>" },
        ].slice(0, count),
    }),
    toRecords: () => assert.fail("all rows are read"),
  }),
  DuckDB: async () => {
    const connection = await (await DuckDBInstance.create(":memory:")).connect();
    return connection.runAndReadAll("select * from (values (1::bigint, 'x'), (2, 'y'), (3, '<z>')) as t(a, b)");
  },
};

for (const [name, frame] of Object.entries(frames))
  test(`displayBundle shows a table of ${name}`, async () => {
    const value = await frame();
    const shown = page(value);
    assert.deepEqual(
      Array.from(shown.querySelectorAll("th"), (head) => head.textContent),
      ["a", "b"],
    );
    assert.deepEqual(rowsOf(shown), [
      ["1", "x"],
      ["2", "y"],
      ["3", "<z>"],
    ]);
    assert.equal(bundle(value)["text/plain"], "a  b\n1  x\n2  y\n3  <z>\n3 rows x 2 columns");
  });

test("displayBundle keeps every page of a table from being read as formulas, for prices are between dollar signs", () => {
  const shown = page(from(Array.from({ length: 25 }, (_, i) => ({ $a$: `$${i} and $${i}` }))));
  assert.equal(shown.querySelectorAll("table").length, 2);
  assert.equal(shown.querySelectorAll("table.mathjax_ignore.tex2jax_ignore").length, 2);
});

test("displayBundle pages long tables without script or style", () => {
  const rows = Array.from({ length: 1500 }, (_, i) => ({ id: i, "<name>": `<script>${i}</script>` }));
  const value = from(rows);
  const markup = String(bundle(value)["text/html"]);
  const shown = page(value);
  const pages = [...shown.querySelectorAll("table")];
  assert.deepEqual(
    pages.map((one) => rowsOf(one).length),
    Array(10).fill(20),
  );
  assert.equal(shown.querySelectorAll("details").length, 9);
  assert.equal(shown.querySelector("details summary")?.textContent, "rows 21 to 40");
  assert.deepEqual(rowsOf(pages[9])[19], ["199", "<script>199</script>"]);
  assert.equal(shown.querySelectorAll("script, style, [onclick], [style]").length, 0);
  assert.match(markup, /1,500 rows x 2 columns/);
  assert.equal(String(bundle(value)["text/plain"]).split("\n").length, 22);
});

test("displayBundle shows a last page that is not full, an empty table, and clips long values", () => {
  const uneven = page(from(Array.from({ length: 25 }, (_, a) => ({ a }))));
  assert.equal(uneven.querySelector("summary")?.textContent, "rows 21 to 25");
  assert.deepEqual(rowsOf(page(table({ a: [] }))), []);
  assert.match(String(bundle(table({ a: [] }))["text/plain"]), /^a\n0 rows x 1 columns$/);
  assert.equal(rowsOf(page(table({ a: ["x".repeat(10_000)] })))[0]![0]!.length, 501);
  assert.match(String(bundle(table({ a: [0.1 + 0.2] }))["text/plain"]), /^a\n0\.3\n1 rows x 1 columns$/);
});
