import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { emptyFolder, notebook } from "./notebook.ts";

const root = join(import.meta.dirname, "../../../..");
const shared = await notebook();

test("check tells the place of a type error in lines and code points", async () => {
  const [problem, ...others] = await shared.check('const fine = 1;\nlet s = "😀"; const n: number = "one";');
  assert.deepEqual(others, []);
  assert.equal(problem!.code, 2322);
  assert.equal(problem!.message, "Type 'string' is not assignable to type 'number'.");
  assert.deepEqual(
    [problem!.start, problem!.end],
    [
      { line: 2, column: 19 },
      { line: 2, column: 20 },
    ],
  );
});

test("check knows the types of earlier cells and of what they imported", async () => {
  shared.run(
    "interface Point { x: number }\nconst point: Point = { x: 1 };",
    "import { join as glue } from 'node:path';",
  );
  assert.deepEqual(await shared.codes("const moved: Point = { x: point.x + 1 }; moved.x.toFixed()"), []);
  assert.deepEqual(await shared.codes("point.y"), [2339]);
  assert.deepEqual(await shared.codes("glue('a', 1)"), [2345]);
});

test("check lets every kind of declaration be made again, the newest wins and old uses keep their type", async () => {
  const { codes, run } = await notebook();
  run("const x = 1; class C { a = 1 } function f() { return 1 } type T = { a: 1 }", "const y = x + 1;");
  assert.deepEqual(
    await codes("const x = 'text'; class C { b = x.length } function f() { return x } type T = string"),
    [],
  );
  run("const x = 'text'; class C { b = x.length } function f() { return x } type T = string");
  assert.deepEqual(await codes("x.length + new C().b + f().length; const t: T = 'a'; y.toFixed()"), []);
  assert.deepEqual(await codes("new C().a"), [2339]);
  assert.deepEqual(await codes("x.toFixed()"), [2551]);
});

test("check carries the narrowed type of a variable and of a growing array from cell to cell", async () => {
  const { codes } = await notebook();
  assert.deepEqual(
    await codes("let m: { a: number } | undefined; const own = [];", "m = { a: 1 }; own.push(m);", "m.a"),
    [],
  );
  assert.deepEqual(await codes("m = 'no'"), [2322]);
  assert.deepEqual(await codes("for (var k = 0; k < 2; k++) {}", "k.toFixed()"), []);
  assert.deepEqual(await codes("const list = []; list.push(1);", "list[0].length"), [2339]);
  assert.deepEqual(
    await codes("let late: string | undefined; const set = () => { late = 'a' };", "set();", "late?.length"),
    [],
  );
});

test("check accepts what only a notebook may do", async () => {
  const { codes } = await notebook();
  assert.deepEqual(await codes("export const a = await Promise.resolve(2); let unused = 3; a + 1"), []);
  assert.deepEqual(await codes("export const a = await Promise.resolve(2);", "export default a.toFixed()"), []);
  assert.deepEqual(await codes("a.length"), [2339]);
  assert.deepEqual(await codes("enum E { A } namespace N { export const z = 1 }", "E.A + N.z"), []);
  assert.deepEqual(await codes("const view = <b>bold</b>; view"), []);
  assert.deepEqual(await codes("const broken = ("), []);
  assert.deepEqual(await codes("import fs = require('node:fs');", "fs.existsSync('a').valueOf()"), []);
  assert.deepEqual(await codes("const made = 1;", "made = 2"), [2588]);
  assert.deepEqual(await codes("import data from './nowhere.json'"), [2307]);
});

test("check types srft, its packages and the kernel's globals in any folder", async () => {
  const { codes } = await notebook();
  const imports = "import { entropyWeights } from 'srft'; import { from } from 'arquero';";
  assert.deepEqual(await codes(imports, "entropyWeights(0).sft.toFixed(); from([{ a: 1 }]).numRows().toFixed()"), []);
  assert.deepEqual(await codes("entropyWeights('0')"), [2345]);
  assert.deepEqual(
    await codes("for await (const n of progress([1, 2])) n.nope; display(1).update(2); md`*a*`"),
    [2339],
  );
  assert.deepEqual(
    await codes("prompt('name?')!.length; (await input('name?')).length; tslab.display.html('<b>')"),
    [],
  );
  assert.deepEqual(await codes("Buffer.from('a').nope; process.pid; await fetch('https://example.org')"), [2339]);
});

test("check prefers the packages of the notebook's folder, reads its files again after an edit and its tsconfig.json", async () => {
  const folder = emptyFolder();
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  mkdirSync(join(folder, "node_modules/marked"), { recursive: true });
  write("node_modules/marked/package.json", '{ "name": "marked", "types": "index.d.ts" }');
  write("node_modules/marked/index.d.ts", "export const mine: number;");
  write("local.ts", "export const n = 1;");
  write("tsconfig.json", '{ "compilerOptions": { "noImplicitAny": false, "noUncheckedIndexedAccess": true } }');
  const { codes } = await notebook(folder);
  assert.deepEqual(await codes("import { mine } from 'marked'; import { n } from './local.ts'; mine + n"), []);
  assert.deepEqual(await codes("function loose(a) { return a } [1][0].toFixed()"), [2532]);
  write("local.ts", "export const n = 'text';");
  assert.deepEqual(await codes("import { n } from './local.ts'; n.nope; n.length.toFixed()"), [2339]);
  write("fresh.ts", "export const q = 1;");
  assert.deepEqual(await codes("import { q } from './fresh.ts'; q.toFixed()"), []);
});

