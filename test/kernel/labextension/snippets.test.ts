import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { snippets } from "../../../kernel/labextension/src/commands/snippets.ts";
import { type Diagnostic, rangeIn } from "../../../kernel/labextension/src/squiggles/positions.ts";
import { type Client, startClient } from "../client.ts";

let client: Client;
before(async () => {
  client = await startClient();
  cpSync(join(import.meta.dirname, "../../../../notebooks/checkpoints"), join(client.folder, "checkpoints"), {
    recursive: true,
  });
});
after(() => client.close());

for (const { name, code } of snippets)
  test(`the snippet "${name}" runs, after those before it, without an error or a type problem`, async () => {
    const { reply, iopub } = await client.execute(code);
    assert.equal(reply.content.status, "ok", JSON.stringify(reply.content));
    const types = iopub.flatMap(({ content }) => Object.keys(content.data ?? {}));
    assert.ok(!types.includes("application/vnd.srft.diagnostics+json"));
  });

/** A document as CodeMirror has it. */
function documentOf(text: string) {
  const lines = text.split("\n");
  const starts = lines.map((_, i) => lines.slice(0, i).join("\n").length + (i > 0 ? 1 : 0));
  return { lines: lines.length, line: (n: number) => ({ from: starts[n - 1]!, text: lines[n - 1]! }) };
}

function underlined(text: string, [line, column, endLine, endColumn]: readonly [number, number, number, number]) {
  const at: Pick<Diagnostic, "start" | "end"> = { start: { line, column }, end: { line: endLine, column: endColumn } };
  const range = rangeIn(documentOf(text), at);
  return range && text.slice(range.from, range.to);
}

test("rangeIn counts code points, and marks a letter where a problem has no length", () => {
  const text = "const a = 1;\n'😀' + bad;\n";
  assert.equal(underlined(text, [1, 6, 1, 7]), "a");
  assert.equal(underlined(text, [2, 6, 2, 9]), "bad");
  assert.equal(underlined(text, [1, 6, 2, 3]), "a = 1;\n'😀'");
  assert.equal(underlined(text, [1, 0, 1, 0]), "c");
  assert.equal(underlined(text, [1, 12, 1, 12]), ";");
});

test("rangeIn marks nothing outside the text", () => {
  for (const place of [
    [0, 0, 0, 1],
    [4, 0, 4, 1],
    [1, -1, 1, 2],
    [3, 0, 3, 0],
    [1.5, 0, 2, 0],
  ] as const)
    assert.equal(underlined("const a = 1;\nb;\n", place), undefined, `${place}`);
});
