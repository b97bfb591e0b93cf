/** Malformed and forged frames, and random cells: no crash, no hang, nothing forged executed. SRFT_FULL=1 for all. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { CellSyntaxError, compileCell } from "../../kernel/cell/cell.ts";
import { createWire } from "../../kernel/protocol/wire.ts";
import { type Client, connectionKey, resultText, startClient } from "./client.ts";

const isFull = process.env.SRFT_FULL === "1";
const [messages, cells, executed] = isFull ? [100_000, 10_000, 10_000] : [2_000, 1_000, 100];
const short = isFull ? undefined : "SRFT_FULL=1 makes it 100,000 messages and 10,000 cells, all sent to the kernel";

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

test(`createWire lets none of ${messages} malformed or forged messages pass`, (context) => {
  if (short) context.diagnostic(short);
  const wire = createWire(connectionKey);
  fc.assert(
    fc.property(fc.oneof(malformed, forged), (frames) => wire.decode(frames) === undefined),
    { numRuns: messages },
  );
});

test(`the kernel lives through ${messages} malformed or forged messages and executes none`, async () => {
  const [{ reply: begin }, batch] = [await client.execute("0"), 1_000];
  for (let sent = 0; sent < messages; sent += batch) {
    const forgeries = fc.sample(fc.oneof(malformed, forged), batch);
    for (const frames of forgeries) if (frames.length > 0) client.sendRaw(frames);
    assert.equal(resultText(await client.execute("typeof wasForged")), "'undefined'");
    client.heard.length = 0;
  }
  const { reply: end } = await client.execute("0");
  assert.equal(end.content.execution_count - begin.content.execution_count, messages / batch + 1, "nothing else ran");
});

test("the kernel lives through contents of the wrong kind", async () => {
  const contents = [null, 5, "x", [], { code: 1 }, { code: "1", silent: "no", user_expressions: 4 }];
  const requests = "execute complete inspect history is_complete comm_info interrupt kernel_info nonsense".split(" ");
  for (const type of [...requests.map((name) => `${name}_request`), "comm_open", "comm_msg", "input_reply", ""])
    for (const content of contents)
      client.sendRaw(createWire(connectionKey).encode({ type, content: content as object }));
  const { reply } = await client.execute("0"); // where an interrupt struck a cell, what was sent after it is aborted
  assert.match(reply.content.status, /^(ok|aborted)$/);
  assert.equal(resultText(await client.execute("'alive'")), "'alive'");
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

test(`compileCell compiles or refuses ${cells} random cells`, () => {
  fc.assert(fc.property(cell, survives), { numRuns: cells });
});

/** Runs a cell; one that does not end is interrupted, as its reader would. */
async function settled(source: string): Promise<string> {
  const answer = client.execute(source);
  const timer = setInterval(() => void client.ask("interrupt_request", {}, "control"), 1_000);
  return (await answer.finally(() => clearInterval(timer))).reply.content.status;
}

test(`the kernel runs or refuses ${executed} random cells and lives`, async () => {
  let seen = 0;
  for (const source of fc.sample(cell, executed)) {
    assert.match(await settled(source), /^(ok|error|aborted)$/, JSON.stringify(source));
    if (++seen % 100 === 0) assert.equal(resultText(await client.execute("6 * 7")), "42", JSON.stringify(source));
    client.heard.length = 0;
  }
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

test("cells of hostile Unicode or a line of a megabyte run or fail, and the kernel lives", async () => {
  for (const source of [
    `"${"x".repeat(2 ** 20)}".length`,
    `console.log("${"🎉".repeat(2 ** 18)}")`,
    `/* ${"\u0301".repeat(2 ** 19)} */ 1`,
    `let = ${"(".repeat(2 ** 20)}`,
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
