/** A live chart as static SVG. */

import { ink } from "../figure.ts";
import { escapeMarkup, oneLine } from "../heat-map/text.ts";
import { type LiveChartData, layoutChart, type Shape } from "./view/layout.ts";

/**
 * Writes a live chart as an `<svg>` element, readable on light and dark pages.
 *
 * @example
 * chartSvg({ id: "1", title: "Training", x: "step", panels: [], records: 0 }); // "<svg xmlns=…"
 */
export function chartSvg(data: LiveChartData): string {
  const { width, height, shapes } = layoutChart(data);
  const label = escapeMarkup(oneLine(data.title));
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
    `role="img" aria-label="${label}" font-family="Arial,Helvetica,sans-serif">${shapes.map(markup).join("")}</svg>`
  );
}

function markup(shape: Shape): string {
  switch (shape.kind) {
    case "line":
      return `<polyline points="${shape.points}" fill="none" stroke="${shape.color}" stroke-width="1.5" stroke-linejoin="round"/>`;
    case "rule": {
      const [[x1, y1], [x2, y2]] = [shape.from, shape.to];
      return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${ink}"/>`;
    }
    case "text": {
      const [x, y] = shape.at.map((value) => Number(value.toFixed(1)));
      const place = `x="${x}" y="${y}" font-size="${shape.size}" text-anchor="${shape.anchor}"`;
      return `<text ${place} fill="${shape.color ?? ink}">${escapeMarkup(oneLine(shape.text))}</text>`;
    }
    default:
      return shape satisfies never;
  }
}
