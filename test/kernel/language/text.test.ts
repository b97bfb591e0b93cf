import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cellFile, commitCell, isCheckable } from "../../../kernel/language/cells.ts";
import { createHistory, scopeFile } from "../../../kernel/language/scope.ts";
import { identifierBefore, placeOf, toPoints, toUnits, withoutFiles } from "../../../kernel/language/text.ts";

test("toUnits and toPoints are inverse at every code point", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.nat(40), (text, wish) => {
      const points = Math.min(wish, [...text].length);
      assert.equal(toPoints(text, toUnits(text, points)), points);
    }),
  );
});

test("placeOf counts lines from 1 and code points from 0", () => {
  assert.deepEqual(placeOf("a\n😀b", 4), { line: 2, column: 1 });
  assert.deepEqual(placeOf("", 0), { line: 1, column: 0 });
});

test("identifierBefore stops at what is no identifier", () => {
  assert.equal(identifierBefore("policy.sam", 10), "sam");
  assert.equal(identifierBefore("größe", 5), "größe");
  assert.equal(identifierBefore("f(", 2), "");
});

test("withoutFiles takes the names of virtual files away", () => {
  assert.equal(withoutFiles('Type import("/work/__srft_3").Point is not __srft_own'), "Type Point is not own");
  assert.equal(withoutFiles('import("/elsewhere/other").Point'), 'import("/elsewhere/other").Point');
});

test("cellFile keeps the cell's text in its place", () => {
  fc.assert(
    fc.property(fc.constantFrom("1 + 1", "export const a = 2;\na", "export default 3", "type T = 1"), (source) => {
      const { text, start } = cellFile(source, createHistory(), { name: "cell" });
      assert.equal(text.slice(start, start + source.length).replaceAll(" ", "").length > 0, true);
      assert.equal(text.slice(start).indexOf("\n;"), source.length);
    }),
  );
});

test("cellFile imports what a kept cell mentions from the newest cell that declared it", () => {
  const history = createHistory();
  commitCell("const a = 1; class B {}", 1, history);
  commitCell("const a = 2;", 2, history);
  const { text } = cellFile("a + B", history, { name: "cell", use: "kept" });
  assert.match(text, /import \{ a \} from "\.\/__srft_2\.ts";import \{ B \} from "\.\/__srft_1\.ts";/);
});

test("cellFile imports from the same files whatever a cell mentions, so that the compiler keeps its program", () => {
  const history = createHistory();
  commitCell(
    "const a = 1; class B {}; let count = 2; var later; let typed: number | string = 1; const grown = []",
    1,
    history,
  );
  commitCell("count += 1; later = 'now'; grown.push(a)", 2, history);
  const sources = ["1 + 1", "a", "a + B + count", "later = count", "typed; grown; later", "unknown"];
  const files = sources.map((source) => cellFile(source, history, { name: "cell" }).text.match(/"\.\/[^"]*"/g));
  for (const imported of files) assert.deepEqual(imported, files[0]);
});

test("scopeFile exports the newest declaration and the latest state of every name, once", () => {
  const history = createHistory();
  commitCell("const a = 1; let count: number | string = 2;", 1, history);
  commitCell("const a = 'one'; count = 'two';", 2, history);
  const exported = scopeFile(history).text.match(/export \{ \w+ \} from "[^"]*"/g);
  assert.deepEqual(exported?.sort(), [
    'export { __srft_count } from "./__srft_2.ts"',
    'export { a } from "./__srft_2.ts"',
    'export { count } from "./__srft_1.ts"',
  ]);
});

test("scopeFile stays the same when a cell declares and changes nothing", () => {
  const history = createHistory();
  commitCell("const a = 1;", 1, history);
  const { text } = scopeFile(history);
  commitCell("a + 1", 2, history);
  assert.equal(scopeFile(history).text, text);
});

test("isCheckable refuses long and deep texts", () => {
  assert.equal(isCheckable("f(g(1))"), true);
  assert.equal(isCheckable("x".repeat(200_000)), false);
  assert.equal(isCheckable("[".repeat(2000)), false);
  assert.equal(isCheckable(")".repeat(2000)), true);
});
