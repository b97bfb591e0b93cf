/** Much output, quickly: nothing is lost, all is in order, idle comes last. SRFT_FULL=1 makes it the whole burst. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, resultText, startClient, streamText, types } from "../kernel/client.ts";

const isFull = process.env.SRFT_FULL === "1";
const repeats = isFull ? 20 : 2;

let client: Client;

before(async () => {
  client = await startClient();
});
after(() => client.close());

for (const lines of [100, 1_000, 10_000, ...(isFull ? [100_000] : [])])
  test(`${lines} lines arrive in order before idle, ${repeats} times`, async () => {
    const expected = Array.from({ length: lines }, (_, line) => `${line}\n`).join("");
    for (let repeat = 0; repeat < repeats; repeat++) {
      const answer = await client.execute(`for (let i = 0; i < ${lines}; i++) console.log(i)`);
      assert.ok(streamText(answer) === expected, "every line, in order");
      assert.equal(types(answer).at(-1), "idle");
      client.heard.length = 0;
    }
  });

for (const megabytes of [1, ...(isFull ? [20, 100] : [])])
  test(`${megabytes} MB arrive whole, ${megabytes > 20 ? 3 : repeats} times`, async () => {
    for (let repeat = 0; repeat < (megabytes > 20 ? 3 : repeats); repeat++) {
      const answer = await client.execute(`process.stdout.write("0123456789abcde\\n".repeat(${megabytes * 65_536}))`);
      const text = streamText(answer);
      assert.equal(text.length, megabytes * 2 ** 20);
      assert.ok(/^(?:0123456789abcde\n)*$/.test(text.slice(0, 2 ** 16)) && text.endsWith("abcde\n"));
      client.heard.length = 0;
    }
  });

test("displays arrive in order, none lost", async () => {
  const displays = isFull ? 2_000 : 200;
  const answer = await client.execute(`for (let i = 0; i < ${displays}; i++) display(i)`);
  const shown = answer.iopub.filter(({ header }) => header.msg_type === "display_data");
  assert.deepEqual(
    shown.map(({ content }) => Number(content.data["text/plain"])),
    Array.from({ length: displays }, (_, index) => index),
  );
  assert.equal(types(answer).at(-1), "idle");
});

test("1+1, one after the other and many at once, gets every result", async () => {
  const cells = isFull ? 2_000 : 200;
  for (let cell = 0; cell < cells; cell++) assert.equal(resultText(await client.execute("1+1")), "2");
  const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => client.execute(`${n}`)));
  assert.deepEqual(
    answers.map(resultText),
    Array.from({ length: 100 }, (_, n) => String(n)),
  );
});
