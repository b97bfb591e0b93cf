/**
 * Expressions in a normal form: a sum of terms q·√r·Πaᵏ with an exact rational q, a square-free integer r (r = −1 is
 * the imaginary unit), and atoms a with integer exponents k ≠ 0. Atoms are symbols (x, π, e), for which the form is
 * unique, and opaque atoms (sin x, 2^x, ∛2, a sum in a denominator), for which it is not: expressions with opaque atoms
 * are compared by their values at sample points.
 */

import {
  addRational,
  bitsOf,
  divideRational,
  equalRational,
  exactRoot,
  gcd,
  mostBits,
  multiplyRational,
  negateRational,
  one,
  type Rational,
  rational,
  rationalNumber,
  rationalText,
} from "./rational.ts";

/** The value of a symbol at a sample point. */
export type Sample = (symbol: string) => number;

/** A factor that is not looked into. */
export interface Atom {
  /** Equal keys, equal atoms. */
  readonly key: string;
  /** Neither a symbol nor a constant with a name, so other keys may have the same value. */
  readonly opaque: boolean;
  value(sample: Sample): number;
}

/** q·√r·Πaᵏ. */
export interface Term {
  readonly coefficient: Rational;
  /** Square-free as far as primes below 1000 and whole squares go; not 0. */
  readonly radicand: bigint;
  readonly powers: readonly { readonly atom: Atom; readonly exponent: number }[];
}

/** A sum of terms. */
export interface Expression {
  /** By key, no coefficient 0; none at all is 0. */
  readonly terms: ReadonlyMap<string, Term>;
  /** Written with a decimal point, so perhaps rounded. */
  readonly decimal: boolean;
}

/** Products of more terms than this are not expanded. */
export const mostTerms = 256;
/** Longest key of an atom or a product of atoms; bounds the work on hostile input. */
const longestKey = 1000;
/** Sums are not raised to higher powers than this. */
const mostExpanded = 16;

/** A number. */
export const constant = (value: Rational, decimal = false): Expression =>
  fromTerms([{ coefficient: value, radicand: 1n, powers: [] }], decimal);

/** An atom as an expression. */
export const fromAtom = (atom: Atom, exponent = 1, decimal = false): Expression =>
  fromTerms([{ coefficient: one, radicand: 1n, powers: [{ atom, exponent }] }], decimal);

/** A letter, or a constant with a name (π, e, ∞). */
export const symbol = (name: string): Expression =>
  fromAtom({ key: name, opaque: false, value: (sample) => sample(name) });

/** √−1. */
export const imaginaryUnit: Expression = fromTerms([{ coefficient: one, radicand: -1n, powers: [] }], false);

/** The same text for the same normal form. */
export function expressionKey({ terms }: Expression): string {
  return [...terms.entries()]
    .map(([key, term]) => `${rationalText(term.coefficient)}${key}`)
    .sort()
    .join("+");
}

/** The number, if the expression is rational. */
export function rationalValue({ terms }: Expression): Rational | undefined {
  if (terms.size === 0) return rational(0n);
  const [term] = terms.values();
  return terms.size === 1 && term!.radicand === 1n && term!.powers.length === 0 ? term!.coefficient : undefined;
}

/** Whether a different key proves a different value. */
export const hasOpaqueAtoms = ({ terms }: Expression) =>
  [...terms.values()].some(({ powers }) => powers.some(({ atom }) => atom.opaque));

/** The value at a sample point; not finite where there is none. */
export function evaluate({ terms }: Expression, sample: Sample): number {
  let sum = 0;
  for (const { coefficient, radicand, powers } of terms.values()) {
    const root = Math.sqrt(rationalNumber(rational(radicand < 0n ? -radicand : radicand)));
    let product = rationalNumber(coefficient) * root * (radicand < 0n ? sample("√-1") : 1);
    for (const { atom, exponent } of powers) product *= atom.value(sample) ** exponent;
    sum += product;
  }
  return sum;
}

