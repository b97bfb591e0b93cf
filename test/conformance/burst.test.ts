/** Much output, quickly: nothing is lost, all is in order, idle comes last. SRFT_FULL=1 makes it the whole burst. */

import assert from "node:assert/strict";
import { after, before, type TestContext, test } from "node:test";
import { type Client, resultText, startClient, streamText, types } from "../kernel/client.ts";

const isFull = process.env.SRFT_FULL === "1";
const repeats = isFull ? 20 : 2;
/** A size of the whole burst, and of the short one. */
const size = (full: number, short: number) => (isFull ? full : short);

let client: Client;

before(async () => {
  client = await startClient();
});
after(() => client.close());

/** Does it so many times, and says so where that is less than the whole burst. */
async function repeat(context: TestContext, work: () => Promise<void>) {
  if (!isFull) context.diagnostic(`${repeats} times instead of 20; SRFT_FULL=1 runs the whole burst`);
  for (let times = 0; times < repeats; times++) {
    await work();
    client.heard.length = 0;
  }
}

for (const lines of [100, 1_000, 10_000, ...(isFull ? [100_000] : [])])
  test(`${lines} lines arrive in order before idle`, async (context) => {
    const expected = Array.from({ length: lines }, (_, line) => `${line}\n`).join("");
    await repeat(context, async () => {
      const answer = await client.execute(`for (let i = 0; i < ${lines}; i++) console.log(i)`);
      assert.ok(streamText(answer) === expected, "every line, in order");
      assert.equal(types(answer).at(-1), "idle");
    });
  });

for (const megabytes of [1, ...(isFull ? [20, 100] : [])])
  test(`${megabytes} MB arrive whole before idle`, async (context) => {
    const expected = "0123456789abcde\n".repeat(megabytes * 65_536);
    await repeat(context, async () => {
      const answer = await client.execute(`process.stdout.write("0123456789abcde\\n".repeat(${megabytes * 65_536}))`);
      assert.ok(streamText(answer) === expected, "every byte, in order");
      assert.equal(types(answer).at(-1), "idle");
    });
  });

test(`${size(2_000, 200)} displays arrive in order before idle`, async (context) => {
  const displays = size(2_000, 200);
  await repeat(context, async () => {
    const answer = await client.execute(`for (let i = 0; i < ${displays}; i++) display(i)`);
    const shown = answer.iopub.filter(({ header }) => header.msg_type === "display_data");
    assert.deepEqual(
      shown.map(({ content }) => Number(content.data["text/plain"])),
      Array.from({ length: displays }, (_, index) => index),
    );
    assert.equal(types(answer).at(-1), "idle");
  });
});

test(`${size(2_000, 200)} times 1+1, one after the other, get every result before idle`, async (context) => {
  const cells = size(2_000, 200);
  await repeat(context, async () => {
    for (let cell = 0; cell < cells; cell++) {
      const answer = await client.execute("1+1");
      assert.equal(resultText(answer), "2");
      assert.equal(types(answer).at(-1), "idle");
      client.heard.length = 0;
    }
  });
});

test("100 cells sent at once get their results", async (context) => {
  await repeat(context, async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => client.execute(`${n}`)));
    assert.deepEqual(
      answers.map(resultText),
      Array.from({ length: 100 }, (_, n) => String(n)),
    );
  });
});
