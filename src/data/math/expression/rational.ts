/**
 * Exact fractions of BigInts, in lowest terms with a positive denominator.
 */

/** n/d in lowest terms. */
export interface Rational {
  readonly n: bigint;
  /** >= 1. */
  readonly d: bigint;
}

/** Numbers above this many bits are not computed: `2^{10^9}` must not take the memory. */
export const mostBits = 16_384;

/** 1. */
export const one: Rational = { n: 1n, d: 1n };

/**
 * A fraction in lowest terms.
 *
 * @throws {RangeError} If d is 0, or a part has more than `mostBits` bits.
 * @example
 * rational(6n, -4n); // { n: -3n, d: 2n }
 */
export function rational(n: bigint, d = 1n): Rational {
  if (d === 0n) throw new RangeError("rational: expected a denominator other than 0 but found 0");
  const divisor = gcd(n, d) * (d < 0n ? -1n : 1n);
  const reduced = { n: n / divisor, d: d / divisor };
  if (bitsOf(reduced.n) > mostBits || bitsOf(reduced.d) > mostBits) {
    throw new RangeError(`rational: expected at most ${mostBits} bits but found a longer number`);
  }
  return reduced;
}

/**
 * The value of a decimal literal, exactly.
 *
 * @param literal Digits with an optional point, exponent or period: "12", ".5", "1.5e-3", "0.1(6)" for 0.1666….
 * @throws {RangeError} If it has more than `mostBits` bits.
 * @example
 * decimal("0.25"); // { n: 1n, d: 4n }
 */
export function decimal(literal: string): Rational {
  const [start = "", period] = literal.split(/[()]/);
  if (period === undefined) return terminating(literal);
  const shift = 10n ** BigInt(start.length - start.indexOf(".") - 1);
  const repeating = rational(BigInt(period), shift * (10n ** BigInt(period.length) - 1n));
  return addRational(terminating(start), repeating);
}

function terminating(literal: string): Rational {
  const [mantissa = "", exponent = "0"] = literal.toLowerCase().split("e");
  const [whole = "", fraction = ""] = mantissa.split(".");
  const shift = Number(exponent) - fraction.length;
  if ((whole.length + fraction.length + Math.abs(shift)) * 3 > mostBits) {
    throw new RangeError(`decimal: expected a number of at most ${mostBits} bits but found a longer one`);
  }
  const scale = 10n ** BigInt(Math.abs(shift));
  return shift < 0 ? rational(BigInt(whole + fraction), scale) : rational(BigInt(whole + fraction) * scale);
}

/** a + b. */
export const addRational = (a: Rational, b: Rational) => rational(a.n * b.d + b.n * a.d, a.d * b.d);
/** a·b. */
export const multiplyRational = (a: Rational, b: Rational) => rational(a.n * b.n, a.d * b.d);
/** a/b; throws a RangeError if b is 0. */
export const divideRational = (a: Rational, b: Rational) => rational(a.n * b.d, a.d * b.n);
/** −a. */
export const negateRational = ({ n, d }: Rational): Rational => ({ n: -n, d });
/** Whether a = b: both are in lowest terms. */
export const equalRational = (a: Rational, b: Rational) => a.n === b.n && a.d === b.d;

/** "3", "-1/2". */
export const rationalText = ({ n, d }: Rational) => (d === 1n ? `${n}` : `${n}/${d}`);

/**
 * The nearest double or one of its neighbours, also where n and d themselves overflow; ±Infinity beyond.
 *
 * @example
 * rationalNumber({ n: 1n, d: 3n }); // 0.3333333333333333
 */
export function rationalNumber({ n, d }: Rational): number {
  const shift = bitsOf(d) - bitsOf(n) + 64;
  const scaled = shift >= 0 ? (n << BigInt(shift)) / d : n / (d << BigInt(-shift));
  const half = Math.trunc(shift / 2);
  return n === 0n ? 0 : Number(scaled) * 2 ** -half * 2 ** -(shift - half);
}

/**
 * The k-th root of a natural number if it is a natural number too.
 *
 * @param value >= 0.
 * @param k Integer >= 1.
 * @example
 * exactRoot(27n, 3); // 3n
 * exactRoot(28n, 3); // undefined
 */
export function exactRoot(value: bigint, k: number): bigint | undefined {
  if (value < 2n || k === 1) return value;
  let low = 1n;
  let high = 1n << BigInt(Math.ceil(bitsOf(value) / k) + 1);
  const power = BigInt(k);
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    if (middle ** power > value) high = middle;
    else low = middle;
  }
  return low ** power === value ? low : undefined;
}

/** Bits of |value|, rounded up to a multiple of 4. */
export const bitsOf = (value: bigint) => 4 * (value < 0n ? -value : value).toString(16).length;

/** Greatest common divisor, >= 1 unless both are 0. */
export function gcd(a: bigint, b: bigint): bigint {
  let [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x === 0n ? 1n : x;
}
