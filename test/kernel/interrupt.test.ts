import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, resultText, startClient } from "./client.ts";

let client: Client;

before(async () => {
  client = await startClient();
});
after(() => client.close());

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Runs a cell and interrupts it after a while; says how long the interrupt took, in milliseconds. */
async function interrupted(code: string, delay = 250) {
  const running = client.execute(code);
  await sleep(delay);
  const start = performance.now();
  const stop = await client.request("interrupt_request", {}, "control");
  const answer = await running;
  return { answer, milliseconds: performance.now() - start, stop };
}

test("interrupt stops a busy loop, also one that catches everything, and keeps the variables", async () => {
  await client.execute("let state = 7");
  for (const loop of ["for (;;);", "for (;;) { try { state = 8; throw 1 } catch {} }"]) {
    const { answer, milliseconds, stop } = await interrupted(loop);
    assert.equal(answer.reply.content.ename, "Interrupted");
    assert.equal(stop.reply.content.status, "ok");
    assert.ok(milliseconds < 500, `stopped after ${milliseconds} ms`);
  }
  assert.equal(resultText(await client.execute("state")), "8");
});

test("interrupt stops a busy loop after an await, one in a timer, and an endless chain of awaits", async () => {
  const loops = [
    "await null; for (;;);",
    "await new Promise((go) => setTimeout(() => { for (;;); go(0) }, 10))",
    "for (;;) await null;",
  ];
  for (const loop of loops) {
    const { answer, milliseconds } = await interrupted(loop);
    assert.equal(answer.reply.content.ename, "Interrupted");
    assert.ok(milliseconds < 500, `${loop} stopped after ${milliseconds} ms`);
    assert.equal(
      resultText(await client.execute("await new Promise((go) => setTimeout(go, 5, 'timers work'))")),
      "'timers work'",
    );
  }
});

test("interrupt stops a pending await, and the loop around it when it resumes, running its finally", async () => {
  assert.equal((await interrupted("await new Promise(() => {})")).answer.reply.content.ename, "Interrupted");
  await client.execute("let turns = 0, cleaned = false");
  const loop = "try { for (;;) { await new Promise((go) => setTimeout(go, 20)); turns++ } } finally { cleaned = true }";
  assert.equal((await interrupted(loop)).answer.reply.content.ename, "Interrupted");
  await sleep(100);
  const seen = Number(resultText(await client.execute("turns")));
  await sleep(100);
  assert.deepEqual(resultText(await client.execute("[turns, cleaned]")), `[ ${seen}, true ]`);
});

test("interrupt ends the generator that a cell loops over", async () => {
  await client.execute(
    "let closed = false; async function* train() { try { for (let i = 0; ; i++) { await new Promise((go) => setTimeout(go, 5)); yield i } } finally { closed = true } }",
  );
  await interrupted("for await (const step of train()) display(step)");
  await sleep(100);
  assert.equal(resultText(await client.execute("closed")), "true");
});

test("interrupt without a running cell changes nothing", async () => {
  assert.equal((await client.request("interrupt_request", {}, "control")).reply.content.status, "ok");
  assert.equal(resultText(await client.execute("'alive'")), "'alive'");
});

test("shutdown_request is answered and ends the kernel, also with a live timer, and on restart", async () => {
  for (const restart of [false, true]) {
    const own = await startClient();
    await own.execute("setInterval(() => {}, 10)");
    const ended = new Promise((resolve) => own.process.once("exit", resolve));
    const start = performance.now();
    const { reply } = await own.request("shutdown_request", { restart }, "control");
    assert.equal(reply.header.msg_type, "shutdown_reply");
    assert.equal(reply.content.restart, restart);
    assert.equal(await ended, 0);
    assert.ok(performance.now() - start < 2000);
    await own.close();
  }
});

test("the user process, even one in a busy loop, ends with a kernel that is killed", async (context) => {
  const own = await startClient();
  context.after(() => own.close());
  const pid = Number(resultText(await own.execute("process.pid")));
  void own.execute("for (;;);");
  await sleep(100);
  own.process.kill("SIGKILL");
  for (let tries = 0; isAlive(pid); tries++) {
    assert.ok(tries < 100, "still there after 10 s");
    await sleep(100);
  }
});

/** A process that ended counts as alive until its new parent, init, has noticed. */
function isAlive(pid: number) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test("a cell that is interrupted before it begins does not run, and the next one does", async () => {
  await client.execute("let begun = 0; setTimeout(() => { console.log('still at it'); for (;;); }, 30); begun");
  await client.hear(({ content }) => content.text === "still at it\n");
  assert.equal((await interrupted("begun = 1")).answer.reply.content.ename, "Interrupted");
  assert.equal(resultText(await client.execute("begun")), "0");
});

test("interrupts that arrive as cells begin and end leave every cell with one end", { timeout: 120_000 }, async () => {
  for (let round = 0; round < 100; round++) {
    const running = client.execute(`${round}`);
    if (round % 4 > 0) await sleep((round % 4) - 1);
    const stop = client.ask("interrupt_request", {}, "control");
    const { reply } = await running;
    assert.match(reply.content.ename ?? reply.content.status, /^(ok|Interrupted)$/);
    assert.equal((await stop).content.status, "ok");
    assert.equal(resultText(await client.execute(`'after ${round}'`)), `'after ${round}'`);
  }
});
