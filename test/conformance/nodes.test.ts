/** The kernel on other releases of Node: SRFT_NODES names their binaries, separated as in PATH. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";
import { test } from "node:test";

const nodes = (process.env.SRFT_NODES ?? "").split(delimiter).filter((path) => path !== "");
const suites = [
  "kernel/kernel",
  "kernel/interrupt",
  "kernel/restart",
  "conformance/burst",
  "conformance/several-clients",
];

if (nodes.length === 0) {
  const remedy = "npm install --prefix DIR node@24, then SRFT_NODES=DIR/node_modules/node/bin/node";
  test("the kernel on other releases of Node", { skip: `SRFT_NODES names none; ${remedy}` }, () => {});
}

const { NODE_TEST_CONTEXT: _, ...env } = process.env;

for (const node of nodes) {
  const { stdout: version = "" } = spawnSync(node, ["--version"], { encoding: "utf8" });
  for (const suite of suites)
    test(`Node ${version.trim()}: ${suite} passes`, () => {
      const file = join(import.meta.dirname, "..", `${suite}.test.js`);
      const { status, stdout } = spawnSync(node, ["--test", "--test-reporter=tap", file], { encoding: "utf8", env });
      assert.equal(status, 0, stdout.slice(-6000));
      assert.match(stdout, /^# pass [1-9]/m);
    });
}
