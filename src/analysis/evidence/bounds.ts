/**
 * What can be said of next-token distributions P and Q of which only some tokens' log-probs are known, as from a server
 * that gives the k likeliest: an interval that holds the true value, whatever the rest of the distribution is. Nothing is
 * renormalised: a list of 20 that is rescaled to sum to 1 is another distribution.
 *
 * Known are P on A, Q on B; the rest of P has mass r_P = 1 − P(A), and none of it is larger than a cap c_P (of a list of
 * the k likeliest, the k-th). KL, reverse KL, JS and TV are sums Σ_v φ(p_v, q_v) of a convex φ with φ(ap, aq) = aφ(p, q).
 *
 * - Lower: for every ratio ρ the plane φ(p, q) ≥ βp + αq with β = ∂φ/∂p, α = ∂φ/∂q at p/q = ρ bounds the tokens of which
 *   neither is known, and min_q≤c φ(p, q) − αq those of which one is known, at q = min(c, p/ρ). Hence
 *       Σ_A∩B φ + Σ_A∖B [φ(p, q*) − αq*] + Σ_B∖A [φ(p*, q) − βp*] + αr_Q + βr_P
 *   is a lower bound for every ρ (Lagrangian duality), and the best ρ is searched for: no search error can break it.
 * - Upper: φ(p, q) ≤ φ(1, 0) p + φ(0, 1) q, which is ½(p + q) for TV, ½ ln 2 (p + q) for JS and ∞ for KL: a token that Q
 *   gives no probability makes KL(P‖Q) infinite. Only a `floor` under all log-probs makes KL's upper bound finite.
 * - Entropy: among tails of mass r over m tokens below the cap, the uniform one has the most, r ln(m / r), and the one that
 *   fills ⌊r / c⌋ tokens up to the cap the least (Schur concavity): both are reached, so the interval is the best there is.
 */

/** What is known of a distribution. */
export interface PartialDistribution {
  /** All different. */
  readonly ids: ArrayLike<number>;
  /** Their log-probs, nats. */
  readonly logprobs: ArrayLike<number>;
  /** No other token has a larger log-prob. Default 0: nothing is known. */
  readonly cap?: number;
}

export interface BoundsOptions {
  /** V; Infinity where it is not known. */
  readonly vocabularySize: number;
  /** Largest error of a known log-prob, nats, 0 … 0.1. Default 1e-6, that of float32 numbers. */
  readonly tolerance?: number;
  /** No log-prob of any token is smaller, nats. Default −Infinity: nothing is known. */
  readonly floor?: number;
}

/** [smallest, largest] value that what is known allows. */
export type Interval = readonly [number, number];

/** Intervals of the divergences of P and Q, nats; tv is a probability. */
export type DivergenceBounds = Readonly<Record<"kl" | "reverseKl" | "js" | "tv", Interval>>;

/** A sum's term φ, its slopes at p/q = ρ, and φ(1, 0) = φ(0, 1). */
interface Term {
  readonly of: (p: number, q: number) => number;
  readonly slopes: (ratio: number) => readonly [ofP: number, ofQ: number];
  readonly most: number;
  /** The only ratios worth trying; none: search. */
  readonly ratios?: readonly number[];
}

const terms = {
  kl: {
    of: (p, q) => (p === 0 ? 0 : p * Math.log(p / q)),
    slopes: (ratio) => [Math.log(ratio) + 1, -ratio],
    most: Infinity,
  },
  js: {
    of: (p, q) => half(p, p + q) + half(q, p + q),
    slopes: (ratio) => [Math.log((2 * ratio) / (1 + ratio)) / 2, Math.log(2 / (1 + ratio)) / 2],
    most: Math.LN2 / 2,
  },
  tv: {
    of: (p, q) => Math.abs(p - q) / 2,
    slopes: (ratio) => [Math.sign(ratio - 1) / 2, -Math.sign(ratio - 1) / 2],
    most: 0.5,
    ratios: [0.5, 2],
  },
} satisfies Record<string, Term>;

const half = (p: number, sum: number) => (p === 0 ? 0 : (p / 2) * Math.log((2 * p) / sum));

/**
 * Intervals of KL both ways, Jensen–Shannon and total variation.
 *
 * @throws {RangeError} If known probabilities sum to more than 1, an id comes twice or is outside the vocabulary, a
 *   log-prob is positive or NaN, or the tolerance is out of range.
 * @example
 * const p = { ids: [0, 1], logprobs: [Math.log(0.8), Math.log(0.1)], cap: Math.log(0.1) };
 * const q = { ids: [0, 1], logprobs: [Math.log(0.1), Math.log(0.8)], cap: Math.log(0.1) };
 * divergenceBounds(p, q, { vocabularySize: 1000 }).tv; // [0.6999…, 0.8000…]
 */
