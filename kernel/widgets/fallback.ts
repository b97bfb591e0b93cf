/** What shows a widget where it cannot live: in files, on paper, on GitHub, in a terminal. */

import { escapeHtml } from "../display/display.ts";
import type { MimeBundle } from "../link.ts";
import type { State } from "./model.ts";

/** The MIME type of widgets. */
export const widgetType = "application/vnd.srft.widget+json";

/** Kinds of widgets. */
export type Kind = "slider" | "select" | "button" | "checkbox" | "text" | "custom";

/** One widget as a front end first sees it. */
export interface Shown {
  readonly id: string;
  readonly kind: Kind;
  readonly state: State;
}

/**
 * The bundle of a widget: its own type for front ends that can talk to it, and its value in words and as a picture.
 *
 * @example
 * widgetBundle({ id: "1", kind: "slider", state: { label: "rate", value: 0.5 } })["text/plain"]; // "rate: 0.5"
 */
export function widgetBundle(shown: Shown): MimeBundle {
  const text = textOf(shown);
  const width = Math.min(720, 24 + 8 * text.length);
  const box = `<rect x="0.5" y="0.5" width="${width - 1}" height="27" rx="4" fill="none" stroke="#7a7a7a"/>`;
  const words = `<text x="12" y="19" font-size="13" fill="#7a7a7a">${escapeHtml(text)}</text>`;
  const size = `width="${width}" height="28" viewBox="0 0 ${width} 28"`;
  return {
    [widgetType]: shown,
    "image/svg+xml": `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="Arial,Helvetica,sans-serif">${box}${words}</svg>`,
    "text/html": `<span style="display:inline-block;border:1px solid #7a7a7a;border-radius:4px;padding:3px 10px">${escapeHtml(text)}</span>`,
    "text/plain": text,
  };
}

function textOf({ kind, state }: Shown): string {
  const { label, value } = state;
  if (kind === "custom") return oneLine(`widget ${JSON.stringify(state)}`);
  if (kind === "button") return `[${oneLine(label)}]`;
  if (kind === "checkbox") return `${value === true ? "☑" : "☐"} ${oneLine(label)}`;
  return `${oneLine(label)}: ${oneLine(value)}`;
}

const oneLine = (value: unknown) => String(value ?? "").replace(/[\s\p{C}]+/gu, " ");
