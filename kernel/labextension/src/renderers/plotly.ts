/**
 * Plotly figures. The basic bundle is fetched as JupyterLab starts, so that a first figure is there at once; the whole of
 * plotly.js only when a figure has a trace that the basic one cannot draw.
 */

import { isBasic } from "../../../../src/plots/plotly/offline.ts";
import type { Drawing } from "./drawing.ts";
import { type Figure, safeFigure } from "./plotly-figure.ts";

/** The calls we make of plotly.js. */
export interface Plotly {
  react(host: HTMLElement, figure: Figure): Promise<unknown>;
  addFrames(host: HTMLElement, frames: readonly unknown[]): Promise<unknown>;
  purge(host: HTMLElement): void;
  readonly Plots: { resize(host: HTMLElement): void };
}

export const plotlyType = "application/vnd.plotly.v1+json";

const basic = import("plotly.js-basic-dist-min").then((module) => module.default);
const whole = () => import("plotly.js-dist-min").then((module) => module.default);

/** Draws figures into an element, each in the place of the one before. */
export function drawPlotly(host: HTMLElement): Drawing {
  let drawnBy: Plotly | undefined;
  let isFluid = false;
  let isDisposed = false;
  return {
    async update(payload, trust) {
      const figure = safeFigure(payload, trust);
      const plotly = await (isBasic(figure) ? basic : whole());
      if (isDisposed) return;
      if (drawnBy && drawnBy !== plotly) drawnBy.purge(host);
      drawnBy = plotly;
      isFluid = figure.layout.width === undefined;
      await plotly.react(host, figure);
      if (figure.frames.length > 0) await plotly.addFrames(host, figure.frames);
    },
    resize() {
      if (drawnBy && isFluid && host.offsetWidth > 0) drawnBy.Plots.resize(host);
    },
    dispose() {
      isDisposed = true;
      drawnBy?.purge(host);
    },
  };
}
