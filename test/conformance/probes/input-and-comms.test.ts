/** Probes of questions to the front end and of comms. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { resultText, streamText, types } from "../../kernel/client.ts";
import { soon, useKernel } from "./probe.ts";

const kernel = useKernel();
const { run, value } = kernel;

test("input: prompt() blocks and gives the answer", async () => {
  kernel.client.onInput = ({ prompt }) => `answer to ${prompt}`;
  assert.equal(await value("prompt('name?')", { allow_stdin: true }), "'answer to name?'");
});

test("input: await input() with its prompt, and a password", async () => {
  kernel.client.onInput = ({ prompt, password }) => `${prompt}:${password}`;
  assert.equal(await value("await input('city?')", { allow_stdin: true }), "'city?:false'");
  assert.equal(await value("await input('key', { password: true })", { allow_stdin: true }), "'key:true'");
  assert.equal(await value("await input({ password: true })", { allow_stdin: true }), "':true'");
});

test("input: several questions are answered in order, after what was printed", async () => {
  let asked = 0;
  kernel.client.onInput = () => String(++asked);
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
    kernel.client.onInput = undefined;
    const running = run(code, { allow_stdin: true });
    await new Promise((resolve) => setTimeout(resolve, 200));
    await kernel.client.request("interrupt_request", {}, "control");
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
  const opened = await kernel.client.comm("comm_open", { comm_id: "c1", target_name: "echo", data: { a: 1 } });
  const sent = opened.find(({ header }) => header.msg_type === "comm_msg")!;
  assert.deepEqual(sent.content, { comm_id: "c1", data: { hello: { a: 1 } } });
  const answered = await kernel.client.comm("comm_msg", { comm_id: "c1", data: 5 }, [Buffer.from("bytes")]);
  const echo = answered.find(({ header }) => header.msg_type === "comm_msg")!;
  assert.deepEqual(echo.content.data, { got: 5 });
  assert.equal(Buffer.from(echo.buffers[0]!).toString(), "bytes");
  assert.equal(answered.at(-1)!.content.execution_state, "idle");
});

test("comm: comm_info lists the open ones, all or of one target", async () => {
  const info = async (content: object) =>
    (await kernel.client.request("comm_info_request", content)).reply.content.comms;
  assert.deepEqual(await info({ target_name: "echo" }), { c1: { target_name: "echo" } });
  await run("const other = openComm('other')");
  assert.equal(Object.keys(await info({})).length, 2);
  assert.deepEqual(await info({ target_name: "none" }), {});
});

test("comm: an unknown target is closed, a closed comm is gone", async () => {
  const answer = await kernel.client.comm("comm_open", { comm_id: "c2", target_name: "nobody", data: {} });
  assert.ok(answer.some(({ header }) => header.msg_type === "comm_close"));
  await kernel.client.comm("comm_close", { comm_id: "c1", data: {} });
  const { comms } = (await kernel.client.request("comm_info_request", { target_name: "echo" })).reply.content;
  assert.deepEqual(comms, {});
});

test("comm: messages are handled while a cell awaits, and what a handler prints is its own", async () => {
  await run(
    "let heard = ''; comms.register('signal', (comm) => comm.onMessage(({ data }) => { heard = data; console.log('handled') }))",
  );
  await kernel.client.comm("comm_open", { comm_id: "s1", target_name: "signal", data: {} });
  const running = run("while (heard === '') await new Promise((go) => setTimeout(go, 5)); heard");
  const handled = await kernel.client.comm("comm_msg", { comm_id: "s1", data: "go" });
  assert.ok(handled.some(({ content }) => content.text === "handled\n"));
  const answer = await running;
  assert.equal(resultText(answer), "'go'");
  assert.equal(streamText(answer), "");
});

test("comm: an error in a handler is shown, the kernel lives", async () => {
  await run("comms.register('bad', () => { throw new Error('handler broke') })");
  const said = await kernel.client.comm("comm_open", { comm_id: "b1", target_name: "bad", data: {} });
  assert.ok(said.some(({ content }) => /handler broke/.test(content.text ?? "")));
});

test("comm: the idle of a slow handler comes after what it shows, while no cell runs", async () => {
  const busy = "const end = Date.now() + 200; while (Date.now() < end); throw new Error('handler was slow')";
  await run(`comms.register('slow handler', () => { ${busy} })`);
  const said = await kernel.client.comm("comm_open", { comm_id: "s1", target_name: "slow handler", data: {} });
  assert.ok(said.some(({ content }) => /handler was slow/.test(content.text ?? "")));
});

test("comm: a message is handled before a cell that was sent after it", async () => {
  await run("let order = []; comms.register('order', (comm) => comm.onMessage(({ data }) => { order.push(data) }))");
  await kernel.client.comm("comm_open", { comm_id: "o1", target_name: "order", data: {} });
  for (let round = 0; round < 20; round++) {
    const sent = kernel.client.comm("comm_msg", { comm_id: "o1", data: round });
    assert.equal(await value("order.at(-1)"), String(round));
    await sent;
  }
});
