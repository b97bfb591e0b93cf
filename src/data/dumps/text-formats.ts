/**
 * Dumps of texts with their rewards, without token ids.
 *
 *   verl     trainer.rollout_data_dir and validation_data_dir, `<step>.jsonl`: input · output · gts · score · step · whatever
 *            the reward function added (`_dump_generations` of verl/trainer/ppo/ray_trainer.py)
 *   trl      log_completions, `completions_<step>.parquet`: step · prompt · completion · a column for each reward function
 *            · advantage (`log` of trl/trainer/grpo_trainer.py)
 *   lm-eval  --log_samples, `samples_<task>_<date>.jsonl`: doc_id · arguments.gen_args_<i>.arg_<j> · resps[i][repeat], which
 *            is text, or log-likelihood and "is it the greedy text" (`save_results_samples` of evaluation_tracker.py)
 *
 * verl and TRL decode without special tokens: a text that is encoded again may lack the end token that was sampled.
 */

import {
  arrayIn,
  type Fields,
  numberIn,
  numberOrNothing,
  recordIn,
  textIn,
  WrongField,
  withoutBigInts,
} from "./fields.ts";
import type { DumpContent } from "./row.ts";

export interface TextFormatOptions {
  /** Column of the reward. Default: verl's score; the others name several and have no default. */
  readonly reward?: string;
}

export function verlRows(columns: Fields, { reward = "score" }: TextFormatOptions): DumpContent[] {
  const { input, output, step } = columns;
  const row = { prompt: textIn(input, "input"), completion: textIn(output, "output") };
  const fields = fieldsBut(columns, ["input", "output", "step"]);
  return [{ ...row, ...numbers({ step: [step, "step"], reward: [required(columns, reward), reward] }), fields }];
}

export function trlRows(columns: Fields, { reward }: TextFormatOptions): DumpContent[] {
  const { prompt, completion, step, advantage } = columns;
  const given = reward === undefined ? undefined : required(columns, reward);
  return [
    {
      prompt: contentIn(prompt, "prompt"),
      completion: contentIn(completion, "completion"),
      ...numbers({ step: [step, "step"], advantage: [advantage, "advantage"], reward: [given, reward ?? "reward"] }),
      fields: fieldsBut(columns, ["prompt", "completion", "step", "advantage"]),
    },
  ];
}

/** A request and a repeat of it make a row; a loglikelihood's completion is the continuation that was asked about. */
export function lmEvalRows(columns: Fields, { reward }: TextFormatOptions): DumpContent[] {
  const given = reward === undefined ? undefined : required(columns, reward);
  const shared = { ...numbers({ reward: [given, reward ?? "reward"] }) };
  const fields = fieldsBut(columns, ["arguments", "resps"]);
  const requests = argumentsIn(columns.arguments);
  const answers = Array.from(arrayIn(columns.resps, "resps"));
  if (answers.length !== requests.length) {
    throw new WrongField("resps", `expected ${requests.length} answers, one a request, but found ${answers.length}`);
  }
  return answers.flatMap((repeats, i) =>
    Array.from(arrayIn(repeats, `resps[${i}]`), (answer, repeat) => ({
      ...shared,
      ...lmEvalAnswer(requests[i]!, answer, `resps[${i}][${repeat}]`),
      fields: { ...fields, request: i, repeat },
    })),
  );
}

interface LmEvalRequest {
  readonly prompt: string;
  readonly continuation: unknown;
}

function argumentsIn(value: unknown): LmEvalRequest[] {
  const list = Array.isArray(value) ? value.entries() : named(recordIn(value, "arguments"), "gen_args_");
  return Array.from(list, ([i, request]) => {
    const parts = Array.isArray(request)
      ? request
      : [...named(recordIn(request, `arguments[${i}]`), "arg_")].map((e) => e[1]);
    return { prompt: textIn(parts[0], `arguments[${i}][0]`), continuation: parts[1] };
  });
}

/** The entries prefix0, prefix1, … in their order. */
function* named(record: Fields, prefix: string): Generator<[number, unknown]> {
  for (let i = 0; `${prefix}${i}` in record; i++) yield [i, record[`${prefix}${i}`]];
}

function lmEvalAnswer({ prompt, continuation }: LmEvalRequest, answer: unknown, field: string) {
  if (typeof answer === "string") return { prompt, completion: answer };
  const [logprob] = Array.from(arrayIn(answer, field));
  const completion = typeof continuation === "string" ? { completion: continuation } : {};
  return { prompt, ...completion, totalLogprob: numberIn(logprob, `${field}[0]`) };
}

function required(columns: Fields, column: string): unknown {
  if (column in columns) return columns[column];
  throw new WrongField(
    column,
    `expected a reward but found the columns ${Object.keys(columns).join(", ")}; see reward`,
  );
}

function numbers(given: Record<string, readonly [value: unknown, field: string]>): Record<string, number> {
  const found = Object.entries(given).map(([name, [value, field]]) => [name, numberOrNothing(value, field)]);
  return Object.fromEntries(found.filter(([, value]) => value !== undefined));
}

/** Text, or messages one after another, as conversational datasets have them. */
function contentIn(value: unknown, field: string): string {
  if (!Array.isArray(value)) return textIn(value, field);
  return value
    .map((message, i) => textIn(recordIn(message, `${field}[${i}]`).content, `${field}[${i}].content`))
    .join("");
}

const idField = /(^|_)(id|index)$/;

/** The other columns; an id that JSON has rounded is refused. */
export function fieldsBut(columns: Fields, taken: readonly string[]): Record<string, unknown> {
  const rest = Object.entries(columns).filter(([name]) => !taken.includes(name));
  for (const [name, value] of rest) {
    if (idField.test(name) && typeof value === "number" && !Number.isSafeInteger(value)) {
      throw new WrongField(name, `expected text or an integer below 2^53 but found ${value}, which JSON has rounded`);
    }
  }
  return withoutBigInts(Object.fromEntries(rest)) as Record<string, unknown>;
}
