import assert from "node:assert/strict";
import { test } from "node:test";
import { createContext, Script } from "node:vm";
import { CellSyntaxError, checkSyntax, compileCell } from "../../../kernel/cell/cell.ts";

/** A tiny kernel: cells share one global object; imports give what `modules` says. */
function notebook(modules: Record<string, object> = {}) {
  const lines: unknown[] = [];
  const load = async (specifier: string, _options: unknown, required: string[] = []) => {
    const module = modules[specifier] as Record<string, unknown>;
    for (const name of required) if (!(name in module)) throw new SyntaxError(`no ${name}`);
    return module;
  };
  const runtime = { load, fix: () => {}, resume: (value: unknown) => value, meta: { url: "file:///cell" } };
  const context = createContext({ __srft: runtime, print: (value: unknown) => lines.push(value) });
  const run = async (source: string) => {
    const cell = compileCell(source);
    const value = new Script(cell.code).runInContext(context);
    if (cell.isAsync) return ((await value) as { value: unknown } | undefined)?.value;
    return cell.hasValue ? value : undefined;
  };
  return { run, lines };
}

async function resultOf(...cells: string[]) {
  const { run } = notebook();
  let value: unknown;
  for (const cell of cells) value = await run(cell);
  return value;
}

const plain = (value: unknown) => JSON.parse(JSON.stringify(value));

test("compileCell gives the value of a last expression and of nothing else", async () => {
  assert.equal(await resultOf("1 + 1"), 2);
  assert.equal(await resultOf("'use strict'"), "use strict");
  assert.equal(await resultOf("let s = 0; for (let i = 0; i < 3; i++) s += i"), undefined);
  assert.equal(await resultOf("const a = 3"), undefined);
  assert.equal(await resultOf("await 1; for (const x of [1]) x"), undefined);
  assert.equal(await resultOf("export default 5"), 5);
  assert.equal(await resultOf("(1, 2);;"), 2);
});

test("compileCell keeps declarations for later cells, and lets them be declared again", async () => {
  assert.equal(await resultOf("const a: number = 1", "const a = 2; a"), 2);
  assert.equal(await resultOf("class A { x = 1 }", "class A { x = 2 }", "new A().x"), 2);
  assert.equal(await resultOf("function f() { return 1 }", "const f = () => 2", "f()"), 2);
  assert.equal(await resultOf("enum E { A = 1, B }", "enum E { B = 7 }", "E.A ?? E.B"), 7);
  assert.equal(await resultOf("namespace N { export const q = 5 }", "N.q"), 5);
  assert.equal(await resultOf("let x = 1", "let x; x"), undefined);
  assert.equal(await resultOf("export const k = 4", "k"), 4);
});

test("compileCell hoists functions, also in a cell that waits", async () => {
  assert.equal(await resultOf("const v = f(); function f() { return 3 }; v"), 3);
  assert.equal(await resultOf("const v = await f(); async function f() { return 3 }; v"), 3);
  assert.equal(await resultOf("await 0; function g() { return 4 }", "g()"), 4);
});

test("compileCell lets closures see later assignments", async () => {
  const cells = ["let n = 0; function inc() { n++; return n }", "inc(); inc()", "n = 10; inc()"];
  assert.equal(await resultOf(...cells), 11);
  assert.equal(await resultOf("await 0; let n = 0; const inc = () => ++n;", "n = 10; await 0; inc()"), 11);
});

test("compileCell takes apart objects and arrays", async () => {
  assert.deepEqual(
    plain(await resultOf("const { a, b: [c, ...d], e = 9, ...r } = { a: 1, b: [2, 3], z: 4 }; [a, c, d, e, r]")),
    [1, 2, [3], 9, { z: 4 }],
  );
  assert.deepEqual(plain(await resultOf("const [x, { y }] = await [1, { y: 2 }], z = 3", "[x, y, z]")), [1, 2, 3]);
});

test("compileCell awaits at the top level, in loops and in nested blocks", async () => {
  assert.equal(await resultOf("await Promise.resolve(5)"), 5);
  assert.equal(await resultOf("const x = await 1, y = await 2;\nawait (await (async () => x + y)())"), 3);
  assert.equal(await resultOf("let s = 0; for await (const x of [1, 2, 3]) s += x; s"), 6);
  assert.equal(
    await resultOf("async function* g() { yield 1; yield 2 }\nlet s = 0\nfor await (const x of g()) { s += x }\ns"),
    3,
  );
  assert.equal(await resultOf("if (await true) { var deep = 4 }", "deep"), 4);
  assert.equal(await resultOf("for (var i = 0; i < 3; i++) await i;", "i"), 3);
  assert.equal(await resultOf("for (var k of [1, 2]) { await k }\nk"), 2);
});

test("compileCell does not wait for a promise nobody awaits", async () => {
  const { run } = notebook();
  const value = await (async () => ({ promise: await run("await 0; ({ p: Promise.resolve(1) })") }))();
  assert.equal(typeof (value.promise as { p: { then: unknown } }).p.then, "function");
});

test("compileCell imports defaults, names, namespaces and side effects", async () => {
  const { run } = notebook({ m: { default: 1, two: 2, "odd-name": 3 }, side: {} });
  const cell = 'import one, { two, two as deux, "odd-name" as odd } from "m"; import * as all from "m"; import "side";';
  assert.equal(await run(`${cell} [one, two, deux, odd, all.two].join()`), "1,2,2,3,2");
  assert.equal(await run("deux"), 2);
  assert.equal(await run('(await import("m")).two'), 2);
  assert.equal(await run("import.meta.url"), "file:///cell");
});

