/**
 * Live charts. An update changes the points of the lines that are there, so that nothing flickers; a pointer over a panel
 * reads the nearest values.
 */

import {
  type ChartLine,
  type LiveChartData,
  layoutChart,
  type PanelBox,
  type Shape,
} from "../../../../src/plots/live-chart/view/layout.ts";
import type { Drawing } from "./drawing.ts";

export const liveChartType = "application/vnd.srft.live-chart+json";

const ink = "var(--jp-ui-font-color2, #7a7a7a)";
const namespace = "http://www.w3.org/2000/svg";

/** Draws live charts into an element. */
export function drawLiveChart(host: HTMLElement): Drawing {
  const svg = document.createElementNS(namespace, "svg");
  svg.setAttribute("role", "img");
  svg.style.cssText = "max-width:100%;height:auto;display:block;font-family:Arial,Helvetica,sans-serif";
  const reading = document.createElement("div");
  reading.style.cssText = `min-height:1.4em;font:12px/1.4 Arial,Helvetica,sans-serif;color:${ink}`;
  host.className = "srft-live-chart";
  host.append(svg, reading);
  let boxes: readonly PanelBox[] = [];
  svg.addEventListener("pointermove", (event) => {
    const scale = svg.viewBox.baseVal.width / svg.getBoundingClientRect().width;
    reading.textContent = readAt(boxes, { x: event.offsetX * scale, y: event.offsetY * scale });
  });
  svg.addEventListener("pointerleave", () => {
    reading.textContent = "";
  });
  return {
    update(payload) {
      const data = payload as LiveChartData;
      const { width, height, shapes, ...layout } = layoutChart(data);
      boxes = layout.boxes;
      svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      svg.setAttribute("width", String(width));
      svg.setAttribute("aria-label", `${data.title}, ${data.records} records`);
      host.dataset.records = String(data.records);
      shapes.forEach((shape, i) => {
        const element = elementFor(svg, { shape, index: i });
        for (const [name, value] of Object.entries(attributesOf(shape)))
          if (element.getAttribute(name) !== value) element.setAttribute(name, value);
        if (shape.kind === "text" && element.textContent !== shape.text) element.textContent = shape.text;
      });
      while (svg.childElementCount > shapes.length) svg.lastElementChild?.remove();
    },
    dispose: () => host.replaceChildren(),
  };
}

const tags = { line: "polyline", rule: "line", text: "text" } as const;

/** The element at a place, made anew only where another kind of shape stood. */
function elementFor(svg: SVGElement, { shape, index }: { shape: Shape; index: number }): Element {
  const old = svg.children[index];
  if (old?.tagName === tags[shape.kind]) return old;
  const element = document.createElementNS(namespace, tags[shape.kind]);
  if (old) old.replaceWith(element);
  else svg.append(element);
  return element;
}

function attributesOf(shape: Shape): Record<string, string> {
  switch (shape.kind) {
    case "line":
      return {
        points: shape.points,
        fill: "none",
        stroke: shape.color,
        "stroke-width": "1.5",
        "stroke-linejoin": "round",
      };
    case "rule": {
      const [[x1, y1], [x2, y2]] = [shape.from, shape.to];
      return { x1: String(x1), y1: String(y1), x2: String(x2), y2: String(y2), stroke: "#7a7a7a" };
    }
    case "text": {
      const [x, y] = [String(shape.at[0]), String(shape.at[1])];
      return {
        x,
        y,
        "font-size": String(shape.size),
        "text-anchor": shape.anchor,
        style: `fill:${shape.color ?? ink}`,
      };
    }
    default:
      return shape satisfies never;
  }
}

/** The values of a panel's lines nearest to a point, in words. */
function readAt(boxes: readonly PanelBox[], point: { readonly x: number; readonly y: number }): string {
  const isIn = ({ left, right, top, bottom }: PanelBox) =>
    point.x >= left && point.x <= right && point.y >= top && point.y <= bottom;
  const box = boxes.find(isIn);
  if (!box) return "";
  const { left, right, xRange, panel } = box;
  const x = xRange[0] + ((point.x - left) / (right - left)) * (xRange[1] - xRange[0]);
  return panel.lines.map((line) => `${line.name} ${panel.label}: ${nearest(line, x)}`.trim()).join(" · ");
}

function nearest({ x, y }: ChartLine, wanted: number): string {
  const best = x.reduce((near, value, i) => (Math.abs(value - wanted) < Math.abs(x[near]! - wanted) ? i : near), 0);
  return x.length > 0 ? `${Number(y[best]!.toPrecision(4))} at ${x[best]}` : "–";
}
