import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readNotebook } from "../../kernel/notebook/notebook.ts";
import { claimsOf } from "../../notebooks/reproduction/executed.ts";
import { writeTinyModel } from "../reproduction/tiny-model.ts";

const root = join(import.meta.dirname, "../../..");
const main = join(import.meta.dirname, "../../kernel/main.js");
const folder = mkdtempSync(join(tmpdir(), "srft-twin-"));
after(() => rmSync(folder, { recursive: true }));
const answering = await writeTinyModel(join(folder, "tiny-qwen2"));
const silent = await writeTinyModel(join(folder, "tiny-qwen2-silent"), { isAnswering: false });
const notebooks = readdirSync(join(root, "notebooks")).filter((name) => /^0[2-9].*\.ipynb$/.test(name));

function runOn(model: string, name: string) {
  const out = join(folder, name);
  const { SRFT_FULL: _, ...plain } = process.env;
  const env = { ...plain, SRFT_MODEL: model, SRFT_STEPS: "2", SRFT_PROBLEMS: "6", SRFT_RUNS: join(folder, "runs") };
  execFileSync(process.execPath, [main, "run", join(root, "notebooks", name), "--out", out], { env, stdio: "pipe" });
  const claims = claimsOf(readNotebook(out));
  assert.ok(claims.length > 3);
  for (const { found, verdict } of claims) {
    assert.ok(verdict === "not testable here" || Number.isFinite(found!.mean), JSON.stringify(found));
  }
}

for (const name of notebooks) {
  test(`${name} runs on a folder of Hugging Face, two steps`, () => runOn(answering, name));
}

for (const name of notebooks.filter((one) => /learning-dynamics|rl-edits/.test(one))) {
  test(`${name} runs on a model that is never rewarded, whose RL changes nothing`, () => runOn(silent, name));
}
