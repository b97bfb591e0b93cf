/** Probes of an outside client, by topic: what neither of the public suites asks of a kernel. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Answer, type Client, resultText, startClient, streamText, types } from "../kernel/client.ts";

let client: Client;

before(async () => {
  client = await startClient();
});
after(() => client.close());

const run = (code: string, options?: object) => client.execute(code, options);
const value = async (code: string, options?: object) => resultText(await run(code, options));
const contents = (answer: Answer, type: string) =>
  answer.iopub.filter(({ header }) => header.msg_type === type).map(({ content }) => content);
const bundle = async (code: string) => contents(await run(code), "execute_result")[0]?.data as Record<string, unknown>;

/** Within so many milliseconds; the machine is shared, so five times what the kernel promises. */
const soon = async <Value>(work: () => Promise<Value>, milliseconds = 500): Promise<Value> => {
  const start = performance.now();
  const result = await work();
  const took = performance.now() - start;
  assert.ok(took < milliseconds, `took ${took} ms`);
  return result;
};

const complete = async (code: string, cursor_pos = [...code].length) =>
  (await client.request("complete_request", { code, cursor_pos })).reply.content;
const inspect = async (code: string, cursor_pos: number, detail_level = 0) =>
  (await client.request("inspect_request", { code, cursor_pos, detail_level })).reply.content;

test("message order is that of ipykernel for each kind of cell", async () => {
  // Recorded from ipykernel 7.4.0 with the same cells in Python: print(1); 1, then 1/0, then x = 1, and a blank one.
  const orders: [string, string[]][] = [
    ["console.log(1); 1", ["busy", "execute_input", "stream", "execute_result", "idle"]],
    ["throw new Error('no')", ["busy", "execute_input", "error", "idle"]],
    ["const x = 1", ["busy", "execute_input", "idle"]],
    ["", ["busy", "execute_input", "idle"]],
  ];
  for (const [code, order] of orders) assert.deepEqual(types(await run(code)), order, code);
});

test("replies: each has its own type, its request as parent, and the request's identities", async () => {
  const requests: [string, object, string][] = [
    ["kernel_info_request", {}, "kernel_info_reply"],
    ["is_complete_request", { code: "1" }, "is_complete_reply"],
    ["complete_request", { code: "1", cursor_pos: 1 }, "complete_reply"],
    ["inspect_request", { code: "1", cursor_pos: 1 }, "inspect_reply"],
    ["history_request", { hist_access_type: "tail", n: 1 }, "history_reply"],
    ["comm_info_request", {}, "comm_info_reply"],
  ];
  for (const [request, content, type] of requests)
    for (const channel of ["shell", "control"] as const) {
      const { reply, iopub } = await client.request(request, content, channel);
      assert.equal(reply.header.msg_type, type);
      assert.equal((reply.parent as { msg_type: string }).msg_type, request);
      assert.equal(reply.content.status, request === "is_complete_request" ? "complete" : "ok");
      assert.deepEqual(
        iopub.map((message) => message.content.execution_state),
        ["busy", "idle"],
      );
    }
});

test("kernel_info: banner, help links, features, file extension, mimetype, version", async () => {
  const { content } = (await client.request("kernel_info_request")).reply;
  assert.match(content.banner, /srft .* Node/);
  assert.ok(content.help_links.every(({ text, url }: { text: string; url: string }) => text && /^https:/.test(url)));
  assert.ok(Array.isArray(content.supported_features));
  assert.equal(content.protocol_version, "5.4");
  assert.equal(content.language_info.mimetype, "text/typescript");
  assert.match(content.language_info.version, /^\d+\.\d+/);
});

test("heartbeat: what is sent comes back", async () => assert.equal(await client.beat("thump"), "thump"));

test("silent: no input, no result, no count, and no history", async () => {
  const count = (await run("1")).reply.content.execution_count;
  const answer = await run("'secret-silent'", { silent: true, store_history: true });
  assert.deepEqual(types(answer), ["busy", "idle"]);
  assert.equal(answer.reply.content.execution_count, count);
  const { history } = (
    await client.request("history_request", { hist_access_type: "search", pattern: "*secret-silent*" })
  ).reply.content;
  assert.deepEqual(history, []);
});

test("store_history false: a result without a new count", async () => {
  const count = (await run("1")).reply.content.execution_count;
  const answer = await run("5", { store_history: false });
  assert.equal(resultText(answer), "5");
  assert.equal(answer.reply.content.execution_count, count);
  assert.equal((await run("1")).reply.content.execution_count, count + 1);
});

