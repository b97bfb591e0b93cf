import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { mainFile } from "../kernel/client.ts";

const python = process.env.SRFT_PYTHON ?? "python3";

/** The suite of the Jupyter project; releases before 0.5 await what jupyter_client 8 already answers. */
const suite = `
import unittest, jupyter_client, jupyter_kernel_test
if jupyter_client.version_info[0] >= 8:
    jupyter_kernel_test.run_sync = lambda f: f

class SrftTests(jupyter_kernel_test.KernelTests):
    kernel_name = "srft"
    language_name = "typescript"
    file_extension = ".ts"
    code_hello_world = "console.log('hello, world')"
    code_stderr = "console.error('oops')"
    completion_samples = [{"text": "console.lo", "matches": {"log"}}, {"text": "JSON.pars", "matches": {"parse"}}]
    complete_code_samples = ["1 + 1", "const a: number = await f()", "function f() {\\n  return 1\\n}"]
    incomplete_code_samples = ["function f() {", "\`abc", "foo("]
    invalid_code_samples = ["let = = 7q", "1 +* 2"]
    code_page_something = "parseInt?"
    code_generate_error = "throw new TypeError('wrong')"
    code_execute_result = [{"code": "1 + 2", "result": "3"}, {"code": "await Promise.resolve([1])", "result": "[ 1 ]"}]
    code_display_data = [{"code": "display(html('<b>x</b>'))", "mime": "text/html"}]
    code_history_pattern = "1?2*"
    supported_history_operations = ("tail", "search", "range")
    code_inspect_sample = "parseInt"
    code_clear_output = "clearOutput()"

    def setUp(self):
        self.flush_channels()
        self.execute_helper(code="1+2")
        self.flush_channels()

unittest.main(verbosity=2)
`;

test("jupyter_kernel_test passes, all 12 of it", (context) => {
  const found = spawnSync(python, ["-c", "import jupyter_kernel_test"], { encoding: "utf8" });
  if (found.status !== 0) {
    const reason = found.error?.message ?? found.stderr.trim().split("\n").at(-1);
    return context.skip(`${python}: ${reason}; install it with: apt-get install python3-jupyter-kernel-test`);
  }
  const folder = mkdtempSync(join(tmpdir(), "srft-suite-"));
  try {
    const env = {
      ...process.env,
      JUPYTER_PATH: join(folder, "share", "jupyter"),
      SRFT_HISTORY: join(folder, "history"),
    };
    spawnSync(process.execPath, [mainFile, "install", "--prefix", folder], { env });
    writeFileSync(join(folder, "suite.py"), suite);
    const { stderr } = spawnSync(python, ["suite.py"], { cwd: folder, env, encoding: "utf8", timeout: 120_000 });
    assert.match(stderr, /Ran 12 tests/, stderr.slice(-4000));
    assert.match(stderr, /\nOK\n/, stderr.slice(-4000));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
