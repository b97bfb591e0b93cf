/** The suite of the Jupyter project (jupyter_kernel_test), for our kernel and for its peers. */

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mainFile } from "../kernel/client.ts";
import { missing, python } from "../python.ts";

/** A kernel to test, by its command, and what it is asked to display; all speak TypeScript. */
export interface Subject {
  readonly name: string;
  /** With `{connection_file}` in the place of the file. */
  readonly argv: readonly string[];
  /** A cell that displays text/html, and one that clears the output if there is a way. */
  readonly display: string;
  readonly clear: string;
  /** A cell that opens the pager, if there is a way. */
  readonly page: string;
}

export const ourselves: Subject = {
  name: "srft",
  argv: [process.execPath, mainFile, "kernel", "{connection_file}"],
  display: "display(html('<b>x</b>'))",
  clear: "clearOutput()",
  page: "parseInt?",
};

/** Releases before 0.5 await what jupyter_client 8 already answers. */
const suite = ({ name, display, clear, page }: Subject) => `
import unittest, jupyter_client, jupyter_kernel_test
if jupyter_client.version_info[0] >= 8:
    jupyter_kernel_test.run_sync = lambda f: f

class Tests(jupyter_kernel_test.KernelTests):
    kernel_name = ${JSON.stringify(name)}
    language_name = "typescript"
    file_extension = ".ts"
    code_hello_world = "console.log('hello, world')"
    code_stderr = "console.error('oops')"
    completion_samples = [{"text": "console.lo", "matches": {"log"}}, {"text": "JSON.pars", "matches": {"parse"}}]
    complete_code_samples = ["1 + 1", "const a: number = await f()", "function f() {\\n  return 1\\n}"]
    incomplete_code_samples = ["function f() {", "\`abc", "foo("]
    invalid_code_samples = ["let = = 7q", "1 +* 2"]
    code_page_something = ${JSON.stringify(page)}
    code_generate_error = "throw new TypeError('wrong')"
    code_execute_result = [{"code": "1 + 2", "result": "3"}, {"code": "await Promise.resolve([1])", "result": "[ 1 ]"}]
    code_display_data = [{"code": ${JSON.stringify(display)}, "mime": "text/html"}]
    code_history_pattern = "1?2*"
    supported_history_operations = ("tail", "search", "range")
    code_inspect_sample = "parseInt"
    code_clear_output = ${JSON.stringify(clear)}

    def setUp(self):
        self.flush_channels()
        self.execute_helper(code="1+2")
        self.flush_channels()

unittest.main(verbosity=2)
`;

/** The first Python that has the suite: that of the other outside checks, or Debian's; if none has, why not. */
export function findSuite(): { readonly runner: string; readonly reason?: string } {
  const reasons: string[] = [];
  for (const runner of new Set([python, "python3", "/usr/bin/python3"])) {
    const reason = missing("jupyter_kernel_test", "python3-jupyter-kernel-test", runner);
    if (!reason) return { runner };
    reasons.push(reason);
  }
  return { runner: python, reason: reasons.join("; ") };
}

/** Runs the suite and gives what it reports, a line a test. */
export function runSuite(python: string, subject: Subject): string {
  const folder = mkdtempSync(join(tmpdir(), "srft-suite-"));
  try {
    const data = join(folder, "share", "jupyter");
    const spec = join(data, "kernels", subject.name);
    mkdirSync(spec, { recursive: true });
    const { name, argv } = subject;
    const content = { argv, display_name: name, language: "typescript", interrupt_mode: "message" };
    writeFileSync(join(spec, "kernel.json"), JSON.stringify(content));
    writeFileSync(join(folder, "suite.py"), suite(subject));
    const env = { ...process.env, JUPYTER_PATH: data, SRFT_HISTORY: join(folder, "history"), NO_COLOR: "1" };
    const options = { cwd: folder, env, encoding: "utf8", timeout: 180_000, killSignal: "SIGKILL" } as const;
    return spawnSync(python, ["suite.py"], options).stderr;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** How many tests passed. */
export const passedOf = (report: string) => report.match(/^test_.* \.\.\. ok$/gm)?.length ?? 0;
