/** Several front ends on one kernel, directly and behind a proxy, whose frames of identity grow on the way. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Dealer, Router } from "zeromq";
import { sendQueue } from "../../kernel/protocol/channels.ts";
import { createWire } from "../../kernel/protocol/wire.ts";
import {
  type Client,
  type Connected,
  connectClient,
  connectionKey,
  type Received,
  resultText,
  startClient,
  streamText,
} from "../kernel/client.ts";

let first: Client;
let second: Connected;

before(async () => {
  first = await startClient();
  second = connectClient(first.connection);
  await second.subscribed();
});
after(async () => {
  await second.disconnect();
  await first.close();
});

const askers = (messages: readonly Received[]) =>
  new Set(messages.map(({ parent }) => (parent as { session: string }).session));

test("two clients: each gets its own replies only, both hear everything on iopub", { timeout: 60_000 }, async () => {
  const cells = Array.from({ length: 50 }, (_, n) => n);
  const [ours, theirs] = await Promise.all([
    Promise.all(cells.map((n) => first.execute(`console.log('first ${n}'); ${n}`))),
    Promise.all(cells.map((n) => second.execute(`console.log('second ${n}'); ${n + 1000}`))),
  ]);
  assert.deepEqual(ours.map(resultText), cells.map(String));
  assert.deepEqual(
    theirs.map(resultText),
    cells.map((n) => String(n + 1000)),
  );
  assert.deepEqual([askers(first.replies).size, askers(second.replies).size], [1, 1]);
  assert.notDeepEqual(askers(first.replies), askers(second.replies));
  // Each waits for its own cells only: what the other one's last cell prints may still be on its way.
  for (const { hear, heard } of [first, second]) {
    const prints = () => heard.filter(({ header }) => header.msg_type === "stream");
    await hear(() => prints().length === 2 * cells.length);
    const said = prints().map(({ content }) => content.text as string);
    const expected = cells.flatMap((n) => [`first ${n}\n`, `second ${n}\n`]);
    assert.deepEqual(said.sort(), expected.sort());
  }
});

test("two clients: a question goes to the one whose cell asks", async () => {
  first.onInput = () => "from the first";
  second.onInput = () => "from the second";
  const options = { allow_stdin: true };
  assert.equal(resultText(await second.execute("prompt('who?')", options)), "'from the second'");
  assert.equal(resultText(await first.execute("await input('who?')", options)), "'from the first'");
});

test("two clients: an error of one aborts what waits, and either may interrupt", async () => {
  const running = first.execute("for (;;);");
  await new Promise((resolve) => setTimeout(resolve, 100));
  const waiting = second.execute("1");
  await second.ask("interrupt_request", {}, "control");
  assert.equal((await running).reply.content.ename, "Interrupted");
  assert.match((await waiting).reply.content.status, /aborted|ok/);
  assert.equal(resultText(await second.execute("'alive'")), "'alive'");
});

test("identities: a reply carries all frames of its request, in order", async () => {
  const identities = ["one", "", "three \u0000 bytes", "x".repeat(255)].map((text) => Buffer.from(text));
  const content = { code: "'many'", allow_stdin: false };
  const frames = createWire(connectionKey).encode({ type: "execute_request", content, identities });
  const before = first.replies.length;
  first.sendRaw(frames);
  while (first.replies.length === before) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(
    first.replies[before]!.identities.map((frame) => Buffer.from(frame)),
    identities,
  );
});

/** A ROUTER in front and a DEALER behind, for shell and for stdin, as one gateway. */
async function startProxy(target: Client["connection"]) {
  const pair = async (port: number) => {
    const [front, back] = [new Router({ linger: 0 }), new Dealer({ linger: 0, routingId: "gateway" })];
    await front.bind("tcp://127.0.0.1:*");
    back.connect(`tcp://127.0.0.1:${port}`);
    const [toFront, toBack] = [sendQueue(front), sendQueue(back)];
    const carry = async (from: Router | Dealer, to: typeof toFront) => {
      for await (const frames of from) to.push(frames as Buffer[]);
    };
    void carry(front, toBack);
    void carry(back, toFront);
    return { sockets: [front, back], port: Number(front.lastEndpoint!.split(":").at(-1)) };
  };
  const [shell, stdin] = await Promise.all([pair(target.shell_port), pair(target.stdin_port)]);
  return {
    connection: { ...target, shell_port: shell.port, stdin_port: stdin.port },
    close: () => [...shell.sockets, ...stdin.sockets].forEach((socket) => void socket.close()),
  };
}

test("proxy: two clients behind one gateway get their own results, prints and questions", async () => {
  const proxy = await startProxy(first.connection);
  const clients = [connectClient(proxy.connection), connectClient(proxy.connection)];
  try {
    for (const [index, client] of clients.entries()) client.onInput = ({ prompt }) => `${prompt} ${index}`;
    await Promise.all(clients.map((client) => client.subscribed()));
    const answers = await Promise.all(
      clients.map((client, index) =>
        client.execute(`console.log('client ${index}'); prompt('number')`, { allow_stdin: true }),
      ),
    );
    assert.deepEqual(answers.map(resultText), ["'number 0'", "'number 1'"]);
    assert.deepEqual(
      answers.map((answer) => streamText(answer)),
      ["client 0\n", "client 1\n"],
    );
    for (const { replies } of clients) assert.equal(askers(replies).size, 1);
  } finally {
    await Promise.all(clients.map((client) => client.disconnect()));
    proxy.close();
  }
});
