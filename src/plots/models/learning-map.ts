/**
 * The map of learning dynamics (after SRFT, arXiv 2506.19767, figure 3): checkpoints as points whose coordinates are
 * their distances to reference texts, joined to a path a method, in two or three dimensions. What the distance is stands
 * in the caption, for the paper does not say its own.
 */

import { colorOf, createFigure, type Figure, literal } from "../figure.ts";
import type { PlotlyFigure, Trace } from "../plotly/static-svg.ts";
import { boxTraces, project } from "./projection.ts";

/** One coordinate of one checkpoint. */
export interface MapRow {
  /** "srft@40" is the checkpoint of step 40 on the path of "srft"; any other name is a path of one point. */
  readonly model: string;
  readonly reference: string;
  readonly distance: number;
  readonly interval?: { readonly low: number; readonly high: number };
}

export interface LearningMapOptions {
  /** What the distance is, n and seeds, such as "excess cross-entropy (nats a token); 200 texts a reference". */
  readonly caption: string;
  /** Two references for a plane, three for space. Default: all, where they are two or three. */
  readonly axes?: readonly string[];
  /** Unit of the axes. Default "nats a token". */
  readonly unit?: string;
  /** A number to print at a checkpoint, such as its accuracy. */
  readonly scores?: Readonly<Record<string, number>>;
}

interface Checkpoint {
  readonly model: string;
  readonly path: string;
  readonly step: number;
  readonly at: readonly number[];
  readonly label: string;
}

/**
 * Draws the paths of the methods between the references.
 *
 * @throws {RangeError} If there are not two or three axes, or a checkpoint has no finite distance to one of them.
 * @example
 * learningMap([{ model: "base", reference: "base", distance: 0 }, { model: "base", reference: "expert", distance: 2 }], { caption: "4 texts" });
 */
export function learningMap(rows: readonly MapRow[], options: LearningMapOptions): Figure {
  const { caption, unit = "nats a token", scores = {} } = options;
  const axes = options.axes ?? [...new Set(rows.map(({ reference }) => reference))];
  if (axes.length !== 2 && axes.length !== 3) {
    throw new RangeError(
      `learningMap: expected two or three references as axes but found ${axes.length}: choose them by { axes }`,
    );
  }
  const points = checkpointsOf(rows, { axes, scores });
  const paths = [...new Set(points.map(({ path }) => path))].map((name) => points.filter(({ path }) => path === name));
  const titles = axes.map((name) => literal(`distance to ${name} (${unit})`));
  const words = {
    title: "Learning dynamics: where the checkpoints stand",
    caption,
    summary: `Distances to ${axes.join(", ")} (${caption}): ${paths.map(spoken).join("; ")}`,
  };
  if (axes.length === 2) return createFigure({ ...words, ...plane(paths, { titles, rows, axes }) });
  return createFigure({ ...words, ...space(paths, titles), still: spaceProjected(paths, titles) });
}

function checkpointsOf(
  rows: readonly MapRow[],
  { axes, scores }: { axes: readonly string[]; scores: Readonly<Record<string, number>> },
) {
  const models = [...new Set(rows.map(({ model }) => model))];
  const points = models.map((model): Checkpoint => {
    const [, path = model, step] = /^(.+)@(\d+)$/s.exec(model) ?? [];
    const at = axes.map((axis) => distanceOf(rows, { model, axis }));
    const score = Object.hasOwn(scores, model) ? String(Number(scores[model]!.toFixed(3))) : undefined;
    return { model, path, step: Number(step ?? 0), at, label: score ?? (step === undefined ? "" : step) };
  });
  return points.sort((a, b) => a.step - b.step);
}

function distanceOf(rows: readonly MapRow[], { model, axis }: { model: string; axis: string }) {
  const found = rows.find((row) => row.model === model && row.reference === axis)?.distance;
  if (found !== undefined && Number.isFinite(found)) return found;
  throw new RangeError(`learningMap: expected a finite distance of ${model} to ${axis} but found ${found ?? "none"}`);
}

interface PlaneOptions {
  readonly titles: readonly string[];
  readonly rows: readonly MapRow[];
  readonly axes: readonly string[];
}

function plane(paths: readonly (readonly Checkpoint[])[], { titles, rows, axes }: PlaneOptions): PlotlyFigure {
  const data = paths.map((path, p): Trace => {
    const bars = (axis: number) => errorBars(path, { axis, rows, reference: axes[axis]!, color: colorOf(p) });
    const [error_x, error_y] = [bars(0), bars(1)];
    return {
      ...pathLook(path, p),
      type: "scatter",
      x: path.map(({ at }) => at[0]!),
      y: path.map(({ at }) => at[1]!),
      ...(error_x && { error_x }),
      ...(error_y && { error_y }),
    };
  });
  return {
    data,
    layout: {
      height: 460,
      showlegend: true,
      xaxis: { title: { text: titles[0]! }, zeroline: true },
      yaxis: { title: { text: titles[1]! }, zeroline: true },
    },
  };
}

