import assert from "node:assert/strict";
import { test } from "node:test";
import { shiftByKind, tokenKind } from "../../../src/analysis/views/token-kinds.ts";
import { arithmeticVocabulary } from "../../../src/data/arithmetic.ts";
import { mixedTable, writtenTable } from "./table.ts";

const kinds: Record<string, readonly string[]> = {
  digit: ["0", " 7", "Ġ42", "▁3.14", "1,000", "-5", "٣"],
  operator: ["+", " -", "Ġ*", "/", "=", "^", "\\frac", "times", "≤", ">", "<"],
  format: [
    "<eos>",
    "<|im_end|>",
    "</think>",
    "<think>",
    "\n\n",
    "Ċ",
    " ",
    "[",
    "]:",
    "{",
    "\\",
    "$",
    "\\boxed",
    "boxed",
    ".",
    ",",
    "",
  ],
  connective: [" So", "Ġtherefore", "Wait", "▁because", " but", "However"],
  word: [" apple", "Ġtriangle", "x", "naïve", "数"],
  other: ["\u0001", "\ufffd\u0002"],
};
for (const [kind, texts] of Object.entries(kinds)) {
  test(`tokenKind calls ${kind} what is ${kind}`, () => {
    assert.deepEqual(
      texts.map((text) => [text, tokenKind(text)]),
      texts.map((text) => [text, kind]),
    );
  });
}

test("tokenKind divides the arithmetic lab's vocabulary into digits, operators and format", () => {
  const of = (kind: string) => arithmeticVocabulary.filter((text) => tokenKind(text) === kind).join(" ");
  assert.equal(of("digit"), "0 1 2 3 4 5 6 7 8 9");
  assert.equal(of("operator"), "+ - * = >");
  assert.equal(of("format"), "<pad> <bos> <eos> [ : ]");
});

test("tokenKind follows the first rule that fits, and a caller's own rules", () => {
  const rules = [
    { kind: "arrow", fits: (text: string) => text === ">" },
    { kind: "mark", fits: (text: string) => /^[>\]]$/.test(text) },
  ];
  assert.deepEqual(
    [" >", "]", "7"].map((text) => tokenKind(text, rules)),
    ["arrow", "mark", "other"],
  );
});

const table = writtenTable({
  texts: [
    [0, 1],
    [2, 3],
  ],
  vocabulary: ["7", "+", "8", "<eos>"],
  models: [{ kl: [1, 4, 3, 0], baseRanks: [1, 4, 5, 1] }],
});

test("shiftByKind's numbers are those worked out by hand, kinds in order of the rules", () => {
  assert.deepEqual(
    shiftByKind(table).map(({ kind, tokens, share, mean, shiftedShare }) => [kind, tokens, share, mean, shiftedShare]),
    [
      ["format", 1, 0.25, 0, 0],
      ["digit", 2, 0.5, 2, 0.5],
      ["operator", 1, 0.25, 4, 1],
    ],
  );
  const [, digit] = shiftByKind(table);
  assert.deepEqual(digit!.interval, { low: 1, high: 3 });
  assert.deepEqual([digit!.model, digit!.source], ["model 1", "demonstrations"]);
});

test("shiftByKind's shares sum to 1, for other rules too", () => {
  const rows = shiftByKind(table, { rules: [{ kind: "seven", fits: (text) => text === "7" }] });
  assert.deepEqual(
    rows.map(({ kind, tokens }) => [kind, tokens]),
    [
      ["seven", 1],
      ["other", 3],
    ],
  );
  assert.equal(
    rows.reduce((sum, { share }) => sum + share, 0),
    1,
  );
});

test("shiftByKind refuses several sources and unknown numbers", () => {
  assert.throws(() => shiftByKind(mixedTable()), /^RangeError: TokenTable: expected one source/);
  const unknown = writtenTable({ texts: [[0]], models: [{ kl: [Number.NaN] }] });
  assert.throws(() => shiftByKind(unknown), /^RangeError: shiftByKind: expected the kl of model 1/);
});
