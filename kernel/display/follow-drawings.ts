/**
 * A figure that is displayed is there at once; its static drawing follows as an update of the display, so that what a cell
 * shows stays in order and a loop that changes a figure never waits. What changes is drawn when it stands still, or as the
 * cell ends.
 */

import type { MimeBundle, Output } from "../link.ts";
import { type Drawings, isUndrawn } from "./drawings.ts";

/** What was just shown. */
export interface Shown {
  readonly cell: number;
  readonly id: string;
  readonly data: MimeBundle;
  readonly metadata: MimeBundle;
  /** Another value in the display's place. */
  readonly isUpdate: boolean;
}

/** Knows the figures whose drawing is still to come. */
export interface Follower {
  /** Tells what was shown. */
  show(shown: Shown): void;
  /** The outputs of a cell are cleared. */
  forget(cell: number): void;
  /** Draws what a cell shows, as it is now. */
  finish(cell: number): Promise<unknown>;
}

/** A cell may declare this name for itself. */
const { setTimeout } = globalThis;

/** A figure that was updated is drawn when it has stood still for so many milliseconds. */
const settling = 250;

/**
 * Makes the follower of a process.
 *
 * @example
 * const follower = followDrawings({ send: () => {}, drawings: createDrawings() });
 * follower.show({ cell: 1, id: "a", data: { "text/plain": "1" }, metadata: {}, isUpdate: false });
 * await follower.finish(1); // []
 */
export function followDrawings({ send, drawings }: { send: (output: Output) => void; drawings: Drawings }): Follower {
  const latest = new Map<string, Shown>();
  const underWay = new WeakMap<Shown, Promise<MimeBundle>>();
  const draw = async (shown: Shown) => {
    const drawing = underWay.get(shown) ?? drawings.add(shown.data);
    underWay.set(shown, drawing);
    const data = await drawing;
    if (latest.get(shown.id) !== shown) return;
    latest.delete(shown.id);
    const { cell, id, metadata } = shown;
    if (data !== shown.data) send({ op: "display", cell, data, metadata, id, update: true });
  };
  const drawIfStill = (shown: Shown) => latest.get(shown.id) === shown && void draw(shown);
  return {
    show(shown) {
      if (!isUndrawn(shown.data)) return void latest.delete(shown.id);
      latest.set(shown.id, shown);
      if (shown.isUpdate) setTimeout(drawIfStill, settling, shown);
      else void draw(shown);
    },
    forget(cell) {
      for (const shown of latest.values()) if (shown.cell === cell) latest.delete(shown.id);
    },
    finish: (cell) => Promise.all([...latest.values()].filter((shown) => shown.cell === cell).map(draw)),
  };
}
