/**
 * JupyterLab forgets on reload which output an update belongs to, so that a chart of a cell that still runs would stand
 * still. A chart's updates carry its id: here they find their chart again.
 */

import type { KernelMessage, NotebookPanel, OutputModel } from "@jupyterlab/notebook";
import { liveChartType } from "./live-chart.ts";

/** Follows a notebook's charts as long as it is open. */
export function followCharts(panel: NotebookPanel): void {
  const follow = (_: unknown, { header, content }: KernelMessage) => {
    if (header.msg_type !== "update_display_data") return;
    const data = content.data as Readonly<Record<string, unknown>>;
    const id = chartId(data);
    if (id === undefined) return;
    for (const output of outputsOf(panel))
      if (chartId(output.data) === id && recordsOf(output.data) !== recordsOf(data)) output.setData({ data });
  };
  panel.sessionContext.iopubMessage.connect(follow);
}

type Chart = { readonly id?: unknown; readonly records?: unknown } | undefined;

const chartId = (data: Readonly<Record<string, unknown>>) => (data[liveChartType] as Chart)?.id;
const recordsOf = (data: Readonly<Record<string, unknown>>) => (data[liveChartType] as Chart)?.records;

function outputsOf(panel: NotebookPanel): OutputModel[] {
  return panel.content.widgets.flatMap(({ model: { outputs } }) =>
    outputs ? Array.from({ length: outputs.length }, (_, i) => outputs.get(i)) : [],
  );
}
