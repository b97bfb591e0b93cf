/**
 * Lays out a live chart as lines, rules and texts: a small panel a series, two in a row. The static SVG and the notebook
 * renderer draw the same shapes. Runs in Node and in browsers; a payload comes from a notebook and may be a stranger's.
 */

/** One line of a panel: its points in the order of x. */
export interface ChartLine {
  readonly name: string;
  /** #rrggbb */
  readonly color: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** One series: its lines share a y axis. */
export interface ChartPanel {
  readonly label: string;
  readonly lines: readonly ChartLine[];
}

/** What a live chart shows: the content of application/vnd.srft.live-chart+json. */
export interface LiveChartData {
  /** Tells the charts of one kernel apart, so that a page that was reloaded finds its own again. */
  readonly id: string;
  readonly title: string;
  /** Label of the x axes. */
  readonly x: string;
  readonly panels: readonly ChartPanel[];
  /** Records that were pushed. */
  readonly records: number;
}

/** A thing to draw, in pixels from the top left. */
export type Shape =
  | { readonly kind: "line"; readonly points: string; readonly color: string }
  | { readonly kind: "rule"; readonly from: readonly [number, number]; readonly to: readonly [number, number] }
  | {
      readonly kind: "text";
      readonly at: readonly [number, number];
      readonly text: string;
      readonly size: number;
      readonly anchor: "start" | "middle" | "end";
      readonly color?: string;
    };

/** A panel's box and what its pixels mean, for a pointer that asks. */
export interface PanelBox {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly xRange: readonly [number, number];
  readonly panel: ChartPanel;
}

export interface ChartLayout {
  readonly width: number;
  readonly height: number;
  readonly shapes: readonly Shape[];
  readonly boxes: readonly PanelBox[];
}

const width = 720;
const header = 48;
const panelHeight = 190;
const inset = { left: 56, right: 16, top: 22, bottom: 40 };

/**
 * Lays a chart out.
 *
 * @throws {TypeError} If the payload is no live chart.
 * @example
 * const lines = [{ name: "srft", color: "#0072B2", x: [1, 2], y: [0, 1] }];
 * layoutChart({ id: "1", title: "Training", x: "step", panels: [{ label: "reward", lines }], records: 2 }).height; // 238
 */
export function layoutChart(data: LiveChartData): ChartLayout {
  if (!Array.isArray(data?.panels))
    throw new TypeError(`layoutChart: expected a live chart but found ${data === null ? "null" : typeof data}`);
  const columns = data.panels.length > 1 ? 2 : 1;
  const rows = Math.max(1, Math.ceil(data.panels.length / columns));
  const boxes = data.panels.map((panel, index) => boxOf(panel, { index, columns }));
  const height = header + rows * panelHeight;
  const shapes = [...headerShapes(data), ...boxes.flatMap((box) => panelShapes(box, data.x))];
  return { width, height, shapes, boxes };
}

function boxOf(panel: ChartPanel, { index, columns }: { index: number; columns: number }): PanelBox {
  const [column, row] = [index % columns, Math.floor(index / columns)];
  const [left, top] = [(column * width) / columns, header + row * panelHeight];
  return {
    left: left + inset.left,
    right: left + width / columns - inset.right,
    top: top + inset.top,
    bottom: top + panelHeight - inset.bottom,
    xRange: rangeOf(panel.lines.map(({ x }) => x)),
    panel,
  };
}

function headerShapes({ title, panels, records }: LiveChartData): Shape[] {
  const lines = new Map(panels.flatMap(({ lines }) => lines.map(({ name, color }) => [name, safeColor(color)])));
  const names = [...lines].filter(([name]) => name !== "");
  const caption = `${records} record${records === 1 ? "" : "s"}`;
  const texts: Shape[] = [
    { kind: "text", at: [14, 20], text: shortened(String(title), 70), size: 15, anchor: "start" },
    { kind: "text", at: [width - 16, 20], text: caption, size: 11, anchor: "end" },
  ];
  let left = 14;
  for (const [name, color] of names) {
    texts.push({ kind: "text", at: [left, 40], text: `— ${shortened(name, 40)}`, size: 12, anchor: "start", color });
    left += 30 + 7 * Math.min(name.length, 40);
  }
  return texts;
}

const shortened = (text: string, letters: number) =>
  text.length > letters
    ? `${Array.from(text)
        .slice(0, letters - 1)
        .join("")}…`
    : text;

function panelShapes(box: PanelBox, xLabel: string): Shape[] {
  const { left, right, top, bottom, xRange, panel } = box;
  const yRange = rangeOf(panel.lines.map(({ y }) => y));
  const toX = scale(xRange, [left, right]);
  const toY = scale(yRange, [bottom, top]);
  const text = (
    at: readonly [number, number],
    label: string,
    anchor: "start" | "middle" | "end",
    size = 11,
  ): Shape => ({
    ...{ kind: "text", at, text: label, size, anchor },
  });
  return [
    text([left, top - 7], String(panel.label), "start", 12),
    text([(left + right) / 2, bottom + 31], String(xLabel), "middle"),
    { kind: "rule", from: [left, bottom], to: [right, bottom] },
    { kind: "rule", from: [left, top], to: [left, bottom] },
    ...ticks(xRange).map((value) => text([toX(value), bottom + 15], numeral(value), "middle")),
    ...ticks(yRange).map((value) => text([left - 6, toY(value) + 4], numeral(value), "end")),
    ...panel.lines.map(({ x, y, color }): Shape => {
      const points = x.map((value, i) => `${toX(value).toFixed(1)},${toY(y[i]!).toFixed(1)}`).join(" ");
      return { kind: "line", points, color: safeColor(color) };
    }),
  ];
}

/** What stands in an attribute is a colour, whatever the notebook says. */
const safeColor = (color: string) => (/^#[0-9a-f]{6}$/i.test(color) ? color : "#7a7a7a");

/** The range of all values, widened where it is too narrow for numbers to tell its ends apart. */
function rangeOf(lists: readonly (readonly number[])[]): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of lists.flat()) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (!(low <= high)) return [0, 1];
  const size = Math.max(Math.abs(low), Math.abs(high));
  if (high - low > 1e-12 * Math.max(size, 1e-200)) return [low, high];
  const room = size > 1e-200 ? size / 10 : 0.5;
  return [low - room, high + room];
}

const scale = ([from, to]: readonly [number, number], [start, end]: readonly [number, number]) => {
  const factor = (end - start) / (to - from);
  return (value: number) => start + (value - from) * factor;
};

/**
 * Round numbers in a range, three to six of them.
 *
 * @example
 * ticks([0, 1]); // [0, 0.2, 0.4, 0.6, 0.8, 1]
 */
export function ticks([low, high]: readonly [number, number]): number[] {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough * 0.999)!;
  const count = Math.floor(high / step + 1e-9) - Math.ceil(low / step - 1e-9) + 1;
  return Array.from({ length: count }, (_, i) => Number(((Math.ceil(low / step - 1e-9) + i) * step).toPrecision(12)));
}

const numeral = (value: number) => {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e6 || size < 1e-4)) return value.toExponential(0).replace("-", "−").replace("e−", "e-");
  return String(Number(value.toPrecision(6))).replace("-", "−");
};