/** a + b, like terms collected. */
export const add = (a: Expression, b: Expression): Expression =>
  fromTerms([...a.terms.values(), ...b.terms.values()], a.decimal || b.decimal);

/** a·factor. */
export const scale = (a: Expression, factor: Rational): Expression =>
  fromTerms(
    [...a.terms.values()].map((term) => ({ ...term, coefficient: multiplyRational(term.coefficient, factor) })),
    a.decimal,
  );

/** −a. */
export const negate = (a: Expression) => scale(a, negateRational(one));
/** a − b. */
export const subtract = (a: Expression, b: Expression) => add(a, negate(b));

/**
 * a·b, expanded.
 *
 * @throws {RangeError} If it has more than `mostTerms` terms before like terms are collected.
 */
export function multiply(a: Expression, b: Expression): Expression {
  if (a.terms.size * b.terms.size > mostTerms) {
    throw new RangeError(`multiply: expected at most ${mostTerms} terms but found ${a.terms.size} x ${b.terms.size}`);
  }
  const products = [...a.terms.values()].flatMap((left) =>
    [...b.terms.values()].map((right) => multiplyTerms(left, right)),
  );
  return fromTerms(products, a.decimal || b.decimal);
}

/**
 * a/b. Denominators of one term, and of two without symbols (by the conjugate), disappear; others become an atom.
 *
 * @throws {RangeError} If b is 0.
 */
export const divide = (a: Expression, b: Expression) => multiply(a, invert(b));

/**
 * base^exponent: exact for integer exponents and for roots of rationals, else an opaque atom.
 *
 * @throws {RangeError} If it is a negative power of 0.
 */
export function power(base: Expression, exponent: Expression): Expression {
  const value = rationalValue(exponent);
  if (value && value.d === 1n && isExpandable(base, value.n)) return integerPower(base, Number(value.n));
  if (value && value.d <= 64n && isExpandable(base, value.n)) {
    return root(integerPower(base, Number(value.n)), Number(value.d));
  }
  return opaque("pow", [base, exponent], (x, y) => x ** y);
}

/**
 * The k-th root: exact for rationals whose root is rational or a square root, else an opaque atom.
 *
 * @param k Integer >= 1.
 */
export function root(radicand: Expression, k: number): Expression {
  const value = rationalValue(radicand);
  const exact = value && (k === 2 ? squareRoot(value) : rationalRoot(value, k));
  if (exact) return { ...exact, decimal: radicand.decimal };
  return opaque(`root${k}`, [radicand], (x) => (x < 0 && k % 2 === 1 ? -((-x) ** (1 / k)) : x ** (1 / k)));
}

/** A function of expressions that the normal form does not look into. */
export function opaque(name: string, inputs: readonly Expression[], compute: (...values: number[]) => number) {
  const atom: Atom = {
    key: checkedKey(`${name}(${inputs.map(expressionKey).join(";")})`),
    opaque: true,
    value: (sample) => compute(...inputs.map((input) => evaluate(input, sample))),
  };
  return fromAtom(
    atom,
    1,
    inputs.some((input) => input.decimal),
  );
}

function isExpandable(base: Expression, exponent: bigint) {
  const size = exponent < 0n ? -exponent : exponent;
  if (base.terms.size > 1) return size <= mostExpanded;
  const bits = [...base.terms.values()].map(({ coefficient, radicand }) =>
    Math.max(bitsOf(coefficient.n), bitsOf(coefficient.d), bitsOf(radicand)),
  );
  return size * BigInt(Math.max(...bits, 1)) <= BigInt(mostBits);
}

function integerPower(base: Expression, exponent: number): Expression {
  if (exponent < 0) return invert(integerPower(base, -exponent));
  let result = constant(one, base.decimal);
  let square = base;
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = multiply(result, square);
    if (rest > 1) square = multiply(square, square);
  }
  return result;
}

