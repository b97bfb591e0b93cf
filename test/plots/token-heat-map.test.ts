import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import fc from "fast-check";
import { createTokenTable, type TokenTable } from "../../src/analysis/token-table.ts";
import { display } from "../../src/plots/figure.ts";
import { columnsOf, escapeMarkup, visibleText } from "../../src/plots/heat-map/text.ts";
import { type TokenHeatMap, tokenHeatMap } from "../../src/plots/token-heat-map.ts";

interface Page {
  readonly window: { readonly document: Node; readonly ran?: unknown };
}
interface Node {
  readonly textContent: string;
  readonly tagName: string;
  readonly attributes: Iterable<{ readonly name: string; readonly value: string }>;
  querySelectorAll(selector: string): Iterable<Node>;
}
const { JSDOM } = createRequire(import.meta.url)("jsdom") as {
  JSDOM: new (html: string, options: object) => Page;
};

/** One text whose tokens have the given texts; the prompt is the first of them, the names and source are given too. */
function tableOf(texts: readonly string[], { name = "sft", source = "sft rollouts" } = {}): TokenTable {
  const n = texts.length;
  const column = (value: number) => new Float32Array(n).fill(value);
  const model = {
    name,
    logprobs: column(-1),
    entropies: column(0.5),
    ranks: new Int32Array(n).fill(2),
    greedyTokens: new Int32Array(n),
  };
  const shift = {
    deltaLogprobs: Float32Array.from({ length: n }, (_, i) => [3, -3, 0][i % 3]!),
    deltaProbs: column(0.1),
    kl: column(2),
    reverseKl: column(2),
    js: column(0.1),
    tv: column(0.1),
    baseRanks: Int32Array.from({ length: n }, (_, i) => 1 + (i % 5)),
  };
  return createTokenTable({
    source,
    prompts: [Int32Array.of(0)],
    offsets: Int32Array.of(0, n),
    sequences: new Int32Array(n),
    positions: Int32Array.from({ length: n }, (_, i) => i),
    tokens: Int32Array.from({ length: n }, (_, i) => i),
    base: { ...model, name: "base" },
    models: [{ ...model, ...shift }],
    decode: (id) => texts[id]!,
  });
}

const hostile = [
  "<script>ran = 1</script>",
  '"><img src=x onerror="ran=1">',
  "' onmouseover='ran=1",
  "</title></svg><svg onload=ran=1>",
  "]]><!--",
  "&lt;script&gt;",
  "javascript:ran=1",
  "</bdi></div></figure><iframe srcdoc='<script>parent.ran=1</script>'>",
  "\u0000\u001b[31m",
  "url(https://example.com/x)",
];

/** The static drawing of the HTML; after it stand the payload as JSON, and our script, which ends the markup. */
function staticHtml(map: TokenHeatMap) {
  const [drawing, data, script, ...others] = map.html().split(/<script(?: type="application\/json")?>/);
  assert.deepEqual(others, []);
  assert.deepEqual(JSON.parse(data!.replace(/<\/script>$/, "")), map.payload);
  assert.equal(script!.indexOf("</script>"), script!.length - "</script></div>".length);
  return `${drawing}</div>`;
}

function assertHarmless(markup: string) {
  const { window } = new JSDOM(`<!doctype html><body>${markup}</body>`, { runScripts: "dangerously" });
  assert.equal(window.ran, undefined);
  for (const element of window.document.querySelectorAll("body *")) {
    assert.match(element.tagName, /^(figure|figcaption|b|br|wbr|small|div|span|bdi|svg|g|rect|text|title)$/i);
    for (const { name, value } of element.attributes) {
      assert.doesNotMatch(name, /^(on|href|src|xlink)/i);
      if (name === "style") assert.doesNotMatch(value, /url|expression|import/i);
    }
  }
  return window.document;
}

test("tokenHeatMap runs and requests nothing whatever the tokens, names and source hold", () => {
  for (const text of hostile) {
    const map = tokenHeatMap(tableOf(hostile, { name: text, source: text }));
    assertHarmless(staticHtml(map));
    assertHarmless(map.svg());
  }
});

