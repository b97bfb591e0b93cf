import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createWire } from "../../kernel/protocol/wire.ts";
import { type Client, resultText, startClient, streamText, types } from "./client.ts";

let client: Client;

before(async () => {
  client = await startClient();
});
after(() => client.close());

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

test("kernel_info_reply says protocol, language and status", async () => {
  const { reply } = await client.request("kernel_info_request");
  assert.equal(reply.header.msg_type, "kernel_info_reply");
  assert.equal(reply.content.status, "ok");
  assert.match(reply.content.protocol_version, /^5\.\d+$/);
  assert.equal(reply.content.language_info.name, "typescript");
  assert.equal(reply.content.language_info.file_extension, ".ts");
});

test("execute_request is answered busy, execute_input, outputs, result, idle, and a reply", async () => {
  const answer = await client.execute("console.log('a'); console.error('b'); display('c'); 1 + 1");
  assert.deepEqual(types(answer), [
    "busy",
    "execute_input",
    "stream",
    "stream",
    "display_data",
    "execute_result",
    "idle",
  ]);
  assert.equal(resultText(answer), "2");
  assert.equal(streamText(answer), "a\n");
  assert.equal(streamText(answer, "stderr"), "b\n");
  assert.equal(answer.reply.content.status, "ok");
  assert.deepEqual(answer.reply.content.user_expressions, {});
  const input = answer.iopub[1]!.content;
  assert.equal(input.execution_count, answer.reply.content.execution_count);
});

for (const lines of [1_000, 10_000])
  test(`execute_request gets all of ${lines} printed lines, in order, before idle`, async () => {
    const answer = await client.execute(`for (let i = 0; i < ${lines}; i++) console.log(i)`);
    assert.equal(streamText(answer), Array.from({ length: lines }, (_, line) => `${line}\n`).join(""));
    assert.equal(types(answer).at(-1), "idle");
  });

test("a print inside a busy loop arrives before the loop ends", async () => {
  const start = performance.now();
  const running = client.execute("console.log('early'); const until = Date.now() + 800; while (Date.now() < until);");
  await client.hear(({ header, content }) => header.msg_type === "stream" && content.text === "early\n");
  const waited = performance.now() - start;
  await running;
  assert.ok(waited < 600, `heard after ${waited} ms of 800`);
});

test("streams, displays and results keep the order in which they were made", async () => {
  const answer = await client.execute(
    "for (let i = 0; i < 50; i++) { console.log(i); display(i); await null; console.error(i) }",
  );
  const said = answer.iopub.flatMap(({ header, content }) => {
    if (header.msg_type === "stream") return [`${content.name === "stdout" ? "o" : "e"}${content.text.trim()}`];
    return header.msg_type === "display_data" ? [`d${content.data["text/plain"]}`] : [];
  });
  assert.deepEqual(said, Array.from({ length: 50 }, (_, i) => [`o${i}`, `d${i}`, `e${i}`]).flat());
});

test("output of child processes and workers arrives before idle", async () => {
  const answer = await client.execute(`
    const { spawnSync } = await import("node:child_process");
    const { Worker } = await import("node:worker_threads");
    spawnSync(process.execPath, ["-e", "console.log('child')"], { stdio: "inherit" });
    const worker = new Worker("console.log('worker')", { eval: true });
    await new Promise((resolve) => worker.on("exit", resolve));`);
  assert.match(streamText(answer), /child\n/);
  assert.match(streamText(answer), /worker\n/);
});

test("update_display_data names the display that display_data created, and transient is an object", async () => {
  const answer = await client.execute(
    "const shown = display('one'); shown.update('two'); display('plain', { id: 'own' });",
  );
  const [first, second, third] = answer.iopub.filter(({ header }) => header.msg_type.includes("display"));
  assert.equal(first!.header.msg_type, "display_data");
  assert.equal(second!.header.msg_type, "update_display_data");
  assert.equal(first!.content.transient.display_id, second!.content.transient.display_id);
  assert.equal(second!.content.data["text/plain"], "'two'");
  assert.equal(third!.content.transient.display_id, "own");
});

