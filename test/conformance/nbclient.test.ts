import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { compareWithNbclient, nbclientMissing } from "./nbclient.ts";

const cells = [
  "import { join } from 'node:path';\nconst greeting: string = 'hello';",
  "for (let i = 0; i < 1000; i++) console.log(i);",
  "console.log('out'); console.error('err'); console.log('out again'); process.stdout.write('no newline')",
  "const shown = display('first', { id: 'state' }); display({ a: [1, { b: 2 }] });",
  "for (const step of [1, 2, 3]) { await new Promise((go) => setTimeout(go, 30)); shown.update({ step }) }",
  "html('<b>' + greeting + '</b>')",
  'svg(\'<svg xmlns="http://www.w3.org/2000/svg"><circle r="3"/></svg>\')',
  "({ data: [{ y: [1, 2] }], layout: {} })",
  "display('gone'); clearOutput(); display('stays'); clearOutput({ wait: true }); display('replaces')",
  "",
  "await Promise.resolve(join('a', greeting))",
  "undefined",
  "new Float32Array(12)",
  "'naïve 🎉 \\u2028'",
];

test("srft run and nbclient give the same outputs, cell by cell, and a valid notebook", (context) => {
  const missing = nbclientMissing();
  if (missing) return context.skip(missing);
  const folder = mkdtempSync(join(tmpdir(), "srft-conformance-"));
  try {
    const notebook = {
      nbformat: 4,
      nbformat_minor: 5,
      metadata: { kernelspec: { name: "srft", display_name: "TypeScript (srft)", language: "typescript" } },
      cells: cells.map((source, index) => ({
        cell_type: "code",
        id: `cell-${index}`,
        source,
        metadata: {},
        execution_count: null,
        outputs: [],
      })),
    };
    const file = join(folder, "notebook.ipynb");
    writeFileSync(file, JSON.stringify(notebook));
    assert.deepEqual(compareWithNbclient(file), []);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
