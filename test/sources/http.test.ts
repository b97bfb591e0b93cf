import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { inspect } from "node:util";
import { createClient, type HttpOptions, ServerError } from "../../src/sources/http/client.ts";
import { createLimit, inOrder } from "../../src/sources/http/limit.ts";
import { type Handler, send, serve } from "./local-server.ts";

const folder = await mkdtemp(join(tmpdir(), "srft-http-"));
after(() => rm(folder, { recursive: true }));

const question = { method: "POST", path: "/score", body: { ids: [1, 2] } } as const;
const identity = (answer: unknown) => answer;

/** What a client gets from a server that behaves so, and how often it asked. */
async function ask(handler: Handler, options: HttpOptions = {}) {
  await using local = await serve(handler);
  const client = await createClient(local.url, { firstWait: 0.001, ...options });
  try {
    const found = await client.ask(question, identity).then(
      (answer) => ({ answer }),
      (error: Error) => ({ error }),
    );
    return { ...found, asked: local.asked.length };
  } finally {
    await client.close();
  }
}

/** Fails so often, then answers. */
const afterFailures =
  (failures: number, fail: Handler): Handler =>
  (asked, response, count) =>
    count <= failures ? fail(asked, response, count) : send(response, 200, { ok: true });

describe("ask repeats an attempt", () => {
  const failures: Record<string, Handler> = {
    "after 429": (_, response) => send(response, 429, { error: "slow down" }),
    "after 500": (_, response) => send(response, 500, {}),
    "after 503": (_, response) => send(response, 503, { error: { message: "Loading model" } }),
    "after a truncated JSON": (_, response) => response.writeHead(200).end('{"choices": [{"te'),
    "after a dropped connection": (_, response) => response.destroy(),
    "after a connection that drops within the answer": (_, response) => {
      response.writeHead(200, { "content-length": "1000" }).write('{"choices":');
      setTimeout(() => response.destroy(), 5);
    },
    "after an answer that does not come": (_, response) => response.writeHead(200).write("{"),
  };
  for (const [name, fail] of Object.entries(failures)) {
    test(name, async () => {
      const found = await ask(afterFailures(2, fail), { timeout: 0.3 });
      assert.deepEqual(found, { answer: { ok: true }, asked: 3 });
    });
  }

  test("never after another status", async () => {
    for (const status of [400, 401, 403, 404, 422, 301]) {
      const { error, asked } = (await ask((_, response) => send(response, status, { detail: "no" }))) as never as {
        error: ServerError;
        asked: number;
      };
      assert.ok(error instanceof ServerError);
      assert.deepEqual([error.status, error.attempts, asked], [status, 1, 1]);
      assert.match(error.message, /expected an answer to POST \/score but found status \d+: \{"detail":"no"\}$/);
    }
  });

  test("until there are no more, and then says how many there were", async () => {
    const found = (await ask((_, response) => send(response, 500, {}), { attempts: 3 })) as never as {
      error: ServerError;
    };
    assert.match(found.error.message, /found status 500: \{\} after 3 attempts$/);
    assert.deepEqual([found.error.status, found.error.attempts], [500, 3]);
  });

  test("not before Retry-After, in seconds or as a date", async () => {
    const begin = performance.now();
    await ask(afterFailures(1, (_, response) => send(response, 429, {}, { "retry-after": "1" })));
    assert.ok(performance.now() - begin > 950, `${performance.now() - begin} ms`);
    const date = () => new Date(Date.now() + 2000).toUTCString();
    const start = performance.now();
    await ask(afterFailures(1, (_, response) => send(response, 503, {}, { "retry-after": date() })));
    assert.ok(performance.now() - start > 900, `${performance.now() - start} ms`);
  });

  test("not if the server wants more patience than there is", async () => {
    const found = await ask((_, response) => send(response, 429, {}, { "retry-after": "3600" }), { longestWait: 10 });
    assert.equal(found.asked, 1);
  });
});

describe("ask bounds", () => {
  test("an answer's size, and does not read the rest", async () => {
    const found = (await ask(
      (_, response) => {
        response.writeHead(200);
        const write = () => response.writable && response.write("x".repeat(65536), write);
        write();
      },
      { maxBytes: 1000 },
    )) as never as { error: Error; asked: number };
    assert.match(found.error.message, /expected an answer of at most 1000 bytes but found a longer one; see maxBytes/);
    assert.equal(found.asked, 1);
  });

  test("a slow body's time, byte by byte", async () => {
    const found = (await ask(
      (_, response) => {
        response.writeHead(200);
        const drip = setInterval(() => response.write(" "), 20);
        response.on("close", () => clearInterval(drip));
      },
      { timeout: 0.2, attempts: 2 },
    )) as never as { error: Error; asked: number };
    assert.match(found.error.message, /found none within 0.2 seconds after 2 attempts/);
    assert.equal(found.asked, 2);
  });

  test("how many requests run at once", async () => {
    let [running, most] = [0, 0];
    await using local = await serve((_, response) => {
      most = Math.max(most, ++running);
      setTimeout(() => {
        running--;
        send(response, 200, {});
      }, 10);
    });
    const client = await createClient(local.url, { concurrency: 3 });
    await Promise.all(Array.from({ length: 12 }, (_, i) => client.ask({ ...question, body: { i } }, identity)));
    await client.close();
    assert.equal(most, 3);
  });

  test("nothing for a signal that ends it, also while it waits", async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("interrupted")), 30);
    const begin = performance.now();
    const found = (await ask((_, response) => send(response, 503, {}), {
      firstWait: 30,
      signal: controller.signal,
    })) as never as {
      error: Error;
    };
    assert.ok(performance.now() - begin < 5000);
    assert.ok(found.error.name === "AbortError" || found.error.message === "interrupted");
  });
});

