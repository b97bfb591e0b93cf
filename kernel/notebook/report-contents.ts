/** A report's table of contents. Where several notebooks are in one report, the sections of each are folded under its title. */

import { escapeHtml } from "../display/display.ts";

export interface Heading {
  readonly id: string;
  readonly level: number;
  readonly text: string;
}

/**
 * The contents as a list of links; empty where there is less than two headings.
 *
 * @example
 * contentsHtml([{ id: "a", level: 1, text: "Title" }]); // ""
 */
export function contentsHtml(headings: readonly Heading[]): string {
  const shown = headings.filter(({ level }) => level <= 3);
  if (shown.length < 2) return "";
  const parts = partsOf(shown);
  const items = parts.length > 1 ? parts.map(foldedHtml) : shown.map((heading) => `<li${itemHtml(heading)}</li>`);
  return `<nav aria-label="Contents"><ol>${items.join("")}</ol></nav>`;
}

/** A part begins with each heading of the first level. */
function partsOf(headings: readonly Heading[]): Heading[][] {
  const parts: Heading[][] = [];
  for (const heading of headings) {
    if (heading.level === 1 || parts.length === 0) parts.push([]);
    parts.at(-1)!.push(heading);
  }
  return parts;
}

function foldedHtml([title, ...sections]: readonly Heading[]): string {
  if (sections.length === 0) return `<li${itemHtml(title!)}</li>`;
  const items = sections.map((heading) => `<li${itemHtml(heading)}</li>`).join("");
  const counted = sections.length === 1 ? "1 section" : `${sections.length} sections`;
  const summary = `<summary aria-label="${counted} of ${escapeHtml(title!.text)}">${counted}</summary>`;
  return `<li${itemHtml(title!)}<details>${summary}<ol>${items}</ol></details></li>`;
}

const itemHtml = ({ id, level, text }: Heading) => ` class="level-${level}"><a href="#${id}">${escapeHtml(text)}</a>`;
