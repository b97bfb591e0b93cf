/** One notebook with its process C, for the tests of the types. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { type Language, startLanguage } from "../../../kernel/language/language.ts";

const folders: string[] = [];
const languages: Language[] = [];

/** Milliseconds; generous, for other tests share the machine. */
export const budget = 20_000;

after(async () => {
  await Promise.all(languages.map((language) => language.close()));
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder that is gone after the tests. */
export function emptyFolder() {
  const folder = mkdtempSync(join(tmpdir(), "srft-language-"));
  folders.push(folder);
  return folder;
}

/** A notebook whose types are asked for; `codes` runs all cells but the last, which it checks. */
export async function notebook(folder = emptyFolder()) {
  const told: string[] = [];
  const language = startLanguage({ folder, onOff: (message) => told.push(message) });
  languages.push(language);
  await language.ready;
  let id = 0;
  const check = async (source: string) => {
    const problems = await language.check(source, { id: id + 1, budget });
    assert.notEqual(problems, "absent", source);
    return problems as Exclude<typeof problems, "absent">;
  };
  const run = (...cells: string[]) => {
    for (const cell of cells) language.commit(cell, ++id);
  };
  /** The codes of the problems of the last cell, after the others have run. */
  const codes = async (...cells: string[]) => {
    run(...cells.slice(0, -1));
    return (await check(cells.at(-1)!)).map(({ code }) => code);
  };
  const at = (text: string) => ({ code: text.replace("|", ""), cursor: [...text.slice(0, text.indexOf("|"))].length });
  const complete = (text: string) => language.complete({ ...at(text), budget });
  const inspect = (text: string) => language.inspect({ ...at(text), budget });
  return { language, told, check, run, codes, complete, inspect };
}
