import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { joined, type Notebook } from "../../kernel/notebook/notebook.ts";
import { compareWithNbclient, nbclientMissing } from "../conformance/nbclient.ts";

const folder = join(import.meta.dirname, "../../../notebooks");
const files = readdirSync(folder).filter((file) => file.endsWith(".ipynb"));
const elapsed = /\b\d+:\d\d\b/g;

for (const file of files) {
  const text = readFileSync(join(folder, file), "utf8");
  const notebook = JSON.parse(text) as Notebook;
  const code = notebook.cells.filter(({ cell_type }) => cell_type === "code");

  describe(file, () => {
    test("is committed with the outputs of one clean run", () => {
      assert.deepEqual(
        code.map(({ execution_count }) => execution_count),
        code.map((_, i) => i + 1),
      );
      assert.ok(code.every(({ outputs }) => outputs?.every(({ output_type }) => output_type !== "error")));
    });

    test("has cells of at most 15 lines and an explanation before every part", () => {
      for (const { source } of code) assert.ok(joined(source).split("\n").length <= 15, joined(source));
      assert.equal(notebook.cells[0]?.cell_type, "markdown");
      for (const word of ["Claim", "Source", "Scale-down", "Runtime"])
        assert.ok(joined(notebook.cells[0]!.source).includes(word), word);
    });

    test("holds no path of a machine", () => {
      assert.doesNotMatch(text, /(?<![\w.:/])\/(home|root|work|tmp|Users|opt)\//);
    });
  });
}

test("01 gives the same outputs in srft run and in nbclient", (context) => {
  const missing = nbclientMissing();
  if (missing) {
    console.error(`SKIPPED 1 notebook comparison: no nbclient (${missing})`);
    return context.skip(missing);
  }
  const normalise = (all: string) => all.replace(elapsed, "0:00");
  assert.deepEqual(compareWithNbclient(join(folder, "01-srft-in-five-minutes.ipynb"), { normalise }), []);
});
