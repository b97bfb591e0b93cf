import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { vllmChoices } from "../../../src/data/dumps/vllm-response.ts";
import type { ServerError } from "../../../src/sources/http/client.ts";
import { openServer, type ServerOptions } from "../../../src/sources/server/open-server.ts";
import { exchangesOf, type Handler, recordingOf, replaying, send, serve } from "../local-server.ts";
import type { RecordedError } from "./record.ts";
import { expected, golden, sizes, visit } from "./visit.ts";

const engines = ["llama.cpp", "vllm"] as const;
/** The least float32 is 2^−149: what rounds to 0 is none. */
const none = -150 * Math.LN2;

/** llama.cpp tells log-probs by way of float32 probabilities, which stand 2^−149 apart where they are least. */
const rounding = (engine: string, logprob: number) =>
  engine === "llama.cpp" ? -Math.log1p(-(2 ** -150) / Math.exp(logprob)) : 0;

const about = (engine: string) =>
  JSON.parse(readFileSync(join(golden, `${engine}.json`), "utf8")) as {
    readonly model: { readonly sha256: string };
    readonly errors: readonly RecordedError[];
    readonly answers: readonly RecordedError[];
  };

const open = (engine: ServerOptions["engine"], url: string, options: Partial<ServerOptions> = {}) =>
  openServer({ engine, url, firstWait: 0.001, ...sizes, ...options });

const flat = (rows: readonly (readonly number[])[]) => rows.flat();

