/**
 * How far apart two next-token distributions P and Q over one vocabulary are, in float64 and from the whole vocabulary.
 *
 *     KL(P‖Q) = Σ_v P(v) log(P(v) / Q(v)), in [0, ∞]          JS = ½ KL(P‖M) + ½ KL(Q‖M), M = (P + Q) / 2, in [0, ln 2]
 *     H(P)    = −Σ_v P(v) log P(v), in [0, ln V]              TV = ½ Σ_v |P(v) − Q(v)|, in [0, 1]
 *
 * Units are nats. A logit of −Infinity is a token that cannot occur: it has probability 0, 0 log 0 counts as 0, and
 * KL(P‖Q) is Infinity where P(v) > 0 = Q(v). NaN and +Infinity are refused. A sum that rounding takes past the end of
 * its range, by some 1e-16, is returned as that end.
 *
 * Ties: a token's rank is 1 + the number of tokens with a strictly larger logit, so that equals share the best rank and
 * every first choice has rank 1; where one of several equals must be named, it is the one with the smallest id.
 */

/** Divergences of P and Q, in nats; tv is a probability. */
export interface Divergences {
  /** KL(P‖Q). */
  readonly kl: number;
  /** KL(Q‖P). */
  readonly reverseKl: number;
  readonly js: number;
  readonly tv: number;
}

/** The same for N pairs of rows, [N] each. */
export interface DivergenceRows {
  readonly kl: Float64Array;
  readonly reverseKl: Float64Array;
  readonly js: Float64Array;
  readonly tv: Float64Array;
}

/**
 * log softmax of one row of logits, in float64.
 *
 * @param logits [V], finite or −Infinity, at least one finite.
 * @param out Where to write, [V]; a new array if left out.
 * @throws {RangeError} If a logit is NaN or +Infinity, or none is finite.
 * @example
 * logSoftmax([0, 0]); // Float64Array [-0.6931471805599453, -0.6931471805599453]
 */
export function logSoftmax(
  logits: ArrayLike<number>,
  out: Float64Array = new Float64Array(logits.length),
): Float64Array {
  let max = -Infinity;
  for (let v = 0; v < logits.length; v++) {
    const logit = logits[v]!;
    if (!(logit < Infinity)) {
      throw new RangeError(`logSoftmax: expected finite or -Infinity logits but found ${logit} at ${v}`);
    }
    if (logit > max) max = logit;
  }
  if (max === -Infinity) throw new RangeError("logSoftmax: expected at least one finite logit but found none");
  let sum = 0;
  for (let v = 0; v < logits.length; v++) sum += Math.exp(logits[v]! - max);
  const logSum = Math.log(sum);
  for (let v = 0; v < logits.length; v++) out[v] = logits[v]! - max - logSum;
  return out;
}

/**
 * Entropy of a distribution.
 *
 * @param logprobs [V] nats, as `logSoftmax` gives them.
 * @returns Nats, in [0, ln V].
 * @throws {RangeError} If the probabilities do not sum to 1 within 1e-3.
 * @example
 * entropy(logSoftmax([0, 0])); // 0.6931471805599453
 */
export function entropy(logprobs: ArrayLike<number>): number {
  let sum = 0;
  let total = 0;
  for (let v = 0; v < logprobs.length; v++) {
    const p = Math.exp(logprobs[v]!);
    total += p;
    if (p > 0) sum -= p * logprobs[v]!;
  }
  checkTotal(total, "entropy");
  return Math.max(sum, 0);
}

/**
 * KL both ways, Jensen–Shannon and total variation of two distributions.
 *
 * @param p log P, [V] nats, as `logSoftmax` gives them.
 * @param q log Q, [V] nats.
 * @throws {RangeError} If the lengths differ, or the probabilities do not sum to 1 within 1e-3.
 * @example
 * divergences(logSoftmax([0, -Infinity]), logSoftmax([0, 0]));
 * // { kl: 0.6931471805599453, reverseKl: Infinity, js: 0.21576155433883565, tv: 0.5 }
 */