export function divergenceBounds(
  p: PartialDistribution,
  q: PartialDistribution,
  options: BoundsOptions,
): DivergenceBounds {
  const [a, b] = [known(p, options), known(q, options)];
  const forward = matched(a, b, options);
  const backward = {
    ...forward,
    both: forward.both.map(([x, y]) => [y, x] as const),
    onlyP: forward.onlyQ,
    onlyQ: forward.onlyP,
    p: b,
    q: a,
  };
  return {
    kl: [lowest(terms.kl, forward), highestKl(forward)],
    reverseKl: [lowest(terms.kl, backward), highestKl(backward)],
    js: [lowest(terms.js, forward), Math.min(highest(terms.js, forward), Math.LN2)],
    tv: [lowest(terms.tv, forward), Math.min(highest(terms.tv, forward), 1)],
  };
}

/**
 * The interval of a distribution's entropy, nats.
 *
 * @throws {RangeError} As `divergenceBounds`.
 * @example
 * entropyBounds({ ids: [1], logprobs: [Math.log(0.5)] }, { vocabularySize: 3 }); // [0.693…, 1.039…]
 */
export function entropyBounds(distribution: PartialDistribution, options: BoundsOptions): Interval {
  const { probs, cap, mass, count, error } = known(distribution, options);
  let [least, most] = [0, 0];
  for (const prob of probs.values()) {
    const range = [prob / error, Math.min(prob * error, 1)].map(surprise) as [number, number];
    least += Math.min(...range);
    most += prob / error < 1 / Math.E && prob * error > 1 / Math.E ? 1 / Math.E : Math.max(...range);
  }
  return [least + Math.min(...mass.map((r) => leastTail(r, cap))), most + Math.max(...mostTail(mass, count))];
}

/** −x ln x. */
const surprise = (x: number) => (x > 0 ? -x * Math.log(x) : 0);

function leastTail(mass: number, cap: number) {
  if (mass <= cap) return surprise(mass);
  const full = Math.floor(mass / cap);
  return full * surprise(cap) + surprise(Math.max(mass - full * cap, 0));
}

/** r ln(m / r) rises up to r = m / e and falls beyond. */
function mostTail([low, high]: Interval, count: number): number[] {
  if (high === 0 || count === 0) return [0];
  const of = (mass: number) => (mass > 0 ? mass * Math.log(count / mass) : 0);
  return count / Math.E > low && count / Math.E < high ? [count / Math.E] : [of(low), of(high)];
}

interface Known {
  readonly probs: ReadonlyMap<number, number>;
  /** Largest probability of a token that is not known. */
  readonly cap: number;
  /** Of what is not known. */
  readonly mass: Interval;
  /** How many tokens are not known. */
  readonly count: number;
  /** A known probability is right within this factor. */
  readonly error: number;
}

function known({ ids, logprobs, cap = 0 }: PartialDistribution, options: BoundsOptions): Known {
  const { vocabularySize, tolerance = 1e-6 } = options;
  if (!(tolerance >= 0 && tolerance <= 0.1)) {
    throw new RangeError(`divergenceBounds: expected a tolerance in [0, 0.1] nats but found ${tolerance}`);
  }
  const probs = new Map<number, number>();
  const error = Math.exp(Math.max(tolerance, 1e-12)); // rounding of sums in float64 at the least
  let sum = 0;
  for (let i = 0; i < ids.length; i++) {
    const [id, prob] = [ids[i]!, Math.exp(logprobs[i]!)];
    checkEntry({ id, prob, vocabularySize, isNew: !probs.has(id), error });
    probs.set(id, prob);
    sum += prob;
  }
  if (sum > error + 1e-6) {
    throw new RangeError(
      `divergenceBounds: expected known probabilities of sum <= 1 but found ${sum}: are these logits?`,
    );
  }
  const count = vocabularySize - probs.size;
  const largest = Math.min(Math.exp(cap) * error, 1);
  const high = Math.min(Math.max(1 - sum / error, 0), largest > 0 && count > 0 ? largest * count : 0);
  const mass: Interval = [Math.min(Math.max(1 - sum * error, 0), high), high];
  return { probs, cap: largest, mass, count, error };
}

function checkEntry(entry: { id: number; prob: number; vocabularySize: number; isNew: boolean; error: number }) {
  const { id, prob, vocabularySize, isNew, error } = entry;
  if (!(Number.isInteger(id) && id >= 0 && id < vocabularySize && isNew)) {
    throw new RangeError(`divergenceBounds: expected different ids in [0, ${vocabularySize}) but found ${id}`);
  }
  if (!(prob <= error)) {
    throw new RangeError(`divergenceBounds: expected log-probs <= 0 but found ${Math.log(prob)} of token ${id}`);
  }
}

/** Known probabilities, by whether both, P's or Q's alone are known. */
interface Matched {
  readonly both: readonly (readonly [number, number])[];
  readonly onlyP: readonly number[];
  readonly onlyQ: readonly number[];
  readonly p: Known;
  readonly q: Known;
  /** Whether there are tokens of which neither is known. */
  readonly hasRest: boolean;
  readonly floor: number;
}

