/** The entry point `srft/plotly`: figures of plotly drawn without a browser and without the network. */

export { basicTraces, type FigureJson, isBasic, mapTraces, offline, webglTraces } from "./offline.ts";
export { readable } from "./readable.ts";
export { type PlotlyFigure, staticSvg, type Trace } from "./static-svg.ts";
