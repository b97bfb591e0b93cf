/** Probes of the wire: what a new subscriber hears, what the kernel says as it starts, and what it must not listen to. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Dealer, Subscriber } from "zeromq";
import { createWire } from "../../../kernel/protocol/wire.ts";
import { connectClient, connectionKey, type Received, resultText, types } from "../../kernel/client.ts";
import { startKernel } from "../../kernel/kernel-process.ts";
import { useKernel } from "./probe.ts";

const kernel = useKernel();

/** What a subscriber hears until a message passes the test. */
async function listenUntil(socket: Subscriber, test: (message: Received, topic: string) => boolean) {
  const wire = createWire(connectionKey);
  for await (const frames of socket) {
    const message = wire.decode(frames as Buffer[]) as Received;
    if (test(message, String(message.identities[0]))) return message;
  }
  throw new Error("listenUntil: expected a message but found the socket closed");
}

const iopub = (port: number, topic = "") => {
  const socket = new Subscriber({ reconnectInterval: 5 });
  socket.subscribe(topic);
  socket.connect(`tcp://127.0.0.1:${port}`);
  return socket;
};

test("iopub: a new subscriber is welcomed before anything else, with its topic", async () => {
  for (const topic of ["", "status"]) {
    const socket = iopub(kernel.client.connection.iopub_port, topic);
    let heard = 0;
    const welcome = await listenUntil(socket, () => ++heard === 1);
    if (topic === "") assert.equal(welcome.header.msg_type, "iopub_welcome");
    assert.equal(welcome.content.subscription, topic);
    assert.deepEqual(welcome.parent, {});
    socket.close();
  }
});

test("iopub: a subscriber of one topic hears that topic only", async () => {
  const socket = iopub(kernel.client.connection.iopub_port, "stream");
  await listenUntil(socket, ({ header }) => header.msg_type === "iopub_welcome");
  const next = listenUntil(socket, () => true);
  await kernel.run("1; console.log('on the topic')");
  assert.equal((await next).header.msg_type, "stream");
  socket.close();
});

test("status: a kernel that nobody has asked anything says that it is starting, to its first subscriber only", async () => {
  const { process: child, folder, connection } = await startKernel();
  const sockets = [iopub(connection.iopub_port)];
  try {
    const hasState = ({ content }: Received) => content.execution_state !== undefined;
    const first = await listenUntil(sockets[0]!, hasState);
    assert.deepEqual([first.content.execution_state, first.parent], ["starting", {}]);
    sockets.push(iopub(connection.iopub_port));
    await listenUntil(sockets[1]!, ({ header }) => header.msg_type === "iopub_welcome");
    const client = connectClient(connection);
    const second = listenUntil(sockets[1]!, hasState);
    await client.ask("kernel_info_request");
    assert.equal((await second).content.execution_state, "busy");
    await client.disconnect();
  } finally {
    for (const socket of sockets) socket.close();
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    assert.equal((await ended)[0], 0, "SIGTERM ends the kernel in order");
    rmSync(folder, { recursive: true, force: true });
  }
});

const request = (code: string, key = connectionKey) =>
  createWire(key).encode({ type: "execute_request", content: { code, allow_stdin: false } });

/** A kernel whose first cell, `1 + 1`, is sent before anybody listens; it ends with the test. */
async function startWithCell(context: TestContext) {
  const { process: child, folder, connection } = await startKernel();
  const wire = createWire(connectionKey);
  const shell = new Dealer({ reconnectInterval: 10, linger: 0 });
  context.after(async () => {
    shell.close();
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });
  shell.connect(`tcp://127.0.0.1:${connection.shell_port}`);
  await shell.send(wire.encode({ type: "kernel_info_request", content: {} }));
  await shell.receive();
  await delay(1500); // the user process is up then, so that the cell would run at once
  await shell.send(request("1 + 1"));
  return { port: connection.iopub_port, status: async () => wire.decode(await shell.receive())!.content.status };
}

test("iopub: the first cell waits for a front end that hears later than it sends", {
  timeout: 30_000,
}, async (context) => {
  const { port, status } = await startWithCell(context);
  await delay(200);
  const socket = iopub(port);
  context.after(() => socket.close());
  const { content } = await listenUntil(socket, ({ header }) => header.msg_type === "execute_result");
  assert.deepEqual([content.data, await status()], [{ "text/plain": "2" }, "ok"]);
});

test("iopub: the first cell of a front end that never listens waits half a second", {
  timeout: 30_000,
}, async (context) => {
  const { status } = await startWithCell(context);
  const begun = performance.now();
  assert.equal(await status(), "ok");
  assert.ok(performance.now() - begun > 400);
});

const counted = async () => Number(await kernel.value("globalThis.executed ?? 0"));

test("signature: a request that is sent twice runs once", async () => {
  const frames = request("globalThis.executed = (globalThis.executed ?? 0) + 1");
  kernel.client.sendRaw(frames);
  kernel.client.sendRaw(frames);
  assert.equal(await counted(), 1);
  kernel.client.sendRaw(frames);
  assert.equal(await counted(), 1);
});

test("signature: another key, none, a changed content and an upper-case digest are dropped without an answer", async () => {
  const before = await counted();
  const code = "globalThis.executed = 'forged'";
  const [delimiter, signature, ...parts] = request(code) as [Uint8Array, Uint8Array, ...Uint8Array[]];
  const changed = Buffer.from(JSON.stringify({ code: `${code}!` }));
  const heard = kernel.client.heard.length;
  for (const frames of [
    request(code, "another key"),
    [delimiter, Buffer.alloc(0), ...parts],
    [delimiter, signature, ...parts.slice(0, 3), changed],
    [delimiter, Buffer.from(Buffer.from(signature).toString().toUpperCase()), ...parts],
    [signature, ...parts],
  ])
    kernel.client.sendRaw(frames);
  assert.equal(await counted(), before);
  const said = kernel.client.heard.slice(heard).filter(({ header }) => header.msg_type === "execute_input");
  assert.equal(said.length, 1, "only the question for the count ran");
});

test("unknown: messages of types nobody knows get no answer and do no harm", async () => {
  const wire = createWire(connectionKey);
  const replies = kernel.client.replies.length;
  for (const type of ["debug_request", "usage_request", "nonsense", "execute_reply", "__proto__", "constructor", ""])
    kernel.client.sendRaw(wire.encode({ type, content: { code: "1" } }));
  const answer = await kernel.run("'alive'");
  assert.equal(resultText(answer), "'alive'");
  assert.deepEqual(types(answer), ["busy", "execute_input", "execute_result", "idle"]);
  assert.equal(kernel.client.replies.length, replies + 1);
});
