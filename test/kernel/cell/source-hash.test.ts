import assert from "node:assert/strict";
import { test } from "node:test";
import { sourceHash } from "../../../kernel/cell/source-hash.ts";

test("sourceHash gives the published values of FNV-1a", () => {
  assert.equal(sourceHash(""), "811c9dc5");
  assert.equal(sourceHash("a"), "e40c292c");
  assert.equal(sourceHash("foobar"), "bf9cf968");
});

test("sourceHash is the same for every kind of line break, and another for every other edit", () => {
  const source = "const 😀 = 1;\n  f(😀)";
  assert.equal(sourceHash(source.replace("\n", "\r\n")), sourceHash(source));
  assert.equal(sourceHash(source.replace("\n", "\r")), sourceHash(source));
  for (const other of [`${source} `, source.replace("1", "2"), source.replace("\n", " "), source.replace("😀", "😁")])
    assert.notEqual(sourceHash(other), sourceHash(source), other);
});