test("tokenHeatMap shows every token's text literally, in HTML and in SVG", () => {
  const texts = fc.array(fc.string({ unit: "binary", maxLength: 8 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(texts, (tokens) => {
      const map = tokenHeatMap(tableOf(tokens));
      const expected = tokens.map(visibleText);
      const shown = (markup: string, selector: string) =>
        Array.from(assertHarmless(markup).querySelectorAll(selector), ({ textContent }) => textContent);
      assert.deepEqual(shown(staticHtml(map), "bdi[title]"), expected);
      assert.deepEqual(shown(map.svg(), "title + rect + text"), expected);
    }),
    { numRuns: 25 },
  );
});

test("tokenHeatMap's SVG is well-formed XML whatever the tokens, names and source hold", () => {
  for (const text of hostile) {
    const svg = tokenHeatMap(tableOf(hostile, { name: text, source: text })).svg();
    new JSDOM(svg, { contentType: "image/svg+xml" });
  }
});

test("tokenHeatMap says whose text it is in every representation", () => {
  const bundle = tokenHeatMap(tableOf(["a"]))[display]();
  const [mime, ...others] = Object.keys(bundle);
  assert.equal(mime, "application/vnd.srft.token-heat-map+json");
  assert.deepEqual(others, ["text/html", "image/svg+xml", "text/plain"]);
  assert.equal((bundle[mime] as { source: string }).source, "sft rollouts");
  for (const other of others) assert.match(bundle[other] as string, /token by token, on sft rollouts/);
});

test("tokenHeatMap colours higher blue, lower vermillion and leaves what is equal clear", () => {
  const html = staticHtml(tokenHeatMap(tableOf(["up", "down", "same"])));
  assert.match(html, /background:rgba\(0,114,178,0\.6\);[^>]*>up</);
  assert.match(html, /background:rgba\(213,94,0,0\.6\);[^>]*>down</);
  assert.doesNotMatch(html, /background[^>]*>same</);
  assert.match(html, /≤ −3 nats: lower probability than base.*≥ \+3 nats: higher/);
});

test("tokenHeatMap marks the classes of URIAL", () => {
  const map = tokenHeatMap(tableOf(["a", "b", "c", "d"]), { measure: "class" });
  assert.match(map.text, /a b● c● d●$/);
  assert.match(
    map.html(),
    /base rank 1, unshifted.*base rank 2, marginal.*base rank 3, marginal.*base rank 4, shifted/s,
  );
});

test("tokenHeatMap's text marks what went up and down by a third of the limit", () => {
  assert.match(tokenHeatMap(tableOf(["x", "y", "z"])).text, /\nsft against base · text 0: x \| x▲ y▼ z$/);
  assert.match(tokenHeatMap(tableOf(["x", "y", "z"]), { limit: 30 }).text, /x \| x y z$/);
});

test("tokenHeatMap's tooltip gives log-probs, ranks, KL and the first choice", () => {
  const [token] = assertHarmless(staticHtml(tokenHeatMap(tableOf([" a"])))).querySelectorAll("bdi[title]");
  const title = [...token!.attributes].find(({ name }) => name === "title")!.value;
  assert.deepEqual(title.split("\n"), [
    "token ·a",
    "logprob −1.00 (base −1.00) nats",
    "rank 2 (base 2)",
    "KL(model‖base) 2.00 nats",
    "entropy 0.500 (base 0.500) nats",
    "first choice ·a: base rank 1, unshifted",
  ]);
});

test("tokenHeatMap breaks the line after a token that holds a line break", () => {
  assert.match(tokenHeatMap(tableOf(["a\n", "b"])).html(), />a↵<\/bdi><br>/);
});

test("tokenHeatMap refuses texts and models that are not there and a limit that is no positive number", () => {
  const table = tableOf(["a"]);
  assert.throws(
    () => tokenHeatMap(table, { sequences: [1] }),
    /^RangeError: tokenHeatMap: expected texts in \[0, 1\) but found 1$/,
  );
  assert.throws(() => tokenHeatMap(table, { models: ["dpo"] }), /one of the models sft but found dpo$/);
  for (const limit of [0, Number.NaN, Infinity]) assert.throws(() => tokenHeatMap(table, { limit }), RangeError);
});

test("visibleText makes what is invisible visible and isolates nothing else", () => {
  assert.equal(visibleText(""), "∅");
  assert.equal(visibleText(" a\t\r\n"), "·a⇥⟨U+000D⟩↵");
  assert.equal(visibleText("\u200b\u202e\u00a0\ufeff\ud800"), "⟨U+200B⟩⟨U+202E⟩⟨U+00A0⟩⟨U+FEFF⟩⟨U+D800⟩");
  assert.equal(visibleText("שלום 語😀é"), "שלום·語😀é");
});

test("escapeMarkup leaves none of the five letters of markup and can be undone", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom("<", ">", "&", '"', "'", "a", ";", "#") }), (text) => {
      const escaped = escapeMarkup(text);
      assert.doesNotMatch(escaped, /[<>"']/);
      const { document } = new JSDOM(`<i>${escaped}</i>`, {}).window;
      assert.equal([...document.querySelectorAll("i")][0]!.textContent, text);
    }),
    { numRuns: 30 },
  );
});

test("columnsOf counts wide letters twice and combining marks not at all", () => {
  assert.deepEqual(["", "ab", "語", "😀", "e\u0301"].map(columnsOf), [0, 2, 2, 2, 1]);
});
