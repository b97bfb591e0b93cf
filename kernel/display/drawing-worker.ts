/** Draws figures in a thread of its own: JSON comes in, SVG goes out, or "" for a figure that plotly.js cannot draw. */

import { parentPort } from "node:worker_threads";
import { staticSvg } from "srft/plotly";

parentPort!.on("message", async (json: string) => {
  const { data, layout } = JSON.parse(json);
  parentPort!.postMessage(await staticSvg({ data, layout: layout ?? {} }).catch(() => ""));
});
