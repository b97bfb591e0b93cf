/**
 * Reads the comment after an expression as the value it promises, where it is one.
 *
 *   1.5, "a", true, 3n, [1, 2], { a: 1 }   that value; numbers within 1e-9 relative; [1, 2] is also a typed array
 *   Float32Array [1, 2]                    that type with these values
 *   0.193…                                 a number that begins so
 *   "<svg … </svg>", [1, …], { a: 1, … }   anything in place of …
 *   { kl, share: 1 }                       something under kl, and share 1
 *   nothing                                undefined
 *   1: as every ratio is 1                 the value before the colon
 *
 * Everything else is prose.
 */

import { type Expression, parseSync } from "oxc-parser";

/** Whether a value is as promised. */
export type Expectation = (found: unknown) => boolean;

/** Names in scope, for expected values that mention them. */
export type Scope = Readonly<Record<string, unknown>>;

/** What a comment promises, or undefined for prose. */
export function expectationOf(comment: string, scope: Scope): Expectation | undefined {
  const colons = [...comment.matchAll(/: /g)].map(({ index }) => index).reverse();
  for (const end of [comment.length, ...colons]) {
    const text = comment.slice(0, end).trim();
    if (text === "nothing") return (found) => found === undefined;
    const expression = parseValue(text);
    const expectation = expression && isRoot(expression) ? matcher(expression, scope) : undefined;
    if (expectation) return expectation;
  }
  return undefined;
}

/** A name on its own is a word, unless it is a value of the language. */
const isRoot = (expression: Expression) =>
  expression.type !== "Identifier" || ["undefined", "Infinity", "NaN"].includes(expression.name);

function parseValue(text: string): Expression | undefined {
  const parts = text.match(/"(?:[^"\\]|\\.)*"|[^"]+|"/g) ?? [];
  const code = parts.map((part) => (part.startsWith('"') ? part : plain(part))).join("");
  const { program, errors } = parseSync("value.ts", `(${code})`, { preserveParens: false });
  const [statement] = program.body;
  if (errors.length > 0 || program.body.length !== 1 || statement?.type !== "ExpressionStatement") return undefined;
  return statement.expression;
}

/** 0.19… becomes about("0.19"), another … becomes ...rest. */
function plain(text: string) {
  return text
    .replaceAll("−", "-")
    .replace(/(?<![\w.])(-?\d+(?:\.\d+)?)…/g, 'about("$1")')
    .replaceAll("…", "...rest");
}

function matcher(expression: Expression, scope: Scope): Expectation | undefined {
  switch (expression.type) {
    case "Literal":
      return literal(expression.value);
    case "UnaryExpression": {
      const { argument, operator } = expression;
      if (operator !== "-") return undefined;
      if (argument.type === "Identifier" && argument.name === "Infinity") return literal(-Infinity);
      const { value } = argument as { value?: unknown };
      return typeof value === "number" || typeof value === "bigint" ? literal(-value) : undefined;
    }
    case "Identifier":
      return expression.name in constants || expression.name in scope
        ? literal({ ...scope, ...constants }[expression.name])
        : undefined;
    case "CallExpression":
      return beginning(expression);
    case "ArrayExpression":
      return listOf(expression.elements as Expression[], scope);
    case "MemberExpression":
      return typedArray(expression, scope);
    case "ObjectExpression":
      return record(expression, scope);
    default:
      return undefined;
  }
}

const constants: Scope = { undefined, Infinity, NaN: Number.NaN };

function literal(expected: unknown): Expectation {
  if (typeof expected === "number") {
    return (found) =>
      Object.is(found, expected) ||
      (typeof found === "number" && Math.abs(found - expected) <= 1e-9 * Math.abs(expected));
  }
  if (typeof expected !== "string" || !expected.includes("…")) return (found) => Object.is(found, expected);
  const pieces = expected.split("…").map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const pattern = new RegExp(`^${pieces.join(".*")}$`, "s");
  return (found) => typeof found === "string" && pattern.test(found);
}

/** about("0.19"): a number whose digits begin so. */
function beginning({ callee, arguments: [first] }: Extract<Expression, { type: "CallExpression" }>) {
  if (callee.type !== "Identifier" || callee.name !== "about" || first?.type !== "Literal") return undefined;
  const digits = String(first.value);
  const unit = 10 ** -(digits.split(".")[1]?.length ?? 0);
  const size = Math.abs(Number(digits));
  const sign = digits.startsWith("-") ? -1 : 1;
  return (found: unknown) => typeof found === "number" && sign * found >= size && sign * found < size + unit;
}

function listOf(elements: readonly Expression[], scope: Scope): Expectation | undefined {
  const isOpen = (elements.at(-1)?.type as string) === "SpreadElement";
  const closed = isOpen ? elements.slice(0, -1) : elements;
  const matchers = allOf(closed.map((element) => matcher(element, scope)));
  if (!matchers) return undefined;
  return (found) => {
    if (!Array.isArray(found) && !ArrayBuffer.isView(found)) return false;
    const list = Array.from(found as ArrayLike<unknown>);
    const fits = isOpen ? list.length >= matchers.length : list.length === matchers.length;
    return fits && matchers.every((matches, i) => matches(list[i]));
  };
}

/** Float32Array [1, 2] reads as the member [1, 2] of Float32Array. */
function typedArray(expression: Extract<Expression, { type: "MemberExpression" }>, scope: Scope) {
  const { object, property, computed } = expression;
  if (!computed || object.type !== "Identifier" || !/^\w+\d+(?:Clamped)?Array$/.test(object.name)) return undefined;
  const elements = property.type === "SequenceExpression" ? property.expressions : [property as Expression];
  const matches = listOf(elements, scope);
  return matches && ((found: unknown) => found?.constructor?.name === object.name && matches(found));
}

function record({ properties }: Extract<Expression, { type: "ObjectExpression" }>, scope: Scope) {
  const isOpen = properties.at(-1)?.type === "SpreadElement";
  const members = properties.filter((property) => property.type === "Property");
  const keys = members.map(({ key }) =>
    key.type === "Identifier" ? key.name : String((key as { value?: unknown }).value),
  );
  const matchers = allOf(members.map(({ shorthand, value }) => (shorthand ? isThere : matcher(value, scope))));
  if (!matchers) return undefined;
  const sorted = keys.toSorted().join();
  return (found: unknown) => {
    if (typeof found !== "object" || found === null) return false;
    if (!isOpen && Object.keys(found).sort().join() !== sorted) return false;
    return matchers.every((matches, i) => matches((found as Record<string, unknown>)[keys[i]!]));
  };
}

const isThere: Expectation = (found) => found !== undefined;

/** The list, unless one of it is prose. */
function allOf(list: readonly (Expectation | undefined)[]): readonly Expectation[] | undefined {
  return list.every((one) => one !== undefined) ? list : undefined;
}