export function divergences(p: ArrayLike<number>, q: ArrayLike<number>): Divergences {
  if (p.length !== q.length) {
    throw new RangeError(`divergences: expected rows of one length but found ${p.length} and ${q.length}`);
  }
  let [kl, reverseKl, js, tv, totalP, totalQ] = [0, 0, 0, 0, 0, 0];
  for (let v = 0; v < p.length; v++) {
    const [logP, logQ] = [p[v]!, q[v]!];
    const [probP, probQ] = [Math.exp(logP), Math.exp(logQ)];
    if (probP > 0) {
      kl += probP * (logP - logQ);
      js += probP * Math.log((2 * probP) / (probP + probQ));
    }
    if (probQ > 0) {
      reverseKl += probQ * (logQ - logP);
      js += probQ * Math.log((2 * probQ) / (probP + probQ));
    }
    tv += Math.abs(probP - probQ);
    totalP += probP;
    totalQ += probQ;
  }
  checkTotal(totalP, "divergences");
  checkTotal(totalQ, "divergences");
  return {
    kl: Math.max(kl, 0),
    reverseKl: Math.max(reverseKl, 0),
    js: Math.min(Math.max(js / 2, 0), Math.LN2),
    tv: Math.min(tv / 2, 1),
  };
}

/**
 * Divergences row by row of two arrays of logits.
 *
 * @param p Logits, [N, V] row-major, unnormalised.
 * @param q Logits, [N, V].
 * @throws {RangeError} If the lengths differ or are no multiple of the vocabulary's size, or a logit is NaN or +Infinity.
 * @example
 * divergenceRows(Float32Array.of(0, 0, 1, 2), Float32Array.of(0, 0, 2, 1), { vocabularySize: 2 }).kl;
 * // Float64Array [0, 0.46211715726000973]
 */
export function divergenceRows(
  p: Float32Array | Float64Array,
  q: Float32Array | Float64Array,
  { vocabularySize }: { readonly vocabularySize: number },
): DivergenceRows {
  if (p.length !== q.length || !(vocabularySize >= 1) || p.length % vocabularySize !== 0) {
    throw new RangeError(
      `divergenceRows: expected two arrays of [N, ${vocabularySize}] logits but found ${p.length} and ${q.length} numbers`,
    );
  }
  const n = p.length / vocabularySize;
  const column = () => new Float64Array(n);
  const rows = { kl: column(), reverseKl: column(), js: column(), tv: column() };
  const [logP, logQ] = [new Float64Array(vocabularySize), new Float64Array(vocabularySize)];
  for (let i = 0; i < n; i++) {
    const [begin, end] = [i * vocabularySize, (i + 1) * vocabularySize];
    const row = divergences(logSoftmax(p.subarray(begin, end), logP), logSoftmax(q.subarray(begin, end), logQ));
    rows.kl[i] = row.kl;
    rows.reverseKl[i] = row.reverseKl;
    rows.js[i] = row.js;
    rows.tv[i] = row.tv;
  }
  return rows;
}

/**
 * Rank of a token: 1 + the number of tokens with a strictly larger value, so 1 is the first choice and equals share the
 * best rank.
 *
 * @param values Logits or log-probs, [V].
 * @throws {RangeError} If the token is not in [0, V).
 * @example
 * rankOf([3, 1, 2, 2], 3); // 2
 */
export function rankOf(values: ArrayLike<number>, token: number): number {
  const value = values[token];
  if (value === undefined) {
    throw new RangeError(`rankOf: expected a token in [0, ${values.length}) but found ${token}`);
  }
  let rank = 1;
  for (let v = 0; v < values.length; v++) if (values[v]! > value) rank++;
  return rank;
}

/**
 * The k largest entries in descending order; of equals the one with the smaller id comes first.
 *
 * @param values Logits or log-probs, [V].
 * @param k 1 … V.
 * @returns Token ids, [k].
 * @throws {RangeError} If k is not an integer in [1, V].
 * @example
 * topK([3, 1, 2, 2], 3); // Int32Array [0, 2, 3]
 */
export function topK(values: ArrayLike<number>, k: number): Int32Array {
  if (!(Number.isInteger(k) && k >= 1 && k <= values.length)) {
    throw new RangeError(`topK: expected k in [1, ${values.length}] but found ${k}`);
  }
  const ids = new Int32Array(k);
  for (let v = 0, found = 0; v < values.length; v++) {
    if (found === k && !(values[v]! > values[ids[k - 1]!]!)) continue;
    let place = found < k ? found++ : k - 1;
    for (; place > 0 && values[v]! > values[ids[place - 1]!]!; place--) ids[place] = ids[place - 1]!;
    ids[place] = v;
  }
  return ids;
}

function checkTotal(total: number, name: string) {
  if (!(Math.abs(total - 1) <= 1e-3)) {
    throw new RangeError(
      `${name}: expected log-probs of sum 1 but found sum ${total}: give logits to logSoftmax first`,
    );
  }
}
