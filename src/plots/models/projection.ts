/** A box in space drawn in a plane, parallel, seen from above at an angle: x ends at the front on the left edge, y on the right. */

import type { Layout } from "plotly.js";
import { ink } from "../figure.ts";
import type { Trace } from "../plotly/static-svg.ts";

/**
 * The place of a point of the unit box: [−1, 1] rightwards, [0, 2] upwards, the front corner at [0, 0].
 *
 * @example
 * project([0, 0, 1]); // [0, 2]
 */
export function project(point: readonly number[]): [number, number] {
  const [x, y, z] = point as [number, number, number];
  return [x - y, 1 - 0.5 * (x + y) + z];
}

export interface BoxOptions {
  /** Of the three axes. */
  readonly titles: readonly string[];
  readonly least: readonly number[];
  readonly most: readonly number[];
}

const edges = [
  [
    [0, 0, 0],
    [1, 0, 0],
    [1, 1, 0],
    [0, 1, 0],
    [0, 0, 0],
  ],
  [
    [0, 0, 0],
    [0, 0, 1],
    [1, 0, 1],
    [1, 0, 0],
  ],
  [
    [0, 0, 1],
    [0, 1, 1],
    [0, 1, 0],
  ],
];

/**
 * The box's floor and back walls, with the titles and the ends of the axes.
 *
 * @example
 * boxTraces({ titles: ["x", "y", "z"], least: [0, 0, 0], most: [1, 1, 1] }).traces.length; // 3
 */
export function boxTraces({ titles, least, most }: BoxOptions) {
  const traces = edges.map((edge): Trace => {
    const places = edge.map(project);
    return {
      type: "scatter",
      mode: "lines",
      showlegend: false,
      hoverinfo: "skip",
      line: { color: "rgba(128,128,128,0.5)", width: 1 },
      x: places.map(([x]) => x),
      y: places.map(([, y]) => y),
    };
  });
  const short = (value: number) => String(Number(value.toPrecision(3)));
  const annotations = [
    note(titles[0]!, { at: [0.5, 1, 0], xanchor: "right", shift: [-24, -26] }),
    note(titles[1]!, { at: [1, 0.5, 0], xanchor: "left", shift: [24, -26] }),
    note(titles[2]!, { at: [0, 1, 1], xanchor: "center", shift: [0, 18] }),
    note(short(least[0]!), { at: [0, 1, 0], xanchor: "right", shift: [2, -14] }),
    note(short(most[0]!), { at: [1, 1, 0], xanchor: "right", shift: [-12, -8] }),
    note(short(least[1]!), { at: [1, 0, 0], xanchor: "left", shift: [-2, -14] }),
    note(short(most[1]!), { at: [1, 1, 0], xanchor: "left", shift: [12, -8] }),
    note(short(least[2]!), { at: [0, 1, 0], xanchor: "right", shift: [-8, 6] }),
    note(short(most[2]!), { at: [0, 1, 1], xanchor: "right", shift: [-8, -4] }),
  ];
  return { traces, annotations };
}

interface NotePlace {
  readonly at: readonly number[];
  readonly xanchor: "left" | "right" | "center";
  readonly shift: readonly [number, number];
}

function note(text: string, { at, xanchor, shift }: NotePlace): NonNullable<Layout["annotations"]>[number] {
  const [x, y] = project(at);
  return { text, x, y, xanchor, xshift: shift[0], yshift: shift[1], showarrow: false, font: { size: 11, color: ink } };
}