function matched(p: Known, q: Known, { vocabularySize, floor = -Infinity }: BoundsOptions): Matched {
  const shared = [...p.probs].filter(([id]) => q.probs.has(id));
  return {
    both: shared.map(([id, prob]) => [prob, q.probs.get(id)!]),
    onlyP: [...p.probs].filter(([id]) => !q.probs.has(id)).map(([, prob]) => prob),
    onlyQ: [...q.probs].filter(([id]) => !p.probs.has(id)).map(([, prob]) => prob),
    p,
    q,
    hasRest: vocabularySize > p.probs.size + q.probs.size - shared.length,
    floor,
  };
}

function lowest(term: Term, at: Matched): number {
  const shared = at.both.reduce((sum, pair) => sum + tangent(term, pair, [at.p.error, at.q.error]), 0);
  const bound = (ratio: number) => restBound(term, ratio, at);
  const best = term.ratios ? Math.max(...term.ratios.map(bound)) : searched(bound, at);
  return Math.max(shared + best, 0);
}

/** The least φ where p and q are right within their factors: φ is convex and lies above its tangent. */
function tangent({ of, slopes }: Term, [p, q]: readonly [number, number], [errorP, errorQ]: readonly [number, number]) {
  const value = of(p, q);
  if (p === 0 || q === 0 || value === Infinity) return value / Math.max(errorP, errorQ);
  const [slopeP, slopeQ] = slopes(p / q);
  return value - (errorP - 1) * p * Math.abs(slopeP) - (errorQ - 1) * q * Math.abs(slopeQ);
}

/** The bound of all tokens but those that are known of both. */
function restBound(term: Term, ratio: number, { p, q, onlyP, onlyQ }: Matched) {
  const [slopeP, slopeQ] = term.slopes(ratio);
  let sum = least(slopeP, p.mass) + least(slopeQ, q.mass);
  for (const prob of onlyP) {
    const other = Math.min(q.cap, prob / ratio);
    if (prob > 0) sum += tangent(term, [prob, other], [p.error, 1]) - slopeQ * other;
  }
  for (const prob of onlyQ) {
    const other = Math.min(p.cap, prob * ratio);
    if (prob > 0) sum += tangent(term, [other, prob], [1, q.error]) - slopeP * other;
  }
  return sum;
}

const least = (slope: number, [low, high]: Interval) => (high === 0 ? 0 : Math.min(slope * low, slope * high));

/** Golden-section search over ln ρ; the bound holds at every ρ, the search only makes it good. */
function searched(bound: (ratio: number) => number, { p, q, onlyP, onlyQ }: Matched) {
  const total = (mass: Interval, known: readonly number[]) => known.reduce((sum, prob) => sum + prob, mass[1]);
  const even = total(p.mass, onlyP) / total(q.mass, onlyQ);
  const at = (logRatio: number) => bound(Math.exp(logRatio));
  let best = even > 0 && even < Infinity ? bound(even) : -Infinity;
  let [low, high] = [-40, 40];
  const golden = (Math.sqrt(5) - 1) / 2;
  let [left, right] = [high - golden * (high - low), low + golden * (high - low)];
  let [atLeft, atRight] = [at(left), at(right)];
  for (let turn = 0; turn < 60; turn++) {
    best = Math.max(best, atLeft, atRight);
    if (atLeft > atRight) {
      [high, right, atRight] = [right, left, atLeft];
      left = high - golden * (high - low);
      atLeft = at(left);
    } else {
      [low, left, atLeft] = [left, right, atRight];
      right = low + golden * (high - low);
      atRight = at(right);
    }
  }
  return best;
}

/** A convex φ is largest at a corner of what p and q may be. */
function corners({ of }: Pick<Term, "of">, [p, q]: readonly [number, number], error: number) {
  const values = [p / error, p * error].flatMap((x) => [q / error, q * error].map((y) => of(x, y)));
  return Math.max(...values);
}

function highest(term: Term, { both, onlyP, onlyQ, p, q }: Matched): number {
  const shared = both.reduce((sum, pair) => sum + corners(term, pair, p.error), 0);
  const alone = [...onlyP, ...onlyQ].reduce((sum, prob) => sum + prob, 0) * p.error;
  return shared + term.most * (alone + p.mass[1] + q.mass[1]);
}

/** A token's share is at most p (ln p − ln q) with the smallest q it may have. */
function highestKl({ both, onlyP, onlyQ, p, hasRest, floor }: Matched): number {
  let sum = both.reduce((total, pair) => total + corners(terms.kl, pair, p.error), 0);
  for (const prob of onlyP) if (prob > 0) sum += prob * p.error * (Math.log(prob * p.error) - floor);
  if (p.mass[1] === 0) return sum;
  const smallest = onlyQ.reduce((least, prob) => Math.min(least, Math.log(prob / p.error)), hasRest ? floor : 0);
  const share = Math.log(Math.min(p.cap, p.mass[1])) - Math.max(smallest, floor);
  return sum + (share > 0 ? share * p.mass[1] : share * p.mass[0]);
}
