/**
 * Equality of expressions: exact where the normal form decides, else by value at sample points within 1e-9 of the
 * size, and rounded where one side is written with a decimal point.
 */

import { type Expression, evaluate, expressionKey, hasOpaqueAtoms, type Sample } from "./expression.ts";

/** Enough points of both signs that a formula defined for positive numbers only is compared at three or more. */
const sampleCount = 8;
const fewestSamples = 3;

/**
 * Whether two expressions have the same value.
 *
 * @param options.decimals Places to which they agree if one is written with a decimal point.
 */
export function areExpressionsEqual(gold: Expression, answer: Expression, options: { decimals: number }): boolean {
  if (expressionKey(gold) === expressionKey(answer)) return true;
  const isRounded = gold.decimal || answer.decimal;
  if (!isRounded && !hasOpaqueAtoms(gold) && !hasOpaqueAtoms(answer)) return false;
  const isClose = isRounded ? roundedClose(options.decimals) : closeEnough;
  let compared = 0;
  for (let point = 0; point < sampleCount; point++) {
    const [a, b] = [evaluate(gold, sampleAt(point)), evaluate(answer, sampleAt(point))];
    if (!(Number.isFinite(a) && Number.isFinite(b))) continue;
    if (!isClose(a, b)) return false;
    compared++;
  }
  return compared >= fewestSamples;
}

const closeEnough = (a: number, b: number) => Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b));

const roundedClose = (decimals: number) => (gold: number, answer: number) =>
  Math.abs(gold - answer) <= Math.min(0.5000001 * 10 ** -decimals, 10 ** (-decimals / 2) * Math.abs(gold));

/** The value where it has no symbols; elsewhere that at one point. */
export const numericValue = (expression: Expression) => evaluate(expression, sampleAt(0));

/** A value in ±[0.5, 2) for each symbol and point, from a hash (FNV-1a) of both; π, e and ∞ are themselves. */
function sampleAt(point: number): Sample {
  return (name) => {
    if (name === "π") return Math.PI;
    if (name === "e") return Math.E;
    if (name === "∞") return Number.POSITIVE_INFINITY;
    let hash = 2166136261 ^ point;
    for (const character of `${name}#${point}`) hash = Math.imul(hash ^ character.codePointAt(0)!, 16777619);
    const size = 0.5 + (1.5 * (hash >>> 0)) / 2 ** 32;
    return point % 2 === 1 ? -size : size;
  };
}
