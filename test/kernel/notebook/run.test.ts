import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { joined, type Notebook, type NotebookCell } from "../../../kernel/notebook/notebook.ts";
import { expectedDurations, remainingSeconds } from "../../../kernel/notebook/progress.ts";
import { mainFile } from "../client.ts";

let folder: string;

before(() => {
  folder = mkdtempSync(join(tmpdir(), "srft-run-"));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const code = (source: string, metadata: object = {}): NotebookCell => ({
  cell_type: "code",
  source,
  metadata: { ...metadata },
  execution_count: null,
  outputs: [],
});

function notebookOf(cells: NotebookCell[], kernel: string | undefined = "srft"): Notebook {
  return { nbformat: 4, nbformat_minor: 4, metadata: kernel ? { kernelspec: { name: kernel } } : {}, cells };
}

function save(name: string, content: Notebook | string) {
  const file = join(folder, name);
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  return file;
}

const load = (name: string) => JSON.parse(readFileSync(join(folder, name), "utf8")) as Notebook;

interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command in the temporary folder; `onText` sees stdout and stderr as they come. */
function srft(
  args: string[],
  onText: (text: string, kill: (signal: NodeJS.Signals) => void) => void = () => {},
  extra: Record<string, string> = {},
) {
  const child = spawn(process.execPath, [mainFile, ...args], {
    cwd: folder,
    env: { ...process.env, GREETING: "hello", ...extra },
  });
  const text = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (piece: string) => {
      text[name] += piece;
      onText(piece, (signal) => child.kill(signal));
    });
  return new Promise<Finished>((resolve) => child.on("close", (status) => resolve({ status, ...text })));
}

const outputText = (cell: NotebookCell | undefined) =>
  (cell?.outputs ?? [])
    .map((output) => (output.output_type === "stream" ? joined(output.text) : output.output_type))
    .join("|");

test("run executes a notebook, writes it to out/ with times and counts, and leaves the input alone", async () => {
  const input = notebookOf([
    code("import { join } from 'node:path';\nconsole.log(process.env.GREETING)"),
    { cell_type: "markdown", source: ["# A\n", "b"], metadata: {} },
    code(""),
    code("for (let i = 0; i < 1000; i++) console.log(i)", { tags: ["terminal"] }),
    code("display(1, { id: 'd' }).update(2); join('a', 'b')"),
  ]);
  save("good.ipynb", input);
  const { status, stdout, stderr } = await srft(["run", "good.ipynb", "--html", "deep/er/good.html"]);
  assert.equal(status, 0, stderr);
  assert.deepEqual(load("good.ipynb"), input);
  const done = load("out/good.ipynb");
  assert.deepEqual(
    done.cells.map((cell) => cell.execution_count),
    [1, undefined, null, 2, 3],
  );
  assert.equal(outputText(done.cells[0]), "hello\n");
  assert.equal(outputText(done.cells[3]).split("\n").length, 1001);
  assert.equal(done.cells[3]!.outputs!.length, 1);
  assert.deepEqual(done.cells[4]!.outputs, [
    { output_type: "display_data", data: { "text/plain": ["2"] }, metadata: {} },
    { output_type: "execute_result", data: { "text/plain": ["'a/b'"] }, metadata: {}, execution_count: 3 },
  ]);
  assert.ok(Date.parse((done.cells[0]!.metadata.execution as Record<string, string>)["shell.execute_reply"]!) > 0);
  assert.equal((done.metadata.language_info as { name: string }).name, "typescript");
  assert.equal(stdout.split("\n").length, 1001, "stdout holds what the terminal cells printed, and nothing else");
  assert.match(stderr, /cell 2\/3 {2}\d\d:\d\d elapsed {2}ETA \d\d:\d\d {2}for \(let/);
  assert.match(readFileSync(join(folder, "deep/er/good.html"), "utf8"), /<h1 id="section-1">A/);
});

test("run finds the library srft from a folder that has no packages", async () => {
  save(
    "library.ipynb",
    notebookOf([code("import * as library from 'srft'; console.log(Object.keys(library).length > 0)")]),
  );
  const { status, stderr } = await srft(["run", "library.ipynb"]);
  assert.equal(status, 0, stderr);
  assert.equal(outputText(load("out/library.ipynb").cells[0]), "true\n");
});

test("run stops at a failed cell, prints its error, exits 1 and writes what was executed", async () => {
  const stale = { output_type: "stream", name: "stdout", text: "old" } as const;
  const last = { ...code("console.log('never')"), outputs: [stale] };
  save("bad.ipynb", notebookOf([code("console.log('ok')"), code("\nthrow new Error('broken')"), last]));
  const { status, stderr } = await srft(["run", "bad.ipynb", "--out", "bad-out.ipynb"]);
  assert.equal(status, 1);
  assert.match(stderr, /cell 2\/3 failed\nError: broken\n {4}at cell \[2\], line 2/);
  const { cells } = load("bad-out.ipynb");
  assert.deepEqual(cells.map(outputText), ["ok\n", "error", ""]);
});

test("run goes on after a failed cell tagged raises-exception", async () => {
  save("expected.ipynb", notebookOf([code("throw 1", { tags: ["raises-exception"] }), code("console.log('on')")]));
  assert.equal((await srft(["run", "expected.ipynb"])).status, 0);
  assert.deepEqual(load("out/expected.ipynb").cells.map(outputText), ["error", "on\n"]);
});

test("run names a process that ends, and a cell that takes too long", async () => {
  save("exit.ipynb", notebookOf([code("console.log('before'); process.exit(7)")]));
  const ended = await srft(["run", "exit.ipynb"]);
  assert.equal(ended.status, 1);
  assert.match(ended.stderr, /exit code 7/);
  assert.equal(outputText(load("out/exit.ipynb").cells[0]), "before\n|error");
  save("slow.ipynb", notebookOf([code("console.log('begun'); for (;;);")]));
  const slow = await srft(["run", "slow.ipynb", "--timeout", "0.3"]);
  assert.equal(slow.status, 1);
  assert.match(slow.stderr, /TimeoutError: the cell took longer than 0.3 s/);
  assert.equal(outputText(load("out/slow.ipynb").cells[0]), "begun\n|error");
});

test("run says when a cell used up the memory", async () => {
  save(
    "greedy.ipynb",
    notebookOf([code("const kept: number[][] = [];\nfor (;;) kept.push(new Array(10000).fill(kept.length));")]),
  );
  const { status, stderr } = await srft(["run", "greedy.ipynb"], () => {}, { NODE_OPTIONS: "--max-old-space-size=80" });
  assert.equal(status, 1);
  assert.match(stderr, /the user process ended \(out of memory\)/);
});

for (const loop of ["for (;;);", "await new Promise(() => {})"])
  test(`run keeps the partly executed notebook when it is interrupted in ${loop}`, async () => {
    save("long.ipynb", notebookOf([code("console.log('first')"), code(`console.log('second'); ${loop}`), code("3")]));
    const { status } = await srft(["run", "long.ipynb", "--verbose"], (text, kill) => {
      if (text.includes("second\n")) kill("SIGINT");
    });
    assert.equal(status, 130);
    assert.deepEqual(load("out/long.ipynb").cells.map(outputText), ["first\n", "second\n|error", ""]);
    assert.deepEqual(
      readdirSync(join(folder, "out")).filter((file) => file.includes("tmp")),
      [],
    );
  });

const unusable: [name: string, content: string, message: RegExp][] = [
  ["text", "not json", /expected a notebook \(JSON\) in .* but found text that is not/],
  ["empty", "", /expected a notebook \(JSON\)/],
  ["list", "[]", /expected a notebook object but found a list/],
  ["null", "null", /expected a notebook object but found null/],
  ["old", '{"nbformat":3,"metadata":{},"worksheets":[]}', /expected nbformat 4 but found 3/],
  ["cells", '{"nbformat":4,"metadata":{},"cells":{}}', /expected a list of cells but found object/],
  ["cell", '{"nbformat":4,"metadata":{},"cells":[null]}', /cell 1 to have fields but found null/],
  [
    "kind",
    '{"nbformat":4,"metadata":{},"cells":[{"cell_type":"x","source":"","metadata":{}}]}',
    /cell_type .* found "x"/,
  ],
  [
    "source",
    '{"nbformat":4,"metadata":{},"cells":[{"cell_type":"code","source":[1],"metadata":{}}]}',
    /text as source/,
  ],
  ["r", '{"nbformat":4,"metadata":{"language_info":{"name":"R"}},"cells":[]}', /expected the kernel srft but found R/],
  ["python", JSON.stringify(notebookOf([], "python3")), /expected the kernel srft but found python3/],
];

for (const [name, content, message] of unusable)
  test(`run refuses a notebook that is unusable: ${name}`, async () => {
    save(`${name}.ipynb`, content);
    const { status, stderr, stdout } = await srft(["run", `${name}.ipynb`]);
    assert.equal(status, 2);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /\n\s+at /);
    assert.equal(stdout, "");
    assert.equal(existsSync(join(folder, "out", `${name}.ipynb`)), false);
  });

test("run finds out before the run that a file cannot be written", async () => {
  mkdirSync(join(folder, "taken"));
  save("side.ipynb", notebookOf([code("(await import('node:fs')).writeFileSync('ran', '')")]));
  for (const args of [
    ["--out", "taken"],
    ["--html", "side.ipynb/x.html"],
    ["--out", "side.ipynb"],
    ["--timeout", "soon"],
  ]) {
    const { status, stderr } = await srft(["run", "side.ipynb", ...args]);
    assert.equal(status, 2);
    assert.match(stderr, /run: expected/);
  }
  assert.equal(existsSync(join(folder, "ran")), false);
});

test("run --inplace writes over the input", async () => {
  save("own.ipynb", notebookOf([code("console.log('here')")]));
  assert.equal((await srft(["run", "own.ipynb", "--inplace"])).status, 0);
  assert.equal(outputText(load("own.ipynb").cells[0]), "here\n");
});

test("srft tells its commands, its version, and an unknown command", async () => {
  assert.match((await srft(["--help"])).stdout, /srft run NOTEBOOK/);
  assert.match((await srft(["--version"])).stdout, /^\d+\.\d+\.\d+/);
  const unknown = await srft(["dance"]);
  assert.equal(unknown.status, 2);
  assert.match(unknown.stderr, /expected a command but found dance/);
  assert.equal((await srft(["run"])).status, 2);
  assert.equal((await srft(["run", "--nonsense", "a.ipynb"])).status, 2);
  assert.match((await srft(["run", "absent.ipynb"])).stderr, /no such file/);
});

test("remainingSeconds adds what the remaining cells took last time", () => {
  assert.equal(remainingSeconds([2, 4, 6], { done: 1, elapsed: 3, inCell: 1 }), 9);
  assert.equal(remainingSeconds([2, 4, 6], { done: 2, elapsed: 99, inCell: 50 }), 0);
  assert.equal(remainingSeconds([2, undefined, 6], { done: 1, elapsed: 2, inCell: 0 }), 10);
});

test("remainingSeconds without a record takes the mean of the cells done", () => {
  assert.equal(remainingSeconds([undefined, undefined], { done: 0, elapsed: 5, inCell: 5 }), undefined);
  assert.equal(remainingSeconds([undefined, undefined, undefined], { done: 1, elapsed: 5, inCell: 1 }), 3 + 4);
});

test("expectedDurations reads the times that front ends record", () => {
  const execution = { "iopub.execute_input": "2026-01-01T00:00:01Z", "shell.execute_reply": "2026-01-01T00:00:03.5Z" };
  assert.deepEqual(expectedDurations(notebookOf([code("1", { execution }), code(" "), code("2")])), [2.5, undefined]);
});
