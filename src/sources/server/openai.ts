/**
 * Any server with OpenAI's POST /v1/completions that takes token ids and `echo` with `logprobs`: the log-prob of each token
 * of a text, the first null. Tokens come as text, so the likeliest alternatives have no ids and are left out; a completion
 * is accepted only from servers that add its ids, as vLLM does with return_tokens_as_token_ids.
 * @see https://platform.openai.com/docs/api-reference/completions
 */

import { arrayIn, numberOrNothing, numbersIn, recordIn, textIn, WrongField } from "../../data/dumps/fields.ts";
import type { PositionScores } from "../../data/dumps/position-scores.ts";
import { vllmChoices } from "../../data/dumps/vllm-response.ts";
import type { HttpClient } from "../http/client.ts";
import {
  type Asking,
  type Completion,
  type Engine,
  type Identity,
  type Sampling,
  type Text,
  unknownIdentity,
} from "./engine.ts";

export const openai: Engine = {
  name: "openai",
  sampledLogprobs: "raw",
  scoringRoom: 1,
  identify,
  tokenize,
  score,
  sample,
};

async function identify(client: HttpClient): Promise<Identity> {
  const { id, max_model_len: longest } = await client.ask({ method: "GET", path: "/v1/models" }, (answer) =>
    recordIn(arrayIn(recordIn(answer, "answer").data, "data")[0], "data[0]"),
  );
  const contextLength = numberOrNothing(longest, "data[0].max_model_len") ?? null;
  return { ...unknownIdentity, model: textIn(id, "data[0].id"), contextLength };
}

async function tokenize(): Promise<readonly number[]> {
  throw new TypeError(
    "encode: expected a server that tokenizes but found OpenAI's protocol, which does not: give openServer a tokenizer",
  );
}

function refuseTopK(topK: number) {
  if (topK === 0) return;
  throw new RangeError(
    `openai: expected topK 0 but found ${topK}: this protocol names alternatives by text, not by id; use the engine ` +
      "vllm, sglang or llama.cpp",
  );
}

function score({ prompt, completion }: Text, { topK, client, model }: { topK: number } & Asking) {
  refuseTopK(topK);
  const ids = [...prompt, ...completion];
  const body = { model, prompt: ids, max_tokens: 1, temperature: 1, top_p: 1, echo: true, logprobs: 0 };
  return client.ask({ method: "POST", path: "/v1/completions", body }, (answer): PositionScores[] => {
    const choice = recordIn(arrayIn(recordIn(answer, "answer").choices, "choices")[0], "choices[0]");
    const given = arrayIn(
      recordIn(choice.logprobs, "choices[0].logprobs").token_logprobs,
      "choices[0].logprobs.token_logprobs",
    );
    // one more than the text: the token that max_tokens 1 adds, unless it ended
    if (given.length !== ids.length && given.length !== ids.length + 1) {
      throw new WrongField(
        "choices[0].logprobs.token_logprobs",
        `expected ${ids.length} log-probs of the text and one more but found ${given.length}; does the server retokenize?`,
      );
    }
    const own = Array.from(given).slice(prompt.length, ids.length);
    const logprobs = numbersIn(own, "choices[0].logprobs.token_logprobs", { length: completion.length });
    return completion.map((token, i) => ({ token, logprob: logprobs[i]!, rank: 0, top: [], certain: 0 }));
  });
}

function sample(prompt: readonly number[], options: Sampling & Asking): Promise<readonly Completion[]> {
  const { client, model, maxTokens, temperature, topP, topK, seed, groupSize } = options;
  refuseTopK(topK);
  const sampling = { n: groupSize, max_tokens: maxTokens, temperature, top_p: topP, seed, logprobs: 1 };
  const body = { model, prompt, ...sampling };
  return client.ask({ method: "POST", path: "/v1/completions", body }, (answer) => {
    const choices = vllmChoices(answer);
    if (choices.length !== groupSize) {
      throw new WrongField("choices", `expected ${groupSize} completions but found ${choices.length}`);
    }
    return choices.map(({ tokens, scores, finishReason }, i) => {
      if (tokens && scores) {
        return { tokens: Array.from(tokens), scores: scores.map((s) => ({ ...s, top: [], certain: 0 })), finishReason };
      }
      throw new WrongField(`choices[${i}]`, "expected token ids but found text; text has no unique tokens");
    });
  });
}
