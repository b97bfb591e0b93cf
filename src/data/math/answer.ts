/**
 * The value of a mathematical answer: LaTeX or plain text → a tree of exact values. What is not recognised becomes
 * text and is compared as text; nothing is evaluated as code, and hostile input costs bounded time.
 */

import type { Expression } from "./expression/expression.ts";

/** How a difference stands to 0. */
export type Relation = "<" | "≤" | "=" | "≠";

/** What all kinds of answers have. */
interface Common {
  /** The answer without layout, for comparison as text. */
  readonly text: string;
  /** x of "x = 3". */
  readonly name?: string;
  /** The other reading of "1,234": a list. */
  readonly alternative?: MathAnswer;
}

/** A number or a formula. */
export interface ExpressionAnswer extends Common {
  readonly kind: "expression";
  readonly value: Expression;
  /** Written with a percent sign at its end; the value is already divided by 100. */
  readonly percent: boolean;
}

/** A point, vector or ordered list: (1, 2). An open interval is written the same way. */
export interface TupleAnswer extends Common {
  readonly kind: "tuple";
  readonly items: readonly MathAnswer[];
}

/** A set {1, 2}, or a list without brackets: "1, 2", "x = 1 or x = 2", "1 ± √2". */
export interface SetAnswer extends Common {
  readonly kind: "set";
  readonly items: readonly MathAnswer[];
  /** Without braces, so that its order may count where a point is expected. */
  readonly bare: boolean;
}

/** Numbers between two ends. */
export interface IntervalAnswer extends Common {
  readonly kind: "interval";
  readonly from: Expression;
  readonly to: Expression;
  readonly closedFrom: boolean;
  readonly closedTo: boolean;
}

/** Intervals and finite sets together. */
export interface UnionAnswer extends Common {
  readonly kind: "union";
  readonly parts: readonly (IntervalAnswer | SetAnswer)[];
}

/** Rows of one length. */
export interface MatrixAnswer extends Common {
  readonly kind: "matrix";
  readonly rows: readonly (readonly MathAnswer[])[];
}

/** Equations and inequalities, each as "difference relation 0"; all of them hold. */
export interface RelationAnswer extends Common {
  readonly kind: "relation";
  readonly relations: readonly { readonly relation: Relation; readonly difference: Expression }[];
  /** The numbers that solve it, where it is linear in one symbol. */
  readonly solution?: { readonly symbol: string; readonly set: IntervalAnswer | UnionAnswer };
}

/** Words, a choice, or what is not recognised. */
export interface TextAnswer extends Common {
  readonly kind: "text";
  /** Why it is not read as mathematics. */
  readonly reason: string;
}

/** What parseMathAnswer returns. */
export type MathAnswer =
  | ExpressionAnswer
  | TupleAnswer
  | SetAnswer
  | IntervalAnswer
  | UnionAnswer
  | MatrixAnswer
  | RelationAnswer
  | TextAnswer;
