import assert from "node:assert/strict";
import { test } from "node:test";
import { findSuite, ourselves, passedOf, runSuite } from "./jupyter-kernel-test.ts";

const { runner, reason } = findSuite();

test("jupyter_kernel_test passes, all 12 of it", { skip: reason }, () => {
  const report = runSuite(runner, ourselves);
  assert.equal(passedOf(report), 12, report.slice(-4000));
  assert.match(report, /Ran 12 tests[\s\S]*\nOK\n/, report.slice(-4000));
});
