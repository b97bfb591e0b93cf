import assert from "node:assert/strict";
import { test } from "node:test";
import type { Notebook } from "../../../kernel/notebook/notebook.ts";
import { htmlReport, terminalText } from "../../../kernel/notebook/report.ts";
import { isPlainMarkup } from "../../../kernel/notebook/report-markup.ts";
import { hostileTexts } from "../../browser/hostile.ts";

// The types of jsdom need those of a browser; the few members used here are told in place.
interface Element {
  readonly textContent: string;
  readonly src: string;
  hasAttribute(name: string): boolean;
  getAttribute(name: string): string | null;
  querySelector(selector: string): Element | null;
  querySelectorAll(selector: string): Iterable<Element> & { readonly length: number };
}
type Document = Element & { readonly title: string };
const jsdom = "jsdom";
const { JSDOM } = (await import(jsdom)) as { JSDOM: new (html: string) => { window: { document: Document } } };

const svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';
const data = (bundle: object) => ({ output_type: "display_data" as const, data: { ...bundle }, metadata: {} });

function report(cells: Notebook["cells"]) {
  const html = htmlReport({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells }, { name: "lesson" });
  return { html, document: new JSDOM(html).window.document };
}

const markdown = (source: string) => ({ cell_type: "markdown" as const, source, metadata: {} });
const code = (...outputs: NonNullable<Notebook["cells"][number]["outputs"]>) => ({
  cell_type: "code" as const,
  source: "if (a < b) f('</script>')",
  metadata: {},
  execution_count: 1,
  outputs,
});

test("htmlReport takes its title and its contents from the headings", () => {
  const { document } = report([markdown("# What *changed*\n\ntext"), markdown("## Part & two"), code()]);
  assert.equal(document.title, "What changed");
  assert.deepEqual(
    [...document.querySelectorAll("nav a")].map((link) => link.textContent),
    ["What changed", "Part & two"],
  );
  for (const link of document.querySelectorAll("nav a"))
    assert.ok(document.querySelector(link.getAttribute("href")!), "each entry leads somewhere");
});

test("htmlReport folds the sections of each notebook under its title where there are several", () => {
  const one = [markdown("# One & only\n\n## A\n\n### B\n\n#### deep"), markdown("## C")];
  assert.equal(report(one).document.querySelector("nav details"), null);
  const { document } = report([markdown("# Index"), ...one, markdown("# Two\n\n## D")]);
  const texts = (selector: string) => [...document.querySelectorAll(selector)].map(({ textContent }) => textContent);
  assert.deepEqual(texts("nav > ol > li > a"), ["Index", "One & only", "Two"]);
  assert.deepEqual(texts("nav details a"), ["A", "B", "C", "D"]);
  assert.deepEqual(texts("nav summary"), ["3 sections", "1 section"]);
  assert.equal(document.querySelector("nav summary")!.getAttribute("aria-label"), "3 sections of One & only");
  assert.equal(document.querySelector("nav details[open]"), null);
  for (const link of document.querySelectorAll("nav a")) {
    assert.equal(document.querySelector(link.getAttribute("href")!)?.textContent, link.textContent);
  }
});

test("htmlReport folds the code and shows it as it is", () => {
  const { document } = report([code()]);
  assert.equal(document.querySelector("details pre")?.textContent, "if (a < b) f('</script>')");
  assert.equal(document.querySelector("details")?.hasAttribute("open"), false);
});

