import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { startExecutor } from "../../kernel/executor/executor.ts";

/** A process that ended counts as gone, also while its parent has not noticed. */
function isAlive(pid: number) {
  try {
    process.kill(pid, 0);
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

test("startExecutor and close leave no process behind in 20 restarts, with timers, workers and children", {
  skip: process.platform !== "linux" && "reads /proc",
}, async () => {
  const started: number[] = [];
  for (let restart = 0; restart < 20; restart++) {
    const executor = startExecutor({ folder: process.cwd(), onOutput: () => {} });
    const source = `setInterval(() => {}, 10);
      const { spawn } = await import("node:child_process");
      const { Worker } = await import("node:worker_threads");
      new Worker("for (;;);", { eval: true });
      [process.pid, spawn("sleep", ["1000"]).pid]`;
    const { data, error } = await executor.run(restart + 1, { source, count: 1 });
    assert.equal(error, undefined);
    started.push(...(String(data?.["text/plain"]).match(/\d+/g) ?? []).map(Number));
    await executor.close();
  }
  assert.equal(new Set(started).size, 40);
  for (let tries = 0; tries < 50 && started.some(isAlive); tries++) await new Promise((go) => setTimeout(go, 100));
  assert.deepEqual(started.filter(isAlive), []);
});
