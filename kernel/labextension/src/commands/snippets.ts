/** Code that the command palette puts into a cell. Each runs as it is, after those it says it needs. */

export interface Snippet {
  readonly name: string;
  readonly code: string;
}

/** In the order in which a notebook would use them. */
export const snippets: readonly Snippet[] = [
  {
    name: "Load a policy and a task",
    code: `import { arithmeticTask, loadPolicy } from "srft";

const task = arithmeticTask({ seed: 7 });
const base = await loadPolicy("checkpoints/in-support.safetensors");`,
  },
  {
    name: "Train, with a live chart",
    code: `import { liveChart, srft, train } from "srft";

const tuned = await base.clone();
const chart = liveChart({ title: "SRFT", series: ["reward", "entropy"] });
for await (const record of train(tuned, task, { objective: srft(), steps: 20, maxTokens: 48 })) chart.push(record);`,
  },
  {
    name: "Token heat map of what changed",
    code: `import { tokenHeatMap, tokenShift } from "srft";

const shift = await tokenShift([base, tuned], { on: task.texts.slice(0, 4), source: "demonstrations", decode: (id) => task.decode([id]) });
tokenHeatMap(shift)`,
  },
  {
    name: "Plotly figure",
    code: `({ data: [{ x: [1, 2, 3], y: [2, 1, 3], type: "scatter" }], layout: { title: { text: "A figure" } } })`,
  },
  {
    name: "Slider that redraws",
    code: `const rate = widgets.slider({ label: "learning rate × 1e-4", min: 0.5, max: 8, step: 0.5, value: 2 });
const shown = display(\`learning rate \${rate.value * 1e-4}\`);
rate.onChange((value) => shown.update(\`learning rate \${value * 1e-4}\`));
rate`,
  },
];
