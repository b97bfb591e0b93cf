/**
 * Whether two answers have the same value. Exact where the normal form decides (rationals, roots of rationals,
 * polynomials in symbols); by value at sample points, within 1e-9 of the size, where functions or denominators hide
 * it; rounded to `decimals` places where one side is written with a decimal point.
 *
 * After Math-Verify (huggingface/Math-Verify, README "Intelligent Expression Comparison" and `verify`): not symmetric
 * for inequalities; we depart from it as recognised.ts says.
 */

import type { ExpressionAnswer, MathAnswer, RelationAnswer, SetAnswer, TupleAnswer } from "./answer.ts";
import { areExpressionsEqual } from "./expression/compare.ts";
import { type Expression, scale, subtract, symbol } from "./expression/expression.ts";
import { rational } from "./expression/rational.ts";
import { isSamePiece, piecesOf } from "./pieces.ts";

/** How closely decimals agree. */
export interface EqualOptions {
  /**
   * Places to which numbers agree if one of them has a decimal point: |a − b| <= 0.5·10^−decimals, and also within
   * 10^(−decimals/2) of the gold answer's size, so that small numbers are not all 0.
   * Default 6, as Math-Verify's float_rounding.
   */
  readonly decimals?: number;
}

type Settings = Required<EqualOptions>;

/**
 * Compares an answer with the gold answer.
 *
 * @throws {RangeError} If decimals is no integer in [0, 15].
 * @see Math-Verify, github.com/huggingface/Math-Verify, `verify(gold, answer, float_rounding=6)`.
 * @example
 * equalAnswers(parseMathAnswer("1/2"), parseMathAnswer("\\frac{2}{4}")); // true
 */
export function equalAnswers(gold: MathAnswer, answer: MathAnswer, options: EqualOptions = {}): boolean {
  const { decimals = 6 } = options;
  if (!(Number.isInteger(decimals) && decimals >= 0 && decimals <= 15)) {
    throw new RangeError(`equalAnswers: expected an integer decimals in [0, 15] but found ${decimals}`);
  }
  const readings = (one: MathAnswer) => (one.alternative ? [one, one.alternative] : [one]);
  return readings(gold).some((left) => readings(answer).some((right) => isEqual(left, right, { decimals })));
}

function isEqual(gold: MathAnswer, answer: MathAnswer, settings: Settings): boolean {
  if (gold.kind === "text" || answer.kind === "text") return sameText(gold, answer);
  if (gold.kind === "relation") return isRelationEqual(gold, answer, settings);
  if (answer.kind === "relation") return isEquationOf(gold, answer, settings);
  if (gold.kind === "expression" && answer.kind === "expression") return isValueEqual(gold, answer, settings);
  if (gold.kind === "matrix" || answer.kind === "matrix") {
    return gold.kind === "matrix" && answer.kind === "matrix" && areRowsEqual(gold.rows, answer.rows, settings);
  }
  if (gold.kind === "expression" || answer.kind === "expression") return isOnlyItem(gold, answer, settings);
  if (isOrdered(gold, answer) && isOrdered(answer, gold)) return areItemsEqual(gold.items, answer.items, settings);
  if (gold.kind === "set" && answer.kind === "set") return isSetEqual(gold, answer, settings);
  return areSetsOfNumbersEqual(gold, answer, settings);
}

/** Letters without case, white space and brackets around them. */
const sameText = (gold: MathAnswer, answer: MathAnswer) => {
  const [left, right] = [gold, answer].map(({ text }) => text.replace(/^\((.*)\)$/, "$1").toLowerCase());
  return gold.text !== "" && (gold.text === answer.text || (left === right && left !== ""));
};

function isValueEqual(gold: ExpressionAnswer, answer: ExpressionAnswer, settings: Settings) {
  if (areExpressionsEqual(gold.value, answer.value, settings)) return true;
  if (gold.percent === answer.percent) return false;
  const hundred = rational(100n);
  const [left, right] = [gold, answer].map(({ value, percent }) => (percent ? scale(value, hundred) : value));
  return areExpressionsEqual(left!, right!, settings);
}

