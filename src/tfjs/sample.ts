/**
 * Sampling: the whole text is read again for every token, which is right for any model, unless the model brings a cache
 * (decode.ts). Logits of the last position come to JavaScript, where a token is drawn in float64 by inverting the cumulative distribution at a
 * uniform number, so the same seed draws the same tokens on every backend (up to the rounding of the logits). Of the
 * random numbers, step t and row i use number t · rows + i, as the policies of `loadPolicy` do.
 */

import type { Random } from "../random.ts";
import type { Rollouts, SampleOptions, Sequence } from "../srft/policy.ts";
import { checkSampling, offsetsOf } from "../srft/policy-input.ts";
import { checkPrompt, type Limits } from "./batch.ts";
import type { NextLogits } from "./decode.ts";

interface Token {
  readonly token: number;
  readonly logprob: number;
  readonly behaviorLogprob: number;
  readonly entropy: number;
}

interface Row {
  readonly prompt: ArrayLike<number>;
  readonly tokens: Token[];
}

/** Draws completions of prompts that `checkPrompts` has passed. */
export async function sampleTokens(
  logits: NextLogits,
  prompts: readonly ArrayLike<number>[],
  options: SampleOptions & { readonly endToken: number },
): Promise<Rollouts> {
  const { groupSize = 1, maxTokens, temperature = 1, random, endToken } = options;
  const rows: Row[] = prompts.flatMap((prompt) => Array.from({ length: groupSize }, () => ({ prompt, tokens: [] })));
  const uniforms = temperature === 0 ? undefined : uniformNumbers(random!, maxTokens * rows.length);
  for (let step = 0; step < maxTokens; step++) {
    const open = [...rows.keys()].filter((row) => rows[row]!.tokens.at(-1)?.token !== endToken);
    if (open.length === 0) break;
    const next = await logits.next(open.map((row) => openRow(row, rows[row]!)));
    const width = next.length / open.length;
    for (const [i, row] of open.entries()) {
      const uniform = uniforms?.[step * rows.length + row];
      rows[row]!.tokens.push(chooseToken(next.subarray(i * width, (i + 1) * width), { temperature, uniform }));
    }
  }
  return collect(rows.map(({ tokens }) => tokens));
}

/** Next-token logits by reading whole texts; `endToken` stands for the token that is asked for. */
export function rereadLogits(
  logits: (sequences: readonly Sequence[]) => Promise<Float32Array>,
  endToken: number,
): NextLogits {
  return {
    next: (open) =>
      logits(
        open.map(({ prompt, tokens }) => ({ prompt: [...Array.from(prompt), ...tokens], completion: [endToken] })),
      ),
    dispose() {},
  };
}

const openRow = (row: number, { prompt, tokens }: Row) => ({ row, prompt, tokens: tokens.map(({ token }) => token) });

/** 24 bits each, as the policies of `loadPolicy` take them. */
const uniformNumbers = (random: Random, size: number) =>
  Float64Array.from({ length: size }, () => Math.floor(random() * 2 ** 24) / 2 ** 24);

function collect(rows: readonly (readonly Token[])[]): Rollouts {
  const tokens = rows.flat();
  return {
    completions: rows.map((row) => Int32Array.from(row, ({ token }) => token)),
    logprobs: Float32Array.from(tokens, ({ logprob }) => logprob),
    behaviorLogprobs: Float32Array.from(tokens, ({ behaviorLogprob }) => behaviorLogprob),
    entropies: Float32Array.from(tokens, ({ entropy }) => entropy),
    offsets: offsetsOf(rows),
  };
}

function chooseToken(
  logits: Float32Array,
  { temperature, uniform }: { temperature: number; uniform?: number | undefined },
): Token {
  const logs = logSoftmax(logits);
  const entropy = logs.reduce((sum, log) => (log > -Infinity ? sum - Math.exp(log) * log : sum), 0);
  if (uniform === undefined) {
    const token = likeliest(logs);
    return { token, logprob: logs[token]!, behaviorLogprob: 0, entropy };
  }
  const behavior = temperature === 1 ? logs : logSoftmax(logits, temperature);
  const token = invertCumulative(behavior, uniform);
  return { token, logprob: logs[token]!, behaviorLogprob: behavior[token]!, entropy };
}

function logSoftmax(logits: Float32Array, temperature = 1): Float64Array {
  const scaled = Float64Array.from(logits, (logit) => logit / temperature);
  const largest = scaled.reduce((a, b) => Math.max(a, b), -Infinity);
  if (!Number.isFinite(largest)) {
    throw new RangeError(`sample: expected finite logits but found ${largest}; did the parameters diverge?`);
  }
  const total = scaled.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
  return scaled.map((logit) => logit - largest - Math.log(total));
}

function likeliest(logs: Float64Array): number {
  let best = 0;
  for (let token = 1; token < logs.length; token++) if (logs[token]! > logs[best]!) best = token;
  return best;
}

/** The first token whose cumulative probability exceeds the uniform number; never one of probability 0. */
function invertCumulative(logs: Float64Array, uniform: number): number {
  let [cumulative, last] = [0, 0];
  for (let token = 0; token < logs.length; token++) {
    const p = Math.exp(logs[token]!);
    if (p === 0) continue;
    cumulative += p;
    last = token;
    if (uniform < cumulative) return token;
  }
  return last;
}

/**
 * @throws {RangeError} If a count, the temperature or a token is out of range, or a row exceeds the context.
 * @throws {TypeError} If random numbers are needed and missing.
 */
export function checkPrompts(prompts: readonly ArrayLike<number>[], options: SampleOptions, limits: Limits): void {
  checkSampling(options);
  const { maxTokens } = options;
  if (prompts.length === 0) throw new RangeError("sample: expected one prompt or more but found none");
  for (const [row, prompt] of prompts.entries()) {
    checkPrompt(prompt, { ...limits, row });
    if (prompt.length + maxTokens > limits.contextLength) {
      throw new RangeError(
        `sample: expected prompt + maxTokens <= ${limits.contextLength} but found ${prompt.length} + ${maxTokens} in row ${row}; lower maxTokens`,
      );
    }
  }
}
