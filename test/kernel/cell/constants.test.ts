import assert from "node:assert/strict";
import { test } from "node:test";
import { Script } from "node:vm";
import { compileCell } from "../../../kernel/cell/cell.ts";
import { constantMessage, fixNames, nameConstants, openNames } from "../../../kernel/cell/constants.ts";
import { usingContext } from "../../../kernel/cell/using.ts";

const global = globalThis as unknown as Record<string, unknown>;
const modules: Record<string, object> = { m: { one: 1, default: 2 } };
Object.assign(global, {
  __srft: {
    fix: (names: string[]) => fixNames(globalThis, names),
    load: async (name: string) => modules[name],
    resume: (value: unknown) => value,
  },
  babelHelpers: { usingCtx: usingContext },
});

/** Runs cells one after the other as the user process does; the value of the last. */
async function run(...cells: string[]): Promise<unknown> {
  let value: unknown;
  for (const cell of cells) {
    const { code, isAsync, names } = compileCell(cell);
    openNames(globalThis, names);
    value = new Script(code).runInThisContext();
    if (isAsync) value = ((await value) as { value: unknown } | undefined)?.value;
  }
  return value;
}

const refused = (...cells: string[]) =>
  assert.rejects(
    run(...cells),
    (error: Error) => error instanceof TypeError && /read only property/.test(error.message),
  );

test("compileCell makes constants that neither their cell nor a later one assigns", async () => {
  await refused("const a1 = 1; a1 = 2");
  await refused("const a2 = 1", "a2 = 2");
  await refused("const a3 = 1", "a3++");
  await refused("const a4 = 1", "[a4] = [2]");
  await refused("const a5 = 1", "for (a5 of [1]);");
  await refused("const a6 = await 1; a6 += 1");
  await refused("const { a7, b: [a8], ...a9 } = { a7: 1, b: [2], c: 3 }", "a9 = {}");
  await refused("export const a10 = 1", "({ x: a10 } = { x: 5 })");
  assert.equal(await run("[a1, a2, a3, a4, a5, a6, a7, a8, a9.c, a10].join()"), "1,1,1,1,1,1,1,2,3,1");
});

test("compileCell makes constants of imports and of what stands beside using", async () => {
  await refused("import b1, { one as b2 } from 'm'; b1 + b2", "b1 = 3");
  await refused("import * as b3 from 'm'; b3", "b3 = {}");
  await refused(
    "using b4 = { [Symbol.dispose ?? Symbol.for('Symbol.dispose')]() {} }; const b5 = 1; let b6 = 2",
    "b6++; b5 = 2",
  );
  assert.equal(await run("b6"), 3);
});

test("compileCell lets functions of earlier cells fail too, and of later ones", async () => {
  await refused("const c1 = 1; const bump1 = () => { c1 += 1 };", "bump1()");
  await refused("function bump2() { c2 += 1 }", "const c2 = 1; bump2()");
});

test("compileCell lets a name be declared again, as anything", async () => {
  assert.equal(await run("const d1 = 1", "const d1 = 2; d1"), 2);
  assert.equal(await run("const d2 = 1", "let d2 = 2; d2 = 3; d2"), 3);
  assert.equal(await run("let d3 = 1", "const d3 = 2; d3"), 2);
  await refused("d3 = 4");
  assert.equal(await run("const d4 = 1", "function d4() { return 2 }; d4()"), 2);
  assert.equal(await run("const d5 = 1", "class d5 { x = 3 }", "new d5().x"), 3);
  assert.equal(await run("const d6 = await 1", "var d6 = 5; d6 = 6; d6"), 6);
  assert.equal(await run("import d7 from 'm'; d7", "let d7 = 1; d7 += 1; d7"), 2);
});

test("compileCell leaves shadowing names, loop variables and objects alone", async () => {
  assert.equal(await run("const e1 = 1", "{ let e1 = 2; e1 = 3 } e1"), 1);
  assert.equal(await run("const e2 = 1", "((e2) => { e2 = 5; return e2 })(1)"), 5);
  assert.equal(await run("let e3 = 0; for (const e4 of [1, 2]) { let e5 = e4; e5++; e3 += e5 } e3"), 5);
  assert.equal(await run("const e6 = { x: 1 }", "e6.x = 2; e6.x"), 2);
});

test("constantMessage tells constants from frozen objects", () => {
  const scope = { a: 1 };
  nameConstants(scope);
  fixNames(scope, ["a", "absent"]);
  const message = (assign: () => void) => {
    try {
      assign();
    } catch (error) {
      return constantMessage((error as Error).message);
    }
    return undefined;
  };
  assert.equal(
    message(() => (scope.a = 2)),
    "Assignment to constant variable.",
  );
  const frozen: { a: number } = Object.freeze({ a: 1 });
  assert.equal(
    message(() => (frozen.a = 2)),
    "Cannot assign to read only property 'a' of object '#<Object>'",
  );
});

test("openNames frees accessors of Node's and leaves what cannot be freed", () => {
  const scope = Object.defineProperties({} as Record<string, unknown>, {
    lazy: { get: () => 1, configurable: true },
    fast: { value: 1, writable: false, configurable: false },
  });
  openNames(scope, ["lazy", "fast", "fresh"]);
  scope.lazy = 2;
  scope.fresh = 3;
  assert.deepEqual([scope.lazy, scope.fresh, scope.fast], [2, 3, 1]);
});
