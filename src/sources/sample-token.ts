/** One token drawn from logits: temperature, then top-p, in float64. */

import type { Random } from "../random.ts";

export interface TokenChoice {
  /** 0 is greedy. */
  readonly temperature: number;
  /** The fewest likeliest tokens whose probabilities sum to at least this; 1 takes all. */
  readonly topP: number;
  readonly random?: Random;
}

export interface DrawnToken {
  readonly id: number;
  /** log π(id) of the model's softmax, nats. */
  readonly logprob: number;
  /** log-prob under the distribution it was drawn from, nats; 0 for greedy. */
  readonly behaviorLogprob: number;
  /** Of the model's softmax, nats. */
  readonly entropy: number;
}

/**
 * Draws a token; greedy takes the smallest id of equals.
 *
 * @param logits [V], finite or −Infinity.
 * @throws {RangeError} If no logit is finite, or one is NaN or +Infinity.
 * @example
 * sampleToken([0, 2, 1], { temperature: 0, topP: 1 }).id; // 1
 * sampleToken([0, 0], { temperature: 1, topP: 1, random: createRandom(7) }).logprob; // -0.693…
 */
export function sampleToken(logits: ArrayLike<number>, choice: TokenChoice): DrawnToken {
  const logs = logSoftmax(logits, 1);
  const entropy = logs.reduce((sum, log) => sum - (log === -Infinity ? 0 : Math.exp(log) * log), 0);
  const { id, log } = choice.temperature === 0 ? likeliest(logs) : drawn(logits, choice);
  return { id, logprob: logs[id]!, behaviorLogprob: log, entropy };
}

function logSoftmax(logits: ArrayLike<number>, temperature: number): Float64Array {
  let max = -Infinity;
  for (let v = 0; v < logits.length; v++) {
    const logit = logits[v]!;
    if (Number.isNaN(logit) || logit === Infinity) {
      throw new RangeError(`sampleToken: expected finite logits or -Infinity but found ${logit} for token ${v}`);
    }
    if (logit > max) max = logit;
  }
  if (max === -Infinity) throw new RangeError("sampleToken: expected a finite logit but found none");
  const logs = Float64Array.from(logits, (logit) => (logit - max) / temperature);
  const logSum = Math.log(logs.reduce((sum, log) => sum + Math.exp(log), 0));
  return logs.map((log) => log - logSum);
}

function likeliest(logs: Float64Array) {
  let id = 0;
  for (let v = 1; v < logs.length; v++) if (logs[v]! > logs[id]!) id = v;
  return { id, log: 0 };
}

function drawn(logits: ArrayLike<number>, { temperature, topP, random }: TokenChoice) {
  const logs = logSoftmax(logits, temperature);
  const ids = topP < 1 ? nucleus(logs, topP) : logs.keys();
  const kept = Array.from(ids);
  const mass = topP < 1 ? kept.reduce((sum, id) => sum + Math.exp(logs[id]!), 0) : 1;
  let rest = random!() * mass;
  let id = kept[0]!;
  for (const candidate of kept) {
    if (logs[candidate] === -Infinity) continue;
    id = candidate; // the last possible one where rounding leaves something over
    rest -= Math.exp(logs[candidate]!);
    if (rest < 0) break;
  }
  return { id, log: logs[id]! - Math.log(mass) };
}

function nucleus(logs: Float64Array, topP: number): number[] {
  const sorted = Array.from(logs.keys()).sort((a, b) => logs[b]! - logs[a]! || a - b);
  let mass = 0;
  const size = sorted.findIndex((id) => {
    mass += Math.exp(logs[id]!);
    return mass >= topP;
  });
  return size < 0 ? sorted : sorted.slice(0, size + 1);
}
