/**
 * A chart that grows while a loop runs: `push` a record, see its numbers. In a notebook the chart is one display that
 * is updated at most ten times a second, and the cell stays open until the last record is shown. Where there is no
 * notebook nothing is shown, and the chart can still be asked for its SVG and its text.
 */

import { randomUUID } from "node:crypto";
import { colorOf, display } from "../figure.ts";
import { oneLine } from "../heat-map/text.ts";
import { chartSvg } from "./chart-svg.ts";
import { thin } from "./thin.ts";
import type { LiveChartData } from "./view/layout.ts";

export type { ChartLine, ChartPanel, LiveChartData } from "./view/layout.ts";

export interface LiveChartOptions {
  /** Default "Training". */
  readonly title?: string;
  /** The field on the x axes, a number in every record. Default "step". */
  readonly x?: string;
  /** Fields to draw, a panel each; a dot leads into an object, as in "weights.sft". Default: the numbers of the first record. */
  readonly series?: readonly string[];
  /** The field whose value names the line a record belongs to, such as a method. Default: one line. */
  readonly by?: string;
}

export interface LiveChart {
  /** Adds a record; fields that are not finite numbers leave a gap. */
  push(record: object): void;
  /** What is shown now. */
  readonly data: LiveChartData;
  /** One line for terminals. */
  readonly text: string;
  svg(): string;
  /** application/vnd.srft.live-chart+json, image/svg+xml, text/html and text/plain. */
  [display](): Readonly<Record<string, unknown>>;
}

/** Milliseconds between two updates. */
const interval = 100;

/** Runs of points kept of each line: half a panel's width in pixels. */
const buckets = 300;

interface Line {
  readonly x: number[];
  readonly y: number[];
}

/**
 * Makes a live chart. It appears below the cell that pushes the first record.
 *
 * @example
 * const chart = liveChart({ series: ["reward"] });
 * chart.push({ step: 1, reward: 0.25 });
 * chart.text; // "Training: reward 0.25 at step 1 (1 record)"
 */
export function liveChart(options: LiveChartOptions = {}): LiveChart {
  const { title = "Training", x = "step", by } = options;
  const id = randomUUID();
  let series = options.series;
  let records = 0;
  const lines = new Map<string, Map<string, Line>>(); // series -> name -> line
  const push = (record: object) => {
    const at = fieldOf(record, x);
    if (typeof at !== "number" || !Number.isFinite(at))
      throw new TypeError(
        `push: expected a finite number in "${x}" but found ${String(at)}; name another field with x`,
      );
    series ??= numericFields(record, x);
    const name = by === undefined ? "" : String(fieldOf(record, by));
    for (const label of series) addPoint(lines, { label, name, x: at, y: fieldOf(record, label) });
    records++;
    refresh();
  };
  const data = (): LiveChartData => {
    const names = [...new Set([...lines.values()].flatMap((panel) => [...panel.keys()]))];
    const panels = (series ?? []).map((label) => ({
      label,
      lines: [...(lines.get(label) ?? [])].map(([name, line]) => {
        return { name: oneLine(name), color: colorOf(names.indexOf(name)), ...thin(line, buckets) };
      }),
    }));
    return { id, title, x, panels, records };
  };
  const text = () => `${oneLine(title)}: ${lastValues(lines, x)} (${records} record${records === 1 ? "" : "s"})`;
  const bundle = () => {
    const shown = data();
    const svg = chartSvg(shown);
    const html = `<div style="overflow-x:auto">${svg}</div>`;
    return {
      "application/vnd.srft.live-chart+json": shown,
      "image/svg+xml": svg,
      "text/html": html,
      "text/plain": text(),
    };
  };
  const refresh = refresher(bundle);
  return {
    push,
    get data() {
      return data();
    },
    get text() {
      return text();
    },
    svg: () => chartSvg(data()),
    [display]: bundle,
  };
}

function addPoint(
  lines: Map<string, Map<string, Line>>,
  { label, name, x, y }: { label: string; name: string; x: number; y: unknown },
) {
  if (typeof y !== "number" || !Number.isFinite(y)) return;
  const panel = lines.get(label) ?? new Map<string, Line>();
  lines.set(label, panel);
  const line = panel.get(name) ?? { x: [], y: [] };
  panel.set(name, line);
  line.x.push(x);
  line.y.push(y);
}

function fieldOf(record: object, path: string): unknown {
  return path.split(".").reduce<unknown>((value, key) => (value as Record<string, unknown> | null)?.[key], record);
}

const numericFields = (record: object, x: string) =>
  Object.entries(record).flatMap(([key, value]) => (typeof value === "number" && key !== x ? [key] : []));

function lastValues(lines: Map<string, Map<string, Line>>, x: string): string {
  const last = [...lines].flatMap(([label, panel]) =>
    [...panel].map(([name, line]) => `${name && `${oneLine(name)} `}${oneLine(label)} ${round(line.y.at(-1)!)}`),
  );
  const ends = [...lines.values()].flatMap((panel) => [...panel.values()].map((line) => line.x.at(-1)!));
  return last.length > 0 ? `${last.join(", ")} at ${oneLine(x)} ${Math.max(...ends)}` : "no numbers yet";
}

const round = (value: number) => String(Number(value.toPrecision(4)));

type Bundle = Readonly<Record<string, unknown>>;
type Shown = { readonly [display]: () => Bundle | Promise<Bundle> };
type Update = (value: Shown) => void;

/**
 * Shows the chart at once, then at most once an interval. What comes too early is shown when its time has come; the
 * bundle is a promise until then, for which the kernel holds the cell open. A loop that never awaits gives timers no
 * turn: then the push after the interval shows.
 */
function refresher(bundle: () => Bundle) {
  let update: Update | undefined;
  let isStarted = false;
  let isWaiting = false;
  let shown = 0;
  const now = () => {
    shown = performance.now();
    return bundle();
  };
  const late = async () => {
    for (let left = shown + interval - performance.now(); left > 0; left = shown + interval - performance.now())
      await new Promise((resolve) => setTimeout(resolve, Math.ceil(left) + 1));
    isWaiting = false;
    return now();
  };
  return () => {
    if (!isStarted) {
      isStarted = true;
      update = openDisplay({ [display]: now });
    } else if (performance.now() - shown >= (isWaiting ? 1.5 : 1) * interval) update?.({ [display]: now });
    else if (update && !isWaiting) {
      isWaiting = true;
      update({ [display]: late });
    }
  };
}

interface NotebookGlobals {
  readonly display?: (value: Shown) => { update?: Update } | undefined;
  readonly Deno?: {
    readonly jupyter?: { display?: (value: Shown, target: { display_id: string; update?: true }) => unknown };
  };
}

/** Shows a value and tells how to replace it; undefined where there is no notebook that could. */
function openDisplay(value: Shown): Update | undefined {
  const { display: show, Deno } = globalThis as NotebookGlobals;
  if (typeof show === "function") {
    const handle = show(value);
    return typeof handle?.update === "function" ? (next) => handle.update?.(next) : undefined;
  }
  const deno = Deno?.jupyter?.display;
  if (typeof deno !== "function") return undefined;
  const display_id = `live-chart-${performance.now()}`;
  void deno(value, { display_id });
  return (next) => void deno(next, { display_id, update: true });
}
