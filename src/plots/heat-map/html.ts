/**
 * The token heat map as HTML: spans in a block of preserved text, style attributes only, no script, no class names that
 * could meet those of the page. The text takes the page's colour, so it is readable on light and dark.
 */

import { legendOf, type Shade } from "./colors.ts";
import type { HeatBlock, HeatMapContent, HeatToken } from "./content.ts";
import { escapeMarkup } from "./text.ts";

/**
 * Writes the heat map as a `<figure>` element.
 *
 * @example
 * heatMapHtml(content); // "<figure style=…>…</figure>"
 */
export function heatMapHtml(content: HeatMapContent): string {
  const { title, caption, blocks } = content;
  const legend = legendOf(content)
    .map(({ shade, label }) => `<span style="${background(shade)}padding:1px 6px">${escapeMarkup(label)}</span>`)
    .join("");
  return (
    `<figure style="margin:0;font:13px/1.5 Arial,Helvetica,sans-serif" aria-label="${escapeMarkup(title)}">` +
    `<figcaption><b>${escapeMarkup(title)}</b><br><small>${escapeMarkup(caption)}</small>` +
    `<div style="display:flex;flex-wrap:wrap;font-size:11px;margin:4px 0">${legend}</div></figcaption>` +
    `${blocks.map(blockHtml).join("")}</figure>`
  );
}

function blockHtml({ heading, prompt, tokens }: HeatBlock) {
  return (
    `<div style="margin:10px 0 2px"><bdi>${escapeMarkup(heading)}</bdi></div>` +
    '<div dir="ltr" style="font:14px/1.9 DejaVu Sans Mono,Menlo,Consolas,monospace;overflow-wrap:anywhere">' +
    `<bdi style="opacity:.65">${escapeMarkup(prompt)}</bdi> ${tokens.map(tokenHtml).join("")}</div>`
  );
}

function tokenHtml({ text, shade, details, endsLine }: HeatToken) {
  const span =
    `<bdi title="${escapeMarkup(details)}" style="${background(shade)}padding:2px 1px;margin-right:1px;border-radius:2px">` +
    `${escapeMarkup(text)}</bdi>`;
  return endsLine ? `${span}<br>` : `${span}<wbr>`;
}

function background({ rgb, opacity }: Shade) {
  return opacity === 0 ? "" : `background:rgba(${rgb.join(",")},${opacity});`;
}
