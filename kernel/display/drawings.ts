/**
 * The static drawing of a plotly figure that comes without one, for readers who have no plotly.js: GitHub, nbconvert, PDF,
 * the classic notebook. A worker draws, with plotly.js under jsdom: it begins with the first figure, leaves the cells'
 * thread free, and what a hostile figure costs in time or memory it costs the worker, which is ended and begun anew.
 */

import { Worker } from "node:worker_threads";
import type { MimeBundle } from "../link.ts";

/** Figures of more JSON are not drawn: their drawings are slower and larger than a page should bear. */
const mostJson = 1_000_000;

/** Characters of a drawing; it stands in the output twice. */
const mostSvg = 2_000_000;

/** A cell may declare these names for itself. */
const { setTimeout, clearTimeout } = globalThis;

interface DrawingOptions {
  /** Milliseconds for a drawing; the first has those of loading too, 15 s more. Default 5,000. */
  readonly patience?: number;
}

/** Draws for one user process. */
export interface Drawings {
  /** The bundle with image/svg+xml and text/html; as it is, where it has no figure or one that cannot be drawn. */
  add(bundle: MimeBundle): Promise<MimeBundle>;
}

const loading = 15_000;

/**
 * Makes the drawings of a process; nothing is loaded before the first figure.
 *
 * @example
 * const figure = { data: [{ x: [1], y: [2] }], layout: {} };
 * const drawings = createDrawings();
 * await drawings.add({ "text/plain": "3" }); // { "text/plain": "3" }
 * Object.keys(await drawings.add({ "application/vnd.plotly.v1+json": figure })).length; // 3
 */
export function createDrawings({ patience = 5000 }: DrawingOptions = {}): Drawings {
  let worker: Worker | undefined;
  let last: Promise<unknown> = Promise.resolve();
  const draw = async (json: string): Promise<string | undefined> => {
    const isNew = worker === undefined;
    worker ??= startWorker();
    const svg = await answerOf(worker, { json, patience: isNew ? patience + loading : patience });
    if (svg === undefined) {
      void worker.terminate();
      worker = undefined;
    }
    return svg;
  };
  return {
    async add(bundle) {
      const json = isUndrawn(bundle) ? figureJson(bundle) : undefined;
      if (json === undefined) return bundle;
      const drawing = last.then(() => draw(json)).catch(() => undefined);
      last = drawing;
      const svg = await drawing;
      return svg ? withDrawing(bundle, svg) : bundle;
    },
  };
}

const plotlyType = "application/vnd.plotly.v1+json";
const drawnTypes = ["image/svg+xml", "image/png", "text/html"];

/**
 * Whether a bundle has a figure and nothing of it that can be seen without plotly.js.
 *
 * @example
 * isUndrawn({ "application/vnd.plotly.v1+json": { data: [] } }); // true
 */
export const isUndrawn = (bundle: MimeBundle) =>
  bundle[plotlyType] !== undefined && !drawnTypes.some((type) => type in bundle);

function figureJson(bundle: MimeBundle): string | undefined {
  try {
    const json = JSON.stringify(bundle[plotlyType]);
    return json.length <= mostJson ? json : undefined;
  } catch {
    return undefined; // what cannot be sent either: the sender says so
  }
}

const withDrawing = (bundle: MimeBundle, svg: string): MimeBundle =>
  svg.length > mostSvg
    ? bundle
    : { ...bundle, "image/svg+xml": svg, "text/html": `<div style="overflow-x:auto">${svg}</div>` };

function startWorker() {
  const worker = new Worker(new URL("./drawing-worker.js", import.meta.url), {
    execArgv: [],
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: 1024 },
  });
  worker.unref();
  return worker;
}

/** What the worker says: a drawing, or "" for a figure that plotly.js refuses; undefined if it ended or took too long. */
function answerOf(worker: Worker, { json, patience }: { json: string; patience: number }) {
  return new Promise<string | undefined>((resolve) => {
    const end = (svg?: string) => {
      clearTimeout(late);
      worker.off("message", end).off("error", fail).off("exit", fail);
      resolve(svg);
    };
    const fail = () => end();
    const late = setTimeout(fail, patience);
    worker.on("message", end).on("error", fail).on("exit", fail);
    worker.postMessage(json);
  });
}
