/** Probes of what helps while a cell is written: completion, inspection, is_complete, history. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { useKernel } from "./probe.ts";

const kernel = useKernel();
const { run, value, complete, inspect } = kernel;

test("complete: globals, properties, prefixes, and what the cell itself declares", async () => {
  await run("const tensorTable = { alpha: 1, beta: { gamma: 2 }, ['not a name']: 3 }");
  assert.ok((await complete("tensorT")).matches.includes("tensorTable"));
  assert.deepEqual((await complete("tensorTable.al")).matches, ["alpha"]);
  assert.deepEqual((await complete("1 + tensorTable.beta.")).matches.slice(0, 1), ["gamma"]);
  assert.deepEqual((await complete("tensorTable?.be")).matches, ["beta"]);
  assert.ok((await complete("const fresh1 = 1; fre")).matches.includes("fresh1"));
  assert.ok(!(await complete("tensorTable.")).matches.includes("not a name"));
  assert.ok((await complete("[...tensorT")).matches.includes("tensorTable"));
});

/** After the cell, a timer keeps the thread for less than an idle kernel waits. */
const occupied = "setTimeout(() => { const end = Date.now() + 200; while (Date.now() < end); }, 20)";

test("complete: waits for an idle kernel whose thread is slow to answer", async () => {
  await run(`const loose: any = { beta: { gamma: 2 } }; ${occupied};`);
  await delay(50);
  assert.deepEqual((await complete("loose.beta.")).matches.slice(0, 1), ["gamma"]);
});

test("complete: methods of prototypes, keywords and Node's own globals", async () => {
  await run("const listed = [1]; class Animal { speak() {} }; const cow = new Animal()");
  assert.ok((await complete("listed.fla")).matches.includes("flatMap"));
  assert.ok((await complete("cow.")).matches.includes("speak"));
  assert.ok((await complete("awa")).matches.includes("await"));
  assert.ok((await complete("process.mem")).matches.includes("memoryUsage"));
  assert.ok((await complete("console.l")).matches.includes("log"));
});

test("complete: runs no getter and no proxy trap", async () => {
  await run(`let touched = 0;
    const trapped = { get lazy() { touched++; return { inner: 1 } }, plain: 1 };
    const shy = new Proxy({}, { ownKeys() { touched++; return [] }, get() { touched++ }, getPrototypeOf() { touched++; return null } })`);
  assert.ok((await complete("trapped.l")).matches.includes("lazy"));
  await complete("trapped.lazy.");
  await complete("shy.");
  await complete("shy.inner.");
  await inspect("trapped.lazy", 10);
  await inspect("shy", 2);
  assert.equal(await value("touched"), "0");
});

test("complete: nothing after a call of the unknown or a number", async () => {
  for (const code of ["f().", "1.", "(x).y"]) assert.deepEqual((await complete(code)).matches, [], code);
});

test("complete: cursor positions are code points", async () => {
  await run("const emoji = { '🎉': 1, party: 2 }");
  const { matches, cursor_start, cursor_end } = await complete("'🎉🎉'; emoji.pa");
  assert.deepEqual([matches, cursor_start, cursor_end], [["party"], 12, 14]);
  const middle = await complete("'🎉'; emoji.pa + 1", 13);
  assert.deepEqual([middle.matches, middle.cursor_start, middle.cursor_end], [["party"], 11, 13]);
});

test("complete: tells the type of each match", async () => {
  await run("const kinds = { method() {}, Kind: class {}, value: 1 }");
  const { metadata } = await complete("kinds.");
  const typeOf = (name: string) =>
    metadata._jupyter_types_experimental.find(({ text }: { text: string }) => text === name)?.type;
  for (const name of ["method", "Kind", "value"]) assert.equal(typeof typeOf(name), "string", name);
});

test("complete: strange cursors and contents get an answer", async () => {
  for (const content of [{}, { code: 5 }, { code: "a", cursor_pos: -1 }, { code: "a", cursor_pos: 99 }, { code: null }])
    assert.equal((await kernel.client.request("complete_request", content)).reply.content.status, "ok");
});

