import assert from "node:assert/strict";
import { test } from "node:test";
import { python } from "./installed.ts";
import { ourselves, passedOf, runSuite, suiteMissing } from "./jupyter-kernel-test.ts";

test("jupyter_kernel_test passes, all 12 of it", { skip: suiteMissing(python) }, () => {
  const report = runSuite(python, ourselves);
  assert.equal(passedOf(report), 12, report.slice(-4000));
  assert.match(report, /Ran 12 tests[\s\S]*\nOK\n/, report.slice(-4000));
});
