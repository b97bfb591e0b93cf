/**
 * A loss is a sum of named terms; each keeps a gradient of its own, so that one can see which of them moves the policy.
 *
 *   norm  = ‖∂term/∂logprobs, ∂term/∂entropies‖₂ over the tokens of the batch
 *   share = norm / Σ norms of all terms                                                0 where every norm is 0
 *
 * The norms are taken where the objective ends, at the log-probabilities; the norm in the parameters also depends on
 * the model. Terms that pull in opposite directions have norms that add up to more than the norm of their sum.
 */

import type { Batch, Loss, Metrics } from "../batch.ts";
import { type Reduction, reduce, type TokenLoss } from "../reduction.ts";

/** One summand of a loss. */
export interface Term {
  readonly name: string;
  readonly value: number;
  /** ∂value/∂logprobs, [N]. */
  readonly logprobs?: Float64Array;
  /** ∂value/∂entropies, [N]. */
  readonly entropies?: Float64Array;
}

export interface TermOptions {
  readonly name: string;
  /** Rows the mean runs over; each has a token that counts. */
  readonly rows: readonly number[];
  readonly reduction: Reduction;
}

/**
 * A term that is a function of each token's log-probability.
 *
 * @throws {RangeError} If the constant of the reduction is not a positive number.
 * @example
 * tokenTerm(batch, { name: "sft", rows, reduction: "token-mean" }, (t) => ({ value: -batch.logprobs[t], slope: -1 }));
 */
export function tokenTerm(batch: Batch, { name, ...options }: TermOptions, tokenLoss: TokenLoss): Term {
  const logprobs = new Float64Array(batch.logprobs.length);
  return { name, value: reduce(batch, { ...options, gradient: logprobs }, tokenLoss), logprobs };
}

/**
 * The entropy bonus − c · E[H], the one term that has a gradient with respect to the entropies.
 *
 * @throws {RangeError} If the constant of the reduction is not a positive number.
 * @example
 * entropyTerm(batch, { name: "entropyBonus", rows, reduction: "token-mean" }, 0.001).value; // −0.001 · mean entropy
 */
export function entropyTerm(batch: Batch, { name, ...options }: TermOptions, coefficient: number): Term {
  const entropies = new Float64Array(batch.entropies.length);
  const bonus: TokenLoss = (t) => ({ value: -coefficient * batch.entropies[t]!, slope: -coefficient });
  return { name, value: reduce(batch, { ...options, gradient: entropies }, bonus), entropies };
}

/**
 * A term times a number.
 *
 * @example
 * scaled({ name: "sft", value: 2 }, 0.5).value; // 1
 */
export function scaled({ name, value, logprobs, entropies }: Term, factor: number): Term {
  return {
    name,
    value: factor * value,
    ...(logprobs && { logprobs: logprobs.map((slope) => factor * slope) }),
    ...(entropies && { entropies: entropies.map((slope) => factor * slope) }),
  };
}

/**
 * The sum of some terms.
 *
 * @returns `gradients.entropies` only if a term has them.
 * @example
 * lossOf(batch, { terms: [tokenTerm(batch, options, loss)], metrics }).termGradients.sft; // { norm, share: 1 }
 */
export function lossOf(
  { logprobs }: Pick<Batch, "logprobs">,
  { terms, metrics }: { readonly terms: readonly Term[]; readonly metrics: Metrics },
): Loss {
  const norms = terms.map(normOf);
  const total = norms.reduce((sum, norm) => sum + norm, 0);
  const shareOf = (norm: number) => (total > 0 ? norm / total : 0);
  const entropies = terms.some((term) => term.entropies) ? sum(terms, "entropies", logprobs.length) : undefined;
  return {
    value: terms.reduce((value, term) => value + term.value, 0),
    gradients: { logprobs: sum(terms, "logprobs", logprobs.length), ...(entropies && { entropies }) },
    terms: Object.fromEntries(terms.map(({ name, value }) => [name, value])),
    termGradients: Object.fromEntries(
      terms.map(({ name }, i) => [name, { norm: norms[i]!, share: shareOf(norms[i]!) }]),
    ),
    metrics,
  };
}

function normOf({ logprobs, entropies }: Term) {
  const squares = (slopes?: Float64Array) => slopes?.reduce((total, slope) => total + slope * slope, 0) ?? 0;
  return Math.sqrt(squares(logprobs) + squares(entropies));
}

function sum(terms: readonly Term[], field: "logprobs" | "entropies", tokens: number) {
  const total = new Float64Array(tokens);
  for (const term of terms) {
    const slopes = term[field];
    if (slopes) for (let t = 0; t < tokens; t++) total[t]! += slopes[t]!;
  }
  return Float32Array.from(total);
}
