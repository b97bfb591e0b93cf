/**
 * The token heat map as SVG, for pages that show no HTML: a fixed-width layout on a white card. Every token is placed by
 * itself and stretched to its columns, so that a page's font can be another than ours.
 */

import { legendOf, type Shade } from "./colors.ts";
import type { HeatBlock, HeatMapContent } from "./content.ts";
import { columnsOf, escapeMarkup } from "./text.ts";

const width = 720;
const margin = 12;
const columnWidth = 8.4;
const lineHeight = 24;
const columns = Math.floor((width - 2 * margin) / columnWidth);

/**
 * Writes the heat map as an `<svg>` element, 720 pixels wide.
 *
 * @example
 * heatMapSvg(content); // "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"720\" …</svg>"
 */
export function heatMapSvg(content: HeatMapContent): string {
  const { title, caption, blocks } = content;
  const parts = [
    words(title, { y: 24, size: 15, color: "#222" }),
    words(caption, { y: 42, size: 11, color: "#555" }),
    legendSvg(content),
  ];
  let y = 86;
  for (const block of blocks) {
    const { svg, lines } = blockSvg(block, y);
    parts.push(svg);
    y += (lines + 1) * lineHeight + 14;
  }
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y}" viewBox="0 0 ${width} ${y}" role="img" ` +
    `aria-label="${escapeMarkup(title)}"><rect width="${width}" height="${y}" fill="#fff"/>${parts.join("")}</svg>`
  );
}

function legendSvg(content: HeatMapContent) {
  let x = margin;
  return legendOf(content)
    .map(({ shade, label }) => {
      const at = x;
      x += label.length * 5.9 + 30;
      return (
        rectangle(shade, { x: at, y: 52, width: 16, height: 14 }) +
        words(label, { x: at + 20, y: 63, size: 11, color: "#333" })
      );
    })
    .join("");
}

function blockSvg({ heading, prompt, tokens }: HeatBlock, y: number) {
  const parts = [words(heading, { y: y + 12, size: 12, color: "#222" })];
  let [line, column] = [1, 0];
  const place = (text: string, { shade, details, color }: { shade?: Shade; details?: string; color: string }) => {
    const taken = Math.min(Math.max(columnsOf(text), 1), columns);
    if (column + taken > columns) [line, column] = [line + 1, 0];
    const box = { x: margin + column * columnWidth, y: y + line * lineHeight, width: taken * columnWidth, height: 20 };
    parts.push(tokenSvg(text, { ...box, color, ...(shade && { shade }), ...(details && { details }) }));
    column += taken;
  };
  for (const letter of prompt) place(letter, { color: "#777" });
  column++;
  for (const { text, shade, details, endsLine } of tokens) {
    place(text, { shade, details, color: "#111" });
    if (endsLine) [line, column] = [line + 1, 0];
  }
  return { svg: parts.join(""), lines: line };
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function tokenSvg(
  text: string,
  { shade, details, color, ...box }: Box & { shade?: Shade; details?: string; color: string },
) {
  return (
    `<g>${details === undefined ? "" : `<title>${escapeMarkup(details)}</title>`}` +
    `${shade === undefined ? "" : rectangle(shade, { ...box, width: box.width - 1 })}` +
    `<text x="${short(box.x)}" y="${short(box.y + 15)}" font-family="DejaVu Sans Mono,Menlo,Consolas,monospace" ` +
    `font-size="14" fill="${color}" textLength="${short(box.width - 1)}" lengthAdjust="spacingAndGlyphs" ` +
    `style="unicode-bidi:isolate">${escapeMarkup(text)}</text></g>`
  );
}

function rectangle({ rgb, opacity }: Shade, { x, y, width, height }: Box) {
  return (
    `<rect x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${height}" rx="2" ` +
    `fill="rgb(${rgb.join(",")})" fill-opacity="${opacity}"/>`
  );
}

function words(text: string, { x = margin, y, size, color }: { x?: number; y: number; size: number; color: string }) {
  return (
    `<text x="${short(x)}" y="${y}" font-family="Arial,Helvetica,sans-serif" font-size="${size}" fill="${color}" ` +
    `style="unicode-bidi:isolate">${escapeMarkup(text)}</text>`
  );
}

function short(value: number) {
  return Number(value.toFixed(1));
}
