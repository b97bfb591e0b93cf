import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { openServer, type ServerOptions } from "../../../src/sources/server/open-server.ts";
import { exchangesOf, type Handler, recordingOf, replaying, send, serve } from "../local-server.ts";

const text = { prompt: [1, 5], completion: [9, 2] };
const seven = Object.assign(() => 7 / 2 ** 31, { state: () => [0, 0, 0, 0] as const });
/** Written by hand after documents and sources, with numbers that can be checked by eye; recorded.test.ts has recordings. */
const engines = { vllm: "by-hand/vllm", "llama.cpp": "by-hand/llama-cpp", sglang: "by-hand/sglang" } as const;

const open = (engine: ServerOptions["engine"], url: string, options: Partial<ServerOptions> = {}) =>
  openServer({ engine, url, vocabularySize: 32, contextLength: 64, firstWait: 0.001, ...options });

for (const [engine, file] of Object.entries(engines) as [keyof typeof engines, string][]) {
  describe(`openServer, engine ${engine}`, () => {
    test("asks as the engine's documents say and reads log-probs, ranks and the likeliest tokens", async () => {
      await using local = await serve(replaying(file));
      await using server = await open(engine, local.url);
      const found = await server.topLogprobs([text, text], { topK: 2 });
      assert.deepEqual([...found.logprobs], [-0.5, -2.25, -0.5, -2.25]);
      // the second token is beyond the two likeliest: vLLM says its rank, the others do not
      const beyond = engine === "vllm" ? 4 : 0;
      assert.deepEqual([...found.ranks], [1, beyond, 1, beyond]);
      assert.deepEqual([...found.topIds], [9, 4, 7, 3, 9, 4, 7, 3]);
      assert.deepEqual([...found.topLogprobs], [-0.5, -1.25, -0.75, -1.5, -0.5, -1.25, -0.75, -1.5]);
    });

    test("replays a recording without a network", async () => {
      const options = { recording: recordingOf(file), network: "never" } as const;
      await using server = await open(engine, "http://127.0.0.1:1", options);
      assert.deepEqual([...(await server.topLogprobs([text], { topK: 2 })).logprobs], [-0.5, -2.25]);
    });

    test("encodes texts by the server's tokenizer", async () => {
      await using local = await serve(replaying(file));
      await using server = await open(engine, local.url);
      const [encoded] = await server.encode([{ prompt: " c", completion: "" }]);
      assert.deepEqual([...Array.from(encoded!.prompt)], [5]);
      assert.equal(encoded!.completion.length, 0);
    });

    test("names the field of an answer that is not as it should be", async () => {
      const recorded = replaying(file);
      await using local = await serve((asked, response, count) =>
        asked.method === "GET" ? recorded(asked, response, count) : send(response, 200, { id: "nothing else" }),
      );
      await using server = await open(engine, local.url);
      await assert.rejects(server.topLogprobs([text], { topK: 2 }), (error: Error) => {
        assert.ok(error instanceof TypeError);
        assert.match(
          error.message,
          new RegExp(`^${engine.replace(".", "\\.")}: expected an? \\w+.* but found nothing in`),
        );
        return true;
      });
    });
  });
}

describe("openServer says what it knows of the server", () => {
  test("vLLM: version and context; V must be said", async () => {
    await using local = await serve(replaying("by-hand/vllm"));
    await using server = await openServer({ engine: "vllm", url: local.url, vocabularySize: 32 });
    assert.deepEqual([server.provenance.version, server.contextLength], ["0.11.2", 64]);
    await assert.rejects(openServer({ engine: "vllm", url: local.url }), /expected an integer vocabularySize .* none/);
  });

  test("llama.cpp: also V; SGLang: also the dtype", async () => {
    await using llama = await serve(replaying("by-hand/llama-cpp"));
    await using first = await openServer({ engine: "llama.cpp", url: llama.url });
    assert.deepEqual([first.vocabularySize, first.contextLength, first.provenance.version], [32, 64, "b7100-5d47ab5"]);
    await using lang = await serve(replaying("by-hand/sglang"));
    await using second = await openServer({ engine: "sglang", url: lang.url, vocabularySize: 32 });
    assert.deepEqual([second.provenance.dtype, second.provenance.version], ["bfloat16", "0.5.5"]);
  });

  test("SGLang: an older one is asked by the older names, also when its recording is replayed", async () => {
    const recorded = replaying("by-hand/sglang");
    const older: Handler = (asked, response, count) =>
      /^\/(model|server)_info$/.test(asked.path)
        ? send(response, 404, { detail: "Not Found" })
        : recorded({ ...asked, path: asked.path.replace("/get_", "/") }, response, count);
    await using local = await serve(older);
    const folder = await mkdtemp(join(tmpdir(), "srft-older-"));
    const recording = join(folder, "sglang.jsonl");
    for (const network of ["when-missing", "never"] as const) {
      await using server = await openServer({
        engine: "sglang",
        url: local.url,
        vocabularySize: 32,
        recording,
        network,
      });
      assert.deepEqual([server.provenance.version, server.contextLength], ["0.5.5", 64]);
    }
    await rm(folder, { recursive: true });
  });

  test("what the caller knows goes before what the server says", async () => {
    await using local = await serve(replaying("by-hand/vllm"));
    await using server = await open("vllm", local.url, { provenance: { mode: "processed", dtype: "bfloat16" } });
    assert.deepEqual(
      [server.provenance.mode, server.provenance.dtype, server.provenance.engine],
      ["processed", "bfloat16", "vllm"],
    );
  });
});

