/**
 * llama.cpp's server: POST /completion with token ids and `n_probs`.
 *
 *     completion_probabilities   { id, logprob, top_logprobs: { id, logprob, … }[] }[], one a completion token
 *
 * It gives no log-probs of a prompt, so a text is scored by one request a token: a bias makes that token the one that is
 * chosen, and its log-prob, of the raw softmax, is not touched by the bias. `cache_prompt` keeps the work before it.
 * Where a text ends within a character, as after the first of an emoji's tokens, the server leaves the entry out: such a
 * token is looked up among the likeliest at a letter's place, and a completion with such tokens is scored anew.
 * Probabilities are float32 there: below e^−87 they are coarse, by 0.4 nats at e^−103, and what is below that comes as the
 * smallest float and is −Infinity here. Sampled log-probs are raw, for post_sampling_probs is off. All samplers but
 * temperature and top-p are named away.
 * @see tools/server/README.md; `populate_token_probs` and `process_token` of the server's source
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

export const llamaCpp: Engine = {
  name: "llama.cpp",
  sampledLogprobs: "raw",
  scoringRoom: 0,
  identify,
  tokenize,
  score,
  sample,
};

const forced = 1e6;
/** Likeliest tokens to ask for, in turn, until a token is among them; at last all. */
const counts = [64, 4096, 2 ** 24];
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
    dtype: typeof props.model_ftype === "string" ? props.model_ftype : null,
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
  let letter: Promise<number> | undefined; // asked for once, if at all
  const asking = { topK, client, letter: () => (letter ??= letterOf(client)) };
  return inOrder(completion, (token, t) => scoreToken(token, ids.slice(0, prompt.length + t), asking), {
    most: 1, // each request goes on from the cache of the one before
  });
}

interface Scoring {
  readonly topK: number;
  readonly client: HttpClient;
  /** A token whose text is whole. */
  letter(): Promise<number>;
}

async function scoreToken(token: number, before: readonly number[], scoring: Scoring): Promise<PositionScores> {
  const { topK, client } = scoring;
  const [position] = await askForced(token, { before, count: Math.max(topK, 1), client });
  if (!position) return lookUp(token, before, scoring);
  return cut(position, topK);
}

const cut = (position: PositionScores, topK: number): PositionScores => ({
  ...position,
  top: position.top.slice(0, topK),
  certain: Math.min(position.top.length, topK),
});

/** The one position behind `before`, with `count` likeliest tokens; none where the server leaves it out. */
function askForced(
  token: number,
  { before, count, client }: { before: readonly number[]; count: number; client: HttpClient },
): Promise<PositionScores[]> {
  const body = {
    prompt: before,
    n_predict: 1,
    temperature: 0,
    samplers: ["temperature"],
    logit_bias: [[token, forced]],
    n_probs: count,
    post_sampling_probs: false,
    cache_prompt: true,
    return_tokens: true,
  };
  return client.ask({ method: "POST", path: "/completion", body }, (answer) => {
    const chosen = Array.from(idsIn(recordIn(answer, "answer").tokens, "tokens"));
    const positions = positionsIn(answer);
    const found = positions[0]?.token ?? chosen[0];
    if (chosen.length === 1 && positions.length <= 1 && found === token && chosen[0] === token) return positions;
    throw new WrongField(
      "tokens",
      `expected the biased token ${token} but found ${found ?? "none"}: this server does not follow logit_bias`,
    );
  });
}

async function lookUp(token: number, before: readonly number[], scoring: Scoring): Promise<PositionScores> {
  const { topK, client, letter } = scoring;
  const whole = await letter();
  for (const count of counts) {
    const [position] = await askForced(whole, { before, count: Math.max(topK, count), client });
    const top = position?.top ?? [];
    const own = top.find(([id]) => id === token);
    if (own) {
      const rank = 1 + top.filter(([, logprob]) => logprob > own[1]).length;
      return cut({ token, logprob: own[1], rank, top, certain: top.length }, topK);
    }
  }
  throw new WrongField(
    "completion_probabilities[0].top_logprobs",
    `expected token ${token} among all tokens but found it nowhere`,
  );
}

function letterOf(client: HttpClient): Promise<number> {
  const body = { content: "a", add_special: false, parse_special: false };
  return client.ask({ method: "POST", path: "/tokenize", body }, (answer) =>
    idIn(arrayIn(recordIn(answer, "answer").tokens, "tokens")[0], "tokens[0]"),
  );
}

/** With all tokens that were asked for; the server leaves the list out where it would be empty. */
function positionsIn(answer: unknown): PositionScores[] {
  const list = arrayIn(recordIn(answer, "answer").completion_probabilities ?? [], "completion_probabilities");
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
      top: descending(top),
      certain: top.length,
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

async function sampleOne(prompt: readonly number[], options: Sampling & Asking, i: number): Promise<Completion> {
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
  const { tokens, scores, finishReason } = await client.ask({ method: "POST", path: "/completion", body }, (answer) =>
    completionIn(answer),
  );
  if (scores.length === tokens.length) return { tokens, scores: scores.map((one) => cut(one, topK)), finishReason };
  return { tokens, scores: await score({ prompt, completion: tokens }, options), finishReason };
}

/** Scores of all its tokens or, where the server left some out, of fewer. */
function completionIn(answer: unknown): Completion {
  const { tokens: ids, stop_type: stop } = recordIn(answer, "answer");
  const tokens = Array.from(idsIn(ids, "tokens"));
  const scores = positionsIn(answer);
  let at = 0;
  for (const { token } of scores) at = tokens.indexOf(token, at) + 1 || Infinity;
  if (at <= tokens.length) return { tokens, scores, finishReason: typeof stop === "string" ? stop : "unknown" };
  throw new WrongField(
    "completion_probabilities",
    `expected the ${tokens.length} tokens of the completion but found ${scores.length} entries or other ids`,
  );
}
