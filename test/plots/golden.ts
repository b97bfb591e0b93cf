/** Golden SVGs: what a figure's drawing was when somebody last looked at it. */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Numbers to one decimal and one element a line, so that a difference can be read and rounding makes none. */
export function normalise(svg: string) {
  const rounded = svg.replace(/-?\d+\.\d+/g, (number) => String(Number(Number(number).toFixed(1)) + 0));
  return `${rounded.replace(/\bf[0-9a-f]{10}-/g, "f-").replaceAll("><", ">\n<")}\n`;
}

/** Compares a drawing with test/golden; SRFT_UPDATE_GOLDEN=1 writes it anew. */
export function assertGolden(name: string, svg: string): void {
  const file = join(import.meta.dirname, `../../../test/golden/${name}.svg`);
  if (process.env.SRFT_UPDATE_GOLDEN === "1") writeFileSync(file, normalise(svg));
  assert.equal(normalise(svg), readFileSync(file, "utf8"), `${name}: SRFT_UPDATE_GOLDEN=1 writes it anew`);
}