for (const file of readdirSync(join(root, "notebooks"), { recursive: true, encoding: "utf8" }).filter((name) =>
  name.endsWith(".ipynb"),
))
  test(`check finds nothing wrong in ${file}`, async () => {
    const { cells } = JSON.parse(readFileSync(join(root, "notebooks", file), "utf8"));
    const { check, run } = await notebook(join(root, "notebooks"));
    for (const { cell_type, source } of cells) {
      if (cell_type !== "code") continue;
      const text = [source].flat().join("");
      assert.deepEqual(await check(text), [], text);
      run(text);
    }
    assert.equal((await check("const wrong: number = 'text'")).length, 1);
  });

test("complete gives members with kinds and the code points to replace", async () => {
  const { run, complete } = await notebook();
  run("import { loadPolicy } from 'srft';", "const policy = await loadPolicy('a');");
  const matches = await complete("const face = '😀'; policy.sam|");
  assert.ok(matches !== "absent");
  assert.deepEqual(
    matches.map(({ text, type, start, end }) => ({ text, type, start, end })),
    [{ text: "sample", type: "method", start: 25, end: 28 }],
  );
  const all = await complete("policy.|");
  assert.ok(all !== "absent" && all.some(({ text }) => text === "config"));
});

test("complete gives optional members, and those of what may be undefined with their question mark", async () => {
  const { run, complete } = await notebook();
  run("interface Options { size?: number }", "const options: Options = {}; const maybe = [options].at(0);");
  const size = { type: "property", end: 9 };
  assert.deepEqual(await complete("options.s|"), [{ ...size, text: "size", start: 8 }]);
  assert.deepEqual(await complete("maybe.siz|"), [{ ...size, text: "?.size", start: 5 }]);
});

test("complete gives names in scope: locals, cells, globals, keywords", async () => {
  const { run, complete } = await notebook();
  run(
    "const alpha = 1; function alphabet() {} class Alps {} type Alpine = 1;",
    "import { readFileSync } from 'node:fs';",
  );
  const found = async (text: string) => {
    const matches = await complete(text);
    assert.ok(matches !== "absent");
    return Object.fromEntries(matches.map((match) => [match.text, match.type]));
  };
  const names = { alpha: "variable", alphabet: "function", Alps: "class", Alpine: "type" };
  assert.deepEqual(await found("alp|"), names);
  assert.equal((await found("function g(alphaLocal: number) { return alp| }")).alphaLocal, "variable");
  assert.equal((await found("con|")).const, "keyword");
  assert.ok((await found("cons|")).console);
  assert.equal((await found("readF|")).readFileSync, "function");
  assert.equal((await found("disp|")).display, "function");
  assert.equal(
    Object.keys(await found("|")).some((name) => name.startsWith("__srft")),
    false,
  );
});

test("complete and inspect answer absent where the type is any", async () => {
  const { run, complete, inspect } = await notebook();
  run("const anything: any = 1;");
  assert.equal(await complete("anything.|"), "absent");
  assert.equal(await complete("nowhere.|"), "absent");
  assert.equal(await inspect("any|thing"), "absent");
});

test("inspect gives declaration and documentation", async () => {
  const { run, inspect } = await notebook();
  run(
    "import { entropyWeights } from 'srft';",
    "/** Twice a number. @param n any number */\nfunction twice(n: number) { return 2 * n }",
  );
  const text = async (code: string) => {
    const found = await inspect(code);
    assert.ok(found !== "absent" && found.found, code);
    return found.data;
  };
  const own = await text("const s = '😀'; twi|ce(1)");
  assert.equal(own["text/plain"], "function twice(n: number): number\n\nTwice a number.\n\n@param n any number");
  assert.match(own["text/markdown"]!, /^```typescript\nfunction twice\(n: number\): number\n```\n\nTwice a number\./);
  assert.match((await text("twice(|"))["text/plain"]!, /^function twice/);
  assert.match(
    (await text("entropyWeights|"))["text/plain"]!,
    /^function entropyWeights\(entropy: number[\s\S]*\n\nWeights/,
  );
  run("type Row = { a: number };");
  assert.match((await text("let row: Ro|w"))["text/plain"]!, /^type Row = \{\s+a: number;\s+\}/);
  assert.match((await text("const table = [1]; tab|le"))["text/plain"]!, /^const table: number\[\]/);
  assert.match((await text("console.lo|g(1)"))["text/plain"]!, /^log\(message\?: any/);
  assert.deepEqual(await inspect("1 + | 2"), { found: false, data: {} });
});

test("check forgets the oldest cells, whose names then have any type", { timeout: 120_000 }, async () => {
  const { codes, run } = await notebook();
  run("const oldest = 1;");
  for (let n = 0; n < 250; n++) run(`const name${n} = ${n}; let again = name${n};`);
  assert.deepEqual(await codes("oldest.nope; name0.nope; name249.nope"), [2339]);
});