test("ask says that nobody listens, and createClient refuses settings out of range", async () => {
  const client = await createClient("http://127.0.0.1:1", { attempts: 2, firstWait: 0 });
  await assert.rejects(
    client.ask(question, identity),
    /expected an answer to POST \/score but found ECONNREFUSED .* after 2 attempts/,
  );
  await client.close();
  for (const bad of [{ concurrency: 0 }, { attempts: 0.5 }, { timeout: -1 }, { maxBytes: Infinity }]) {
    await assert.rejects(createClient("http://127.0.0.1:1", bad), RangeError);
  }
  await assert.rejects(
    createClient("http://127.0.0.1:1", { network: "never" }),
    /expected a recording with network: "never"/,
  );
});

describe("The key", () => {
  const key = 'sk-"test"/0123456789';

  async function withKey<T>(task: () => Promise<T>): Promise<T> {
    process.env.SRFT_TEST_KEY = key;
    try {
      return await task();
    } finally {
      delete process.env.SRFT_TEST_KEY;
    }
  }

  test("is sent in the header, and is nowhere else: recordings, results and errors do not hold it in any form", () =>
    withKey(async () => {
      const recording = join(folder, "key.jsonl");
      const options = { keyVariable: "SRFT_TEST_KEY", recording, attempts: 1 };
      const forms = [
        key,
        JSON.stringify(key).slice(1, -1),
        encodeURIComponent(key),
        Buffer.from(key).toString("base64"),
      ];
      await using local = await serve(({ authorization }, response, count) => {
        assert.equal(authorization, `Bearer ${key}`);
        if (count === 1) send(response, 200, { echo: forms });
        else if (count === 2) send(response, 401, { error: `Incorrect key: ${forms.join(" ")}` });
        else response.writeHead(200).end(`{"truncated": ${JSON.stringify(forms.join(" "))}`);
      });
      const client = await createClient(local.url, options);
      const answer = await client.ask(question, identity);
      const failures = [];
      for (const i of [1, 2])
        failures.push(await client.ask({ ...question, body: i }, identity).catch((error) => error));
      await client.close();
      const kept = [
        readFileSync(recording, "utf8"),
        inspect(answer),
        ...failures.map((error) => inspect(error, { depth: 9 })),
      ];
      assert.equal(local.asked.length, 3);
      for (const text of kept) {
        assert.ok(text.includes("[key]") || text.includes("no JSON"), text);
        for (const form of forms) assert.ok(!text.includes(form), `${form} in ${text}`);
      }
    }));

  test("comes from the environment alone, is asked for by name, and is not needed to replay", async () => {
    const recording = join(folder, "no-key.jsonl");
    await writeFile(recording, "");
    const options = { keyVariable: "SRFT_TEST_KEY", recording };
    await assert.rejects(
      createClient("http://127.0.0.1:1", options),
      /expected a key in the environment variable SRFT_TEST_KEY/,
    );
    await (await createClient("http://127.0.0.1:1", { ...options, network: "never" })).close();
    process.env.SRFT_TEST_KEY = "two words\n";
    try {
      await assert.rejects(
        createClient("http://127.0.0.1:1", options),
        (error: Error) => !error.message.includes("two words"),
      );
    } finally {
      delete process.env.SRFT_TEST_KEY;
    }
  });

  test("does not follow a redirect", () =>
    withKey(async () => {
      await using other = await serve((_, response) => send(response, 200, {}));
      await using local = await serve((_, response) => send(response, 307, {}, { location: other.url }));
      const client = await createClient(local.url, { keyVariable: "SRFT_TEST_KEY" });
      await assert.rejects(client.ask(question, identity), /found status 307/);
      await client.close();
      assert.equal(other.asked.length, 0);
    }));
});

describe("createLimit and inOrder", () => {
  test("createLimit goes on after a task that fails", async () => {
    const limit = createLimit(1);
    await assert.rejects(
      limit(async () => Promise.reject(new Error("no"))),
      /no/,
    );
    assert.equal(await limit(async () => 3), 3);
  });

  test("inOrder keeps the order whatever ends first, and begins nothing after a failure", async () => {
    const delays = [20, 1, 10];
    const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    assert.deepEqual(await inOrder(delays, (ms) => wait(ms).then(() => ms), { most: 3 }), delays);
    const begun: number[] = [];
    const failing = inOrder(
      [0, 1, 2, 3],
      async (n) => {
        begun.push(n);
        if (n === 1) throw new Error("no");
        await wait(5);
      },
      { most: 2 },
    );
    await assert.rejects(failing, /no/);
    assert.deepEqual(begun, [0, 1]);
  });
});
