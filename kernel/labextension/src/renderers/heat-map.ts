/** Token heat maps, drawn by the view that the HTML report uses too. */

import { renderHeatMap } from "../../../../src/plots/heat-map/view/render-heat-map.ts";
import type { Drawing } from "./drawing.ts";

export const heatMapType = "application/vnd.srft.token-heat-map+json";

/** Draws heat maps into an element. */
export function drawHeatMap(host: HTMLElement): Drawing {
  let dispose = () => {};
  return {
    update(payload) {
      dispose();
      host.replaceChildren();
      dispose = renderHeatMap(host, payload);
    },
    dispose: () => dispose(),
  };
}
