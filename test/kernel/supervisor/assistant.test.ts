import assert from "node:assert/strict";
import { test } from "node:test";
import type { TypeProblem } from "../../../kernel/language/language.ts";
import { createAssistant } from "../../../kernel/supervisor/assistant.ts";

/** An assistant over a type checker that says of a cell what `says` has, and what the checker was asked and told. */
function assistantOver(says: (source: string) => readonly TypeProblem[]) {
  const heard: string[] = [];
  const language = {
    ready: Promise.resolve(),
    check: async (source: string) => {
      heard.push(`check ${source}`);
      return says(source);
    },
    complete: async () => "absent" as const,
    inspect: async () => "absent" as const,
    commit: (source: string) => void heard.push(`commit ${source}`),
    close: async () => {},
  };
  const assistant = createAssistant({ ask: async () => undefined, names: new Set<string>() }, language);
  let id = 0;
  const run = async (source: string) => {
    const problems = await assistant.check({ source, id: ++id, types: "error" }, () => {});
    assistant.commit(source, id);
    return problems;
  };
  return { run, heard };
}

test("check asks once of a cell that is run again at once, is right and declares nothing", async () => {
  const { run, heard } = assistantOver(() => []);
  for (const source of ["1 + 1", "1 + 1", "1 + 1", "total", "1 + 1"]) assert.deepEqual(await run(source), []);
  assert.deepEqual(
    heard.filter((one) => one.startsWith("check")),
    ["check 1 + 1", "check total", "check 1 + 1"],
  );
});

test("check asks anew of cells that declare, import or are wrong, and tells the checker what they declared", async () => {
  const problem = { message: "no" } as TypeProblem;
  const { run, heard } = assistantOver((source) => (source === "wrong" ? [problem] : []));
  for (const source of ["const a = 1", "import('./x.ts')", "wrong"]) {
    heard.length = 0;
    for (const _ of [1, 2]) assert.equal((await run(source)).length, source === "wrong" ? 1 : 0);
    assert.deepEqual(heard, [`check ${source}`, `commit ${source}`, `check ${source}`, `commit ${source}`]);
  }
});