function invert(b: Expression): Expression {
  const [first, second] = [...b.terms.values()];
  if (!first) throw new RangeError("divide: expected a denominator other than 0 but found 0");
  if (!second) return fromTerms([invertTerm(first)], b.decimal);
  const surds = first.powers.length === 0 && second.powers.length === 0;
  if (b.terms.size === 2 && surds) {
    const conjugate = fromTerms([first, { ...second, coefficient: negateRational(second.coefficient) }], b.decimal);
    return divide(conjugate, multiply(b, conjugate));
  }
  const leading = b.terms.get([...b.terms.keys()].sort()[0]!)!.coefficient;
  const monic = scale(b, divideRational(one, leading));
  const key = checkedKey(`(${expressionKey(monic)})`);
  const atom: Atom = { key, opaque: true, value: (sample) => evaluate(monic, sample) };
  return scale(fromAtom(atom, -1, b.decimal), divideRational(one, leading));
}

/** 1/(q√r·Πaᵏ) = (1/(q·r))·√r·Πa⁻ᵏ. */
function invertTerm({ coefficient, radicand, powers }: Term): Term {
  return {
    coefficient: divideRational(one, multiplyRational(coefficient, rational(radicand))),
    radicand,
    powers: powers.map(({ atom, exponent }) => ({ atom, exponent: -exponent })),
  };
}

/** √r·√s = g·√(rs/g²) with g = gcd(r, s), and −g if both are negative. */
function multiplyTerms(a: Term, b: Term): Term {
  const common = gcd(a.radicand, b.radicand);
  const sign = a.radicand < 0n && b.radicand < 0n ? -1n : 1n;
  const exponents = new Map(a.powers.map((power) => [power.atom.key, power]));
  for (const { atom, exponent } of b.powers) {
    exponents.set(atom.key, { atom, exponent: exponent + (exponents.get(atom.key)?.exponent ?? 0) });
  }
  return {
    coefficient: multiplyRational(multiplyRational(a.coefficient, b.coefficient), rational(sign * common)),
    radicand: (a.radicand / common) * (b.radicand / common),
    powers: [...exponents.values()].filter(({ exponent }) => exponent !== 0),
  };
}

function squareRoot({ n, d }: Rational): Expression {
  if (n === 0n) return constant(rational(0n));
  const { outside, inside } = withoutSquares(n < 0n ? -n * d : n * d);
  const radicand = n < 0n ? -inside : inside;
  return fromTerms([{ coefficient: rational(outside, d), radicand, powers: [] }], false);
}

function rationalRoot({ n, d }: Rational, k: number): Expression | undefined {
  if (n < 0n && k % 2 === 0) return undefined;
  const [top, bottom] = [exactRoot(n < 0n ? -n : n, k), exactRoot(d, k)];
  if (top === undefined || bottom === undefined) return undefined;
  return constant(rational(n < 0n ? -top : top, bottom));
}

function withoutSquares(value: bigint) {
  let [outside, inside] = [1n, value];
  for (let factor = 2n; factor < 1000n && factor * factor <= inside; factor++) {
    while (inside % (factor * factor) === 0n) {
      inside /= factor * factor;
      outside *= factor;
    }
  }
  const whole = exactRoot(inside, 2);
  return whole === undefined ? { outside, inside } : { outside: outside * whole, inside: 1n };
}

function fromTerms(terms: readonly Term[], decimal: boolean): Expression {
  const collected = new Map<string, Term>();
  for (const term of terms) {
    const key = termKey(term);
    const present = collected.get(key);
    const coefficient = present ? addRational(present.coefficient, term.coefficient) : term.coefficient;
    if (equalRational(coefficient, rational(0n))) collected.delete(key);
    else collected.set(key, { ...term, coefficient });
  }
  return { terms: collected, decimal };
}

function termKey({ radicand, powers }: Term) {
  const factors = powers.map(({ atom, exponent }) => `*${atom.key}^${exponent}`).sort();
  return checkedKey([radicand === 1n ? "" : `√${radicand}`, ...factors].join(""));
}

function checkedKey(key: string) {
  if (key.length <= longestKey) return key;
  throw new RangeError(
    `expression: expected a normal form within ${longestKey} characters a factor but found a longer one`,
  );
}
