/**
 * Answers of vLLM's OpenAI-compatible server, /v1/completions and /v1/chat/completions: token ids and log-probs.
 *
 *     prompt_token_ids   of the choice; of the whole answer in chat
 *     prompt_logprobs    (null | { "<id>": { logprob, rank, decoded_token } })[], the first null; k + 1 entries where
 *                        the text's token is none of the k likeliest
 *     token_ids          with return_token_ids
 *     logprobs           { tokens, token_logprobs, top_logprobs }; chat: { content: { token, logprob, top_logprobs }[] };
 *                        tokens are text, or "token_id:<id>" with return_tokens_as_token_ids
 *
 * vLLM writes −Infinity as −9999. Tokens that are given as text have no place in a list by id, since texts are not
 * unique; then only the log-prob of the chosen token is known.
 * @see vllm/entrypoints/openai/completion/protocol.py and chat_completion/protocol.py
 */

import { arrayIn, type Fields, idIn, idsIn, numberIn, recordIn, textIn, WrongField } from "./fields.ts";
import { descending, type PositionScores } from "./position-scores.ts";

/** One completion of an answer. */
export interface VllmChoice {
  readonly text: string;
  readonly finishReason: string;
  readonly promptTokens?: Int32Array;
  /** Of every prompt token but the first. */
  readonly promptScores?: readonly PositionScores[];
  readonly tokens?: Int32Array;
  readonly scores?: readonly PositionScores[];
}

/**
 * The completions of an answer, in the order of their index.
 *
 * @throws {WrongField} If a field is missing, of another kind or of another length.
 * @example
 * vllmChoices({ choices: [{ index: 0, text: " 4", token_ids: [19], finish_reason: "stop" }] })[0].tokens; // Int32Array [19]
 */
export function vllmChoices(answer: unknown): VllmChoice[] {
  const response = recordIn(answer, "answer");
  const choices = Array.from(arrayIn(response.choices, "choices"), (choice, i) => recordIn(choice, `choices[${i}]`));
  if (choices.length === 0) throw new WrongField("choices", "expected a completion but found none");
  const indexed = choices.map((choice, i) => ({
    index: Number(choice.index ?? i),
    found: choiceIn(choice, response, i),
  }));
  return indexed.sort((a, b) => a.index - b.index).map(({ found }) => found);
}

function choiceIn(choice: Fields, response: Fields, i: number): VllmChoice {
  const at = (name: string) => `choices[${i}].${name}`;
  const given = (name: string) => choice[name] ?? response[name];
  const promptTokens = given("prompt_token_ids");
  const promptIds = promptTokens == null ? undefined : idsIn(promptTokens, at("prompt_token_ids"));
  const tokens = tokensIn(choice, at);
  const prompt = given("prompt_logprobs");
  return {
    text: choice.message === undefined ? textIn(choice.text, at("text")) : messageText(choice.message, at("message")),
    finishReason: typeof choice.finish_reason === "string" ? choice.finish_reason : "unknown",
    ...(promptIds && { promptTokens: promptIds }),
    ...(tokens && { tokens }),
    ...(promptIds && prompt != null && { promptScores: promptScoresIn(prompt, promptIds, at("prompt_logprobs")) }),
    ...(tokens && choice.logprobs != null && { scores: scoresIn(choice.logprobs, tokens, at("logprobs")) }),
  };
}

const messageText = (message: unknown, field: string) => {
  const { content } = recordIn(message, field);
  return content == null ? "" : textIn(content, `${field}.content`);
};

/** `token_ids`, or what the log-probs name as "token_id:<id>". */
function tokensIn(choice: Fields, at: (name: string) => string): Int32Array | undefined {
  if (choice.token_ids != null) return idsIn(choice.token_ids, at("token_ids"));
  if (choice.logprobs == null) return undefined;
  const { tokens, content } = recordIn(choice.logprobs, at("logprobs"));
  const names =
    tokens !== undefined
      ? Array.from(arrayIn(tokens, at("logprobs.tokens")))
      : Array.from(arrayIn(content, at("logprobs.content")), (entry) => (entry as Fields | null)?.token);
  const ids = names.map(namedId);
  return ids.includes(undefined) ? undefined : Int32Array.from(ids as number[]);
}