test("compileCell demands of a module only the names the cell reads as values", async () => {
  const { run } = notebook({ m: { two: 2 } });
  assert.equal(await run('import { two, Kind } from "m"; const k: Kind = two; k'), 2);
  await assert.rejects(run('import { three } from "m"; three()'), SyntaxError);
});

test("compileCell erases types, also those of declarations, and keeps parameter properties", async () => {
  assert.equal(await resultOf("interface A { x: number }\ntype B = A;\ndeclare const c: B;"), undefined);
  assert.equal(await resultOf("class C { constructor(public v: number) {} }", "new C(8).v"), 8);
  assert.equal(await resultOf("const o = { a: 1 } satisfies Record<string, number>; o.a!"), 1);
});

test("compileCell maps lines of the script back to the cell", () => {
  const source =
    "interface Gone {\n  a: string;\n}\n\n// comment\nawait 0;\nfunction boom() {\n  throw new Error('x');\n}\n\n\nboom();";
  const { code, originalLine } = compileCell(source);
  const lineOf = (word: string) => {
    const at = code.lastIndexOf(word);
    const before = code.slice(0, at).split("\n");
    return originalLine(before.length, before.at(-1)!.length);
  };
  assert.equal(lineOf("throw"), 8);
  assert.equal(lineOf("await"), 6);
  assert.equal(originalLine(code.split("\n").findIndex((line) => line.includes("(boom()")) + 1, 20), 12);
});

test("compileCell says where text does not parse, in code units of the cell", () => {
  const failure = (source: string) => {
    try {
      compileCell(source);
    } catch (error) {
      if (error instanceof CellSyntaxError) return error;
    }
    throw new Error(`expected a syntax error in ${source}`);
  };
  assert.equal(failure("const a = 1;\nlet = = 3").line, 2);
  assert.equal(failure("const s = '🎉'; const = 3").column, "const s = '🎉'; const ".length);
  assert.equal(failure("const a = 1; const a = 2").name, "SyntaxError");
  assert.equal(failure("for (;;) {\n").isIncomplete, true);
  assert.equal(failure("let = = 7q").isIncomplete, false);
});

test("checkSyntax accepts what a cell may hold", () => {
  for (const source of ["", "await 1", "import a from 'a'", "let x: number", "a\n// end"]) checkSyntax(source);
});

test("compileCell lets a top-level loop run at the engine's speed", async () => {
  const start = performance.now();
  const { code } = compileCell("let sum = 0; for (let i = 0; i < 1e7; i++) sum += i & 3; sum");
  assert.equal(new Script(code).runInThisContext(), 15000000);
  assert.ok(performance.now() - start < 1500, "1e7 turns take well under a second");
});

/** Such a comment sends a cell the long way, through the compiler of TypeScript. */
const long = (source: string) => `${source}\n// <`;

test("a cell of plain JavaScript means the same as it stands and as TypeScript compiles it", async () => {
  const cells = [
    ..."1 + 1|;|'use strict'|\"text\"|({ a: 1 }).a|[1, 2].map((x) => 2 * x)[1]|`text`|/a+/.source|// only this".split(
      "|",
    ),
    ..."f()\nfunction f() { return 3 }|function* g() { yield 4 }\n[...g()][0]|a: { break a }|if (1) 5; else 6".split(
      "|",
    ),
    ..."1 ? (2) : (b) => b|typeof nothing|(() => { for (;;) return 7 })()|async () => 1|type = 8; type|(a = 9, a)".split(
      "|",
    ),
    ..."declare\n= 1|print(1)|undefined?.x ?? 10|new (function () { this.x = 11 })().x|throw_ = 1\n;[throw_][0]".split(
      "|",
    ),
  ];
  for (const source of cells) {
    const [plain, compiled] = [compileCell(source), compileCell(long(source))];
    const facts = ({ isAsync, hasValue, names }: typeof plain) => ({ isAsync, hasValue, names });
    assert.deepEqual(facts(plain), facts(compiled), source);
    const outcome = (text: string) => resultOf(text).then(String, String);
    assert.equal(await outcome(source), await outcome(long(source)), source);
    assert.ok(plain.code.includes(source), source);
  }
});

test("a cell that is no plain JavaScript goes through the compiler", async () => {
  assert.equal(await resultOf("function f(x) { return [x] }", "f<number>(12)[0]"), 12);
  assert.equal(await resultOf("function f(x: number) { return x }\nf(13 as number)"), 13);
  assert.equal(await resultOf("enum E { A = 14 }\nE.A"), 14);
  for (const source of ["f(", "1 +", "break"]) assert.throws(() => compileCell(source), CellSyntaxError, source);
});

test("lines of a plain cell are those of its text", () => {
  const source = "\n\nf()\nfunction f() {\n  throw new Error('here')\n}";
  const cell = compileCell(source);
  try {
    new Script(cell.code, { filename: "plain" }).runInContext(createContext({}));
    assert.fail("the cell did not throw");
  } catch (error) {
    const places = [...(error as Error).stack!.matchAll(/plain:(\d+):(\d+)\)?$/gm)];
    assert.deepEqual(
      places.slice(0, 2).map(([, line, column]) => cell.originalLine(Number(line), Number(column) - 1)),
      [5, 3],
    );
  }
});