test("a display in the last place is not shown again as the cell's value", async () => {
  const answer = await client.execute("display('once')");
  assert.deepEqual(types(answer), ["busy", "execute_input", "display_data", "idle"]);
});

test("a bundle that JSON cannot hold fails in its cell, and the kernel lives", async () => {
  const { reply } = await client.execute("display({ 'application/json': 1n }, { raw: true })");
  assert.match(reply.content.evalue, /BigInt/);
  assert.equal(
    resultText(await client.execute("display(Object.freeze({ 'text/plain': 'x' }), { raw: true }); 1n")),
    "1n",
  );
});

test("clear_output is sent with its wait", async () => {
  const answer = await client.execute("clearOutput(); clearOutput({ wait: true })");
  const waits = answer.iopub
    .filter(({ header }) => header.msg_type === "clear_output")
    .map(({ content }) => content.wait);
  assert.deepEqual(waits, [false, true]);
});

test("an error gives error and an error reply, in cell coordinates, without kernel frames", async () => {
  const answer = await client.execute(
    "interface A { a: 1 }\n\nfunction inner() {\n  throw new TypeError('boom');\n}\ninner();",
  );
  const error = answer.iopub.find(({ header }) => header.msg_type === "error")!.content;
  const count = answer.reply.content.execution_count;
  const text = error.traceback.join("\n");
  assert.deepEqual([error.ename, error.evalue], ["TypeError", "boom"]);
  assert.match(text, new RegExp(`at inner \\(cell \\[${count}\\], line 4\\)\\n    at cell \\[${count}\\], line 6`));
  assert.doesNotMatch(text, /node:|user-process|srft-cell|\/kernel\//);
  assert.equal(answer.reply.content.status, "error");
  assert.deepEqual(answer.reply.content.traceback, error.traceback);
});

test("an error after an await names the lines of both cells", async () => {
  const first = await client.execute("async function later() {\n  await null;\n  throw new Error('late');\n}");
  const second = await client.execute("\n\nawait later();");
  const text = second.reply.content.traceback.join("\n");
  assert.match(text, new RegExp(`at later \\(cell \\[${first.reply.content.execution_count}\\], line 3\\)`));
  assert.match(text, new RegExp(`at async cell \\[${second.reply.content.execution_count}\\], line 3`));
  assert.equal(text.match(/ at /g)?.length, 2);
});

test("an error that is shown or printed names cells and lines, and its causes and parts", async () => {
  const shown = await client.execute("const kept = new Error('kept');\nconsole.log(kept); display(kept); kept");
  const texts = [streamText(shown), ...shown.iopub.map(({ content }) => content.data?.["text/plain"] ?? "")];
  for (const text of texts.filter((one) => one !== ""))
    assert.match(text, /^Error: kept\n {4}at cell \[\d+\], line 1\n?$/);
  const { reply } = await client.execute("throw new AggregateError([new TypeError('part')], 'all', { cause: 'why' })");
  const text = reply.content.traceback.join("\n");
  assert.match(text, /AggregateError: all[\s\S]*Caused by: TypeError: part[\s\S]*Caused by: Thrown: 'why'/);
});

test("a syntax error gives its line and its column", async () => {
  const { reply } = await client.execute("const a = 1;\nlet = = 3");
  assert.equal(reply.content.ename, "SyntaxError");
  assert.match(reply.content.traceback.join("\n"), /> {3}2 \| let = = 3\n {6}\| {7}\^/);
});

test("stop_on_error aborts the cells that wait, and only those", async () => {
  const later = "await new Promise((resolve) => setTimeout(resolve, 200)); throw 1"; // the others have come by then
  const answers = await Promise.all([later, "2", "3"].map((code) => client.execute(code)));
  assert.deepEqual(
    answers.map(({ reply }) => reply.content.status),
    ["error", "aborted", "aborted"],
  );
  assert.equal(resultText(await client.execute("4")), "4");
  const kept = await Promise.all(["throw 1", "5"].map((code) => client.execute(code, { stop_on_error: false })));
  assert.deepEqual(
    kept.map(({ reply }) => reply.content.status),
    ["error", "ok"],
  );
});

test("a silent request publishes nothing but its state, and does not count", async () => {
  const before = (await client.execute("1")).reply.content.execution_count;
  assert.deepEqual(types(await client.execute("2", { silent: true })), ["busy", "idle"]);
  assert.equal((await client.execute("3")).reply.content.execution_count, before + 1);
});

test("requests are answered while a cell computes", async () => {
  const running = client.execute("const end = Date.now() + 700; while (Date.now() < end);");
  await sleep(100);
  const start = performance.now();
  await client.request("kernel_info_request", {}, "control");
  const { reply } = await client.request("is_complete_request", { code: "for (;;) {" });
  const waited = performance.now() - start;
  await running;
  assert.equal(reply.content.status, "incomplete");
  assert.ok(waited < 300, `answered after ${waited} ms`);
});

test("is_complete_request tells complete, incomplete and invalid apart", async () => {
  const status = async (code: string) => (await client.request("is_complete_request", { code })).reply.content.status;
  assert.equal(await status("const a: number = await 1"), "complete");
  assert.equal(await status("`abc"), "incomplete");
  assert.equal(await status("let = = 7q"), "invalid");
});

test("late output belongs to the cell that caused it", async () => {
  const first = await client.execute("setTimeout(() => { console.log('late'); display('later') }, 150); 'soon'");
  const second = await client.execute("await new Promise((go) => setTimeout(go, 400)); console.log('mine')");
  const late = await client.hear(
    ({ header, content }) => header.msg_type === "stream" && content.text.includes("late"),
  );
  assert.equal((late.parent as { msg_id: string }).msg_id, (first.reply.parent as { msg_id: string }).msg_id);
  assert.equal(streamText(second), "mine\n");
});

test("unhandled rejections and errors in timers are shown in their cell, and the kernel lives", async () => {
  const { reply } = await client.execute(
    "Promise.reject(new Error('lost')); setTimeout(() => { throw new Error('tick') }, 5);",
  );
  for (const word of ["lost", "tick"]) {
    const said = await client.hear(
      ({ header, content }) => header.msg_type === "stream" && content.text.includes(word),
    );
    assert.match(said.content.text, new RegExp(`Uncaught Error: ${word}`));
    assert.equal((said.parent as { msg_id: string }).msg_id, (reply.parent as { msg_id: string }).msg_id);
  }
  assert.equal(resultText(await client.execute("1")), "1");
});

test("a user process that exits ends its cell with the reason, after its output, and the next cell works", async () => {
  const answer = await client.execute("for (let i = 0; i < 2000; i++) console.log(i); process.exit(3)");
  assert.equal(answer.reply.content.ename, "UserProcessEnded");
  assert.match(answer.reply.content.evalue, /exit code 3/);
  assert.equal(streamText(answer).split("\n").length, 2001);
  assert.equal(resultText(await client.execute("1 + 1")), "2");
});

test("imports come from the notebook's folder, from Node and from srft itself, and files are reloaded after an edit", async () => {
  const file = join(client.folder, "part.ts");
  writeFileSync(file, "export enum Size { Small = 1 }\nexport const answer: number = 41;\n");
  assert.equal(resultText(await client.execute("import { answer, Size } from './part.ts'; answer + Size.Small")), "42");
  writeFileSync(
    file,
    "import * as srft from 'srft/package.json' with { type: 'json' };\nexport const answer = srft.default.name;\n",
  );
  assert.equal(resultText(await client.execute("import { answer } from './part.ts'; answer")), "'srft'");
  assert.equal(
    resultText(await client.execute("import table from 'arquero'; typeof (await import('arquero')).from")),
    "'function'",
  );
  assert.equal(resultText(await client.execute("require('node:path').basename(import.meta.dirname) !== ''")), "true");
});

test("import of a missing package says how to install it", async () => {
  const { reply } = await client.execute("import x from '@no/such/thing'; x");
  assert.match(reply.content.evalue, /npm install @no\/such/);
});

test("a cell may declare names that Node has", async () => {
  assert.equal(
    resultText(
      await client.execute(
        "import crypto from 'node:crypto'; const navigator = 1, name = 2, process2 = 3; typeof crypto.createHash",
      ),
    ),
    "'function'",
  );
  assert.equal(resultText(await client.execute("let setTimeout = 5, Promise2 = 1; navigator")), "1");
  assert.equal(
    resultText(
      await client.execute("globalThis.setTimeout = (await import('node:timers')).setTimeout; typeof setTimeout"),
    ),
    "'function'",
  );
});

test("messages with a bad or a repeated signature are dropped", async () => {
  const forged = createWire("another key").encode({
    type: "execute_request",
    content: { code: "console.log('forged')" },
  });
  const genuine = createWire("a test's key").encode({
    type: "execute_request",
    content: { code: "console.log('once')" },
  });
  client.sendRaw(forged);
  client.sendRaw(genuine);
  client.sendRaw(genuine);
  client.sendRaw([Buffer.from("noise"), Buffer.from([0, 255])]);
  await client.execute("1");
  const said = client.heard.filter(({ header }) => header.msg_type === "stream").map(({ content }) => content.text);
  assert.equal(said.filter((text) => text === "once\n").length, 1);
  assert.equal(said.filter((text) => text === "forged\n").length, 0);
});

test("unknown requests are ignored", async () => {
  client.sendRaw(createWire("a test's key").encode({ type: "make_coffee_request" }));
  client.sendRaw(createWire("a test's key").encode({ type: "constructor" }));
  assert.equal(resultText(await client.execute("6")), "6");
});

const plotly = "application/vnd.plotly.v1+json";
const figureTypes = [plotly, "image/svg+xml", "text/html", "text/plain"];
const figure = "({ data: [{ x: [1, 2], y: [2, 1] }], layout: {} })";

test("a plotly object that is a cell's value comes with its drawing, as one that is displayed does before idle", async () => {
  const value = await client.execute(figure);
  assert.deepEqual(Object.keys(value.iopub.at(-2)!.content.data).sort(), figureTypes);
  const shown = await client.execute(`display(${figure}); console.log("after"); display("text"); undefined`);
  assert.deepEqual(types(shown).slice(2), ["display_data", "stream", "display_data", "update_display_data", "idle"]);
  const [first, , , update] = shown.iopub.slice(2).map(({ content }) => content);
  assert.deepEqual(Object.keys(first.data).sort(), [plotly, "text/plain"]);
  assert.deepEqual(Object.keys(update.data).sort(), figureTypes);
  assert.deepEqual(update.data[plotly], first.data[plotly]);
  assert.equal(update.transient.display_id, first.transient.display_id);
});

test("a loop that changes a figure does not wait for its drawing, and ends with that of the last", async () => {
  const code = `const shown = display(${figure});
for (let i = 0; i < 20; i++) shown.update({ data: [{ x: [i], y: [i] }], layout: {} });`;
  const answer = await client.execute(code);
  const updates = answer.iopub.filter(({ header }) => header.msg_type === "update_display_data");
  assert.equal(updates.length, 21);
  assert.deepEqual(Object.keys(updates.at(-1)!.content.data).sort(), figureTypes);
  assert.deepEqual(updates.at(-1)!.content.data[plotly].data[0].x, [19]);
});

test("a cell ends although something goes on changing a figure, and a figure that was cleared stays away", async () => {
  const forever = await client.execute(`const going = display(${figure});
globalThis.timer = setInterval(() => going.update({ data: [{ x: [Math.random()], y: [1] }], layout: {} }), 20);`);
  assert.equal(forever.reply.content.status, "ok");
  assert.equal((await client.execute("clearInterval(globalThis.timer); 5")).reply.content.status, "ok");
  const cleared = await client.execute(
    `display(${figure}); clearOutput(); await new Promise<void>((done) => setTimeout(done, 1000)); undefined`,
  );
  assert.ok(types(cleared).includes("clear_output"));
  assert.ok(!types(cleared).includes("update_display_data"));
});
