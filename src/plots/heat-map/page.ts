/**
 * The token heat map as HTML that carries all it needs: the static drawing, and a script that puts the interactive one
 * in its place where scripts may run. Nothing is loaded; several may stand in one page, each with its own names.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { contentOf } from "./content.ts";
import { heatMapHtml } from "./html.ts";
import type { HeatMapPayload } from "./payload.ts";

let script: string | undefined;

/** The bundled view, as a script that sets `srftHeatMap`. */
function viewScript() {
  const file = join(import.meta.dirname, "heat-map.script.js");
  try {
    script ??= readFileSync(file, "utf8");
  } catch (cause) {
    throw new Error(`tokenHeatMap: expected the bundled view in ${file}: run npm run build:view`, { cause });
  }
  return script;
}

/**
 * Writes a `<div>` for an output of a notebook or any page.
 *
 * The script finds its own place by where it stands, so nothing has a name that two outputs could share.
 *
 * @example
 * heatMapPage(payload); // "<div>…</div>"
 */
export function heatMapPage(payload: HeatMapPayload): string {
  const run =
    "(()=>{const script=document.currentScript;" +
    `${inScript(viewScript())}\n` +
    "const payload=JSON.parse(script.previousElementSibling.textContent);" +
    "srftHeatMap.renderHeatMap(script.parentElement,payload)})()";
  const data = `<script type="application/json">${scriptJson(payload)}</script>`;
  return `<div>${heatMapHtml(contentOf(payload))}${data}<script>${run}</script></div>`;
}

/**
 * JSON that can stand in a script of an HTML page: no "<" can end or open anything, no line separator can end a line.
 *
 * @example
 * scriptJson("</script>"); // "\"\\u003c/script>\""
 */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<\u2028\u2029]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Code is ours, and holds "<" as an operator; only what could end the element is parted. */
const inScript = (code: string) => code.replace(/<(?=\/script|!--|script)/gi, "\\x3c");