function namedId(name: unknown): number | undefined {
  const digits = typeof name === "string" ? /^token_id:(\d{1,10})$/.exec(name)?.[1] : undefined;
  return digits === undefined ? undefined : Number(digits);
}

const logprobIn = (value: unknown, field: string) => {
  const logprob = numberIn(value, field);
  return logprob <= -9999 ? -Infinity : logprob;
};

function promptScoresIn(value: unknown, ids: Int32Array, field: string): PositionScores[] {
  const list = arrayIn(value, field);
  if (list.length !== ids.length) {
    throw new WrongField(field, `expected ${ids.length} entries, one a prompt token, but found ${list.length}`);
  }
  return Array.from(ids.subarray(1), (token, i) => {
    const where = `${field}[${i + 1}]`;
    const entries = Object.entries(recordIn(list[i + 1], where)).map(([id, entry]) => {
      const { logprob, rank } = recordIn(entry, `${where}.${id}`);
      return {
        id: idIn(Number(id), `${where}.${id}`),
        logprob: logprobIn(logprob, `${where}.${id}.logprob`),
        rank: rank == null ? 0 : numberIn(rank, `${where}.${id}.rank`),
      };
    });
    const own = entries.find(({ id }) => id === token);
    if (!own) throw new WrongField(where, `expected the log-prob of token ${token} but found those of others`);
    const top = descending(entries.map(({ id, logprob }) => [id, logprob] as const));
    // with its rank within the list, the token is one of that many likeliest, even where it was added
    const certain = own.rank > entries.length || own.rank === 0 ? entries.length - 1 : entries.length;
    return { token, logprob: own.logprob, rank: own.rank, top, certain };
  });
}

function scoresIn(value: unknown, ids: Int32Array, field: string): PositionScores[] {
  const logprobs = recordIn(value, field);
  const positions = logprobs.content === undefined ? completionEntries(logprobs, field) : chatEntries(logprobs, field);
  if (positions.length !== ids.length) {
    throw new WrongField(field, `expected ${ids.length} log-probs, one a token, but found ${positions.length}`);
  }
  return positions.map(({ logprob, top }, i) => {
    const byId = top.map(([name, x]) => [namedId(name), x] as const);
    const known = byId.every(([id]) => id !== undefined) ? descending(byId as [number, number][]) : [];
    const certain = known.at(-1)?.[0] === ids[i] ? known.length - 1 : known.length;
    return { token: ids[i]!, logprob, rank: 0, top: known, certain };
  });
}

interface Entry {
  readonly logprob: number;
  readonly top: readonly (readonly [string, number])[];
}

function completionEntries({ token_logprobs: values, top_logprobs: tops }: Fields, field: string): Entry[] {
  const list = arrayIn(values, `${field}.token_logprobs`);
  const topList = tops == null ? undefined : arrayIn(tops, `${field}.top_logprobs`);
  if (topList && topList.length !== list.length) {
    throw new WrongField(`${field}.top_logprobs`, `expected ${list.length} entries but found ${topList.length}`);
  }
  return Array.from(list, (value, i) => {
    const where = `${field}.top_logprobs[${i}]`;
    const top = topList?.[i] == null ? [] : Object.entries(recordIn(topList[i], where));
    return {
      logprob: logprobIn(value, `${field}.token_logprobs[${i}]`),
      top: top.map(([name, x]) => [name, logprobIn(x, `${where}.${name}`)] as const),
    };
  });
}

function chatEntries({ content }: Fields, field: string): Entry[] {
  return Array.from(arrayIn(content, `${field}.content`), (entry, i) => {
    const where = `${field}.content[${i}]`;
    const { logprob, top_logprobs: tops = [] } = recordIn(entry, where);
    const top = Array.from(arrayIn(tops ?? [], `${where}.top_logprobs`), (alternative, j) => {
      const { token, logprob: x } = recordIn(alternative, `${where}.top_logprobs[${j}]`);
      const name = textIn(token, `${where}.top_logprobs[${j}].token`);
      return [name, logprobIn(x, `${where}.top_logprobs[${j}].logprob`)] as const;
    });
    return { logprob: logprobIn(logprob, `${where}.logprob`), top };
  });
}
