/**
 * The interactive token heat map: plain DOM, no dependencies, no network. The same code draws in JupyterLab, in the
 * self-contained HTML of an output and in HTML reports. Texts reach the page as text nodes only.
 */

import { categories } from "../../../analysis/category.ts";
import { laidOutText, oneLine } from "../text.ts";
import { element } from "./elements.ts";
import { type HeatMap, readPayload } from "./read-payload.ts";
import { viewStyle } from "./style.ts";
import { createTexts } from "./texts/texts.ts";
import { createToolbar } from "./toolbar.ts";
import { type Choice, keyOf, stepsOf } from "./values.ts";

/**
 * Draws a payload into an element; what it held is replaced. A payload that is wrong is said to be so in the element.
 *
 * @param payload What `application/vnd.srft.token-heat-map+json` holds; it may come from anybody.
 * @returns Removes the heat map and its listeners.
 * @example
 * const dispose = renderHeatMap(document.querySelector("#map"), payload);
 */
export function renderHeatMap(host: HTMLElement, payload: unknown): () => void {
  const outer = element("div", { "data-lm-suppress-shortcuts": "true", "data-srft": "token-heat-map" });
  const shadow = outer.attachShadow({ mode: "open" });
  const style = element("style", {}, viewStyle);
  host.replaceChildren(outer);
  try {
    const { root, dispose } = drawMap(readPayload(payload));
    shadow.append(style, root);
    return () => {
      dispose();
      outer.remove();
    };
  } catch (error) {
    shadow.append(style, element("div", { class: "wrong" }, oneLine(String((error as Error).message)).slice(0, 300)));
    return () => outer.remove();
  }
}

function drawMap(map: HeatMap) {
  const choice: Choice = {
    measure: map.measure,
    step: Math.max(stepsOf(map).length - 1, 0),
    classes: new Set(categories),
    hidden: new Set([keyOf(map.columns[0]!)]),
  };
  const texts = createTexts(map, { choice, laidOut: map.pieces.map(laidOutText) });
  const toolbar = createToolbar(map, { choice, changed: texts.update });
  const label = `Token heat map, ${oneLine(map.source)}`;
  const root = element("div", { class: "map", role: "group", "aria-label": label }, toolbar, ...texts.nodes);
  return { root, dispose: texts.dispose };
}
