import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type Notebook, readNotebook } from "../../kernel/notebook/notebook.ts";
import {
  committed as asCommitted,
  claimsOf,
  codeOf,
  notebookKey,
  paperNotebooks,
  parametersOf,
} from "../../notebooks/reproduction/executed.ts";
import { fullRuns, madeHere } from "../../notebooks/reproduction/full-run.ts";
import { readmeFiles } from "../../notebooks/reproduction/readme.ts";
import { indexTable, verdictTable } from "../../notebooks/reproduction/verdict-tables.ts";
import { claimsMime } from "../../src/reproduction/claims.ts";
import { normalise } from "../plots/golden.ts";

const folder = mkdtempSync(join(tmpdir(), "srft-reproduce-"));
after(() => rmSync(folder, { recursive: true }));
const root = join(import.meta.dirname, "../../..");
const names = paperNotebooks();
const committed = names.map(asCommitted);

test("paperNotebooks are those of the paper, in order, or those whose names begin so", () => {
  assert.deepEqual(
    names.map((name) => name.slice(0, 2)),
    ["02", "03", "04", "05", "06", "07", "08", "09"],
  );
  assert.deepEqual(paperNotebooks(["07", "02"]), [names[0], names[5]]);
});

test("every notebook ends in claims with verdicts; an id stands for one claim", () => {
  const ids = committed.flatMap(({ claims }) => claims.map(({ id }) => id));
  assert.equal(new Set(ids).size, ids.length);
  for (const { name, claims } of committed) assert.ok(claims.length >= 4, name);
  for (const { name, claims } of committed) {
    for (const { id, found, verdict } of claims) {
      assert.equal(id.slice(0, 2), name.slice(0, 2));
      if (verdict !== "not testable here") assert.ok(found!.n >= 2, id);
    }
  }
});

test("notebookKey changes with the code of a cell and with parameters, not with outputs", () => {
  const file = join(folder, "02.ipynb");
  const write = (source: string, outputs: object[] = []) => {
    const cells = [{ cell_type: "code", source, outputs, execution_count: null, metadata: {} }];
    writeFileSync(file, JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells }));
    return notebookKey(file, {});
  };
  const key = write("1 + 1");
  assert.equal(write("1 + 1", [{ output_type: "stream", name: "stdout", text: "2" }]), key);
  assert.notEqual(write("1 + 2"), key);
  write("1 + 1");
  assert.notEqual(notebookKey(file, { SRFT_STEPS: "2" }), key);
  assert.equal(notebookKey(file, { SRFT_RUNS: "elsewhere", SRFT_OUT: "there", HOME: "x" }), key);
});

test("parametersOf knows every parameter that the notebooks and the library's reproductions read", () => {
  const library = join(root, "src/reproduction");
  const files = readdirSync(library).map((name) => readFileSync(join(library, name), "utf8"));
  const code = [...committed.flatMap(({ notebook }) => codeOf(notebook)), ...files].join("\n");
  const read = new Set(
    [...code.matchAll(/process\.env\.(\w+)|SRFT_[A-Z]+(?=:)/g)].map(([all]) => all.replace(/^.*\./, "")),
  );
  const given = Object.fromEntries([...read].map((name) => [name, "1"]));
  assert.ok(read.has("SRFT_FULL") && read.has("SRFT_PROBLEMS"));
  assert.deepEqual(
    [...read].filter((name) => !(name in parametersOf(given))),
    ["SRFT_RUNS"],
  );
});

test("indexTable has a row a claim and escapes what would break it", () => {
  const found = { mean: 0.51, sd: 0.1, low: null, high: 0.75, n: 3 } as unknown as {
    mean: number;
    sd: number;
    low: number;
    high: number;
    n: number;
  };
  const claim = {
    id: "x",
    claim: "<b>a | b",
    paper: "p",
    measure: "m",
    expected: { above: 0 },
    found,
    verdict: "partly",
  } as const;
  const bundle = { [claimsMime]: { claims: [claim] } };
  const cells = [
    {
      cell_type: "code",
      source: "",
      metadata: {},
      outputs: [{ output_type: "display_data", data: bundle, metadata: {} }],
    },
  ];
  const notebook = { nbformat: 4, nbformat_minor: 5, metadata: {}, cells } as unknown as Notebook;
  assert.deepEqual(claimsOf(notebook), [claim]);
  const table = indexTable([{ name: "03-x.ipynb", notebook, claims: claimsOf(notebook) }]);
  assert.equal(table.split("\n").length, 3);
  assert.match(table, /^\| 03 \| &lt;b>a {3}b \| p \| not found \| m: 0.51 \[∞, 0.75\] \| \*\*partly\*\* \|$/m);
});

test("README's table of verdicts is that of the committed notebooks", () => {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  assert.ok(readme.includes(verdictTable(committed, fullRuns())), "npm run reproduce -- --readme writes it");
});

test("README's pictures are those of the committed notebooks", async () => {
  const files = await readmeFiles();
  assert.equal(files.size, 3);
  for (const [path, text] of files) {
    assert.ok(
      normalise(readFileSync(join(root, path), "utf8")) === normalise(text),
      `${path}: npm run reproduce -- --readme writes it`,
    );
    if (path.endsWith(".svg")) assert.ok(files.get("README.md")!.includes(`](${path})`), path);
  }
});

test("reproduce refuses what it does not know, before anything is run", () => {
  const command = (word: string) =>
    spawnSync(process.execPath, [join(root, "dist/notebooks/reproduce.js"), word], { encoding: "utf8" });
  assert.match(command("--ful").stderr, /expected --readme or --full-data\[=FOLDER\] but found --ful/);
  assert.match(command("17").stderr, /expected notebooks that begin with 17 but found none/);
});

test("reproduce runs a notebook once, keeps it, and runs it again for another parameter", () => {
  const command = join(root, "dist/notebooks/reproduce.js");
  const ran = (parameters: object) => {
    const { SRFT_FULL: _, ...plain } = process.env;
    const env = { ...plain, SRFT_OUT: folder, ...parameters };
    const { status, stderr } = spawnSync(process.execPath, [command, "02"], { encoding: "utf8", env });
    assert.equal(status, 0, stderr);
    return stderr;
  };
  const kept = () => readdirSync(join(folder, "reproduce")).sort();
  assert.doesNotMatch(ran({}), /kept/);
  const [first, ...more] = kept();
  assert.deepEqual(more, []);
  const { metadata, cells } = readNotebook(join(folder, "reproduce", first!));
  assert.deepEqual(metadata.srft, madeHere({}));
  assert.deepEqual(
    cells.map(({ source }) => source),
    committed[0]!.notebook.cells.map(({ source }) => source),
  );
  assert.match(readFileSync(join(folder, "reproduce.html"), "utf8"), /figure by figure/);
  const [written, again] = [statSync(join(folder, "reproduce", first!)).mtimeMs, ran({})];
  assert.match(again, /02-gradients-at-the-logits\.ipynb: unchanged, kept/);
  assert.equal(statSync(join(folder, "reproduce", first!)).mtimeMs, written);
  assert.doesNotMatch(ran({ SRFT_PROBLEMS: "20" }), /kept/);
  assert.equal(kept().length, 2);
});
