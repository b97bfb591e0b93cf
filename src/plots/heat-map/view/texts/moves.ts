/** From token to token by keys: ← → in the text, ↑ ↓ to the lines above and below, Home and End of the text. */

import { find, type Panel, type Place } from "./text-panel.ts";

interface At {
  readonly panel: Panel;
  readonly row: number;
}

/** The token before or after, over the ends of texts to the same model's next text; Home and End. */
export function rowBeside({ panel, row }: At, { key, shown }: { key: string; shown: readonly Panel[] }) {
  const { first, tokens } = panel.text;
  if (key === "Home") return { panel, row: first };
  if (key === "End") return { panel, row: first + tokens.length - 1 };
  if (key !== "ArrowLeft" && key !== "ArrowRight") return undefined;
  const next = row + (key === "ArrowRight" ? 1 : -1);
  const owner = shown.find(
    (candidate) => candidate.root.dataset.model === panel.root.dataset.model && find(candidate, next) !== undefined,
  );
  return owner ? { panel: owner, row: next } : { panel, row };
}

/** The nearest token of the line above or below, in the same panel. */
export function rowAbove({ panel, row }: At, { key, fillPlace }: { key: string; fillPlace(place: Place): void }) {
  if (key !== "ArrowUp" && key !== "ArrowDown") return undefined;
  const here = panel.places.findIndex(({ first, end }) => row >= first && row < end);
  const near = panel.places.slice(Math.max(here - 1, 0), here + 2);
  near.forEach(fillPlace);
  const from = find(panel, row)!.span!.getBoundingClientRect();
  const isPast = ({ top }: DOMRect) => (key === "ArrowUp" ? top < from.top - 4 : top > from.top + 4);
  let best = { row, distance: Infinity };
  for (const { node, first } of near) {
    for (const [i, span] of Array.from(node.children).entries()) {
      const box = span.getClientRects()[0];
      if (!box || !isPast(box)) continue;
      const distance = 1000 * Math.abs(box.top - from.top) + Math.abs(box.left - from.left);
      if (distance < best.distance) best = { row: first + i, distance };
    }
  }
  return { panel, row: best.row };
}
