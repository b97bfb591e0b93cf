/**
 * llama.cpp's server: POST /completion with token ids and `n_probs`.
 *
 *     completion_probabilities   { id, logprob, top_logprobs: { id, logprob, … }[] }[], one a completion token
 *
 * It gives no log-probs of a prompt, so a text is scored by one request a token: a bias makes that token the one that is
 * chosen, and its log-prob, of the raw softmax, is not touched by the bias. `cache_prompt` keeps the work before it.
 * Probabilities are float32 there: what is below e^−103 comes as the smallest float and is −Infinity here. Sampled log-probs
 * are raw, for post_sampling_probs is off. All samplers but temperature and top-p are named away.
 * @see tools/server/README.md, `populate_token_probs` of the server's source
 */

import { arrayIn, idIn, idsIn, numberIn, numberOrNothing, recordIn, WrongField } from "../../data/dumps/fields.ts";
import { descending, type PositionScores } from "../../data/dumps/position-scores.ts";
import type { HttpClient } from "../http/client.ts";
import { inOrder } from "../http/limit.ts";
import {
  type Asking,
  askIfThere,
  type Completion,
  type Engine,
  type Identity,
  type Sampling,
  type Text,
  unknownIdentity,
} from "./engine.ts";

export const llamaCpp: Engine = { name: "llama.cpp", sampledLogprobs: "raw", identify, tokenize, score, sample };

const forced = 1e6;
const underflow = -1e30;

async function identify(client: HttpClient): Promise<Identity> {
  const props = await askIfThere(() =>
    client.ask({ method: "GET", path: "/props" }, (answer) => recordIn(answer, "answer")),
  );
  if (!props) return unknownIdentity;
  const card = await client.ask({ method: "GET", path: "/v1/models" }, (answer) =>
    recordIn(arrayIn(recordIn(answer, "answer").data, "data")[0], "data[0]"),
  );
  const meta = card.meta == null ? {} : recordIn(card.meta, "data[0].meta");
  const settings = recordIn(props.default_generation_settings, "default_generation_settings");
  return {
    version: typeof props.build_info === "string" ? props.build_info : null,
    model: typeof card.id === "string" ? card.id : null,
    contextLength: numberOrNothing(settings.n_ctx, "default_generation_settings.n_ctx") ?? null,
    vocabularySize: numberOrNothing(meta.n_vocab, "data[0].meta.n_vocab") ?? null,
    dtype: null,
  };
}

function tokenize(text: string, { client }: Asking): Promise<readonly number[]> {
  const body = { content: text, add_special: false, parse_special: true };
  return client.ask({ method: "POST", path: "/tokenize", body }, (answer) =>
    Array.from(idsIn(recordIn(answer, "answer").tokens, "tokens")),
  );
}

function score({ prompt, completion }: Text, { topK, client }: { topK: number } & Asking) {
  const ids = [...prompt, ...completion];
  return inOrder(completion, (token, t) => scoreToken(token, ids.slice(0, prompt.length + t), { topK, client }), {
    most: 1, // each request goes on from the cache of the one before
  });
}

function scoreToken(token: number, before: readonly number[], { topK, client }: { topK: number; client: HttpClient }) {
  const body = {
    prompt: before,
    n_predict: 1,
    temperature: 0,
    samplers: ["temperature"],
    logit_bias: [[token, forced]],
    n_probs: Math.max(topK, 1),
    post_sampling_probs: false,
    cache_prompt: true,
    return_tokens: true,
  };
  return client.ask({ method: "POST", path: "/completion", body }, (answer) => {
    const [position] = positionsIn(answer, topK);
    if (position?.token === token) return position;
    throw new WrongField(
      "completion_probabilities[0].id",
      `expected the biased token ${token} but found ${position?.token ?? "none"}: this server does not follow logit_bias`,
    );
  });
}

function positionsIn(answer: unknown, topK: number): PositionScores[] {
  const { completion_probabilities: found, probs } = recordIn(answer, "answer"); // `probs` is what its README says
  const list = arrayIn(found ?? probs, "completion_probabilities");
  return Array.from(list, (entry, i) => {
    const where = `completion_probabilities[${i}]`;
    const { id, logprob, top_logprobs: tops } = recordIn(entry, where);
    const top = Array.from(arrayIn(tops, `${where}.top_logprobs`), (alternative, j) => {
      const one = recordIn(alternative, `${where}.top_logprobs[${j}]`);
      return [
        idIn(one.id, `${where}.top_logprobs[${j}].id`),
        logprobIn(one.logprob, `${where}.top_logprobs[${j}].logprob`),
      ] as const;
    });
    const token = idIn(id, `${where}.id`);
    return {
      token,
      logprob: logprobIn(logprob, `${where}.logprob`),
      rank: 0,
      top: descending(top).slice(0, topK),
      certain: Math.min(top.length, topK),
    };
  });
}

function logprobIn(value: unknown, field: string): number {
  const logprob = numberIn(value, field);
  return logprob < underflow ? -Infinity : logprob;
}

function sample(prompt: readonly number[], options: Sampling & Asking): Promise<readonly Completion[]> {
  return Promise.all(Array.from({ length: options.groupSize }, (_, i) => sampleOne(prompt, options, i)));
}

function sampleOne(prompt: readonly number[], options: Sampling & Asking, i: number): Promise<Completion> {
  const { client, maxTokens, temperature, topP, topK, seed } = options;
  const body = {
    prompt,
    n_predict: maxTokens,
    temperature,
    top_p: topP,
    samplers: ["top_p", "temperature"],
    seed: (seed + i) % 2 ** 31,
    n_probs: Math.max(topK, 1),
    post_sampling_probs: false,
    cache_prompt: true,
    return_tokens: true,
  };
  return client.ask({ method: "POST", path: "/completion", body }, (answer) => {
    const { tokens, stop_type: stop } = recordIn(answer, "answer");
    const ids = Array.from(idsIn(tokens, "tokens"));
    const scores = positionsIn(answer, topK);
    if (scores.length !== ids.length || scores.some(({ token }, t) => token !== ids[t])) {
      throw new WrongField(
        "completion_probabilities",
        `expected the ${ids.length} tokens of the completion but found ${scores.length} entries or other ids`,
      );
    }
    return { tokens: ids, scores, finishReason: typeof stop === "string" ? stop : "unknown" };
  });
}
