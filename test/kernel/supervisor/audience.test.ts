import assert from "node:assert/strict";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Dealer, Subscriber } from "zeromq";
import { createWire } from "../../../kernel/protocol/wire.ts";
import { startKernel } from "../kernel-process.ts";

/** A front end whose first cell is sent; it can listen afterwards. */
async function startWithCell() {
  const { process: kernel, folder, connection } = await startKernel();
  const wire = createWire(connection.key);
  const shell = new Dealer({ reconnectInterval: 10, linger: 0 });
  const iopub = new Subscriber({ linger: 0 });
  shell.connect(`tcp://127.0.0.1:${connection.shell_port}`);
  await shell.send(wire.encode({ type: "kernel_info_request", content: {} }));
  await shell.receive();
  await shell.send(wire.encode({ type: "execute_request", content: { code: "1 + 1" } }));
  return {
    reply: async () => wire.decode(await shell.receive())!.content,
    listen() {
      iopub.subscribe();
      iopub.connect(`tcp://127.0.0.1:${connection.iopub_port}`);
    },
    async hear(type: string) {
      for await (const frames of iopub) {
        const message = wire.decode(frames);
        if (message?.header.msg_type === type) return message.content;
      }
      throw new Error(`expected ${type} on iopub but found its end`);
    },
    async close() {
      for (const socket of [shell, iopub]) socket.close();
      kernel.kill("SIGTERM");
      if (kernel.exitCode === null) await once(kernel, "exit");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

test("the first cell waits for a front end that hears iopub later than it sends", async () => {
  const { reply, listen, hear, close } = await startWithCell();
  await delay(200);
  listen();
  const [{ data }, { status }] = await Promise.all([hear("execute_result"), reply()]);
  assert.deepEqual([data, status], [{ "text/plain": "2" }, "ok"]);
  await close();
});

test("the first cell of a front end that never hears iopub waits half a second", async () => {
  const { reply, close } = await startWithCell();
  const begun = performance.now();
  assert.equal((await reply()).status, "ok");
  assert.ok(performance.now() - begun > 400);
  await close();
});
