/**
 * Equations, inequalities, membership and unions. "x = 3" is the value 3 with a name; an equation whose left side is
 * no quantity's name stays an equation; an inequality linear in one symbol carries its solution.
 */

import type { IntervalAnswer, MathAnswer, Relation, RelationAnswer, SetAnswer, UnionAnswer } from "./answer.ts";
import { type Expression, evaluate, negate, scale, subtract, symbol } from "./expression/expression.ts";
import { parseExpression } from "./expression/parse-expression.ts";
import { divideRational, one } from "./expression/rational.ts";
import type { Token } from "./expression/tokens.ts";

/** What the parsers of structures need. */
export interface StructureOptions {
  readonly text: string;
  /** The parser of whole answers, for the parts. */
  readonly parseAnswer: (tokens: readonly Token[]) => MathAnswer;
}

const signs = ["=", "≈", "<", "≤", ">", "≥", "≠", "∈", "→", "≡"];

/** The parts between separators that stand outside brackets. */
export function splitAt(tokens: readonly Token[], separators: readonly string[]): Token[][] {
  const parts: Token[][] = [[]];
  const depth = tokens[0]?.depth ?? 0;
  for (const token of tokens) {
    if (token.kind === "operator" && token.depth === depth && separators.includes(token.value)) parts.push([]);
    else parts.at(-1)!.push(token);
  }
  return parts;
}

/** Whether a relation sign stands outside brackets. */
export const isRelation = (tokens: readonly Token[]) => signsOf(tokens).length > 0;

const signsOf = (tokens: readonly Token[]) =>
  tokens
    .filter(({ kind, depth, value }) => kind === "operator" && depth === tokens[0]!.depth && signs.includes(value))
    .map(({ value }) => value);

/**
 * A value with a name ("x = 3", "x ∈ [0, 1]"), or relations.
 *
 * @throws {SyntaxError} If a side is not an expression.
 */
export function parseRelation(tokens: readonly Token[], options: StructureOptions): MathAnswer {
  const found = signsOf(tokens);
  const sides = splitAt(tokens, signs);
  if (found.includes("→") || found.includes("≡")) throw new SyntaxError("parseMathAnswer: expected = or an inequality");
  if (found.length === 1 && found[0] === "∈" && isName(sides[0]!)) {
    return named(sides[0]!, options.parseAnswer(sides[1]!));
  }
  if (found.includes("∈")) throw new SyntaxError("parseMathAnswer: expected a symbol before ∈ but found more");
  const firstApproximation = found.indexOf("≈");
  if (firstApproximation === 0 && isName(sides[0]!)) return named(sides[0]!, options.parseAnswer(sides[1]!));
  if (firstApproximation === 0) return options.parseAnswer(sides[0]!);
  const kept = firstApproximation < 0 ? sides : sides.slice(0, firstApproximation + 1);
  const relations = found.slice(0, kept.length - 1);
  const isChain = relations.length > 1 && relations.every((sign) => sign === "=");
  if (isChain || (relations.every((sign) => sign === "=") && isName(kept[0]!))) {
    return named(kept[0]!, options.parseAnswer(kept.at(-1)!));
  }
  return relationsOf(kept, { signs: relations, text: options.text });
}

const named = (left: readonly Token[], answer: MathAnswer): MathAnswer => ({
  ...answer,
  name: left.map(({ value }) => value).join(""),
});

/** One symbol, capitals (AB, \angle ABC), f(x), (p, q), |AB|, a ratio of capitals, or words. */
function isName(tokens: readonly Token[]) {
  const text = tokens.map(({ kind, value }) => (kind === "symbol" ? value.replace(/_.*/, "") : value)).join("");
  if (tokens.every(({ kind }) => kind === "text") && tokens.length > 0) return true;
  if (tokens.length === 1) return tokens[0]!.kind === "symbol";
  return (
    /^\|?[A-Z]+\|?$/.test(text) ||
    /^[A-Z]+[:/][A-Z]+$/.test(text) ||
    /^frac\{[A-Z]+\}\{[A-Z]+\}$/.test(text) ||
    /^[a-zA-Z]+\([^()=+*/-]*\)$/.test(text) ||
    /^\((?:[a-zA-Z]+,)+[a-zA-Z]+\)$/.test(text)
  );
}

interface RelationOptions {
  readonly signs: readonly string[];
  readonly text: string;
}

function relationsOf(sides: readonly (readonly Token[])[], { signs, text }: RelationOptions): RelationAnswer {
  const values = sides.map((tokens) => parseExpression(tokens, { sign: 1 }));
  const relations = signs.map((sign, i) => relationBetween(sign, { left: values[i]!, right: values[i + 1]! }));
  const solution = solve(relations, text);
  return { kind: "relation", text, relations, ...(solution && { solution }) };
}

type Difference = RelationAnswer["relations"][number];

/** a > b is b − a < 0; differences are scaled so that equal relations have equal differences. */
function relationBetween(sign: string, { left, right }: { left: Expression; right: Expression }): Difference {
  const isFlipped = sign === ">" || sign === "≥";
  const relation = (sign === ">" ? "<" : sign === "≥" ? "≤" : sign) as Relation;
  const difference = isFlipped ? subtract(right, left) : subtract(left, right);
  return { relation, difference: scaled(difference, relation) };
}

