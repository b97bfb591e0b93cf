import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { before, validNotebooks, wrongCells } from "./corpus.ts";
import { emptyFolder, notebook } from "./notebook.ts";

test("The corpus has at least 60 valid cells and 20 wrong ones", () => {
  assert.ok(Object.values(validNotebooks).flat().length >= 60);
  assert.ok(wrongCells.length >= 20);
});

for (const [name, cells] of Object.entries(validNotebooks))
  test(`check finds nothing wrong in ${name}`, async () => {
    const { check, run } = await notebook();
    const found: string[] = [];
    for (const cell of cells) {
      for (const { code, message } of await check(cell)) found.push(`${cell}\n  TS${code}: ${message}`);
      run(cell);
    }
    assert.deepEqual(found, []);
  });

test("check finds every mistake, and tells its place in code points", async () => {
  const { check, run } = await notebook();
  run(...before);
  for (const [source, code, words] of wrongCells) {
    const problems = await check(source);
    assert.deepEqual(
      problems.map((problem) => problem.code),
      [code],
      source,
    );
    const [{ start, end }] = problems as [(typeof problems)[number]];
    assert.deepEqual([start.line, end.line], [1, 1]);
    assert.equal([...source].slice(start.column, end.column).join(""), words, source);
  }
});

test("check shows all that a tsconfig.json asks for", async () => {
  const folder = emptyFolder();
  writeFileSync(join(folder, "tsconfig.json"), '{ "compilerOptions": { "strict": true } }');
  const { codes } = await notebook(folder);
  assert.deepEqual(await codes("const f = (a) => a;"), [7006]);
  assert.deepEqual(await codes("'a'.match(/a/)[0]"), [2531]);
  assert.deepEqual(await codes("let n = 1;", "n = 'text'"), [2322]);
});

test("check still knows the types of variables that changed them", async () => {
  const { codes } = await notebook();
  assert.deepEqual(await codes("let value = 1;", "value.nope"), [2339]);
  assert.deepEqual(await codes("value = 'text';", "value.toFixed(2)"), [2551]);
  assert.deepEqual(await codes("value = value.length;", "value.toUpperCase()"), [2339]);
  assert.deepEqual(await codes("const read = () => value.toFixed();"), []);
});
