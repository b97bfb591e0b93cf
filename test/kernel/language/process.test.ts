import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { startLanguage } from "../../../kernel/language/language.ts";
import { budget, emptyFolder, notebook } from "./notebook.ts";

test("check that takes longer than its budget is absent and the next call works", async () => {
  const { language, check } = await notebook();
  assert.equal(await language.check("const n: number = ''", { id: 1, budget: 0 }), "absent");
  assert.equal((await check("const n: number = ''")).length, 1);
});

test("startLanguage restarts a dead C once with all its cells, then stays off and says so once", async () => {
  const { language, told, run, codes } = await notebook();
  run("const kept: string = 'a';");
  const first = language.pid!;
  process.kill(first, "SIGKILL");
  while (language.pid === first) await delay(5);
  assert.deepEqual(await codes("kept.nope"), [2339]);
  process.kill(language.pid!, "SIGKILL");
  while (language.pid) await delay(5);
  assert.equal(await language.check("kept", { id: 9 }), "absent");
  assert.equal(await language.complete({ code: "kept.", cursor: 5 }), "absent");
  assert.equal(told.length, 1);
});

test("startLanguage answers in its order what was asked before its process may start", async () => {
  let begin = () => {};
  const after = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const language = startLanguage({ folder: emptyFolder(), after });
  const unknown = language.check("kept.length", { id: 1, budget });
  language.commit("const kept = 'a';", 1);
  const wrong = language.check("kept.nope", { id: 2, budget });
  assert.equal(language.pid, undefined);
  begin();
  const codes = (problems: Awaited<typeof wrong>) => problems !== "absent" && problems.map(({ code }) => code);
  assert.deepEqual(codes(await unknown), [2304]);
  assert.deepEqual(codes(await wrong), [2339]);
  await language.close();
});

test("startLanguage that is closed before its process may start never starts it", async () => {
  const after = delay(50);
  const language = startLanguage({ folder: emptyFolder(), after });
  await language.close();
  await after;
  await delay(10);
  assert.equal(language.pid, undefined);
});

/** Processes of a group that live. */
const alive = (group: number) =>
  execFileSync("ps", ["-A", "-o", "pgid=,stat="], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.trim().startsWith(`${group} `) && !line.includes("Z"));

test("startLanguage leaves no process behind", { skip: process.platform === "win32" }, async () => {
  const { language } = await notebook();
  const group = language.pid!;
  assert.equal(alive(group).length, 2);
  await language.close();
  await delay(200);
  assert.deepEqual(alive(group), []);
});

test("C ends with the process that started it", { skip: process.platform === "win32" }, async () => {
  const module = new URL("../../../kernel/language/language.js", import.meta.url).href;
  const script = `const { startLanguage } = await import(${JSON.stringify(module)});
    const language = startLanguage({ folder: process.cwd() });
    await language.ready;
    console.log(language.pid);`;
  const parent = spawn(process.execPath, ["--input-type=module", "-e", script], { cwd: emptyFolder() });
  const [group] = await once(parent.stdout, "data");
  parent.kill("SIGKILL");
  for (let waits = 0; alive(Number(group)).length > 0 && waits < 100; waits++) await delay(100);
  assert.deepEqual(alive(Number(group)), []);
});

test("check and complete survive hostile text", { timeout: 120_000 }, async () => {
  const { language, told, codes, complete, inspect, run } = await notebook();
  const first = language.pid;
  const check = (text: string) => language.check(text, { id: 1, budget });
  const long = `const big = "${"x".repeat(1_000_000)}";`;
  const hostile = [
    long,
    "((((((",
    "}".repeat(5000),
    "(".repeat(50_000),
    "<a>".repeat(20_000),
    "new ".repeat(20_000),
    `x = ${"!".repeat(9000)}1`,
    `x = a${".b".repeat(9000)}`,
    "\ud800",
    "const s = '\udc00\ud800';",
    "\0",
    "`${`".repeat(900),
  ];
  for (const text of hostile) {
    await language.check(text, { id: 1, budget });
    await complete(`${text}|`);
    await inspect(`${text}|`);
  }
  run(...hostile);
  assert.deepEqual(await codes("big.length"), []);
  const problems = await check("const t = '\ud800'; t.nope");
  assert.ok(problems !== "absent");
  assert.deepEqual(problems[0]!.start, { line: 1, column: 17 });
  assert.deepEqual([language.pid, told], [first, []]);
});