/** Divided by its first coefficient; of an inequality, by its size. */
function scaled(difference: Expression, relation: Relation): Expression {
  const first = [...difference.terms.entries()].sort(([a], [b]) => (a < b ? -1 : 1))[0]?.[1].coefficient;
  if (!first) return difference;
  const isOrdered = relation === "<" || relation === "≤";
  return scale(difference, divideRational(one, isOrdered && first.n < 0n ? { n: -first.n, d: first.d } : first));
}

/** The solution of one inequality or of a lower and an upper one, linear in the same symbol. */
function solve(relations: readonly Difference[], text: string): RelationAnswer["solution"] {
  const bounds = relations.map(boundOf);
  const [first, second] = bounds;
  if (!first || bounds.length > 2 || (bounds.length === 2 && second?.symbol !== first.symbol)) return undefined;
  const infinity = symbol("∞");
  const whole = {
    kind: "interval",
    text,
    from: negate(infinity),
    to: infinity,
    closedFrom: false,
    closedTo: false,
  } as const;
  if (first.relation === "≠") {
    const parts: IntervalAnswer[] = [
      { ...whole, to: first.bound },
      { ...whole, from: first.bound },
    ];
    return second ? undefined : { symbol: first.symbol, set: { kind: "union", text, parts } };
  }
  let set: IntervalAnswer = whole;
  for (const bound of second ? [first, second] : [first]) {
    const isClosed = bound.relation === "≤";
    if (bound.isUpper) set = { ...set, to: bound.bound, closedTo: isClosed };
    else set = { ...set, from: bound.bound, closedFrom: isClosed };
  }
  return second && second.isUpper === first.isUpper ? undefined : { symbol: first.symbol, set };
}

/** q·x + c against 0. */
function boundOf({ relation, difference }: Difference) {
  if (relation === "=") return undefined;
  const withSymbols = [...difference.terms.values()].filter(({ powers }) => powers.length > 0);
  const [term] = withSymbols.filter(({ powers }) => !/^(?:π|e|∞)$/.test(powers[0]!.atom.key) || powers.length > 1);
  const [power] = term?.powers ?? [];
  if (term?.powers.length !== 1 || power!.exponent !== 1 || power!.atom.opaque || term.radicand !== 1n) {
    return undefined;
  }
  const name = power!.atom.key;
  const rest = subtract(difference, scale(symbol(name), term.coefficient));
  const isConstant = !Number.isNaN(evaluate(rest, (key) => (key === "π" || key === "e" ? 3 : Number.NaN)));
  if (!isConstant) return undefined;
  const bound = scale(negate(rest), divideRational(one, term.coefficient));
  return { symbol: name, bound, isUpper: term.coefficient.n > 0n, relation };
}

/** What an interval has besides its ends. */
export interface IntervalOptions {
  readonly text: string;
  readonly closedFrom: boolean;
  readonly closedTo: boolean;
}

/**
 * An interval from its two ends.
 *
 * @throws {SyntaxError} If an end is not an expression.
 */
export function intervalOf(ends: readonly MathAnswer[], options: IntervalOptions): IntervalAnswer {
  const [from, to] = ends;
  if (from?.kind !== "expression" || to?.kind !== "expression" || ends.length !== 2) {
    throw new SyntaxError("parseMathAnswer: expected two ends of an interval but found something else");
  }
  return { kind: "interval", ...options, from: from.value, to: to.value };
}

/**
 * A ∪ B, and A ∖ {points} for an interval A.
 *
 * @throws {SyntaxError} If a part is neither an interval nor a set.
 */
export function unionOf(tokens: readonly Token[], { text, parseAnswer }: StructureOptions): MathAnswer {
  const differences = splitAt(tokens, ["∖"]);
  if (differences.length === 2) {
    return { ...without(parseAnswer(differences[0]!), parseAnswer(differences[1]!)), text };
  }
  if (differences.length > 2) throw new SyntaxError("parseMathAnswer: expected one ∖ but found more");
  return { kind: "union", text, parts: splitAt(tokens, ["∪"]).flatMap((part) => setParts(parseAnswer(part))) };
}

/** The parts of a set of numbers; (a, b) is the open interval here. */
export function setParts(answer: MathAnswer): readonly (IntervalAnswer | SetAnswer)[] {
  if (answer.kind === "interval" || answer.kind === "set") return [answer];
  if (answer.kind === "union") return answer.parts;
  if (answer.kind === "tuple")
    return [intervalOf(answer.items, { text: answer.text, closedFrom: false, closedTo: false })];
  throw new SyntaxError(`parseMathAnswer: expected a set but found ${answer.text}`);
}

function without(base: MathAnswer, points: MathAnswer): UnionAnswer {
  const [interval] = setParts(base);
  if (interval?.kind !== "interval" || points.kind !== "set") {
    throw new SyntaxError("parseMathAnswer: expected an interval without points but found something else");
  }
  const cuts = points.items.map((item) => {
    if (item.kind === "expression") return item.value;
    throw new SyntaxError("parseMathAnswer: expected points that are numbers but found something else");
  });
  const ordered = cuts.sort((a, b) => evaluate(a, () => Number.NaN) - evaluate(b, () => Number.NaN));
  const parts = [...ordered, interval.to].map((to, i): IntervalAnswer => {
    const from = i === 0 ? interval.from : ordered[i - 1]!;
    const closedFrom = i === 0 && interval.closedFrom;
    return { ...interval, from, to, closedFrom, closedTo: i === ordered.length && interval.closedTo };
  });
  return { kind: "union", text: base.text, parts };
}
