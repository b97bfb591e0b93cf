/** Whose text it is, what the colours mean, and the controls. */

import { type Category, categories } from "../../../analysis/category.ts";
import { type HeatMeasure, legendOf, markOf, measureLabels, shadeOf } from "../colors.ts";
import { oneLine, visibleText } from "../text.ts";
import { element } from "./elements.ts";
import { type HeatMap, measures } from "./read-payload.ts";
import { type Choice, keyOf, labelOf, measureOf, scaleOf, shownColumns, stepsOf } from "./values.ts";

/** The heading with its controls; `changed` is called after the choice was changed. */
export function createToolbar(map: HeatMap, { choice, changed }: { choice: Choice; changed: () => void }) {
  const key = element("ul", { class: "key", "aria-label": "what the colours mean" });
  const showKey = () => key.replaceChildren(...legendItems(map, choice));
  const update = () => {
    showKey();
    changed();
  };
  showKey();
  const tools = [
    measureSelect(map, { choice, update }),
    stepSlider(map, { choice, update }),
    classBoxes({ choice, update }),
    modelBoxes(map, { choice, update }),
    copyButton(map, choice),
  ].filter((tool) => tool !== undefined);
  return element(
    "header",
    {},
    element("h2", { dir: "auto" }, `What tuning changed, token by token, on ${oneLine(map.source)}`),
    element("p", { dir: "auto" }, oneLine(map.caption)),
    element("div", { class: "tools" }, ...tools),
    key,
  );
}

function legendItems(map: HeatMap, { measure }: Choice) {
  return legendOf(scaleOf(map, measure)).map(({ shade, label }) => {
    const item = element("li", {}, label);
    item.style.backgroundColor = `rgba(${shade.rgb.join(",")},${shade.opacity})`;
    return item;
  });
}

interface Control {
  readonly choice: Choice;
  readonly update: () => void;
}

function measureSelect(map: HeatMap, { choice, update }: Control) {
  const known = measures.filter((measure) => measure !== "advantage" || map.advantages !== undefined);
  const select = element("select");
  for (const measure of known) select.append(element("option", { value: measure }, measureLabels[measure]));
  select.value = choice.measure;
  select.addEventListener("change", () => {
    choice.measure = select.value as HeatMeasure;
    update();
  });
  return element("label", {}, "Measure", select);
}

function stepSlider(map: HeatMap, { choice, update }: Control) {
  const steps = stepsOf(map);
  if (steps.length < 2) return undefined;
  const max = steps.length - 1;
  const slider = element("input", { type: "range", min: "0", max: String(max), step: "1" });
  slider.value = String(choice.step);
  const shown = element("output", {}, String(steps[choice.step]));
  const say = () => slider.setAttribute("aria-valuetext", `step ${steps[choice.step]}`);
  say();
  slider.addEventListener("input", () => {
    choice.step = Number(slider.value);
    shown.textContent = String(steps[choice.step]);
    say();
    update();
  });
  return element("label", {}, "Training step", slider, shown);
}

function classBoxes({ choice, update }: Control) {
  return checkBoxes("Classes", {
    names: categories.map((name) => ({ name, key: name })),
    has: (key) => choice.classes.has(key as Category),
    set: (key, on) => (on ? choice.classes.add(key as Category) : choice.classes.delete(key as Category)),
    update,
  });
}

function modelBoxes(map: HeatMap, { choice, update }: Control) {
  const columns = new Map(map.columns.map((column) => [keyOf(column), column.name]));
  return checkBoxes("Models", {
    names: [...columns].map(([key, name]) => ({ key, name: oneLine(name) })),
    has: (key) => !choice.hidden.has(key),
    set: (key, on) => (on ? choice.hidden.delete(key) : choice.hidden.add(key)),
    update,
  });
}

interface Boxes {
  readonly names: readonly { readonly name: string; readonly key: string }[];
  has(key: string): boolean;
  set(key: string, on: boolean): void;
  readonly update: () => void;
}

function checkBoxes(title: string, { names, has, set, update }: Boxes) {
  const labels = names.map(({ name, key }) => {
    const box = element("input", { type: "checkbox" });
    box.checked = has(key);
    box.addEventListener("change", () => {
      set(key, box.checked);
      update();
    });
    return element("label", { dir: "auto" }, box, name);
  });
  return element("fieldset", {}, element("legend", {}, title), ...labels);
}

function copyButton(map: HeatMap, choice: Choice) {
  const button = element("button", { type: "button" }, "Copy as text");
  button.addEventListener("click", async () => {
    const copied = await copyText(asText(map, choice), button);
    button.textContent = copied ? "Copied" : "Copying is not allowed here";
    setTimeout(() => {
      button.textContent = "Copy as text";
    }, 1500);
  });
  return button;
}

async function copyText(text: string, near: HTMLElement) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text, near);
  }
}

/** Frames without an origin have no clipboard, but may copy what is selected. */
function copyBySelection(text: string, near: HTMLElement) {
  const area = element("textarea", { class: "unseen", "aria-hidden": "true", tabindex: "-1" });
  area.value = text;
  near.after(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  near.focus();
  return copied;
}

/** The texts as they are shown, with a mark at each changed token. */
export function asText(map: HeatMap, choice: Choice): string {
  const scale = scaleOf(map, choice.measure);
  const head = `What tuning changed, token by token, on ${oneLine(map.source)} (${oneLine(map.caption)}; ${measureLabels[choice.measure]})`;
  const lines = map.texts.flatMap(({ name, prompt, tokens, first }) =>
    shownColumns(map, choice).map((column) => {
      const marked = Array.from(tokens, (piece, t) => {
        const value = measureOf(map, column, { measure: choice.measure, row: first + t });
        return visibleText(map.pieces[piece]!) + markOf(shadeOf(value, scale), choice.measure);
      });
      const asked = Array.from(prompt, (piece) => visibleText(map.pieces[piece]!)).join("");
      return `${oneLine(labelOf(column))} · ${oneLine(name)}: ${asked} | ${marked.join(" ")}`;
    }),
  );
  return [head, ...lines].join("\n");
}
