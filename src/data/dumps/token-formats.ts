/**
 * Dumps with token ids and log-probs.
 *
 *   prime-rl  `token_exports/step_<n>/rank_<r>.jsonl`, schema_version 1: token_ids · loss_mask · trainer_logprobs ·
 *             inference_logprobs · entropy · advantages · rewards, all aligned with token_ids: entry i is of token i, given
 *             those before it (src/prime_rl/trainer/rl/token_export.py). The completion begins at the first token that
 *             was trained on. null is what was not finite; it is refused where the token counts.
 *   vllm      answers of the server, one a line, or one JSON file with an answer or an array of them
 */

import { arrayIn, type Fields, idsIn, numberIn, numbersIn, WrongField } from "./fields.ts";
import { topLogprobsOf } from "./position-scores.ts";
import type { DumpContent, DumpTokens } from "./row.ts";
import { fieldsBut } from "./text-formats.ts";
import { type VllmChoice, vllmChoices } from "./vllm-response.ts";

const primeColumns =
  "token_ids position_ids loss_mask advantages losses rewards inference_logprobs trainer_logprobs entropy mismatch_kl " +
  "log_importance_ratio importance_ratio prob_delta is_masked is_masked_high is_masked_low step";

export function primeRlRows(columns: Fields): DumpContent[] {
  const { schema_version: version, export_step: exportStep, step } = columns;
  if (version !== 1)
    throw new WrongField("schema_version", `expected 1, the one we know, but found ${String(version)}`);
  const ids = idsIn(columns.token_ids, "token_ids");
  const trained = maskIn(columns.loss_mask, ids.length);
  const start = trained.indexOf(1);
  if (start < 0) throw new WrongField("loss_mask", "expected a token that counts but found none");
  const column = (name: string) => numbersIn(columns[name], name, { length: ids.length, nulls: "NaN" }).subarray(start);
  const mask = trained.slice(start);
  const logprobs = known(column("trainer_logprobs"), mask, { field: "trainer_logprobs", start });
  const tokens: DumpTokens = {
    prompt: ids.slice(0, start),
    completion: ids.slice(start),
    mask,
    scores: { ...emptyTop, logprobs, ranks: new Int32Array(mask.length) },
    behaviorLogprobs: known(column("inference_logprobs"), mask, { field: "inference_logprobs", start }),
    entropies: known(column("entropy"), mask, { field: "entropy", start }),
    advantages: column("advantages"),
  };
  const reward = column("rewards")[0]!;
  return [
    {
      tokens,
      step: numberIn(exportStep ?? step, "step"),
      ...(!Number.isNaN(reward) && { reward }),
      fields: { ...fieldsBut(columns, primeColumns.split(" ")), trainerStep: numberIn(step, "step") },
    },
  ];
}

const emptyTop = { topK: 0, topIds: new Int32Array(0), topLogprobs: new Float32Array(0) };

function maskIn(value: unknown, length: number): Uint8Array {
  const list = arrayIn(value, "loss_mask");
  if (list.length !== length) {
    throw new WrongField("loss_mask", `expected ${length} entries, one a token, but found ${list.length}`);
  }
  return Uint8Array.from(list as ArrayLike<number>, (entry, i) => {
    if (typeof entry === "boolean" || entry === 0 || entry === 1) return Number(entry);
    throw new WrongField(`loss_mask[${i}]`, `expected true or false but found ${String(entry)}`);
  });
}

/** The numbers, if none that counts is unknown. */
function known(numbers: Float32Array, mask: Uint8Array, { field, start }: { field: string; start: number }) {
  const unknown = numbers.findIndex((number, i) => mask[i] === 1 && Number.isNaN(number));
  if (unknown < 0) return numbers;
  throw new WrongField(`${field}[${start + unknown}]`, "expected a number where loss_mask is true but found nothing");
}

export interface VllmDumpOptions {
  /** k of the request's logprobs, if it is known. Default: the most that is certain. */
  readonly topK?: number;
}

export function vllmRows(answer: Fields, { topK }: VllmDumpOptions): DumpContent[] {
  const fields = fieldsBut(answer, ["choices", "prompt_token_ids", "prompt_logprobs", "usage"]);
  return vllmChoices(answer).map((choice, index) => ({
    completion: choice.text,
    ...tokensOf(choice, topK),
    fields: { ...fields, index, finishReason: choice.finishReason },
  }));
}

function tokensOf({ promptTokens, tokens, scores }: VllmChoice, topK: number | undefined): { tokens?: DumpTokens } {
  if (!promptTokens || !tokens) return {};
  const mask = new Uint8Array(tokens.length).fill(1);
  const packed = scores && topLogprobsOf(scores, topK === undefined ? {} : { topK });
  return { tokens: { prompt: promptTokens, completion: tokens, mask, ...(packed && { scores: packed }) } };
}
