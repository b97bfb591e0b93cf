/** What cells may say and what becomes of their errors, over the wire. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { type Client, resultText, startClient } from "../client.ts";

let client: Client;

before(async () => {
  client = await startClient();
});
after(() => client.close());

const run = (code: string) => client.execute(code);
const failure = async (code: string) => {
  const { reply } = await run(code);
  assert.equal(reply.content.status, "error", code);
  return { ...reply.content, text: (reply.content.traceback as string[]).join("\n") };
};

test("a constant cannot be assigned, from its own cell, a later one or a closure, and can be declared again", async () => {
  for (const code of ["const one = 1;\none = 2", "one++", "const grow = () => { one += 1 }; grow()"]) {
    const { ename, evalue, text } = await failure(code);
    assert.deepEqual([ename, evalue], ["TypeError", "Assignment to constant variable."]);
    assert.match(text, /TypeError: Assignment to constant variable\.[\s\S]*cell \[\d+\], line \d/);
  }
  assert.equal(resultText(await run("const one = 'again'; one")), "'again'");
  assert.match(
    (await failure("Object.freeze({ one: 1 }).one = 2")).evalue,
    /read only property 'one' of object '#<Object>'/,
  );
});

test("a constant that a failed cell did not reach keeps its value and may be declared by the next", async () => {
  await run("const half = 1");
  await failure("throw new Error('early'); const half = 2");
  assert.equal(resultText(await run("half")), "1");
  assert.equal(resultText(await run("const half = 3; half")), "3");
});

test("errors in decorated classes are told in cell coordinates", async () => {
  const method = await failure(`function plain(value: unknown, _context: unknown) { return value }
@plain class A {
  @plain m() {
    throw new Error("in m");
  }
}
new A().m()`);
  assert.match(method.text, /at A\.m \(cell \[\d+\], line 4\)\n {4}at cell \[\d+\], line 7\n/);
  const decorator = await failure(`function broken(): never {
  throw new Error("in the decorator");
}

@broken
class B {}`);
  assert.match(decorator.text, /at broken \(cell \[\d+\], line 2\)/);
  assert.match(decorator.text, / {4}at cell \[\d+\], line 5\n/);
  for (const { text } of [method, decorator]) assert.doesNotMatch(text, /esDecorate|srft-cell|node:/);
});

test("errors beside using and in a disposal are told in cell coordinates", async () => {
  const dispose = "[Symbol.dispose ?? Symbol.for('Symbol.dispose')]";
  const thrown = await failure(`using file = { ${dispose}() {} };

throw new Error("after using");`);
  assert.match(thrown.text, /Error: after using\S*\n {4}at cell \[\d+\], line 3\n/);
  const disposal = await failure(`using file = {
  ${dispose}() {
    throw new Error("in the disposal");
  },
};`);
  assert.match(
    disposal.text,
    /Error: in the disposal\S*\n {4}at \S+ \(cell \[\d+\], line 3\)\n {4}at cell \[\d+\], line \d\n/,
  );
});

test("a text nested too deeply is a syntax error, and the kernel lives", async () => {
  await run("const kept = 5");
  for (const text of ["(".repeat(50_000), `x=${"<a>".repeat(20_000)}`, "new ".repeat(60_000)]) {
    const { ename, evalue, text: traceback } = await failure(text);
    assert.equal(ename, "SyntaxError");
    assert.match(evalue, /nested too deeply/);
    assert.ok(traceback.length < 1000);
    const { reply } = await client.request("is_complete_request", { code: text });
    assert.equal(reply.content.status, "invalid");
    await client.request("complete_request", { code: text, cursor_pos: text.length });
    await client.request("inspect_request", { code: text, cursor_pos: text.length });
  }
  assert.equal(resultText(await run("kept")), "5");
});

test("a syntax error far into a long line shows the place", async () => {
  const { text } = await failure(`const long = "${"x".repeat(5000)}"; let = = 3`);
  assert.ok(text.length < 1000);
  const [shown, mark] = text.split("\n").slice(-2) as [string, string];
  assert.equal(shown[mark.indexOf("^")], "=");
});

test("a top-level loop takes at most twice the processor time of a plain script", async () => {
  const loop = "let sum = 0; for (let i = 0; i < 1e8; i++) sum += i & 3;";
  const [begin, end] = ["const begun = process.cpuUsage();", "process.cpuUsage(begun).user / 1000"];
  const file = join(client.folder, "plain.cjs");
  writeFileSync(file, `${begin} ${loop} console.log(${end})`);
  const scripts: number[] = [];
  const cells: number[] = [];
  for (let turn = 0; turn < 4; turn++) {
    scripts.push(Number(execFileSync(process.execPath, [file], { encoding: "utf8" })));
    cells.push(Number(resultText(await run(`${begin} ${loop} ${end}`))));
  }
  const [cell, script] = [Math.min(...cells), Math.min(...scripts)];
  assert.ok(cell <= 2 * script, `${cell} ms in a cell, ${script} ms in a script`);
});

test("interrupt stops loops of long native calls and keeps the variables", { timeout: 30_000 }, async () => {
  await run("const kept2 = 6");
  const calls = [
    "require('node:crypto').pbkdf2Sync('a', 'b', 100_000, 64, 'sha512')",
    "require('node:child_process').execSync('sleep 0.1')",
  ];
  for (const call of calls) {
    const running = run(`console.log("begun ${calls.indexOf(call)}"); for (;;) ${call}`);
    await client.hear(({ content }) => String(content.text).includes(`begun ${calls.indexOf(call)}`));
    const start = performance.now();
    await client.request("interrupt_request", {}, "control");
    assert.equal((await running).reply.content.ename, "Interrupted");
    assert.ok(performance.now() - start < 3000);
    assert.equal(resultText(await run("kept2")), "6");
  }
});

test("JSX makes elements that show themselves, where React is not installed", async () => {
  const { iopub } = await run(`const Row = ({ name }) => <li class="row">{name}</li>;
    const list = <ul>{["a<b", "c"].map((name) => <Row name={name} />)}<></></ul>;
    list`);
  const data = iopub.find(({ header }) => header.msg_type === "execute_result")?.content.data;
  assert.equal(data?.["text/html"], '<ul><li class="row">a&lt;b</li><li class="row">c</li></ul>');
  assert.deepEqual(
    iopub.filter(({ header }) => header.msg_type === "display_data"),
    [],
  );
});

test("packages come from the notebook's folder first, by import and by import(), whatever their format", async () => {
  const write = (name: string, text: string) => {
    const file = join(client.folder, "node_modules", name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  };
  write("arquero/package.json", '{ "name": "arquero", "type": "module", "exports": "./index.js" }');
  write("arquero/index.js", "export const from = 'the folder';");
  write("common/index.js", "exports.format = 'CommonJS'; exports.n = 3;");
  assert.equal(resultText(await run("%types off\nimport { from } from 'arquero'; from")), "'the folder'");
  assert.equal(resultText(await run("import { format } from 'common'; format")), "'CommonJS'");
  assert.equal(resultText(await run("(await import('common')).default.n")), "3");
  assert.equal(resultText(await run("import { marked } from 'marked'; typeof marked")), "'function'");
  writeFileSync(join(client.folder, "data.json"), '{ "n": 4 }');
  assert.equal(resultText(await run("import data from './data.json' with { type: 'json' }; data.n")), "4");
  assert.equal(resultText(await run("(await import('./data.json', { with: { type: 'json' } })).default.n")), "4");
  await run("%types warn\n1");
});

test("display.update changes a display of an earlier cell by its name", async () => {
  await run("display('first', { id: 'place' })");
  const { iopub } = await run("display.update('place', 'second')");
  const [changed] = iopub.filter(({ header }) => header.msg_type === "update_display_data");
  assert.deepEqual(changed?.content.transient, { display_id: "place" });
  assert.equal(changed?.content.data["text/plain"], "'second'");
});
