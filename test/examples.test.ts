import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { noting, typesOf } from "./examples/bundles.ts";
import { makeScopes, writeFiles } from "./examples/context.ts";
import { execute, type Tally } from "./examples/execute.ts";
import { expectationOf, type Scope } from "./examples/expect.ts";
import { type Example, examplesOf, exportedFunctions, publicFunctions, root, sourceFiles } from "./examples/extract.ts";

/** Examples that are not executed, and why. */
const notExecuted: ReadonlyMap<string, string> = new Map([
  ["runKernel", "it serves a front end until that shuts it down"],
  ["runLab", "it serves a browser until somebody stops it"],
  ["renderHeatMap", "it needs a browser; test/browser/heat-map.test.ts draws in one"],
  ["completions", "it needs the cells of a TypeScript process; test/kernel/language.test.ts asks one"],
  ["inspection", "it needs the cells of a TypeScript process; test/kernel/language.test.ts asks one"],
]);

const folder = mkdtempSync(join(tmpdir(), "srft-examples-"));
const total: Tally & { examples: number } = { examples: 0, compared: 0, computed: 0 };
let scopeOf: (file: string) => Promise<Scope>;

before(async () => {
  process.chdir(folder);
  for (const name of ["JUPYTER_DATA_DIR", "XDG_DATA_HOME"]) delete process.env[name];
  process.env.HOME = folder;
  writeFiles();
  scopeOf = await makeScopes();
});

after(() => {
  process.chdir(root);
  rmSync(folder, { recursive: true });
});

const figures = new Map<string, Record<symbol, () => unknown>>();

async function executeExample({ code, file }: Pick<Example, "code" | "file">) {
  const { compared, computed } = await execute(code, noting(await scopeOf(file), figures));
  total.examples++;
  total.compared += compared;
  total.computed += computed;
}

test("Every public function of the library and every exported function of the kernel has an example", () => {
  const functions = [
    ...sourceFiles("src")
      .filter((file) => file.endsWith("/index.ts"))
      .flatMap(publicFunctions),
    ...sourceFiles("kernel").flatMap(exportedFunctions),
  ];
  assert.ok(functions.length > 100);
  const without = functions.filter(({ hasExample }) => !hasExample).map(({ file, name }) => `${file}: ${name}`);
  assert.deepEqual(without, []);
});

test("A comment after an expression promises a value or is prose", () => {
  const promises = (comment: string, found: unknown) => expectationOf(comment, { b: 2 })?.(found);
  assert.equal(promises("0.1", 0.1 + 1e-12), true);
  assert.equal(promises("0.1", 0.11), false);
  assert.equal(promises("0.193…: k3", 0.19315), true);
  assert.equal(promises("−0.193…", -0.1941), false);
  assert.equal(promises("Float32Array [1, 2]", Float32Array.of(1, 2)), true);
  assert.equal(promises("Float32Array [1, 2]", [1, 2]), false);
  assert.equal(promises("[1, …]", Int32Array.of(1, 2)), true);
  assert.equal(promises("{ a: [b], c, … }", { a: [2], c: 0, d: 1 }), true);
  assert.equal(promises("{ a: 1 }", { a: 1, d: 1 }), false);
  assert.equal(promises('"<svg …>"', "<svg a>"), true);
  assert.equal(promises("nothing", undefined), true);
  for (const prose of ["2, 3 or 4", "the same object", "sums to 0", "b", "{ a: x }"])
    assert.equal(expectationOf(prose, { b: 2 }), undefined, prose);
});

test("An example fails when its value is not the one its comment says", async () => {
  assert.deepEqual(await execute("const a = [b];\na[0]; // 2\na; // a list", { b: 2 }), { compared: 1, computed: 1 });
  await assert.rejects(execute("b; // 3", { b: 2 }), /expected 3 but found 2/);
});

for (const example of ["src", "kernel"].flatMap(sourceFiles).flatMap(examplesOf)) {
  const { file, line, name } = example;
  const skip = notExecuted.get(name) ?? false;
  test(`${name}'s example runs and gives the values it says (${file}:${line})`, { skip }, () =>
    executeExample(example),
  );
}

const readme = existsSync(join(root, "README.md")) ? readFileSync(join(root, "README.md"), "utf8") : "";
const cells = [...readme.matchAll(/```ts\n(.*?)```/gs)]
  .map(([, code]) => code!)
  .filter((code) => code.includes('from "srft"'));

for (const [i, code] of cells.entries()) {
  test(`README's cell ${i + 1} runs`, () => executeExample({ code, file: "README.md" }));
}

test("README has cells to run", { skip: readme === "" && "there is no README.md" }, () => {
  assert.ok(cells.length >= 2);
});

test("README's token table runs", async () => {
  const section = readFileSync(join(root, "README.md"), "utf8").split("## What changed, in a table\n")[1] ?? "";
  const code = /```ts\n(.*?)```/s.exec(section)?.[1];
  assert.ok(code);
  process.chdir(root);
  try {
    await executeExample({ code: code.replace("out/tokens.arrow", join(folder, "tokens.arrow")), file: "README.md" });
  } finally {
    process.chdir(folder);
  }
});

test("Every figure of the examples brings its own type, an SVG, HTML and text", async (t) => {
  t.diagnostic([...figures.keys()].join(", "));
  assert.ok(figures.size >= 9, [...figures.keys()].join(", "));
  for (const [name, figure] of figures) {
    const { own, texts } = await typesOf(figure);
    assert.equal(own.length, 1, name);
    const [svg, html, text] = texts as [string, string, string];
    assert.match(svg, /^<svg[\s>]/, name);
    assert.match(html, /<\w+[\s>]/, name);
    assert.ok(text.trim().length > 10 && !/<svg|<div/.test(text), `${name}: ${text}`);
  }
});

test("Examples were counted", (t) => {
  const { examples, compared, computed } = total;
  t.diagnostic(`${examples} examples: ${compared} values compared with their comments, ${computed} only computed`);
  assert.ok(compared > 60);
});
