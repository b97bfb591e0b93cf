/** Malformed and forged frames, and random cells: no crash, no hang, nothing forged executed. SRFT_FULL=1 for all. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { CellSyntaxError, compileCell } from "../../kernel/cell/cell.ts";
import { createWire } from "../../kernel/protocol/wire.ts";
import { type Client, connectionKey, resultText, startClient } from "./client.ts";

const isFull = process.env.SRFT_FULL === "1";
const [decoded, sent, compiled] = isFull ? [100_000, 5_000, 10_000] : [10_000, 500, 1_000];

let client: Client;

before(async () => {
  client = await startClient();
});
after(() => client.close());

const delimiter = Buffer.from("<IDS|MSG>");
const json = ["{}", "[]", "null", "{", "", '{"msg_type":5}', '{"__proto__":{"a":1}}', `${"[".repeat(500)}`];
const frame = fc.oneof(
  fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom(delimiter, ...json.map((text) => Buffer.from(text))),
);
const malformed = fc.array(frame, { maxLength: 9 });

/** A genuine request with one byte changed, a part taken out or doubled, or another's signature. */
const forged = fc
  .tuple(fc.constantFrom("flip", "drop", "double", "key"), fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 }))
  .map(([how, at, byte, change]) => {
    const wire = createWire(how === "key" ? "another key" : connectionKey);
    const content = { code: "globalThis.wasForged = true", silent: true };
    const frames = wire.encode({ type: "execute_request", content }).map((part) => Buffer.from(part));
    const index = 1 + (at % 5);
    if (how === "flip") frames[index]![byte % frames[index]!.length]! ^= change;
    if (how === "drop") frames.splice(index, 1);
    const inner = 1 + (at % 4); // a doubled content is a buffer, and buffers are not signed
    if (how === "double") frames.splice(inner, 0, frames[inner]!);
    return frames;
  });

test(`createWire lets none of ${decoded} malformed or forged messages pass`, () => {
  const wire = createWire(connectionKey);
  fc.assert(
    fc.property(fc.oneof(malformed, forged), (frames) => wire.decode(frames) === undefined),
    { numRuns: decoded },
  );
});

test(`the kernel lives through ${sent} malformed or forged messages and executes none`, async () => {
  for (const frames of fc.sample(fc.oneof(malformed, forged), sent)) if (frames.length > 0) client.sendRaw(frames);
  const contents = [null, 5, "x", [], { code: 1 }, { code: "1", silent: "no", user_expressions: 4 }];
  for (const type of ["complete_request", "inspect_request", "history_request", "comm_open", "comm_msg", "input_reply"])
    for (const content of contents)
      client.sendRaw(createWire(connectionKey).encode({ type, content: content as object }));
  assert.equal(resultText(await client.execute("typeof wasForged")), "'undefined'");
});

const words =
  "const let var function class enum async await import from export default using for of in if else return throw try catch finally { } ( ) [ ] ; , . ... => = + ? : ! ` ${ ' \" / * // /* @ # a b \\u0061 🎉 1 1n 0x <T> </b> as satisfies type interface namespace declare %types \n \u2028 \ud800 \u0000".split(
    " ",
  );
const cell = fc.oneof(
  { weight: 6, arbitrary: fc.array(fc.constantFrom(...words), { maxLength: 24 }).map((parts) => parts.join(" ")) },
  { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 60 }) },
  { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 60 }) },
);

/** Compiles; a refusal must be a syntax error with a place in the cell. */
function survives(source: string) {
  try {
    const { code, originalLine } = compileCell(source);
    return typeof code === "string" && Number.isInteger(originalLine(1, 0));
  } catch (error) {
    return error instanceof CellSyntaxError && error.line >= 1 && error.column >= 0;
  }
}

test(`compileCell compiles or refuses ${compiled} random cells`, () => {
  fc.assert(fc.property(cell, survives), { numRuns: compiled });
});

test("compileCell takes lines of a megabyte and deep nesting", () => {
  const long = [
    `"${"x".repeat(2 ** 20)}"`,
    `/* ${"🎉".repeat(2 ** 18)} */ 1`,
    `a${" + a".repeat(2_000)}`,
    "x".repeat(2 ** 20),
  ];
  for (const source of [...long, `${"[".repeat(500)}${"]".repeat(500)}`, `${"(".repeat(2_000)}`])
    assert.ok(survives(source), source.slice(0, 20));
});

test("cells of hostile Unicode run or fail, and the kernel lives", async () => {
  for (const source of [
    "'\ud800'",
    "const ａ = 1; ａ",
    "'\u2028'",
    "/*\u0000*/ 1",
    "\ufeff1",
    "'🎉'.repeat(9)",
    "#!x\n1",
  ])
    assert.match((await client.execute(source)).reply.content.status, /ok|error/);
  assert.equal(resultText(await client.execute("'alive'")), "'alive'");
});