describe("sample", () => {
  test("vLLM: completions in the order of their index, an exact −Infinity, ranks as far as they are known", async () => {
    await using local = await serve(replaying("by-hand/vllm"));
    await using server = await open("vllm", local.url);
    const options = { groupSize: 2, maxTokens: 3, random: seven, topK: 1 };
    const found = await server.sample([text.prompt], options);
    assert.deepEqual(
      found.completions.map((ids) => [...ids]),
      [[9, 3, 4], [2]],
    );
    assert.deepEqual([...found.logprobs], [-0.5, -Infinity, -0.125, -1.75]);
    assert.deepEqual([...found.behaviorLogprobs], [...found.logprobs]);
    assert.deepEqual([...found.offsets], [0, 3, 4]);
    assert.deepEqual([...found.top.ranks], [1, 0, 1, 0]);
    assert.deepEqual([...found.top.topIds], [9, 7, 4, 9]);
    assert.deepEqual(found.finishReasons, ["length", "stop"]);
    assert.ok(found.entropies.every(Number.isNaN));
  });

  test("SGLang: at temperature 0.5 its log-probs are those it sampled from, the model's own are not known", async () => {
    await using local = await serve(replaying("by-hand/sglang"));
    await using server = await open("sglang", local.url);
    const found = await server.sample([text.prompt], { maxTokens: 3, temperature: 0.5, random: seven });
    assert.deepEqual([...found.behaviorLogprobs], [-0.5, -0.25]);
    assert.ok(found.logprobs.every(Number.isNaN));
    assert.deepEqual(found.finishReasons, ["stop"]);
  });

  test("llama.cpp: at temperature 0.5 its log-probs are the model's own, an underflow is −Infinity", async () => {
    await using local = await serve(replaying("by-hand/llama-cpp"));
    await using server = await open("llama.cpp", local.url);
    const found = await server.sample([text.prompt], { maxTokens: 3, temperature: 0.5, topP: 0.9, random: seven });
    assert.deepEqual([...found.logprobs], [-0.5, -Infinity]);
    assert.ok(found.behaviorLogprobs.every(Number.isNaN));
  });

  test("refuses what cannot be sampled", async () => {
    await using local = await serve(replaying("by-hand/vllm"));
    await using server = await open("vllm", local.url);
    const sample = (options: object) => server.sample([text.prompt], { maxTokens: 3, random: seven, ...options });
    await assert.rejects(sample({ maxTokens: 0 }), /expected an integer maxTokens >= 1 but found 0/);
    await assert.rejects(sample({ temperature: -1 }), /expected a finite temperature >= 0 but found -1/);
    await assert.rejects(sample({ topP: 0 }), /expected topP in \(0, 1\] but found 0/);
    await assert.rejects(sample({ maxTokens: 63 }), /expected at most 64 tokens but found 65/);
    await assert.rejects(server.sample([[1]], { maxTokens: 3 }), /expected random at temperature 1 but found none/);
  });
});

