/** Functions with names: trigonometric, logarithms, factorial, binomial. */

import {
  constant,
  divide,
  type Expression,
  evaluate,
  multiply,
  opaque,
  power,
  rationalValue,
  symbol,
} from "./expression.ts";
import { decimal, rational } from "./rational.ts";

const computed: Readonly<Record<string, (x: number) => number>> = {
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  cot: (x) => 1 / Math.tan(x),
  sec: (x) => 1 / Math.cos(x),
  csc: (x) => 1 / Math.sin(x),
  arcsin: Math.asin,
  arccos: Math.acos,
  arctan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  ln: Math.log,
};

/**
 * A named function of an expression. The base of \log alone is unknown: log 4 = 2 log 2, but log 100 is not 2.
 *
 * @throws {SyntaxError} If the name is unknown.
 */
export function applyFunction(name: string, input: Expression): Expression {
  if (name === "exp") return power(symbol("e"), input);
  if (name === "log") return multiply(applyFunction("ln", input), symbol("1/ln base"));
  if (name === "lg") return applyFunction("log_10", input);
  if (name.startsWith("log_")) {
    const base = /^\d{1,9}$/.test(name.slice(4)) ? constant(decimal(name.slice(4))) : symbol(name.slice(4));
    return divide(applyFunction("ln", input), applyFunction("ln", base));
  }
  const compute = computed[name];
  if (!compute) throw new SyntaxError(`parseExpression: expected a known function but found ${name}`);
  return opaque(name, [input], compute);
}

/** n!, exactly up to 1000!. */
export function factorial(input: Expression): Expression {
  const n = rationalValue(input);
  if (n?.d !== 1n || n.n < 0n || n.n > 1000n) return opaque("factorial", [input], () => Number.NaN);
  let product = 1n;
  for (let factor = 2n; factor <= n.n; factor++) product *= factor;
  return constant(rational(product));
}

/** n over k, exactly for 0 <= k <= n <= 1000. */
export function binomial(top: Expression, bottom: Expression): Expression {
  const [n, k] = [top, bottom].map((value) => evaluate(value, () => Number.NaN));
  if (!(Number.isInteger(n) && Number.isInteger(k) && k! >= 0 && n! >= k! && n! <= 1000)) {
    return opaque("binom", [top, bottom], () => Number.NaN);
  }
  const below = (value: number) => factorial(constant(rational(BigInt(value))));
  return divide(below(n!), multiply(below(k!), below(n! - k!)));
}
