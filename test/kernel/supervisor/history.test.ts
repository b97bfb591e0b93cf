import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { historyFile, openHistory } from "../../../kernel/supervisor/history.ts";

const folder = mkdtempSync(join(tmpdir(), "srft-history-"));
after(() => rmSync(folder, { recursive: true }));

let files = 0;
const freshFile = () => join(folder, `${++files}.jsonl`);

/** A history with the cells of two sessions. */
function twoSessions() {
  const file = freshFile();
  const first = openHistory(file);
  for (const [index, source] of ["a = 1", "b = 2", "a = 1"].entries()) first.add(index + 1, source);
  const second = openHistory(file);
  second.add(1, "c = 3");
  second.addOutput(1, "3");
  return { file, second };
}

test("find gives the tail of all sessions, oldest first", () => {
  const { second } = twoSessions();
  assert.deepEqual(second.find({ hist_access_type: "tail", n: 2 }), [
    [1, 3, "a = 1"],
    [2, 1, "c = 3"],
  ]);
  assert.deepEqual(second.find({ hist_access_type: "tail", n: 1, output: true }), [[2, 1, ["c = 3", "3"]]]);
});

test("find gives a range of this session, an earlier one or one by number", () => {
  const { second } = twoSessions();
  assert.deepEqual(second.find({ hist_access_type: "range", session: 0 }), [[2, 1, "c = 3"]]);
  assert.deepEqual(second.find({ hist_access_type: "range", session: -1, start: 2, stop: 3 }), [[1, 2, "b = 2"]]);
  assert.equal(second.find({ hist_access_type: "range", session: 1 }).length, 3);
  assert.deepEqual(second.find({ hist_access_type: "range", session: 9 }), []);
});

test("find searches by pattern, each text once where asked", () => {
  const { second } = twoSessions();
  assert.equal(second.find({ hist_access_type: "search", pattern: "a*" }).length, 2);
  assert.deepEqual(second.find({ hist_access_type: "search", pattern: "a*", unique: true }), [[1, 3, "a = 1"]]);
  assert.deepEqual(second.find({ hist_access_type: "search", pattern: "? = 3" }), [[2, 1, "c = 3"]]);
  assert.deepEqual(second.find({ hist_access_type: "none" }), []);
});

test("openHistory keeps half of a file that grew too long, the newest", () => {
  const file = freshFile();
  const line = (n: number) => `${JSON.stringify({ session: 1, line: n, source: `n = ${n}` })}\n`;
  writeFileSync(file, Array.from({ length: 10_001 }, (_, n) => line(n)).join(""));
  const history = openHistory(file);
  assert.equal(readFileSync(file, "utf8").trim().split("\n").length, 5000);
  assert.deepEqual(history.find({ hist_access_type: "tail", n: 1 }), [[1, 10_000, "n = 10000"]]);
  history.add(1, "next");
  assert.equal(readFileSync(file, "utf8").trim().split("\n").length, 5001);
});

test("openHistory passes over broken lines and does without a file", () => {
  const { file } = twoSessions();
  appendFileSync(file, '{"session": 1, "li\nnull\n[]\n{"session": "x", "line": 1, "source": 5}\n');
  assert.equal(openHistory(file).find({ hist_access_type: "tail", n: 100 }).length, 4);
  const unwritable = openHistory("/dev/null/history.jsonl");
  unwritable.add(1, "kept in memory");
  assert.deepEqual(unwritable.find({ hist_access_type: "tail", n: 1 }), [[1, 1, "kept in memory"]]);
});

test("add leaves out empty and very long cells", () => {
  const history = openHistory("");
  history.add(1, "  \n");
  history.add(2, "x".repeat(200_000));
  assert.deepEqual(history.find({ hist_access_type: "tail", n: 5 }), []);
});

test("historyFile is SRFT_HISTORY, else beside Jupyter's data", () => {
  const machine = { platform: "linux", home: "/home/ada", env: {} } as const;
  assert.equal(historyFile(machine), "/home/ada/.local/share/jupyter/srft-history.jsonl");
  assert.equal(historyFile({ ...machine, env: { SRFT_HISTORY: "" } }), "");
});
