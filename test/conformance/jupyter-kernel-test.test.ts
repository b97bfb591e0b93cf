import assert from "node:assert/strict";
import { test } from "node:test";
import { python } from "./installed.ts";
import { ourselves, passedOf, runSuite, suiteMissing, suitePython } from "./jupyter-kernel-test.ts";

const runner = suitePython(python);

test("jupyter_kernel_test passes, all 12 of it", { skip: suiteMissing(runner) }, () => {
  const report = runSuite(runner, ourselves);
  assert.equal(passedOf(report), 12, report.slice(-4000));
  assert.match(report, /Ran 12 tests[\s\S]*\nOK\n/, report.slice(-4000));
});