for (const engine of engines) {
  describe(`openServer on a recorded ${engine}`, () => {
    test("gives the log-probs that transformers gives for the same weights", async () => {
      await using local = await serve(replaying(engine));
      await using server = await open(engine, local.url);
      const { scored } = await visit(server);
      assert.equal(about(engine).model.sha256, expected.model.sha256);
      for (const [i, logprob] of flat(expected.logprobs).entries()) {
        const found = scored.logprobs[i]!;
        const tolerance = 1e-5 * Math.max(1, -logprob);
        if (engine === "llama.cpp" && logprob < none) assert.equal(found, -Infinity);
        else assert.ok(Math.abs(found - logprob) <= tolerance + rounding(engine, logprob), `${found} for ${logprob}`);
      }
    });

    test("gives the true rank, or 0 where it does not know it", async () => {
      await using local = await serve(replaying(engine));
      await using server = await open(engine, local.url);
      const { ranks } = await server.topLogprobs(expected.rows, { topK: 3 });
      const known = [...ranks].map((rank, i) => (rank === 0 ? 0 : flat(expected.ranks)[i]));
      assert.deepEqual([...ranks], known);
      const share = ranks.filter((rank) => rank > 0).length / ranks.length;
      assert.ok(engine === "vllm" ? share === 1 : share > 0);
    });

    test("encodes as tokenizer.json says", async () => {
      await using local = await serve(replaying(engine));
      await using server = await open(engine, local.url);
      const encoded = await server.encode(expected.texts);
      const found = encoded.map(({ prompt, completion }) => ({
        prompt: Array.from(prompt),
        completion: Array.from(completion),
      }));
      assert.deepEqual(found, expected.rows.slice(0, found.length));
    });

    test("samples with the model's own log-probs, whatever the temperature", async () => {
      await using local = await serve(replaying(engine));
      await using server = await open(engine, local.url);
      const { sampled, cooled, again, greedy } = await visit(server);
      assert.deepEqual([...sampled.behaviorLogprobs], [...sampled.logprobs]);
      assert.ok(cooled.behaviorLogprobs.every(Number.isNaN));
      assert.equal(cooled.logprobs.length, again.logprobs.length);
      for (const [i, logprob] of again.logprobs.entries()) {
        assert.ok(Math.abs(cooled.logprobs[i]! - logprob) <= 1e-5 * Math.max(1, -logprob));
      }
      assert.deepEqual([...greedy.completions[0]!], [...greedy.completions[1]!]);
      assert.ok(greedy.top.ranks.every((rank) => rank === 1));
    });

    test("replays without a network", async () => {
      const options = { recording: recordingOf(engine), network: "never" } as const;
      await using server = await open(engine, "http://127.0.0.1:1", options);
      const { scored, sampled } = await visit(server);
      assert.equal(scored.logprobs.length, flat(expected.logprobs).length);
      assert.equal(sampled.completions.length, 2);
    });

    for (const error of about(engine).errors) {
      test(`says what the server says: ${error.name}`, async () => {
        const failing = answering(engine, (response) =>
          response.writeHead(error.status, error.headers).end(error.answer),
        );
        await using local = await serve(failing);
        await using server = await open(engine, local.url, { attempts: 2 });
        const { message } = messageOf(error.answer);
        await assert.rejects(server.topLogprobs(expected.rows.slice(0, 1), { topK: 3 }), (thrown: ServerError) => {
          assert.equal(thrown.status, error.status);
          assert.equal(thrown.attempts, error.status < 500 ? 1 : 2);
          assert.ok(thrown.message.includes(JSON.stringify(message).slice(1, 100).replace(/"$/, "")), thrown.message);
          return true;
        });
      });
    }

    test("asks again when an answer breaks off within its JSON, and when the server is busy", async () => {
      const recorded = replaying(engine);
      let [torn, busy] = [1, 1];
      await using local = await serve((asked, response, count) => {
        if (asked.method === "GET") recorded(asked, response, count);
        else if (torn-- > 0) response.writeHead(200).end(JSON.stringify(lastAnswer(engine)).slice(0, -40));
        else if (busy-- > 0) send(response, 429, { error: { message: "busy" } }, { "retry-after": "0" });
        else recorded(asked, response, count);
      });
      await using server = await open(engine, local.url);
      const { logprobs } = await server.topLogprobs(expected.rows.slice(0, 1), { topK: 3 });
      assert.equal(logprobs.length, expected.logprobs[0]!.length);
    });
  });
}

const answering =
  (engine: string, answer: (response: Parameters<Handler>[1]) => void): Handler =>
  (asked, response, count) =>
    asked.method === "GET" ? replaying(engine)(asked, response, count) : answer(response);

const lastAnswer = (engine: string) => exchangesOf(engine).at(-1)!.answer;

const messageOf = (answer: string) => {
  const { error, detail } = JSON.parse(answer) as { error?: { message: string }; detail?: string };
  return { message: error?.message ?? detail! };
};

test("llama.cpp leaves out tokens that end within a character; they are looked up among the likeliest", async () => {
  const exchanges = exchangesOf("llama.cpp");
  const left = exchanges.filter(
    ({ path, answer }) => path === "/completion" && !("completion_probabilities" in (answer as object)),
  );
  assert.ok(left.length >= 3, `${left.length} answers without log-probs`);
  const emoji = [174, 255, 238]; // the first three bytes of 🎉
  await using local = await serve(replaying("llama.cpp"));
  await using server = await open("llama.cpp", local.url);
  const { logprobs, ranks } = await server.topLogprobs([expected.rows[1]!], { topK: 3 });
  for (const token of emoji) {
    const at = expected.rows[1]!.completion.indexOf(token);
    assert.ok(Math.abs(logprobs[at]! - expected.logprobs[1]![at]!) < 1e-4);
    assert.ok(ranks[at] === 0 || ranks[at] === expected.ranks[1]![at]);
  }
});

test("llama.cpp answers while it loads with 503, after which it is asked again", async () => {
  const loading = about("llama.cpp").errors.find(({ name }) => name === "while loading")!;
  const recorded = replaying("llama.cpp");
  let times = 3;
  await using local = await serve((asked, response, count) =>
    times-- > 0
      ? response.writeHead(loading.status, loading.headers).end(loading.answer)
      : recorded(asked, response, count),
  );
  await using server = await open("llama.cpp", local.url);
  assert.equal(server.provenance.dtype, "all F32");
  assert.equal(local.asked.filter(({ path }) => path === "/props").length, 4);
});

test("vllmChoices reads a recorded chat: token ids, log-probs of completion and prompt, and how far its list is certain", () => {
  const [{ answer }] = about("vllm").answers as [RecordedError];
  const [choice] = vllmChoices(JSON.parse(answer));
  const [raw] = (JSON.parse(answer) as { choices: RawChoice[] }).choices;
  assert.deepEqual([...choice!.tokens!], raw!.token_ids);
  assert.deepEqual(
    choice!.scores!.map(({ logprob }) => logprob),
    raw!.logprobs.content.map(({ logprob }) => logprob),
  );
  assert.equal(choice!.promptScores!.length, choice!.promptTokens!.length - 1);
  // vLLM puts the sampled token into a list of two before it cuts it: what was unlikely takes a likelier one's place
  for (const { token, top, certain } of choice!.scores!) assert.equal(certain, top[1]![0] === token ? 1 : 2);
  assert.ok(
    choice!.scores!.some(({ certain }) => certain === 1) && choice!.scores!.some(({ certain }) => certain === 2),
  );
});

interface RawChoice {
  readonly token_ids: number[];
  readonly logprobs: { readonly content: readonly { readonly logprob: number }[] };
}
