/**
 * vLLM: POST /v1/completions with token ids. `prompt_logprobs` gives every token of a text, with its rank, in one request.
 *
 * Sampled log-probs are raw unless the server was started with --logprobs-mode processed_logprobs, which it does not tell.
 * Every sampling setting is sent, since vLLM takes what is missing from the model's generation_config.json. At temperature 0
 * it refuses to give more than one completion of a prompt; that one is then given as all of the group.
 * @see vllm/entrypoints/openai/completion/protocol.py, vllm/entrypoints/serve/tokenize
 */

import { arrayIn, idsIn, numberOrNothing, recordIn, WrongField } from "../../data/dumps/fields.ts";
import { type VllmChoice, vllmChoices } from "../../data/dumps/vllm-response.ts";
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

export const vllm: Engine = { name: "vllm", sampledLogprobs: "raw", scoringRoom: 1, identify, tokenize, score, sample };

const neutral = { top_k: 0, min_p: 0, repetition_penalty: 1, presence_penalty: 0, frequency_penalty: 0 };

async function identify(client: HttpClient): Promise<Identity> {
  const version = await askIfThere(() =>
    client.ask({ method: "GET", path: "/version" }, (answer) => recordIn(answer, "answer").version),
  );
  const card = await client.ask({ method: "GET", path: "/v1/models" }, (answer) => {
    const list = arrayIn(recordIn(answer, "answer").data, "data");
    return recordIn(list[0], "data[0]");
  });
  return {
    version: typeof version === "string" ? version : null,
    model: typeof card.id === "string" ? card.id : null,
    contextLength: numberOrNothing(card.max_model_len, "data[0].max_model_len") ?? null,
    vocabularySize: null,
    dtype: null,
  };
}

function tokenize(text: string, { client, model }: Asking): Promise<readonly number[]> {
  const body = { model, prompt: text, add_special_tokens: false };
  return client.ask({ method: "POST", path: "/tokenize", body }, (answer) =>
    Array.from(idsIn(recordIn(answer, "answer").tokens, "tokens")),
  );
}

function score({ prompt, completion }: Text, { topK, client, model }: { topK: number } & Asking) {
  const ids = [...prompt, ...completion];
  const body = {
    model,
    prompt: ids,
    max_tokens: 1,
    temperature: 1,
    top_p: 1,
    ...neutral,
    seed: 0,
    prompt_logprobs: topK,
    return_token_ids: true,
    add_special_tokens: false,
  };
  return client.ask({ method: "POST", path: "/v1/completions", body }, (answer) => {
    const choice = vllmChoices(answer)[0]!;
    checkPrompt(choice, ids);
    return choice.promptScores!.slice(prompt.length - 1);
  });
}

function checkPrompt({ promptTokens, promptScores }: VllmChoice, ids: readonly number[]) {
  if (!promptTokens) throw new WrongField("choices[0].prompt_token_ids", "expected the ids we sent but found nothing");
  if (!promptScores) throw new WrongField("choices[0].prompt_logprobs", "expected log-probs but found nothing");
  if (promptTokens.length !== ids.length || promptTokens.some((id, i) => id !== ids[i])) {
    const found = `${promptTokens.length} others`;
    throw new WrongField("choices[0].prompt_token_ids", `expected the ${ids.length} ids we sent but found ${found}`);
  }
}

function sample(prompt: readonly number[], options: Sampling & Asking): Promise<readonly Completion[]> {
  const { client, model, maxTokens, temperature, topP, topK, seed, groupSize } = options;
  const count = temperature === 0 ? 1 : groupSize;
  const body = {
    model,
    prompt,
    n: count,
    max_tokens: maxTokens,
    temperature,
    top_p: topP,
    ...neutral,
    seed,
    logprobs: topK,
    return_token_ids: true,
    return_tokens_as_token_ids: true,
    add_special_tokens: false,
  };
  return client.ask({ method: "POST", path: "/v1/completions", body }, (answer) => {
    const choices = vllmChoices(answer);
    if (choices.length !== count) {
      throw new WrongField("choices", `expected ${count} completions but found ${choices.length}`);
    }
    const completions = choices.map(({ tokens, scores, finishReason }, i) => {
      if (!tokens) throw new WrongField(`choices[${i}].token_ids`, "expected token ids but found nothing");
      if (!scores) throw new WrongField(`choices[${i}].logprobs`, "expected log-probs but found nothing");
      return { tokens: Array.from(tokens), scores, finishReason };
    });
    return Array.from({ length: groupSize }, (_, i) => completions[i % count]!);
  });
}
