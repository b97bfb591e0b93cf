/** Probes of the language that cells are written in, and of the process that runs them. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { resultText, startClient, types } from "../../kernel/client.ts";
import { useKernel } from "./probe.ts";

const kernel = useKernel();
const { run, value } = kernel;

test("using: disposes at the end of the cell, in reverse order, and the value remains", async () => {
  const text = await value(
    "const log: string[] = []; const res = (name: string) => ({ name, [Symbol.dispose]() { log.push(name) } });\n{ using a = res('a'); using b = res('b'); log.push('body') }\nlog.join()",
  );
  assert.equal(text, "'body,b,a'");
  const top = await run("using t = res('top'); t.name");
  assert.equal(resultText(top), "'top'");
  assert.equal(await value("log.at(-1)"), "'top'");
});

test("using: await using waits, also after an error", async () => {
  await run(
    "const seen: string[] = []; const later = (name: string) => ({ name, async [Symbol.asyncDispose]() { await null; seen.push(name) } })",
  );
  assert.equal(await value("await using d = later('d'); d.name"), "'d'");
  assert.equal(
    (await run("await using e = later('e'); throw new RangeError('mid')")).reply.content.ename,
    "RangeError",
  );
  assert.equal(await value("seen.join()"), "'d,e'");
});

test("decorators: standard ones on classes, methods and fields", async () => {
  const answer = await run(
    "function twice(method: (n: number) => number, _: ClassMethodDecoratorContext) { return function (this: unknown, n: number) { return 2 * method.call(this, n) } }\nclass Counter { @twice add(n: number) { return n + 1 } }\nnew Counter().add(4)",
  );
  assert.equal(resultText(answer), "10", JSON.stringify(answer.reply.content));
});

test("imports: JSON, CommonJS, node: and a package of srft's own", async () => {
  await run(
    "const fs = await import('node:fs'); fs.writeFileSync('data.json', '{\"n\": 7}'); fs.writeFileSync('old.cjs', 'exports.n = 8; exports.f = () => 9')",
  );
  assert.equal(await value("import data from './data.json' with { type: 'json' }; data.n"), "7");
  assert.equal(await value("import { n, f } from './old.cjs'; n + f()"), "17");
  assert.equal(await value("import old from './old.cjs'; old.n"), "8");
  assert.equal(await value("import { sep } from 'node:path'; typeof sep"), "'string'");
  assert.equal(await value("require('./old.cjs').n"), "8");
});

test("memory: SRFT_MAX_OLD_SPACE sets the heap of the user process", async () => {
  const small = await startClient({ env: { SRFT_MAX_OLD_SPACE: "96" } });
  try {
    const limit = "require('node:v8').getHeapStatistics().heap_size_limit";
    const plain = spawnSync(process.execPath, ["--max-old-space-size=96", "-p", limit], { encoding: "utf8" });
    assert.equal(resultText(await small.execute(limit)), plain.stdout.trim());
    const { reply } = await small.execute(
      "const kept: number[][] = []; for (;;) kept.push(new Array(1e5).fill(kept.length))",
    );
    assert.match(reply.content.evalue, /out of memory/);
    assert.equal(resultText(await small.execute("1 + 1")), "2");
  } finally {
    await small.close();
  }
});

test("types: %types error refuses a cell, warn tells and runs it, off is silent", async () => {
  const code = "const counted: number = 'text'; counted";
  const refused = await run(`%types error\n${code}`);
  assert.equal(refused.reply.content.ename, "TypeScriptError");
  assert.match(refused.reply.content.traceback.join("\n"), /line [12]: TS2322: Type 'string' is not assignable/);
  const told = await run(`%types warn\n${code}`);
  const { msg_id } = told.reply.parent as { msg_id: string };
  const problems = await kernel.client.hear(
    ({ header, parent }) => header.msg_type === "display_data" && "msg_id" in parent && parent.msg_id === msg_id,
  ); // a busy machine may tell them after the cell
  assert.match(problems.content.data["text/plain"], /line 2: TS2322/);
  assert.equal(resultText(told), "'text'");
  assert.deepEqual(types(await run(`%types off\n${code}`)), ["busy", "execute_input", "execute_result", "idle"]);
});
