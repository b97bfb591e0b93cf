/**
 * Records a server that serves the model of test/oracle/servers.py, through our own reader, and its errors as they come:
 *
 *     node dist/test/sources/server/record.js ENGINE URL ABOUT.json [COMMAND ARGUMENT …]
 *
 * writes test/golden/servers/ENGINE.jsonl, which `recording` replays, and ENGINE.json: what ABOUT.json says of the server
 * (name, version, commit, command), the model's hash, the day, and the errors. With a command, the server is started by
 * it and stopped at the end, so that what it answers while it loads is recorded too.
 */

import { spawn } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { openServer, type ServerOptions } from "../../../src/sources/server/open-server.ts";
import { expected, golden, sizes, visit } from "./visit.ts";

export interface RecordedError {
  /** What was wrong with the question. */
  readonly name: string;
  readonly path: string;
  readonly sent: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The body as it came. */
  readonly answer: string;
}

const tooMany = Array(sizes.contextLength + 1).fill(40);
const said = (value: object) => JSON.stringify(value);
const wrongQuestions = {
  "llama.cpp": [
    { name: "torn JSON", path: "/completion", sent: '{"prompt":[1,2],"n_predict":' },
    { name: "no prompt", path: "/completion", sent: said({ n_predict: 1 }) },
    { name: "temperature as text", path: "/completion", sent: said({ prompt: [1], n_predict: 1, temperature: "hot" }) },
    { name: "token out of vocabulary", path: "/completion", sent: said({ prompt: [1, 999], n_predict: 1 }) },
    { name: "prompt beyond the context", path: "/completion", sent: said({ prompt: tooMany, n_predict: 1 }) },
    { name: "unknown path", path: "/nothing", sent: "{}" },
  ],
  vllm: [
    { name: "torn JSON", path: "/v1/completions", sent: '{"model":"tiny","prompt":[1,2],"max_tokens":' },
    { name: "no prompt", path: "/v1/completions", sent: said({ model: "tiny", max_tokens: 1 }) },
    { name: "temperature as text", path: "/v1/completions", sent: said({ prompt: [1], temperature: "hot" }) },
    { name: "token out of vocabulary", path: "/v1/completions", sent: said({ prompt: [1, 999], max_tokens: 1 }) },
    { name: "prompt beyond the context", path: "/v1/completions", sent: said({ prompt: tooMany, max_tokens: 1 }) },
    { name: "too many log-probs", path: "/v1/completions", sent: said({ prompt: [1, 2], prompt_logprobs: 21 }) },
    { name: "unknown model", path: "/v1/completions", sent: said({ model: "other", prompt: [1, 2] }) },
    { name: "group at temperature 0", path: "/v1/completions", sent: said({ prompt: [1, 2], temperature: 0, n: 2 }) },
    { name: "unknown path", path: "/nothing", sent: "{}" },
  ],
};

/** Answers that no reader asks for, and dumps hold. */
const dumped = {
  "llama.cpp": [],
  vllm: [
    {
      name: "chat with log-probs",
      path: "/v1/chat/completions",
      sent: said({
        ...{
          model: "tiny",
          messages: [{ role: "user", content: "solve: naïve 🎉" }],
          max_tokens: 6,
          temperature: 1,
          seed: 5,
        },
        ...{ logprobs: true, top_logprobs: 2, prompt_logprobs: 1 },
        ...{ return_token_ids: true, return_tokens_as_token_ids: true },
      }),
    },
  ],
};

type Question = Pick<RecordedError, "name" | "path" | "sent">;

/** Over node:http, which is quick enough to meet a small model while it loads. */
function post(url: string, { name, path, sent }: Question): Promise<RecordedError> {
  return new Promise((resolve, reject) => {
    const options = { method: "POST", agent: false, headers: { "content-type": "application/json" } };
    const asked = request(url + path, options, async (answer) => {
      const { date, ...headers } = answer.headers;
      let text = "";
      for await (const piece of answer.setEncoding("utf8")) text += piece;
      resolve({
        name,
        path,
        sent,
        status: answer.statusCode!,
        headers: headers as RecordedError["headers"],
        answer: text,
      });
    });
    asked.on("error", reject).end(sent);
  });
}

/** What it answers before it is ready, if it answers at all. */
async function untilReady(url: string, engine: keyof typeof wrongQuestions): Promise<RecordedError[]> {
  const { path } = wrongQuestions[engine][0]!;
  const question = { name: "while loading", path, sent: said({ prompt: [1], n_predict: 1 }) };
  const loading: RecordedError[] = [];
  for (const end = Date.now() + 60_000; Date.now() < end; await wait(1)) {
    const found = await post(url, question).catch(() => undefined);
    if (found?.status === 503) loading.push(found);
    else if (found) return loading.slice(0, 1);
  }
  throw new Error(`record: expected an answer of ${url} within a minute but found none`);
}

async function record(engine: keyof typeof wrongQuestions, url: string, about: object) {
  const recording = join(golden, `${engine}.jsonl`);
  const loading = await untilReady(url, engine);
  const known = engine === "vllm" ? sizes : {};
  const options: ServerOptions = { engine, url, recording, concurrency: 1, attempts: 1, ...known };
  rmSync(recording, { force: true });
  await using server = await openServer(options);
  await visit(server);
  const errors = [...loading];
  for (const question of wrongQuestions[engine]) errors.push(await post(url, question));
  const answers = [];
  for (const question of dumped[engine]) answers.push(await post(url, question));
  const day = new Date().toISOString().slice(0, 10);
  const file = {
    ...about,
    model: { source: "test/oracle/servers.py", sha256: expected.model.sha256 },
    recorded: day,
    errors,
    answers,
  };
  writeFileSync(join(golden, `${engine}.json`), `${JSON.stringify(file, null, 2)}\n`);
}

const [engine, url, about, command, ...rest] = process.argv.slice(2);
if (!url || !about || (engine !== "llama.cpp" && engine !== "vllm")) {
  throw new TypeError("record: expected llama.cpp or vllm, a url and a JSON file about the server");
}
const server = command && spawn(command, rest, { stdio: "ignore" });
try {
  await record(engine, url, JSON.parse(readFileSync(about, "utf8")));
} finally {
  if (server) server.kill();
}