test("htmlReport lets nothing that a notebook says run in the page or load anything", () => {
  const { document } = report([
    markdown(
      '# <img src=x onerror="alert(1)"> t\n\n<script>alert(1)</script>\n\n[a](javascript:alert(1)) ![b](https://evil.example/x.png)',
    ),
    code(
      data({ "image/svg+xml": svg }),
      data({ "text/html": svg }),
      data({ "text/markdown": "<iframe src=x></iframe>" }),
    ),
    code({ output_type: "stream", name: "stdout", text: "<script>alert(1)</script>" }),
    code(data({ "image/png": '"><script>alert(1)</script>' })),
  ]);
  assert.equal(document.querySelectorAll("script").length, 1, "only the page's own script");
  assert.equal(document.querySelectorAll("[onerror], svg").length, 0);
  for (const image of document.querySelectorAll("img")) assert.match(image.src, /^data:image\//);
  for (const link of document.querySelectorAll("a")) assert.match(link.getAttribute("href")!, /^#/);
  const [frame, ...others] = document.querySelectorAll("iframe");
  assert.equal(others.length, 0);
  assert.equal(frame?.getAttribute("sandbox"), "allow-scripts");
  assert.ok(frame?.getAttribute("srcdoc")?.includes(svg));
  assert.match(document.querySelector("meta[http-equiv]")!.getAttribute("content")!, /default-src 'none'/);
});

test("htmlReport prefers HTML, then SVG, then pixels, then text; for a figure that it cannot draw its drawing", () => {
  const bundle = { "text/html": "<b onclick=x>h</b>", "image/svg+xml": svg, "image/png": "aaaa", "text/plain": "t" };
  assert.ok(report([code(data(bundle))]).document.querySelector("iframe"));
  const space = { data: [{ type: "scatter3d" }], layout: {} };
  const figure = report([code(data({ ...bundle, "application/vnd.plotly.v1+json": space }))]).document;
  assert.match(figure.querySelector(".output img")!.src, /^data:image\/svg\+xml;base64,/);
  assert.equal(figure.querySelector("iframe"), null);
  assert.match(report([code(data({ "image/png": "aa\naa" }))]).document.querySelector("img")!.src, /;base64,aaaa$/);
  assert.equal(
    report([code(data({ "text/plain": ["a\n", "<b>"] }))]).document.querySelector(".output pre")!.textContent,
    "a\n<b>",
  );
});

const figure = { data: [{ y: [1, 2], name: "</script><script>alert(1)</script>" }], layout: {} };
const heatMap = { version: 1, source: "</script><!--<script>" };

test("htmlReport holds a figure as data beside its drawing, and what draws it once", () => {
  const bundle = { "image/svg+xml": svg, "text/html": "<script>1</script>", "text/plain": "Reward\nmore" };
  const plotly = data({ ...bundle, "application/vnd.plotly.v1+json": figure });
  const { document, html } = report([code(plotly, plotly, data({ ...bundle, [heatMapMime]: heatMap }))]);
  const places = [...document.querySelectorAll(".figure")];
  assert.deepEqual(
    places.map((place) => place.getAttribute("data-figure")),
    ["plotly", "plotly", "heat-map"],
  );
  assert.deepEqual(JSON.parse(places[0]!.querySelector("script")!.textContent), figure);
  assert.deepEqual(JSON.parse(places[2]!.querySelector("script")!.textContent), heatMap);
  assert.equal(places[0]!.getAttribute("aria-label"), "Reward");
  assert.match(places[0]!.querySelector(".drawing img")!.src, /^data:image\/svg/);
  assert.equal(document.querySelectorAll("iframe").length, 0, "the HTML form is not needed");
  assert.equal(html.split("srftHeatMap;").length - 1, 1);
  assert.equal(html.split("plotly.js (basic").length - 1, 1);
});

const heatMapMime = "application/vnd.srft.token-heat-map+json";

test("htmlReport carries no drawing code that its figures do not need", () => {
  assert.ok(report([code()]).html.length < 10_000);
  const { html } = report([code(data({ [heatMapMime]: heatMap }))]);
  assert.ok(html.length > 20_000 && html.length < 60_000, `${html.length}`);
});

test("isPlainMarkup takes tables and text, and nothing that could do anything", () => {
  for (const plain of [
    '<table><thead><tr><th scope="col">a</th></tr></thead><tbody><tr><td>&lt;1</td></tr></tbody></table><p>2 rows</p>',
    '<table class="mathjax_ignore tex2jax_ignore"><tr><td>$1 and $2</td></tr></table>',
    '<progress max="120" value="12"></progress> 12/120<br>',
    "<details><summary>20 more rows</summary><table></table></details>",
    "text",
  ])
    assert.ok(isPlainMarkup(plain), plain);
  for (const other of [
    "<script>1</script>",
    '<td onclick="x">a</td>',
    '<td style="color:red">a</td>',
    '<table class="jp-Dialog"></table>',
    "<td onclick=x>",
    "<p>a",
    "a</p>",
    "<p><b>a</p></b>",
    "</div></section><p>a</p>",
    "<a href='javascript:1'>a</a>",
    '<p title="a"onclick="x">a</p>',
    "<!-- a -->",
    "<P>a</P>",
    "<svg></svg>",
    "<p>a < b</p>",
    "<img src=x>",
  ])
    assert.ok(!isPlainMarkup(other), other);
});

test("isPlainMarkup lets no hostile text through that is markup", () => {
  for (const text of hostileTexts) if (/[<>]/.test(text)) assert.ok(!isPlainMarkup(text), text);
});

test("htmlReport puts tables into the page and leaves other HTML in its frame", () => {
  const { document } = report([
    code(data({ "text/html": "<table><tr><td>1</td></tr></table>" }), data({ "text/html": "<p style='x'>a</p>" })),
  ]);
  assert.equal(document.querySelector(".html td")!.textContent, "1");
  assert.equal(document.querySelectorAll("iframe").length, 1);
});

test("htmlReport shows an attached image and errors", () => {
  const attached = { ...markdown("![p](attachment:a.png)"), attachments: { "a.png": { "image/png": "AAAA" } } };
  assert.equal(report([attached]).document.querySelector("img")!.src, "data:image/png;base64,AAAA");
  const error = {
    output_type: "error" as const,
    ename: "E",
    evalue: "v",
    traceback: ["\u001b[31mE: v\u001b[39m", "at <a>"],
  };
  const shown = report([code(error)]).document.querySelector("pre.error")!;
  assert.equal(shown.textContent, "E: v\nat <a>");
  assert.equal(shown.querySelector(".red")?.textContent, "E: v");
});

test("terminalText keeps colours, drops other sequences, and lets a carriage return overwrite its line", () => {
  assert.equal(terminalText("\u001b[1;32mok\u001b[0m <\u001b[2K"), '<span class="green">ok</span> &lt;');
  assert.equal(terminalText("10%\r20%\r\nnext"), "20%\nnext");
  assert.equal(terminalText("\u001b[31mopen"), '<span class="red">open</span>');
});
