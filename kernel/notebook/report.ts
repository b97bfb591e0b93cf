/**
 * A notebook as one HTML file that needs no network. Notebooks are untrusted text: markdown's own HTML is escaped,
 * SVG is shown as an image, so that scripts in it never run, figures and heat maps are data that our scripts draw, and
 * HTML outputs that are more than tables live in a sandboxed frame without an origin; a content security policy forbids every request.
 */

import { Marked, type Tokens } from "marked";
import { escapeHtml } from "../display/display.ts";
import type { MimeBundle } from "../link.ts";
import { type CellOutput, joined, type MultilineText, type Notebook, type NotebookCell } from "./notebook.ts";
import { contentsHtml, type Heading } from "./report-contents.ts";
import { type FigureKind, figureHtml, figureOf, figureScripts } from "./report-figures.ts";
import { isPlainMarkup } from "./report-markup.ts";
import { pageScript, pageStyle } from "./report-page.ts";

/** What the report is called where the notebook has no title of its own. */
export interface ReportOptions {
  readonly name: string;
}

/**
 * Renders an executed notebook.
 *
 * @example
 * writeAtomically("out/01.html", htmlReport(readNotebook("out/01.ipynb"), { name: "01" }));
 */
export function htmlReport(notebook: Notebook, { name }: ReportOptions): string {
  const headings: Heading[] = [];
  const markdown = markdownRenderer(headings);
  const body = notebook.cells.map((cell) => cellHtml(cell, markdown)).join("\n");
  const title = notebook.metadata.title ?? headings.find(({ level }) => level === 1)?.text ?? name;
  const policy =
    "default-src 'none'; img-src data:; media-src data:; font-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(String(title))}</title>
<style>${pageStyle}</style>
<script>${pageScript}</script>
</head>
<body>
${contentsHtml(headings)}
<main>
${body}
</main>
${figureScripts(figureKinds(notebook))}
</body>
</html>
`;
}

function figureKinds({ cells }: Notebook): Set<FigureKind> {
  const bundles = cells.flatMap(({ outputs = [] }) =>
    outputs.flatMap((output) => ("data" in output ? [output.data] : [])),
  );
  return new Set(bundles.flatMap((bundle) => figureOf(bundle)?.kind ?? []));
}

type Markdown = (cell: Pick<NotebookCell, "attachments">, text: string) => string;

function markdownRenderer(headings: Heading[]): Markdown {
  let attachments: NotebookCell["attachments"];
  const marked = new Marked({ async: false, gfm: true });
  marked.use({
    renderer: {
      html: ({ text }: Tokens.HTML | Tokens.Tag) => escapeHtml(text),
      heading({ tokens, depth }: Tokens.Heading) {
        const inner = this.parser.parseInline(tokens);
        const heading = { id: `section-${headings.length + 1}`, level: depth, text: plainInline(inner) };
        headings.push(heading);
        return `<h${depth} id="${heading.id}">${inner}</h${depth}>\n`;
      },
      link({ href, tokens }: Tokens.Link) {
        const inner = this.parser.parseInline(tokens);
        return /^(https?:|mailto:|#)/i.test(href) ? `<a href="${escapeHtml(href)}" rel="noopener">${inner}</a>` : inner;
      },
      image({ href, text }: Tokens.Image) {
        const source = imageSource(href, attachments);
        const alt = escapeHtml(text);
        return source
          ? `<img src="${escapeHtml(source)}" alt="${alt}">`
          : `<em>[image: ${alt || escapeHtml(href)}]</em>`;
      },
    },
  });
  return (cell, text) => {
    attachments = cell.attachments;
    return marked.parse(text) as string;
  };
}

const entities: Record<string, string> = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'" };

const plainInline = (html: string) =>
  html.replace(/<[^>]*>/g, "").replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => entities[entity]!);

/** Only images that are inside the file: the report loads nothing. */
function imageSource(href: string, attachments: NotebookCell["attachments"]) {
  if (/^data:image\//i.test(href)) return href;
  const attached = Object.entries(attachments?.[decodeURI(href).replace(/^attachment:/, "")] ?? {}).find(([mime]) =>
    /^image\/[\w+.-]+$/.test(mime),
  );
  return attached && `data:${attached[0]};base64,${joined(attached[1] as MultilineText).trim()}`;
}

function cellHtml(cell: NotebookCell, markdown: Markdown) {
  const source = joined(cell.source);
  if (cell.cell_type === "markdown") return `<section class="text">${markdown(cell, source)}</section>`;
  if (cell.cell_type === "raw") return `<section><pre>${escapeHtml(source)}</pre></section>`;
  if (source.trim() === "" && !cell.outputs?.length) return "";
  const outputs = (cell.outputs ?? []).map((output) => outputHtml(output, markdown)).join("\n");
  return `<section class="code">${codeHtml(source, cell.execution_count)}${outputs}</section>`;
}

function codeHtml(source: string, count: number | null | undefined) {
  const first = source.split("\n").find((line) => line.trim() !== "") ?? "";
  const summary = `<span class="count">[${count ?? " "}]</span> <code>${escapeHtml(first.slice(0, 100))}</code>`;
  return `<details><summary>${summary}</summary><pre><code>${escapeHtml(source)}</code></pre></details>`;
}

function outputHtml(output: CellOutput, markdown: Markdown): string {
  switch (output.output_type) {
    case "stream":
      return `<pre class="output ${output.name === "stderr" ? "stderr" : "stdout"}">${terminalText(joined(output.text))}</pre>`;
    case "error":
      return `<pre class="output error">${terminalText(output.traceback.join("\n"))}</pre>`;
    case "display_data":
    case "execute_result":
      return `<div class="output">${bundleHtml(output.data, markdown)}</div>`;
    default:
      return `<pre class="output">${escapeHtml(JSON.stringify(output satisfies never))}</pre>`;
  }
}

/** A figure or heat map that can be drawn here, over its static drawing; else one of the bundle's other forms. */
function bundleHtml(data: MimeBundle, markdown: Markdown): string {
  const figure = figureOf(data);
  if (figure === undefined) return stillHtml(data, markdown);
  const { "text/html": _, ...still } = data;
  const text = data["text/plain"];
  const [label = ""] = typeof text === "string" || Array.isArray(text) ? joined(text as MultilineText).split("\n") : [];
  return figureHtml(figure, { drawing: stillHtml(still, markdown), label });
}

/** That form which shows most in a page that loads nothing. A figure's drawing goes before its HTML. */
function stillHtml(data: MimeBundle, markdown: Markdown): string {
  const text = (mime: string) => {
    const value = data[mime];
    return typeof value === "string" || Array.isArray(value) ? joined(value as MultilineText) : undefined;
  };
  const drawing = text("image/svg+xml");
  const isFigure = data["application/vnd.plotly.v1+json"] !== undefined;
  const html = text("text/html");
  if (html !== undefined && !(isFigure && drawing !== undefined))
    return isPlainMarkup(html.trim()) ? `<div class="html">${html.trim()}</div>` : frameHtml(html);
  if (drawing !== undefined)
    return imageHtml("image/svg+xml", Buffer.from(drawing).toString("base64"), text("text/plain"));
  for (const mime of ["image/png", "image/jpeg", "image/gif", "image/webp"]) {
    const image = text(mime);
    if (image !== undefined) return imageHtml(mime, image.replace(/[^A-Za-z0-9+/=]/g, ""), text("text/plain"));
  }
  const document = text("text/markdown") ?? text("text/latex");
  if (document !== undefined) return markdown({}, document);
  return `<pre>${terminalText(text("text/plain") ?? JSON.stringify(data, null, 1))}</pre>`;
}

const imageHtml = (mime: string, base64: string, alt = "") =>
  `<img src="data:${mime};base64,${base64}" alt="${escapeHtml(alt.slice(0, 200))}">`;

/** The frame has no origin: its scripts run, but see neither this page nor anything on disk; it tells its height. */
function frameHtml(html: string) {
  const tell = `<script>addEventListener("load",()=>{const tell=()=>parent.postMessage({srftHeight:Math.ceil(document.documentElement.getBoundingClientRect().height)},"*");new ResizeObserver(tell).observe(document.documentElement);tell()})</script>`;
  const style = `<style>:root{color-scheme:light dark}html{overflow-x:auto}body{margin:0;font:14px/1.5 system-ui,sans-serif}table{border-collapse:collapse}th,td{padding:2px 10px;text-align:right;border-bottom:1px solid #8884}@media print{body{font-size:9px;line-height:1.3}th,td{padding:1px 4px}}</style>`;
  const document = `<!doctype html><meta charset="utf-8">${style}<body>${html}${tell}`;
  return `<iframe sandbox="allow-scripts" srcdoc="${escapeHtml(document)}" title="output" loading="eager"></iframe>`;
}

const escapeSequence = new RegExp(`${String.fromCharCode(27)}\\[([0-9;?]*)([A-Za-z])`, "g");
const colours = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

/**
 * Terminal text as HTML: colours as spans, other escape sequences dropped, carriage returns overwrite their line.
 *
 * @example
 * terminalText("10 %\r20 %"); // "20 %"
 */
export function terminalText(text: string): string {
  const lines = text
    .replace(/\r+\n/g, "\n")
    .split("\n")
    .map((line) => line.slice(line.lastIndexOf("\r") + 1));
  let open = 0;
  const html = escapeHtml(lines.join("\n")).replace(escapeSequence, (_, codes: string, kind: string) => {
    if (kind !== "m") return "";
    const colour = codes
      .split(";")
      .map(Number)
      .findLast((code) => (code % 60 >= 30 && code % 60 <= 37) || code === 1);
    const close = "</span>".repeat(open);
    open = colour === undefined ? 0 : 1;
    if (colour === undefined) return close;
    return `${close}<span class="${colour === 1 ? "bold" : colours[(colour % 10) as 0]}">`;
  });
  return html + "</span>".repeat(open);
}