function errorBars(
  path: readonly Checkpoint[],
  { axis, rows, reference, color }: { axis: number; rows: readonly MapRow[]; reference: string; color: string },
) {
  const intervals = path.map(
    ({ model }) => rows.find((row) => row.model === model && row.reference === reference)?.interval,
  );
  if (intervals.every((interval) => interval === undefined)) return undefined;
  return {
    type: "data" as const,
    symmetric: false,
    array: intervals.map((interval, i) => (interval ? interval.high - path[i]!.at[axis]! : 0)),
    arrayminus: intervals.map((interval, i) => (interval ? path[i]!.at[axis]! - interval.low : 0)),
    color,
    thickness: 1,
    width: 2,
  };
}

function pathLook(path: readonly Checkpoint[], p: number): Trace {
  const color = colorOf(p);
  return {
    name: literal(path[0]!.path),
    mode: "text+lines+markers",
    line: { color, width: 2 },
    marker: {
      color,
      size: path.map((_, i) => (i === path.length - 1 ? 11 : 6)),
      symbol: path.length > 1 ? "circle" : "diamond",
    },
    text: path.map(({ label }) => label),
    textposition: "top right",
    hovertext: path.map(({ model, at }) =>
      literal(`${model}: ${at.map((value) => Number(value.toPrecision(3))).join(", ")}`),
    ),
    hoverinfo: "text",
  };
}

function space(paths: readonly (readonly Checkpoint[])[], titles: readonly string[]): PlotlyFigure {
  const data = paths.map((path, p): Trace => {
    const look = pathLook(path, p);
    const [x, y, z] = [0, 1, 2].map((axis) => path.map(({ at }) => at[axis]!));
    return { ...look, type: "scatter3d", marker: { ...look.marker, symbol: "circle" }, x: x!, y: y!, z: z! };
  });
  const axis = (title: string) => ({ title: { text: title }, gridcolor: "rgba(128,128,128,0.4)", color: "#7a7a7a" });
  const [xaxis, yaxis, zaxis] = titles.map(axis);
  return { data, layout: { height: 560, showlegend: true, scene: { xaxis: xaxis!, yaxis: yaxis!, zaxis: zaxis! } } };
}

/** The same in a plane: seen from above at an angle, each point with a line down to the floor. */
function spaceProjected(paths: readonly (readonly Checkpoint[])[], titles: readonly string[]): PlotlyFigure {
  const limits = [0, 1, 2].map((axis) => Math.max(...paths.flat().map(({ at }) => at[axis]!), 1e-9));
  const least = [0, 1, 2].map((axis) => Math.min(...paths.flat().map(({ at }) => at[axis]!), 0));
  const scaled = ({ at }: Checkpoint) => at.map((value, i) => (value - least[i]!) / (limits[i]! - least[i]!));
  const data = paths.flatMap((path, p): Trace[] => {
    const places = path.map((point) => project(scaled(point)));
    const feet = path.flatMap((point) => {
      const [x, y, z] = scaled(point) as [number, number, number];
      return [project([x, y, z]), project([x, y, 0]), null];
    });
    const drop: Trace = {
      type: "scatter",
      mode: "lines",
      showlegend: false,
      line: { color: colorOf(p), width: 1, dash: "dot" },
      x: feet.map((foot) => foot?.[0] ?? null),
      y: feet.map((foot) => foot?.[1] ?? null),
    };
    return [drop, { ...pathLook(path, p), type: "scatter", x: places.map(([x]) => x), y: places.map(([, y]) => y) }];
  });
  const { traces, annotations } = boxTraces({ titles, least, most: limits });
  const hidden = { visible: false, showgrid: false, zeroline: false };
  return {
    data: [...traces, ...data],
    layout: {
      height: 560,
      showlegend: true,
      xaxis: { ...hidden, range: [-1.25, 1.25] },
      yaxis: { ...hidden, range: [-0.3, 2.1] },
      annotations,
    },
  };
}

function spoken(path: readonly Checkpoint[]) {
  const last = path.at(-1)!;
  const values = last.at.map((value) => String(Number(value.toPrecision(3)))).join(", ");
  return path.length > 1 ? `${last.path} ends at ${values}` : `${last.path} at ${values}`;
}
