/** Executes the code of an example and compares the values of its statements with the comments after them. */

import assert from "node:assert/strict";
import { inspect } from "node:util";
import { type Comment, parseSync, type Statement } from "oxc-parser";
import { transformSync } from "oxc-transform";
import { expectationOf, type Scope } from "./expect.ts";

/** Values compared with what a comment promises, and values only computed. */
export interface Tally {
  compared: number;
  computed: number;
}

const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as new (
  ...parts: string[]
) => (...values: unknown[]) => Promise<void>;

/**
 * Runs TypeScript with these names in scope; a name that the code declares itself hides the one of the scope.
 * A generator that is the value of a statement runs to its end.
 */
export async function execute(code: string, scope: Scope): Promise<Tally> {
  const { code: instrumented, comments } = instrument(code, scope);
  const javascript = transformSync("example.ts", instrumented, { sourceType: "module" });
  assert.deepEqual(javascript.errors, []);
  const tally = { compared: 0, computed: 0 };
  const check = async (index: number, value: unknown) => {
    const found = await value;
    if (isAsyncGenerator(found)) for await (const _ of found);
    const expected = comments[index] ? expectationOf(comments[index], scope) : undefined;
    tally[expected ? "compared" : "computed"]++;
    if (expected) assert.ok(expected(found), `expected ${comments[index]} but found ${inspect(found)}`);
  };
  const names = Object.keys(scope);
  const run = new AsyncFunction(...names, "$check", `"use strict"; {\n${javascript.code}\n}`);
  await run(...names.map((name) => scope[name]), check);
  return tally;
}

const isAsyncGenerator = (value: unknown): value is AsyncGenerator<unknown> =>
  Object.prototype.toString.call(value) === "[object AsyncGenerator]";

/** Hands the value of each statement to $check. */
function instrument(code: string, scope: Scope) {
  const { program, comments, errors } = parseSync("example.ts", code, { sourceType: "module" });
  if (errors.length > 0) throw new SyntaxError(`${errors[0]!.message} in\n${code}`);
  const statements = program.body.map((statement, i) => {
    const comment = between(comments, statement.end, program.body[i + 1]?.start ?? Infinity);
    return { code: checked(statement, { code, index: i, scope, comment }), comment };
  });
  return { code: statements.map((one) => one.code).join("\n"), comments: statements.map(({ comment }) => comment) };
}

const between = (comments: readonly Comment[], start: number, end: number) =>
  comments
    .filter((comment) => comment.start >= start && comment.end <= end)
    .map(({ value }) => value.trim())
    .join(" ");

function checked(statement: Statement, at: { code: string; index: number; scope: Scope; comment: string }) {
  const text = (node: { start: number; end: number }) => at.code.slice(node.start, node.end);
  if (statement.type === "ImportDeclaration") {
    assert.equal(statement.source.value, "srft");
    for (const { local } of statement.specifiers) assert.ok(local.name in at.scope, `srft exports no ${local.name}`);
    return "";
  }
  if (statement.type === "ExpressionStatement") return `await $check(${at.index}, (${text(statement.expression)}));`;
  const [declared] = statement.type === "VariableDeclaration" ? statement.declarations : [];
  if (declared?.id.type !== "Identifier" || !at.comment) return text(statement);
  return `${text(statement)}\nawait $check(${at.index}, ${declared.id.name});`;
}