describe("topLogprobs", () => {
  test("refuses texts that no server can score", async () => {
    await using local = await serve(replaying("by-hand/vllm"));
    await using server = await open("vllm", local.url);
    const score = (prompt: number[], completion: number[]) => server.topLogprobs([{ prompt, completion }], { topK: 1 });
    await assert.rejects(score([], [1]), /text 0: expected a prompt but found no token/);
    await assert.rejects(score([1], []), /text 0: expected a completion but found no token/);
    await assert.rejects(score([1], [32]), /text 0: expected ids in \[0, 32\) but found 32/);
    await assert.rejects(score([1], Array(64).fill(3)), /text 0: expected at most 63 tokens but found 65/);
    await assert.rejects(
      server.topLogprobs([text], { topK: 33 }),
      /expected an integer topK in \[0, 32\] but found 33/,
    );
  });

  test("refuses an answer about other tokens, or with a log-prob missing or too few", async () => {
    const answer = exchangesOf("by-hand/vllm")[2]!.answer as { choices: Record<string, unknown>[] };
    const changed = async (change: (choice: Record<string, unknown>) => void) => {
      const copy = structuredClone(answer);
      change(copy.choices[0]!);
      const recorded = replaying("by-hand/vllm");
      await using local = await serve((asked, response, count) =>
        asked.method === "GET" ? recorded(asked, response, count) : send(response, 200, copy),
      );
      await using server = await open("vllm", local.url);
      return await server.topLogprobs([text], { topK: 2 });
    };
    await assert.rejects(
      changed((c) => Object.assign(c, { prompt_token_ids: [1, 5, 9, 3] })),
      /log-prob of token 3|ids we sent/,
    );
    await assert.rejects(
      changed((c) => (c.prompt_logprobs as unknown[]).pop()),
      /expected 4 entries, one a prompt token, but found 3/,
    );
    await assert.rejects(
      changed((c) => Object.assign(c, { prompt_logprobs: null })),
      /expected log-probs but found nothing/,
    );
    const few = (c: Record<string, unknown>) => delete (c.prompt_logprobs as Record<string, unknown>[])[2]!["4"];
    await assert.rejects(changed(few), /expected 2 likeliest tokens at position 0 but found 1/);
  });

  test("llama.cpp: refuses a server that does not follow the bias", async () => {
    const recorded = replaying("by-hand/llama-cpp");
    const other = exchangesOf("by-hand/llama-cpp")[2]!.answer;
    await using local = await serve((asked, response, count) =>
      asked.method === "GET" ? recorded(asked, response, count) : send(response, 200, other),
    );
    await using server = await open("llama.cpp", local.url);
    const other9 = { prompt: [1, 5], completion: [4] };
    await assert.rejects(server.topLogprobs([other9], { topK: 1 }), /expected the biased token 4 but found 9/);
  });

  test("SGLang: accepts 0 for the last id of a vocabulary, which it clips, and no other id", async () => {
    const recorded = replaying("by-hand/sglang");
    const answer = structuredClone(exchangesOf("by-hand/sglang")[2]!.answer) as {
      meta_info: { input_token_logprobs: [number | null, number, null][] };
    };
    answer.meta_info.input_token_logprobs[1]![1] = 0;
    await using local = await serve((asked, response, count) =>
      asked.method === "GET" ? recorded(asked, response, count) : send(response, 200, answer),
    );
    await using server = await open("sglang", local.url);
    const last = { prompt: [1, 5], completion: [31, 2] };
    assert.deepEqual([...(await server.topLogprobs([last], { topK: 2 })).logprobs], [-0.5, -2.25]);
    answer.meta_info.input_token_logprobs[1]![1] = 8;
    await assert.rejects(server.topLogprobs([last], { topK: 2 }), /expected token 31 but found 8/);
  });

  test("OpenAI's protocol: log-probs by echo, nothing by id", async () => {
    await using local = await serve(replaying("by-hand/openai"));
    await using server = await open("openai", local.url);
    assert.deepEqual([...(await server.topLogprobs([text], { topK: 0 })).logprobs], [-0.5, -2.25]);
    await assert.rejects(server.topLogprobs([text], { topK: 1 }), /expected topK 0 but found 1/);
    await assert.rejects(server.encode([{ prompt: "a", completion: "" }]), /give openServer a tokenizer/);
  });
});

test("openServer refuses an engine and an address that are none", async () => {
  const given = { engine: "vllm", url: "http://127.0.0.1:1" } as const;
  await assert.rejects(openServer({ ...given, engine: "tgi" as never }), /expected an engine vllm, .* but found tgi/);
  await assert.rejects(openServer({ ...given, url: "127.0.0.1:1" }), /expected an http: or https: address/);
  await assert.rejects(openServer({ ...given, url: "http://me:secret@host" }), (error: Error) => {
    assert.match(error.message, /expected a url without name, password and query/);
    assert.ok(!error.message.includes("secret"));
    return true;
  });
});