/** {5} and 5. */
function isOnlyItem(gold: MathAnswer, answer: MathAnswer, settings: Settings) {
  const unwrap = (one: MathAnswer) => (one.kind === "set" && one.items.length === 1 ? one.items[0]! : one);
  const [left, right] = [unwrap(gold), unwrap(answer)];
  return left.kind === "expression" && right.kind === "expression" && isValueEqual(left, right, settings);
}

/** A point, or a bare list where the other side is a point. */
const isOrdered = (one: MathAnswer, other: MathAnswer): one is TupleAnswer | SetAnswer =>
  one.kind === "tuple" || (one.kind === "set" && one.bare && other.kind === "tuple");

const areItemsEqual = (gold: readonly MathAnswer[], answer: readonly MathAnswer[], settings: Settings) =>
  gold.length === answer.length && gold.every((item, i) => isEqual(item, answer[i]!, settings));

const areRowsEqual = (
  gold: readonly (readonly MathAnswer[])[],
  answer: readonly (readonly MathAnswer[])[],
  settings: Settings,
) => gold.length === answer.length && gold.every((row, i) => areItemsEqual(row, answer[i]!, settings));

/** Each item of one is an item of the other; "k = 45, n = 2" and "k = 2, n = 45" differ. */
function isSetEqual(gold: SetAnswer, answer: SetAnswer, settings: Settings) {
  const names = (set: SetAnswer) => [...new Set(set.items.map(({ name }) => name ?? ""))].sort().join(" ");
  const byName = gold.items.length > 1 && names(gold) === names(answer);
  const isMatch = (a: MathAnswer, b: MathAnswer) => (!byName || a.name === b.name) && isEqual(a, b, settings);
  return (
    gold.items.every((item) => answer.items.some((other) => isMatch(item, other))) &&
    answer.items.every((other) => gold.items.some((item) => isMatch(item, other)))
  );
}

function areSetsOfNumbersEqual(gold: MathAnswer, answer: MathAnswer, settings: Settings) {
  const isSame = (a: Expression, b: Expression) => areExpressionsEqual(a, b, settings);
  const [left, right] = [piecesOf(gold, isSame), piecesOf(answer, isSame)];
  if (!left || !right || left.length !== right.length) return false;
  return left.every((piece, i) => isSamePiece(piece, right[i]!, isSame));
}

/** The gold inequality accepts its solution; a gold solution does not accept the inequality it solves. */
function isRelationEqual(gold: RelationAnswer, answer: MathAnswer, settings: Settings): boolean {
  if (answer.kind !== "relation") {
    if (gold.solution && (answer.kind === "interval" || answer.kind === "union" || answer.kind === "tuple")) {
      return areSetsOfNumbersEqual(gold.solution.set, answer, settings);
    }
    return isEquationOf(answer, gold, settings);
  }
  if (gold.solution && answer.solution) {
    const isSameSymbol = gold.solution.symbol === answer.solution.symbol;
    return isSameSymbol && areSetsOfNumbersEqual(gold.solution.set, answer.solution.set, settings);
  }
  if (gold.relations.length !== answer.relations.length || gold.relations.length === 0) return false;
  return gold.relations.every(({ relation, difference }, i) => {
    const other = answer.relations[i]!;
    return relation === other.relation && areExpressionsEqual(difference, other.difference, settings);
  });
}

/**
 * "y = 2x + 1" is a value with a name, and the equation 2x − y + 1 = 0. "x = 2" is not 2x = 4: an answer that restates
 * the question is no solution.
 */
function isEquationOf(value: MathAnswer, equation: RelationAnswer, settings: Settings) {
  const [only] = equation.relations;
  if (value.kind !== "expression" || !/^\p{L}$/u.test(value.name ?? "") || equation.relations.length !== 1)
    return false;
  const isFormula = [...value.value.terms.values()].some(({ powers }) => powers.length > 0);
  if (only!.relation !== "=" || !isFormula) return false;
  const difference = subtract(symbol(value.name!), value.value);
  const key = [...difference.terms.keys()].find((each) => only!.difference.terms.has(each));
  if (key === undefined) return false;
  const [a, b] = [difference.terms.get(key)!.coefficient, only!.difference.terms.get(key)!.coefficient];
  return areExpressionsEqual(scale(difference, b), scale(only!.difference, a), settings);
}