test("user_expressions: values and errors, after the cell", async () => {
  const { reply } = await run("const base = 20", {
    user_expressions: { sum: "base + 1", wait: "await Promise.resolve([1])", bad: "nothing.here", broken: "let = =" },
  });
  const { sum, wait, bad, broken } = reply.content.user_expressions;
  assert.deepEqual(sum, { status: "ok", data: { "text/plain": "21" }, metadata: {} });
  assert.equal(wait.data["text/plain"], "[ 1 ]");
  assert.deepEqual([bad.status, bad.ename, broken.ename], ["error", "ReferenceError", "SyntaxError"]);
});

test("user_expressions: none after a failure", async () => {
  const { reply } = await run("throw 1", { user_expressions: { a: "1" } });
  assert.deepEqual([reply.content.status, reply.content.user_expressions], ["error", undefined]);
});

test("stop_on_error: false lets the waiting cells run, true aborts them", async () => {
  const kept = await Promise.all([run("throw 1", { stop_on_error: false }), run("2")]);
  assert.equal(kept[1].reply.content.status, "ok");
  const aborted = await Promise.all([run("throw 1"), run("2")]);
  assert.equal(aborted[1].reply.content.status, "aborted");
  assert.equal(await value("3"), "3");
});

test("error: a thrown value, a custom name, a null", async () => {
  for (const [code, ename] of [
    ["throw 'text'", "Thrown"],
    ["throw Object.assign(new Error('x'), { name: 'OwnError' })", "OwnError"],
    ["throw null", "Thrown"],
    ["throw { get message() { throw 1 } }", "Thrown"],
  ] as const)
    assert.equal((await run(code)).reply.content.ename, ename, code);
});

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
    assert.equal((await client.request("complete_request", content)).reply.content.status, "ok");
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
  const ask = async (code: string) => (await client.request("is_complete_request", { code })).reply.content;
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
  (await client.request("history_request", { output: false, raw: true, ...content })).reply.content.history as [
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

test("input: prompt() blocks and gives the answer", async () => {
  client.onInput = ({ prompt }) => `answer to ${prompt}`;
  assert.equal(await value("prompt('name?')", { allow_stdin: true }), "'answer to name?'");
});

test("input: await input() with its prompt, and a password", async () => {
  client.onInput = ({ prompt, password }) => `${prompt}:${password}`;
  assert.equal(await value("await input('city?')", { allow_stdin: true }), "'city?:false'");
  assert.equal(await value("await input('key', { password: true })", { allow_stdin: true }), "'key:true'");
  assert.equal(await value("await input({ password: true })", { allow_stdin: true }), "':true'");
});

test("input: several questions are answered in order, after what was printed", async () => {
  let asked = 0;
  client.onInput = () => String(++asked);
  const answer = await run("console.log('before'); [prompt(), prompt(), await input()].join()", { allow_stdin: true });
  assert.equal(resultText(answer), "'1,2,3'");
  assert.equal(streamText(answer), "before\n");
});

test("input: StdinNotImplementedError where the front end cannot be asked", async () => {
  for (const code of ["prompt()", "await input()"])
    assert.equal((await run(code, { allow_stdin: false })).reply.content.ename, "StdinNotImplementedError", code);
});

for (const code of ["prompt('never')", "await input('never')", "for (;;) { try { prompt('again') } catch {} }"])
  test(`input: interrupt stops ${code}`, async () => {
    client.onInput = undefined;
    const running = run(code, { allow_stdin: true });
    await new Promise((resolve) => setTimeout(resolve, 200));
    await client.request("interrupt_request", {}, "control");
    assert.equal((await soon(() => running, 1500)).reply.content.ename, "Interrupted");
    assert.equal(await value("'alive'"), "'alive'");
  });

test("comm: a cell opens one, sends, and closes it", async () => {
  const answer = await run(
    "const link = openComm('chart', { points: [1] }, [new Uint8Array([1, 2, 3])]); link.send({ more: 2 }); link.close(); link.id.length",
  );
  assert.deepEqual(types(answer), [
    "busy",
    "execute_input",
    "comm_open",
    "comm_msg",
    "comm_close",
    "execute_result",
    "idle",
  ]);
  const [opened] = answer.iopub.filter(({ header }) => header.msg_type === "comm_open");
  assert.equal(opened!.content.target_name, "chart");
  assert.deepEqual(opened!.content.data, { points: [1] });
  assert.deepEqual([...opened!.buffers[0]!], [1, 2, 3]);
});

test("comm: the front end opens one to a registered target, with buffers both ways", async () => {
  await run(
    "comms.register('echo', (comm, { data }) => { comm.onMessage(({ data, buffers }) => comm.send({ got: data }, buffers)); comm.send({ hello: data }) })",
  );
  const opened = await client.comm("comm_open", { comm_id: "c1", target_name: "echo", data: { a: 1 } });
  const sent = opened.find(({ header }) => header.msg_type === "comm_msg")!;
  assert.deepEqual(sent.content, { comm_id: "c1", data: { hello: { a: 1 } } });
  const answered = await client.comm("comm_msg", { comm_id: "c1", data: 5 }, [Buffer.from("bytes")]);
  const echo = answered.find(({ header }) => header.msg_type === "comm_msg")!;
  assert.deepEqual(echo.content.data, { got: 5 });
  assert.equal(Buffer.from(echo.buffers[0]!).toString(), "bytes");
  assert.equal(answered.at(-1)!.content.execution_state, "idle");
});

test("comm: comm_info lists the open ones, all or of one target", async () => {
  const info = async (content: object) => (await client.request("comm_info_request", content)).reply.content.comms;
  assert.deepEqual(await info({ target_name: "echo" }), { c1: { target_name: "echo" } });
  await run("const other = openComm('other')");
  assert.equal(Object.keys(await info({})).length, 2);
  assert.deepEqual(await info({ target_name: "none" }), {});
});

test("comm: an unknown target is closed, a closed comm is gone", async () => {
  const answer = await client.comm("comm_open", { comm_id: "c2", target_name: "nobody", data: {} });
  assert.ok(answer.some(({ header }) => header.msg_type === "comm_close"));
  await client.comm("comm_close", { comm_id: "c1", data: {} });
  const { comms } = (await client.request("comm_info_request", { target_name: "echo" })).reply.content;
  assert.deepEqual(comms, {});
});

test("comm: messages are handled while a cell awaits, and what a handler prints is its own", async () => {
  await run(
    "let heard = ''; comms.register('signal', (comm) => comm.onMessage(({ data }) => { heard = data; console.log('handled') }))",
  );
  await client.comm("comm_open", { comm_id: "s1", target_name: "signal", data: {} });
  const running = run("while (heard === '') await new Promise((go) => setTimeout(go, 5)); heard");
  const handled = await client.comm("comm_msg", { comm_id: "s1", data: "go" });
  assert.ok(handled.some(({ content }) => content.text === "handled\n"));
  const answer = await running;
  assert.equal(resultText(answer), "'go'");
  assert.equal(streamText(answer), "");
});

test("comm: an error in a handler is shown, the kernel lives", async () => {
  await run("comms.register('bad', () => { throw new Error('handler broke') })");
  const said = await client.comm("comm_open", { comm_id: "b1", target_name: "bad", data: {} });
  assert.ok(said.some(({ content }) => /handler broke/.test(content.text ?? "")));
});

test("busy: completion, inspection, comm, history, is_complete and heartbeat answer while a cell computes", async () => {
  await run("const knownName = { field: 1 }");
  const running = run("const stopAt = Date.now() + 2500; while (Date.now() < stopAt);");
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.ok((await soon(() => complete("knownN"))).matches.includes("knownName"));
  await soon(() => complete("knownName."));
  await soon(() => inspect("knownName", 3));
  await soon(() => client.comm("comm_msg", { comm_id: "s1", data: "x" }));
  await soon(() => client.request("comm_info_request"));
  await soon(() => history({ hist_access_type: "tail", n: 1 }));
  assert.equal(await soon(() => client.beat("now")), "now");
  assert.equal((await soon(() => client.request("kernel_info_request", {}, "control"))).reply.content.status, "ok");
  assert.equal(types(await running).at(-1), "idle");
});

test("output: unhandled rejections and timer errors name their cell", async () => {
  const { reply } = await run("setTimeout(() => { throw new TypeError('tick tock') }, 1)");
  const said = await client.hear(({ content }) => /tick tock/.test(content.text ?? ""));
  assert.equal((said.parent as { msg_id: string }).msg_id, (reply.parent as { msg_id: string }).msg_id);
  assert.match(said.content.text, /cell \[\d+\], line 1/);
});

test("output: binary, Unicode and control characters arrive as they were printed", async () => {
  const text = "naïve 🎉 \u0000 \u001b[31mred\u001b[39m \r\n\ttab \u2028";
  assert.equal(streamText(await run(`process.stdout.write(${JSON.stringify(text)})`)), text);
  assert.equal(
    streamText(
      await run(
        "process.stdout.write(Buffer.from('🎉').subarray(0, 2)); process.stdout.write(Buffer.from('🎉').subarray(2))",
      ),
    ),
    "🎉",
  );
});

test("output: what a child's shell and a worker's console say is there before idle", async () => {
  const answer = await run(
    "const { execSync } = await import('node:child_process'); execSync('echo from the shell; echo wrong >&2', { stdio: 'inherit' })",
  );
  assert.match(streamText(answer), /from the shell/);
  assert.match(streamText(answer, "stderr"), /wrong/);
});

test("output: no ANSI colours in text/plain, whatever a value's inspection says", async () => {
  assert.equal(
    await value("({ [Symbol.for('nodejs.util.inspect.custom')]: () => '\\u001b[31mred\\u001b[39m' })"),
    "red",
  );
});

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

test("tslab: its display functions, newDisplay and the import", async () => {
  const answer = await run(
    "import * as tslab from 'tslab'; tslab.display.html('<i>1</i>'); tslab.display.png(new Uint8Array([1, 2]));",
  );
  assert.deepEqual(
    contents(answer, "display_data").map(({ data }) => data),
    [{ "text/html": "<i>1</i>" }, { "image/png": "AQI=" }],
  );
  const changed = await run(
    "const place = tslab.newDisplay(); place.text('one'); place.text('two'); tslab.display.raw('a/b', 'c')",
  );
  assert.deepEqual(types(changed).slice(2, 5), ["display_data", "update_display_data", "display_data"]);
  assert.deepEqual(
    contents(changed, "update_display_data")[0].transient,
    contents(changed, "display_data")[0].transient,
  );
});

const shapes: [string, string, string, RegExp][] = [
  ["plotly figure", "({ data: [{ y: [1] }], layout: {} })", "application/vnd.plotly.v1+json", /Figure/],
  [
    "vega-lite spec",
    "({ $schema: 'https://vega.github.io/schema/vega-lite/v5.json', mark: 'bar' })",
    "application/vnd.vegalite.v5+json",
    /vega-lite/i,
  ],
  [
    "vega spec",
    "({ $schema: 'https://vega.github.io/schema/vega/v5.json', marks: [] })",
    "application/vnd.vega.v5+json",
    /vega/i,
  ],
  [
    "tensor",
    "({ dtype: 'float32', shape: [2, 3], dataSync: () => new Float32Array([1, 2, 3, 4, 5, 6]) })",
    "text/html",
    /float32 \[2 × 3\].*mean 3.5/,
  ],
  ["onnx tensor", "({ type: 'float32', dims: [2], data: new Float32Array([1, 3]) })", "text/html", /float32 \[2\]/],
  [
    "danfo frame",
    "({ columns: ['a', 'b'], values: [[1, 2], [3, 4]], shape: [2, 2], index: [0, 1] })",
    "text/html",
    /a +b\n1 +2/,
  ],
  [
    "polars frame",
    "({ schema: {}, columns: ['a'], height: 1, head: () => {}, toRecords: () => [{ a: 5 }] })",
    "text/html",
    /a\n5/,
  ],
  ["DOM element", "({ outerHTML: '<p>hi</p>' })", "text/html", /hi/],
  ["SVG element", "({ outerHTML: '<svg></svg>', namespaceURI: 'http://www.w3.org/2000/svg' })", "image/svg+xml", /svg/],
  ["canvas", "({ toDataURL: () => 'data:image/png;base64,AQI=' })", "image/png", /./],
  ["PNG bytes", "new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])", "image/png", /PNG image/],
  ["own bundle", "({ [Symbol.for('Jupyter.display')]: async () => ({ 'text/html': '<u>x</u>' }) })", "text/html", /./],
];
for (const [name, code, mime, text] of shapes)
  test(`display: ${name} gives ${mime}, always with a text`, async () => {
    const data = await bundle(code);
    assert.ok(mime in data, Object.keys(data).join());
    assert.match(String(data["text/plain"]), text);
  });

test("display: Map, Set, Error, Date, typed arrays and nested objects as text", async () => {
  for (const [code, text] of [
    ["new Map([[1, { a: 2 }]])", "Map(1) { 1 => { a: 2 } }"],
    ["new Set([1])", "Set(1) { 1 }"],
    ["new Date(0)", "1970-01-01T00:00:00.000Z"],
    ["({ a: { b: { c: { d: { e: 1 } } } } })", "{\n  a: {\n    b: { c: { d: { e: 1 } } }\n  }\n}"],
    ["10n ** 20n", "100000000000000000000n"],
    ["Symbol('s')", "Symbol(s)"],
    ["null", "null"],
  ] as const)
    assert.equal(await value(code), text);
});

test("memory: SRFT_MAX_OLD_SPACE sets the heap of the user process", async () => {
  const small = await startClient({ env: { SRFT_MAX_OLD_SPACE: "96" } });
  try {
    const limit = await small.execute("require('node:v8').getHeapStatistics().heap_size_limit / 2 ** 20 < 200");
    assert.equal(resultText(limit), "true");
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
  assert.match(contents(told, "display_data")[0].data["text/plain"], /line 2: TS2322/);
  assert.equal(resultText(told), "'text'");
  assert.deepEqual(types(await run(`%types off\n${code}`)), ["busy", "execute_input", "execute_result", "idle"]);
});
