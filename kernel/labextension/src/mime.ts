/** The renderers that need no notebook: plotly figures, token heat maps, live charts. */

import type { RendererFactory } from "@jupyterlab/rendermime";
import { type Draw, drawingFactory } from "./renderers/drawing.ts";
import { drawHeatMap, heatMapType } from "./renderers/heat-map.ts";
import { drawLiveChart, liveChartType } from "./renderers/live-chart.ts";
import { drawPlotly, plotlyType } from "./renderers/plotly.ts";

interface MimeExtension {
  readonly id: string;
  readonly description: string;
  readonly rendererFactory: RendererFactory;
  readonly rank: number;
  readonly dataType: "json";
}

const extension = (name: string, mimeType: string, draw: Draw): MimeExtension => ({
  id: `srft:${name}`,
  description: `Draws ${mimeType}`,
  rendererFactory: drawingFactory(mimeType, draw),
  rank: 0,
  dataType: "json",
});

const extensions = [
  extension("plotly", plotlyType, drawPlotly),
  extension("token-heat-map", heatMapType, drawHeatMap),
  extension("live-chart", liveChartType, drawLiveChart),
];

// biome-ignore lint/style/noDefaultExport: JupyterLab loads an extension's default export
export default extensions;
