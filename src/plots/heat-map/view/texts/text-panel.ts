/**
 * One text read by one model. The text is cut into chunks; a chunk that is near the reader's view has an element a token,
 * any other is one run of the same letters, so that long texts cost little, lie where they will lie, and can be searched.
 */

import { element } from "../elements.ts";
import type { Column, Text } from "../read-payload.ts";
import { keyOf, labelOf } from "../values.ts";

const [fewest, mostTokens] = [120, 400];

/** A run of a text's tokens. */
export interface Chunk {
  /** First row and the row after the last. */
  readonly first: number;
  readonly end: number;
  readonly letters: string;
}

/** A chunk on the page. */
export interface Place extends Chunk {
  readonly panel: Panel;
  readonly node: HTMLElement;
  filled: boolean;
}

export interface Panel {
  readonly text: Text;
  readonly root: HTMLElement;
  readonly heading: HTMLElement;
  readonly places: readonly Place[];
  column: Column;
}

/** How a token looks, apart from its letters. */
export type Painter = (span: HTMLElement, at: { panel: Panel; row: number }) => void;

/** Cuts a text into chunks, at line breaks where there are any. */
export function chunksOf({ tokens, first }: Text, laidOut: readonly string[]): Chunk[] {
  const chunks: Chunk[] = [];
  let start = 0;
  for (let t = 0; t < tokens.length; t++) {
    const length = t + 1 - start;
    const breaks = length >= fewest && laidOut[tokens[t]!]!.endsWith("\n");
    if (!breaks && length < mostTokens && t + 1 < tokens.length) continue;
    const letters = Array.from(tokens.subarray(start, t + 1), (piece) => laidOut[piece]!).join("");
    chunks.push({ first: first + start, end: first + t + 1, letters });
    start = t + 1;
  }
  return chunks;
}

/** Makes the panel, its chunks not yet filled. */
export function createPanel({ text, column, chunks }: { text: Text; column: Column; chunks: readonly Chunk[] }): Panel {
  const heading = element("div", { class: "name", dir: "auto" }, labelOf(column));
  const root = element("div", { "data-model": keyOf(column) }, heading);
  const places: Place[] = [];
  const panel: Panel = { text, root, heading, places, column };
  for (const chunk of chunks) {
    const node = element("div", { class: "chunk" }, chunk.letters);
    node.style.setProperty("contain-intrinsic-block-size", `auto ${Math.ceil(chunk.letters.length / 34) * 25}px`);
    places.push({ ...chunk, panel, node, filled: false });
    root.append(node);
  }
  return panel;
}

/** Gives a chunk an element a token. */
export function fill(place: Place, { laidOut, paint }: { laidOut: readonly string[]; paint: Painter }): void {
  if (place.filled) return;
  place.filled = true;
  const { panel, first, end } = place;
  const parts = document.createDocumentFragment();
  for (let row = first; row < end; row++) {
    const span = document.createElement("span");
    span.textContent = laidOut[panel.text.tokens[row - panel.text.first]!]!;
    paint(span, { panel, row });
    parts.append(span);
  }
  place.node.replaceChildren(parts);
}

/** Makes a chunk one run of letters again. */
export function empty(place: Place): void {
  if (!place.filled) return;
  place.filled = false;
  place.node.textContent = place.letters;
}

/** The place of a row and its element, if the place is filled. */
export function find(panel: Panel, row: number): { place: Place; span: HTMLElement | undefined } | undefined {
  const place = panel.places.find(({ first, end }) => row >= first && row < end);
  if (place === undefined) return undefined;
  const span = place.filled ? (place.node.children[row - place.first] as HTMLElement) : undefined;
  return { place, span };
}
