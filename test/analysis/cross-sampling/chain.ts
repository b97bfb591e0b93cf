/** Policies whose next token depends on the token before, and the exact distribution of what crossSample writes. */

import { divergences, logSoftmax } from "../../../src/analysis/divergences.ts";
import { SoftmaxTable } from "../../../src/models/softmax-table.ts";

export const contextLength = 12;

/** One row of logits for each preceding token; the last token ends a text. */
export function chain(rows: readonly (readonly number[])[]): SoftmaxTable {
  const vocabularySize = rows.length;
  const config = { vocabularySize, contextLength, endToken: vocabularySize - 1 };
  return new SoftmaxTable(config, [...rows.flat(), ...Array<number>(vocabularySize).fill(0)]);
}

/** A policy that always writes next[token] after token. */
export function scripted(next: readonly number[]): SoftmaxTable {
  return chain(next.map((to) => next.map((_, v) => (v === to ? 0 : -Infinity))));
}

export interface Exact {
  readonly writer: readonly (readonly number[])[];
  readonly other: readonly (readonly number[])[];
  readonly above: number;
  readonly budget: number;
  readonly maxTokens: number;
}

/** Probability of every completion, token by token: the other's draw where JS > above and budget is left. */
export function exactDistribution({ writer, other, above, budget, maxTokens }: Exact, start: number) {
  const found = new Map<string, number>();
  const walk = (text: readonly number[], left: number, probability: number) => {
    const before = text.at(-1) ?? start;
    if (text.length === maxTokens || before === writer.length - 1) {
      found.set(text.join(" "), (found.get(text.join(" ")) ?? 0) + probability);
      return;
    }
    const [p, q] = [logSoftmax(writer[before]!), logSoftmax(other[before]!)];
    const swap = left > 0 && divergences(p, q).js > above;
    for (const [v, logprob] of (swap ? q : p).entries()) {
      const chance = Math.exp(logprob);
      if (chance > 0) walk([...text, v], swap ? left - 1 : left, probability * chance);
    }
  };
  walk([], budget, 1);
  return found;
}
