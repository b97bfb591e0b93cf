/**
 * SGLang: POST /generate with `input_ids`. `return_logprob` with `logprob_start_len` gives the tokens of a text from there on;
 * the first of them has none.
 *
 *     meta_info.input_token_logprobs   [logprob | null, id, text | null][], from logprob_start_len on
 *     meta_info.input_top_logprobs     ([logprob, id, text][] | null)[], alike; no such field for top_logprobs_num 0
 *     meta_info.output_token_logprobs, output_top_logprobs   alike, of the completion
 *
 * SGLang gives no ranks. Its sampled log-probs are those after temperature. A token of the last id of the vocabulary comes
 * back with id 0: ids that a picture's hash might hold are clipped there.
 * @see docs/basic_usage/sampling_params.md, python/sglang/srt/managers/scheduler_output_processor_mixin.py
 */

import {
  arrayIn,
  type Fields,
  idIn,
  idsIn,
  numberIn,
  numberOrNothing,
  recordIn,
  WrongField,
} from "../../data/dumps/fields.ts";
import { descending, type PositionScores } from "../../data/dumps/position-scores.ts";
import type { HttpClient } from "../http/client.ts";
import {
  type Asking,
  askIfThere,
  type Completion,
  type Engine,
  type Identity,
  type Sampling,
  type Text,
} from "./engine.ts";

export const sglang: Engine = {
  name: "sglang",
  sampledLogprobs: "processed",
  scoringRoom: 1,
  identify,
  tokenize,
  score,
  sample,
};

const neutral = { top_k: -1, min_p: 0, repetition_penalty: 1, presence_penalty: 0, frequency_penalty: 0 };

async function identify(client: HttpClient): Promise<Identity> {
  const ask = (path: string) =>
    askIfThere(() => client.ask({ method: "GET", path }, (answer) => recordIn(answer, "answer")));
  const about = async (name: string) => (await ask(`/${name}`)) ?? (await ask(`/get_${name}`)) ?? {}; // older: get_
  const model = await about("model_info");
  const server = await about("server_info");
  return {
    version: typeof server.version === "string" ? server.version : null,
    model: typeof model.model_path === "string" ? model.model_path : null,
    contextLength: numberOrNothing(server.context_length, "context_length") ?? null,
    vocabularySize: null,
    dtype: typeof server.dtype === "string" && server.dtype !== "auto" ? server.dtype : null,
  };
}

function tokenize(text: string, { client, model }: Asking): Promise<readonly number[]> {
  const body = { model, prompt: text, add_special_tokens: false };
  return client.ask({ method: "POST", path: "/tokenize", body }, (answer) =>
    Array.from(idsIn(recordIn(answer, "answer").tokens, "tokens")),
  );
}

function score({ prompt, completion }: Text, { topK, client }: { topK: number } & Asking) {
  const start = prompt.length - 1;
  const body = {
    input_ids: [...prompt, ...completion],
    sampling_params: { max_new_tokens: 1, temperature: 1, top_p: 1, ...neutral },
    return_logprob: true,
    logprob_start_len: start,
    top_logprobs_num: topK,
    return_text_in_logprobs: false,
  };
  return client.ask({ method: "POST", path: "/generate", body }, (answer) => {
    const meta = recordIn(recordIn(answer, "answer").meta_info, "meta_info");
    const wanted = [prompt[start]!, ...completion];
    return positionsIn(meta, { side: "input", wanted, topK }).slice(1);
  });
}

interface Wanted {
  readonly side: "input" | "output";
  /** The ids that must come back; without, those that do. */
  readonly wanted?: readonly number[];
  readonly topK: number;
}

function positionsIn(meta: Fields, { side, wanted, topK }: Wanted): PositionScores[] {
  const [field, topField] = [`${side}_token_logprobs`, `${side}_top_logprobs`];
  const list = arrayIn(meta[field], `meta_info.${field}`);
  const tops = topK === 0 ? undefined : arrayIn(meta[topField], `meta_info.${topField}`);
  for (const [name, found] of [
    [field, list],
    [topField, tops ?? list],
  ] as const) {
    const length = wanted?.length ?? list.length;
    if (found.length === length) continue;
    throw new WrongField(`meta_info.${name}`, `expected ${length} entries, one a token, but found ${found.length}`);
  }
  return Array.from(list, (entry, i) => {
    const where = `meta_info.${field}[${i}]`;
    const [logprob, id] = Array.from(arrayIn(entry, where));
    const token = idIn(id, `${where}[1]`);
    const own = wanted?.[i] ?? token;
    if (token !== own && token !== 0) throw new WrongField(where, `expected token ${own} but found ${token}`);
    const first = side === "input" && i === 0;
    const top = first || !tops ? [] : topIn(tops[i], `meta_info.${topField}[${i}]`);
    return { token: own, logprob: first ? Number.NaN : numberIn(logprob, where), rank: 0, top, certain: top.length };
  });
}

function topIn(value: unknown, field: string) {
  const entries = Array.from(arrayIn(value, field), (entry, j) => {
    const [logprob, id] = Array.from(arrayIn(entry, `${field}[${j}]`));
    return [idIn(id, `${field}[${j}][1]`), numberIn(logprob, `${field}[${j}][0]`)] as const;
  });
  return descending(entries);
}

/** One request a completion: SGLang advises against n, and shares the prompt's cache between requests. */
function sample(prompt: readonly number[], options: Sampling & Asking): Promise<readonly Completion[]> {
  return Promise.all(Array.from({ length: options.groupSize }, (_, i) => sampleOne(prompt, options, i)));
}

function sampleOne(prompt: readonly number[], options: Sampling & Asking, i: number): Promise<Completion> {
  const { client, maxTokens, temperature, topP, topK, seed } = options;
  const settings = {
    max_new_tokens: maxTokens,
    temperature,
    top_p: topP,
    ...neutral,
    sampling_seed: (seed + i) % 2 ** 31,
  };
  const body = {
    input_ids: prompt,
    sampling_params: settings,
    return_logprob: true,
    logprob_start_len: -1,
    top_logprobs_num: topK,
    return_text_in_logprobs: false,
  };
  return client.ask({ method: "POST", path: "/generate", body }, (answer) => {
    const meta = recordIn(recordIn(answer, "answer").meta_info, "meta_info");
    const scores = positionsIn(meta, { side: "output", topK });
    const reason = meta.finish_reason == null ? {} : recordIn(meta.finish_reason, "meta_info.finish_reason");
    return { tokens: scores.map(({ token }) => token), scores, finishReason: String(reason.type ?? "unknown") };
  });
}
