/** Many cells, one kernel: how much memory each of its processes keeps for a cell. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { startClient } from "../kernel/client.ts";

const cells = 1_000;

/** What people do, by turns; names come again every 50 cells. */
const kinds: readonly ((n: number) => string)[] = [
  (n) =>
    `const table${n % 50} = Array.from({ length: 1000 }, (_, i) => ({ i, text: String(i) })); table${n % 50}.length`,
  (n) => `for (let i = 0; i < 100; i++) console.log("line", i, ${n})`,
  (n) => `interface Row${n % 50} { value: number }\nconst row${n % 50}: Row${n % 50} = { value: ${n} }; row${n % 50}`,
  (n) => `display(html("<b>${n}</b>")); await Promise.resolve(${n})`,
  () => "throw new Error('a mistake')",
];

/** Resident memory in kB of the supervisor, the user process, and the type checker with its compiler. */
function memory(supervisor: number) {
  const of = { A: residentOf(supervisor), B: 0, C: 0 };
  for (const pid of childrenOf(supervisor)) {
    const isUser = readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("user-process.js");
    of[isUser ? "B" : "C"] += [pid, ...childrenOf(pid)].reduce((sum, one) => sum + residentOf(one), 0);
  }
  return of;
}

const residentOf = (pid: number) => Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * 4;

const childrenOf = (pid: number) =>
  readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean).map(Number),
  );

/** Slope of the least-squares line through values at 0, 1, 2 … */
function slope(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const spread = values.reduce((sum, _, x) => sum + (x - middle) ** 2, 0);
  return values.reduce((sum, y, x) => sum + (x - middle) * y, 0) / spread;
}

test(`soak: ${cells} cells, and what each process keeps of them`, {
  skip: process.platform !== "linux" && "reads /proc",
}, async (context) => {
  const client = await startClient();
  try {
    const seen: ReturnType<typeof memory>[] = [];
    for (let n = 0; n < cells; n++) {
      const { reply } = await client.execute(kinds[n % kinds.length]!(n));
      assert.equal(reply.content.status, n % kinds.length === 4 ? "error" : "ok", JSON.stringify(reply.content));
      client.heard.length = client.replies.length = 0;
      if (n >= cells / 4) seen.push(memory(client.process.pid!)); // after the caches are warm
    }
    for (const [name, bound] of [
      ["A", 20],
      ["B", 60],
      ["C", 150],
    ] as const) {
      const perCell = slope(seen.map((one) => one[name]));
      const last = (seen.at(-1)![name] / 1024).toFixed(0);
      context.diagnostic(`process ${name}: ${perCell.toFixed(1)} kB a cell, ${last} MB at the end`);
      assert.ok(perCell < bound, `${name} keeps ${perCell} kB a cell`);
    }
  } finally {
    await client.close();
  }
});