test("inspect: a value, a function, a class, at their names and within a call", async () => {
  await run(
    "function halve(amount: number, digits = 2) { return amount / 2 }\nclass Point { constructor(public x: number) {} }\nconst total = 42",
  );
  assert.match((await inspect("total", 3)).data["text/plain"], /total: number[\s\S]*42|const total/);
  assert.match((await inspect("halve(4)", 2)).data["text/plain"], /halve\(amount/);
  assert.match((await inspect("halve(4, ", 9)).data["text/plain"], /halve\(amount/);
  assert.match((await inspect("Point", 0)).data["text/plain"], /class Point|Point/);
  assert.match((await inspect("total", 5)).data["text/markdown"], /```/);
});

test("inspect: not found for what does not exist, also beyond the end", async () => {
  for (const [code, cursor] of [
    ["nowhere", 3],
    ["", 0],
    ["1 +", 99],
    ["🎉", 1],
  ] as const)
    assert.equal((await inspect(code, cursor)).found, false, code);
});

test("inspect: name? and name?? open the pager", async () => {
  const { reply } = await run("parseInt?");
  assert.equal(reply.content.payload[0].source, "page");
  assert.match(reply.content.payload[0].data["text/plain"], /parseInt/);
  assert.equal((await run("nowhere?")).reply.content.status, "ok");
});

test("is_complete: complete, incomplete with indent, invalid", async () => {
  const ask = async (code: string) => (await kernel.client.request("is_complete_request", { code })).reply.content;
  for (const code of ["", "1", "const a = 1;", "if (1) { }", "`a`", "// note", "await f()", "@d class A {}"])
    assert.equal((await ask(code)).status, "complete", code);
  for (const code of ["f(", "`a", "/* a", "if (1) {", "class A {\n  m() {", "[1,", "a.", "1 +", "const x =", "() =>"])
    assert.equal((await ask(code)).status, "incomplete", code);
  for (const code of ["f)", "let = =", "'abc", "1 1", "}", "return 1"])
    assert.equal((await ask(code)).status, "invalid", code);
  assert.equal((await ask("class A {\n  m() {")).indent, "    ");
  assert.equal((await ask("f(1,")).indent, "");
});

const history = async (content: object) =>
  (await kernel.client.request("history_request", { output: false, raw: true, ...content })).reply.content.history as [
    number,
    number,
    unknown,
  ][];

test("history: tail gives the latest, oldest first", async () => {
  await run("'first kept'");
  await run("'second kept'");
  assert.deepEqual(
    (await history({ hist_access_type: "tail", n: 2 })).map(([, , source]) => source),
    ["'first kept'", "'second kept'"],
  );
});

test("history: search takes * and ?, and each text once where asked", async () => {
  for (const code of ["'dup 1'", "'dup 2'", "'dup 1'"]) await run(code);
  const search = async (extra: object) =>
    (await history({ hist_access_type: "search", n: 10, ...extra })).map(([, , source]) => source);
  assert.deepEqual(await search({ pattern: "'dup ?'" }), ["'dup 1'", "'dup 2'", "'dup 1'"]);
  assert.equal((await search({ pattern: "*dup*", unique: true })).length, 2);
  assert.deepEqual(await search({ pattern: "dup" }), []);
  assert.deepEqual(await search({ pattern: "*dup 2*" }), ["'dup 2'"]);
});

test("history: range counts lines of a session, output beside input where asked", async () => {
  const { execution_count } = (await run("6 * 7")).reply.content;
  const [item] = await history({
    hist_access_type: "range",
    session: 0,
    start: execution_count,
    stop: execution_count + 1,
    output: true,
  });
  assert.deepEqual(item!.slice(1), [execution_count, ["6 * 7", "42"]]);
  assert.deepEqual(await history({ hist_access_type: "range", session: -5, start: 1, stop: 2 }), []);
});
