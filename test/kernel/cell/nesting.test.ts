import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CellSyntaxError, checkSyntax, compileCell } from "../../../kernel/cell/cell.ts";
import { isParseable } from "../../../kernel/cell/nesting.ts";

const around =
  (open: string, close: string, middle = "1") =>
  (levels: number) =>
    open.repeat(levels) + middle + close.repeat(levels);

/** Every way found to nest. */
const kinds: Record<string, (levels: number) => string> = {
  parentheses: around("(", ")"),
  "open parentheses": around("(", ""),
  arrays: around("[", "]"),
  objects: (levels) => `x=${around("{a:", "}")(levels)}`,
  blocks: around("{", "}"),
  functions: around("function f(){", "}"),
  "functions called": around("(function(){", "})()"),
  methods: (levels) => `x=${around("{a(){x=", "}}")(levels)}`,
  classes: around("class A{m(){", "}}", ""),
  namespaces: around("namespace A{", "}", ""),
  arrows: around("a=>", ""),
  templates: around("`${", "}`"),
  not: around("!", ""),
  minus: around("- ", ""),
  typeof: around("typeof ", ""),
  new: around("new ", "", "A"),
  await: around("await ", ""),
  if: around("if(1)", ""),
  else: around("if(1);else ", ""),
  for: around("for(;;)", "", ";"),
  calls: (levels) => `a${"()".repeat(levels)}`,
  "optional chain": (levels) => `a${"?.b".repeat(levels)}`,
  members: (levels) => `a${".b".repeat(levels)}`,
  sum: (levels) => `1${"+1".repeat(levels)}`,
  power: (levels) => `1${"**1".repeat(levels)}`,
  conditions: around("1?", ":1"),
  assignments: around("a=", ""),
  jsx: (levels) => `x=${around("<a>", "</a>", "")(levels)}`,
  "jsx open": around("<a>", "", ""),
  "type arguments": (levels) => `let x:${around("Array<", ">")(levels)}`,
  "object types": (levels) => `let x:${around("{a:", "}")(levels)}`,
  "conditional types": (levels) => `type A=${around("B extends C?", ":2")(levels)}`,
  patterns: (levels) => `let ${around("[", "]", "a")(levels)}=1`,
};

/** What becomes of a text: compiled, refused for its depth, or for its syntax. */
function outcome(source: string) {
  try {
    compileCell(source);
    return "compiled";
  } catch (error) {
    assert.ok(error instanceof CellSyntaxError, String(error));
    return /nested too deeply/.test(error.message) ? "too deep" : "syntax";
  }
}

for (const [name, text] of Object.entries(kinds))
  test(`compileCell survives ${name} nested 200 and 50,000 deep`, () => {
    const shallow = outcome(text(200));
    assert.equal(shallow, name.includes("open") || name === "namespaces" || name === "classes" ? shallow : "compiled");
    assert.notEqual(shallow, "too deep");
    outcome(text(50_000));
  });

test("compileCell says of 50,000 parentheses that they are too deep", () => {
  assert.equal(outcome("(".repeat(50_000)), "too deep");
  assert.throws(() => checkSyntax("[".repeat(50_000)), /nested too deeply/);
});

test("isParseable lets long flat texts pass", () => {
  assert.ok(isParseable(`[${"1, ".repeat(100_000)}]`));
  assert.ok(isParseable("const a = f(b, c) + 1;\n".repeat(5000)));
  assert.ok(isParseable(`const text = "${"(".repeat(50_000)}";`));
});

test("compileCell survives mixed nestings", { timeout: 120_000 }, () => {
  const openers = [
    "(",
    "[",
    "{a:",
    "`${",
    "!",
    "await ",
    "()=>{",
    "<a>{",
    "if(1)",
    "f(",
    "new ",
    "a?.b+",
    "1?",
    "<T>(",
    "function f(){",
    "'",
    '"',
    "/",
    "//",
    "/*",
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...openers), { minLength: 1, maxLength: 4 }), (parts) => {
      outcome(parts.join("").repeat(8000));
    }),
    { numRuns: 40 },
  );
});
