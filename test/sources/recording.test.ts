import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { createClient } from "../../src/sources/http/client.ts";
import { openRecording } from "../../src/sources/http/recording.ts";
import { send, serve } from "./local-server.ts";

const folder = await mkdtemp(join(tmpdir(), "srft-recording-"));
after(() => rm(folder, { recursive: true }));

const identity = (answer: unknown) => answer;
const question = (n: unknown) => ({ method: "POST", path: "/score", body: { n } }) as const;

test("openRecording gives back any answer to any question, whatever the order of its fields", async () => {
  const file = join(folder, "any.jsonl");
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.jsonValue(), { maxLength: 5, selector: (value) => JSON.stringify(value) }),
      async (values) => {
        await rm(file, { force: true });
        const written = await openRecording(file, { access: "add" });
        for (const value of values) await written.add({ ...question(0), body: { a: 1, value } }, { value });
        await written.close();
        const read = await openRecording(file, { access: "read" });
        for (const value of values) {
          const found = await read.take({ ...question(0), body: { value, a: 1 } });
          assert.equal(JSON.stringify(found), JSON.stringify({ value }));
        }
        await read.close();
      },
    ),
    { numRuns: 30 },
  );
});

test("A question that is asked twice has two answers, in their order, and a third has none", async () => {
  const file = join(folder, "twice.jsonl");
  const recording = await openRecording(file, { access: "add" });
  await recording.add(question(1), "first");
  await recording.add(question(1), "second");
  await recording.close();
  const again = await openRecording(file, { access: "read" });
  const found = [await again.take(question(1)), await again.take(question(1)), await again.take(question(1))];
  assert.deepEqual(found, ["first", "second", undefined]);
  await again.close();
});

test("createClient answers from the recording what it has, asks the rest, and offline names what is missing", async () => {
  const recording = join(folder, "resumed.jsonl");
  await using local = await serve(({ body }, response) => send(response, 200, body));
  for (const numbers of [
    [1, 2],
    [1, 2, 3],
  ]) {
    const client = await createClient(local.url, { recording });
    for (const n of numbers) assert.deepEqual(await client.ask(question(n), identity), { n });
    await client.close();
  }
  assert.deepEqual(
    local.asked.map(({ body }) => body),
    [{ n: 1 }, { n: 2 }, { n: 3 }],
  );
  const offline = await createClient("http://127.0.0.1:1", { recording, network: "never" });
  assert.deepEqual(await offline.ask(question(3), identity), { n: 3 });
  await assert.rejects(
    offline.ask(question(4), identity),
    /expected an answer to POST \/score in .*resumed\.jsonl but found none/,
  );
  await offline.close();
});

test("An answer that the reader refuses is not recorded", async () => {
  const recording = join(folder, "refused.jsonl");
  await using local = await serve((_, response) => send(response, 200, { wrong: true }));
  const client = await createClient(local.url, { recording });
  await assert.rejects(
    client.ask(question(1), () => assert.fail("refused")),
    /refused/,
  );
  await client.close();
  assert.equal(readFileSync(recording, "utf8"), "");
});

test("A torn last line is removed and asked again; a torn line before it is an error with its number", async () => {
  const file = join(folder, "torn.jsonl");
  const recording = await openRecording(file, { access: "add" });
  await recording.add(question(1), "whole");
  await recording.close();
  const whole = readFileSync(file, "utf8");
  await appendFile(file, '{"method":"POST","path":"/score","body":{"n":2},"ans');
  const again = await openRecording(file, { access: "add" });
  assert.equal(await again.take(question(2)), undefined);
  await again.add(question(2), "asked again");
  await again.close();
  assert.ok(readFileSync(file, "utf8").startsWith(whole));
  assert.equal(readFileSync(file, "utf8").trim().split("\n").length, 2);
  await writeFile(file, `${whole}{"method":"POS\n${whole}`);
  await assert.rejects(openRecording(file, { access: "add" }), /found something else in .*torn\.jsonl, line 2/);
});

test("Two servers do not answer from one file, two clients of one server may add to it at once", async () => {
  const recording = join(folder, "shared.jsonl");
  await using local = await serve(({ body }, response) => send(response, 200, { body, filling: "x".repeat(3000) }));
  await using other = await serve((_, response) => send(response, 200, "another model"));
  const clients = [await createClient(local.url, { recording }), await createClient(local.url, { recording })];
  const asked = clients.flatMap((client, i) =>
    Array.from({ length: 50 }, (_, n) => client.ask(question(100 * i + n), identity)),
  );
  await Promise.all(asked);
  for (const client of clients) await client.close();
  assert.equal(
    readFileSync(recording, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)).length,
    100,
  );
  await assert.rejects(createClient(other.url, { recording }), /found one of another server in .*shared\.jsonl/);
  assert.ok(!readFileSync(recording, "utf8").includes(new URL(local.url).port));
  const offline = await createClient("http://127.0.0.1:1", { recording, network: "never" });
  assert.ok(await offline.ask(question(149), identity));
  await offline.close();
});

test("A recording is for its owner's eyes", async () => {
  const file = join(folder, "owner.jsonl");
  await (await openRecording(file, { access: "add" })).close();
  assert.equal(statSync(file).mode & 0o077, 0);
});

test("A run that is killed goes on where it stopped: nothing that was answered is asked again", async () => {
  const recording = join(folder, "killed.jsonl");
  const client = pathToFileURL(join(import.meta.dirname, "../../src/sources/http/client.js")).href;
  await using local = await serve(({ body }, response) => {
    setTimeout(() => send(response, 200, { answer: body, filling: "x".repeat(10_000) }), 5);
  });
  const script = `
    import { createClient } from ${JSON.stringify(client)};
    const client = await createClient(${JSON.stringify(local.url)}, { recording: ${JSON.stringify(recording)}, concurrency: 2 });
    await Promise.all(Array.from({ length: 200 }, (_, n) =>
      client.ask({ method: "POST", path: "/score", body: { n } }, (a) => { process.stdout.write(n + "\\n"); return a; })));
    await client.close();`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    if (local.asked.length >= 40 && text) child.kill("SIGKILL");
  });
  await new Promise((resolve) => child.on("exit", resolve));
  const before = new Set(readFileSync(recording, "utf8").split("\n").slice(0, -1));
  assert.ok(before.size >= 30 && before.size < 200, `${before.size} recorded`);
  const asked = local.asked.length;
  const resumed = await createClient(local.url, { recording });
  for (let n = 0; n < 200; n++) {
    const found = await resumed.ask(question(n), (answer) => answer as { answer: unknown });
    assert.deepEqual(found.answer, { n });
  }
  await resumed.close();
  assert.equal(local.asked.length - asked, 200 - before.size);
});
