import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as library from "../src/index.ts";

const root = join(import.meta.dirname, "../..");
const read = (file: string) => readFileSync(join(root, file), "utf8");
const readme = read("README.md");
const manifest = JSON.parse(read("package.json"));

/** The cells of README's table under a heading, row by row. */
function tableUnder(heading: string): string[][] {
  const section = readme.split(`## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("| "));
  return rows.slice(2).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

test("README gives a reason for every runtime dependency, and for nothing else", () => {
  const named = tableUnder("Dependencies, and why each").flatMap(([names]) =>
    [...names!.matchAll(/`([^`]+)`/g)].map((match) => match[1]!),
  );
  const optional = Object.keys(manifest.optionalDependencies ?? {});
  assert.deepEqual(named.sort(), [...Object.keys(manifest.dependencies), ...optional].sort());
});

test("README's commands are those of srft --help", () => {
  const help = execFileSync(process.execPath, [join(root, "dist/kernel/main.js"), "--help"], { encoding: "utf8" });
  for (const [command, what] of tableUnder("The command")) {
    assert.match(help, new RegExp(`srft ${command!.split(/\s+/)[2]!.replace(/`/g, "")}\\b`), command);
    for (const [, option] of `${command}${what}`.matchAll(/`(--\w+)/g)) assert.ok(help.includes(option!), option);
  }
});

test("README's two commands and the benchmark are scripts of the package", () => {
  for (const [, script] of readme.matchAll(/npm (?:run )?(start|test|bench)\b/g))
    assert.ok(manifest.scripts[script!], script);
});

test("README's picture is the one in the notebook's committed output", () => {
  const notebook = JSON.parse(read("notebooks/01-srft-in-five-minutes.ipynb"));
  const drawn = notebook.cells
    .filter((cell: { source: string[] }) => cell.source?.join("") === "trainingCurves(runs)")
    .flatMap((cell: { outputs: { data: Record<string, string | string[]> }[] }) =>
      cell.outputs.map(({ data }) => [data["image/svg+xml"]!].flat().join("")),
    );
  assert.equal(drawn.length, 1);
  assert.equal(read("notebooks/images/training-curves.svg").trim(), drawn[0].trim(), "npm run reproduce -- --readme");
});

test("README links to files that exist", () => {
  for (const [, target] of readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)) assert.ok(read(target!).length > 0, target);
});

test("README names only what the package exports", () => {
  const section = readme.split("## What is in it\n")[1]!.split("\n## ")[0]!;
  const names = [...section.matchAll(/`([A-Za-z]+)`/g)]
    .map((match) => match[1]!)
    .filter((name) => !["device", "checkpoint", "Policy"].includes(name));
  assert.ok(names.length > 10);
  assert.deepEqual(
    names.filter((name) => !(name in library)),
    [],
  );
});
