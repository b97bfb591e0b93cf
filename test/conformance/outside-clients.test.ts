/** The clients that people have: each runs cells in our installed kernel and must show what they print. */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { joined, type Notebook } from "../../kernel/notebook/notebook.ts";
import { missing } from "../python.ts";
import { withInstalledKernel } from "./installed.ts";

const notebookOf = (cells: readonly string[]) => ({
  nbformat: 4,
  nbformat_minor: 5,
  metadata: { kernelspec: { name: "srft", display_name: "TypeScript (srft)", language: "typescript" } },
  cells: cells.map((source, index) => ({
    ...{ cell_type: "code", id: `cell-${index}`, source, metadata: {}, execution_count: null, outputs: [] },
  })),
});

const cells = [
  "for (let i = 0; i < 10_000; i++) console.log('line', i);",
  "const answer: number = await Promise.resolve(42);\nanswer",
  "display(html('<b id=\"bold\">bold</b>'))",
];

/** What an executed notebook must hold. */
function assertExecuted(notebook: Notebook) {
  const [lines, result, shown] = notebook.cells.map(({ outputs }) => outputs ?? []);
  const text = lines!.map((output) => (output.output_type === "stream" ? joined(output.text) : "")).join("");
  assert.equal(text, Array.from({ length: 10_000 }, (_, line) => `line ${line}\n`).join(""));
  assert.deepEqual(
    result!.map((output) => output.output_type === "execute_result" && joined(output.data["text/plain"] as string)),
    ["42"],
  );
  assert.match(JSON.stringify(shown), /bold/);
}

const nbconvertMissing = missing("nbconvert", "jupyter-nbconvert");

test("nbconvert --execute writes a notebook with every output", { skip: nbconvertMissing }, () => {
  withInstalledKernel(({ folder, python }) => {
    writeFileSync(join(folder, "in.ipynb"), JSON.stringify(notebookOf(cells)));
    const { status, stderr } = python("-m nbconvert --to notebook --execute in.ipynb --output out.ipynb".split(" "));
    assert.equal(status, 0, stderr.slice(-2000));
    assertExecuted(JSON.parse(readFileSync(join(folder, "out.ipynb"), "utf8")) as Notebook);
  });
});

test("nbconvert --execute --to html shows outputs, and fails where a cell fails", { skip: nbconvertMissing }, () => {
  withInstalledKernel(({ folder, python }) => {
    const convert = (file: string) => python(["-m", "nbconvert", "--to", "html", "--execute", file]);
    writeFileSync(join(folder, "good.ipynb"), JSON.stringify(notebookOf(cells)));
    assert.equal(convert("good.ipynb").status, 0);
    assert.match(readFileSync(join(folder, "good.html"), "utf8"), /line 9999[\s\S]*<b id="bold">bold<\/b>/);
    writeFileSync(join(folder, "bad.ipynb"), JSON.stringify(notebookOf(["throw new RangeError('too far')"])));
    const { status, stderr } = convert("bad.ipynb");
    assert.notEqual(status, 0);
    assert.match(stderr, /RangeError: too far/);
  });
});

const runApp = "from jupyter_client.runapp import RunApp; RunApp.launch_instance()";

test("jupyter run prints what the files print", { skip: missing("jupyter_client.runapp", "jupyter-client") }, () => {
  withInstalledKernel(({ folder, python }) => {
    writeFileSync(join(folder, "one.ts"), "const n: number = 40;\nconsole.log('from a file', n + 2);\n");
    const { status, stdout, stderr } = python(["-c", runApp, "--kernel=srft", "one.ts"]);
    assert.equal(status, 0, stderr.slice(-2000));
    assert.equal(stdout, "from a file 42\n");
    writeFileSync(join(folder, "two.ts"), "throw new RangeError('too far')");
    const failed = python(["-c", runApp, "--kernel=srft", "two.ts"]);
    assert.match(failed.stdout + failed.stderr, /RangeError: too far/);
  });
});

const executeApp = "from nbclient.cli import main; main()";

test("jupyter execute fills a notebook in place", { skip: missing("nbclient.cli", "python3-nbclient") }, (context) => {
  withInstalledKernel(({ folder, python }) => {
    if (!python(["-c", executeApp, "--help-all"]).stdout.includes("--inplace"))
      return context.skip("this nbclient's jupyter execute cannot write (no --inplace)");
    const file = join(folder, "in.ipynb");
    writeFileSync(file, JSON.stringify(notebookOf(cells)));
    const { status, stderr } = python(["-c", executeApp, "--inplace", "--kernel_name=srft", file]);
    assert.equal(status, 0, stderr.slice(-2000));
    assertExecuted(JSON.parse(readFileSync(file, "utf8")) as Notebook);
  });
});

const consoleMissing = missing("jupyter_console", "jupyter-console");

test("jupyter console --simple-prompt shows results, prints and errors", { skip: consoleMissing }, () => {
  withInstalledKernel(({ python }) => {
    const lines = [
      "const a: number = 20",
      "a + 1",
      "console.log('printed', a)",
      "throw new TypeError('wrong')",
      "a * 2",
    ];
    const args = ["-m", "jupyter_console", "--kernel=srft", "--simple-prompt"];
    const { stdout, stderr } = python(args, `${lines.join("\n")}\n`);
    assert.match(stdout, /Out\[2\]: 21[\s\S]*printed 20[\s\S]*Out\[5\]: 40/, stderr.slice(-2000));
    assert.match(stderr, /TypeError: wrong[\s\S]*cell \[4\], line 1/);
  });
});

/** Types into the console as a person does: each line once the screen has come to rest. */
const typist = `
import os, pty, select, sys, time
pid, screen = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    os.execv(sys.executable, [sys.executable, "-m", "jupyter_console", "--kernel=srft"])
seen = ""
def read(patience):
    global seen
    if not select.select([screen], [], [], patience)[0]: return False
    chunk = os.read(screen, 65536)
    if b"\\x1b[6n" in chunk: os.write(screen, b"\\x1b[1;1R")  # where is the cursor?
    seen += chunk.decode(errors="replace")
    return True
def expect(text):
    global seen
    end = time.time() + 30
    while text not in seen:
        if time.time() > end: sys.exit(f"expected {text} but found {seen!r}")
        read(0.2)
    seen = seen[seen.index(text) + len(text):]
    while read(0.3): pass
def press(keys): os.write(screen, keys.encode())
def enter(*lines): press("".join(line + "\\r" for line in lines))
expect("In [")
enter("const a: number = 20"); expect("In [")
enter("a + 1"); expect("21")
enter("for (let i = 6; i < 8; i++) {", "console.log(i * 111)", "}"); expect("666"); expect("777")
enter("prompt(['w', 'ho?'].join(''))"); expect("who?")
enter("Ada"); expect("'Ada'")
enter("console.log(['lo', 'op'].join('')); for (;;);"); expect("loop")
press("\\x03"); expect("Interrupted")
enter("a * 3"); expect("60")
press("\\x04"); expect("exit"); enter("y")
os.waitpid(pid, 0)
`;

const terminalMissing =
  consoleMissing ??
  missing(
    "jupyter_console; assert jupyter_console.version_info >= (6, 6), 'an older one breaks its own event loop'",
    "",
  );

test("jupyter console in a terminal: cells of several lines, a question, and an interrupt", {
  skip: terminalMissing,
}, () => {
  withInstalledKernel(({ python }) => {
    const { status, stderr } = python(["-c", typist]);
    assert.equal(status, 0, stderr.slice(-3000));
  });
});
