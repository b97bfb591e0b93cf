/** A notebook that shows each kind of output once; several of its texts are hostile. */

export const attack = `"><img src="data:," onerror="srftHostile()"><script>srftHostile()</script><a href=javascript:srftHostile()>`;

const hostile = JSON.stringify(attack);

/** Cells in order, by what they show. */
export const cells = {
  figure: `({ data: [{ x: [1, 2, 3], y: [2, 1, 3], name: ${hostile}, type: "scatter" }],
  layout: { title: { text: ${hostile} }, showlegend: true } })`,
  histogram: `({ data: [{ x: [1, 1, 2, 3, 3, 3], type: "histogram" }], layout: { width: 500, height: 300 } })`,
  heatMap: `import { createRandom, SoftmaxTable, tokenHeatMap, tokenShift } from "srft";
const words = ["the", " cat", " sat", "\\n", " שלום", " 🙂", ${hostile}, " on", " a", " mat"];
const random = createRandom(7);
const tableOf = () => new SoftmaxTable({ vocabularySize: 10, contextLength: 32, endToken: 9 }, Array.from({ length: 110 }, () => 4 * random()));
const on = [{ prompt: [0], completion: [1, 2, 3, 4, 5, 6, 7, 8, 9] }];
tokenHeatMap(await tokenShift([tableOf(), tableOf(), tableOf()], { on, source: "a text", names: ["base", "srft", ${hostile}], decode: (id) => words[id]! }))`,
  liveChart: `import { liveChart } from "srft";
const chart = liveChart({ title: ${hostile}, series: ["reward", "entropy"], by: "method" });
for (let step = 1; step <= 40; step++) {
  for (const method of ["SRFT", ${hostile}]) chart.push({ step, method, reward: step / 40, entropy: 2 / step });
  await new Promise((resolve) => setTimeout(resolve, 5));
}`,
  slider: `const rate = widgets.slider({ label: ${hostile}, min: 0, max: 10, step: 1, value: 3 });
const shown = display("rate is 3");
rate.onChange((value) => shown.update("rate is " + value));
rate`,
  others: `const choice = widgets.select({ label: "method", options: ["sft", "grpo", ${hostile}] });
const flag = widgets.checkbox({ label: "flip the sign" });
const name = widgets.text({ label: "name", value: "a" });
const press = widgets.button({ label: ${hostile} }).onClick((presses) => console.log("pressed", presses));
for (const widget of [choice, flag, name, press]) display(widget);
choice.onChange((value) => console.log("chose", value));
flag.onChange((value) => console.log("flag", value));
name.onChange((value) => console.log("name", value));
undefined`,
  custom: `const counter = widgets.custom({
  state: { count: 0 },
  render({ model, el }) {
    const button = el.ownerDocument.createElement("button");
    const show = () => { button.textContent = "count is " + model.get("count"); };
    button.addEventListener("click", () => { model.set("count", model.get("count") + 1); model.save_changes(); });
    model.on("change:count", show);
    model.on("msg:custom", (content) => { button.title = content.hint; });
    show();
    el.append(button);
  },
});
counter.onChange(({ count }) => { if (count === 2) counter.send({ hint: "two" }); });
counter`,
  diagnostics: `const two: number = 2; const wrong = "😀" + 1;
display({ "application/vnd.srft.diagnostics+json": { execution_count: 8, diagnostics: [
  { message: ${hostile}, code: 2322, severity: "error", start: { line: 1, column: 6 }, end: { line: 1, column: 9 } },
  { message: "after an emoji", code: 1, severity: "warning", start: { line: 1, column: 43 }, end: { line: 1, column: 44 } },
] }, "text/plain": "two findings" }, { raw: true });`,
} as const;

/** The place of a cell. */
export const indexOf = (name: keyof typeof cells) => Object.keys(cells).indexOf(name);
