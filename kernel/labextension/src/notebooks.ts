/** What a notebook's outputs need the notebook for: widgets their kernel, charts their updates, type errors their cell. */

import type { INotebookTracker, NotebookPanel } from "@jupyterlab/notebook";
import { followCharts } from "./renderers/chart-reload.ts";
import { diagnosticsFactory } from "./squiggles/diagnostics-view.ts";
import { widgetFactory } from "./widgets/widget-view.ts";

/** Serves every notebook, those that are open and those that will be. */
export function serveNotebooks(tracker: INotebookTracker): void {
  const serve = (panel: NotebookPanel) => {
    panel.content.rendermime.addFactory(widgetFactory(panel), 0);
    panel.content.rendermime.addFactory(diagnosticsFactory(panel), 0);
    followCharts(panel);
  };
  tracker.forEach(serve);
  tracker.widgetAdded.connect((_, panel) => serve(panel));
}
