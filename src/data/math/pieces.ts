/** Sets of numbers as intervals in order: how unions, intervals and finite sets are compared. */

import type { MathAnswer } from "./answer.ts";
import { numericValue } from "./expression/compare.ts";
import type { Expression } from "./expression/expression.ts";
import { setParts } from "./parse-relation.ts";

/** An interval with the places of its ends on the line. */
export interface Piece {
  readonly from: Expression;
  readonly to: Expression;
  readonly closedFrom: boolean;
  readonly closedTo: boolean;
  readonly low: number;
  readonly high: number;
}

type Same = (a: Expression, b: Expression) => boolean;

/** Whether two pieces have the same ends, open or closed alike. */
export const isSamePiece = (a: Piece, b: Piece, isSame: Same) =>
  a.closedFrom === b.closedFrom && a.closedTo === b.closedTo && isSame(a.from, b.from) && isSame(a.to, b.to);

/** In order, without overlaps, touching pieces joined; a number is [a, a]. Undefined if it is no set of numbers. */
export function piecesOf(answer: MathAnswer, isSame: Same): readonly Piece[] | undefined {
  const isPoint = answer.kind === "tuple" && answer.items.length !== 2;
  if (isPoint || (answer.kind === "tuple" && answer.items.some(({ kind }) => kind !== "expression"))) return undefined;
  const items = setParts(answer).flatMap((part) => (part.kind === "interval" ? [part] : part.items));
  const pieces = items.flatMap((item) => pieceOf(item));
  if (pieces.length < items.length) return undefined;
  const joined: Piece[] = [];
  for (const piece of pieces.sort((a, b) => a.low - b.low)) {
    const last = joined.at(-1);
    const touches = last && isSame(last.to, piece.from) && (last.closedTo || piece.closedFrom);
    if (last && (piece.low < last.high || touches)) joined[joined.length - 1] = join(last, piece);
    else joined.push(piece);
  }
  return joined;
}

function pieceOf(item: MathAnswer): Piece[] {
  const low = (from: Expression, to: Expression) => ({ from, to, low: numericValue(from), high: numericValue(to) });
  if (item.kind === "expression") return [{ ...low(item.value, item.value), closedFrom: true, closedTo: true }];
  if (item.kind !== "interval") return [];
  return [{ ...low(item.from, item.to), closedFrom: item.closedFrom, closedTo: item.closedTo }];
}

function join(a: Piece, b: Piece): Piece {
  const isInside = b.high < a.high || (b.high === a.high && a.closedTo);
  const closedFrom = a.closedFrom || (b.low === a.low && b.closedFrom);
  return { ...(isInside ? a : { ...a, to: b.to, high: b.high, closedTo: b.closedTo }), closedFrom };
}
