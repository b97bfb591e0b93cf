/**
 * From an interval to a verdict, by rule. A claim says on which side of a number, or in which range, a quantity lies:
 *
 *   reproduced         the whole interval lies there
 *   partly             the mean lies there, the interval does not
 *   not reproduced     the mean does not lie there
 *   not testable here  the claim is about a scale that is not ours, and says why
 *   reported           nobody claims a side; the numbers are given
 */

import type { Interval } from "./interval.ts";

/** Where a quantity should lie. */
export type Expectation =
  | { readonly above: number }
  | { readonly below: number }
  | { readonly between: readonly [low: number, high: number] }
  | { readonly notTestable: string }
  | "unknown";

export type Verdict = "reproduced" | "partly" | "not reproduced" | "not testable here" | "reported";

/**
 * @param found Absent where nothing was measured.
 * @throws {RangeError} If the claim can be tested and nothing was measured.
 * @example
 * verdictOf({ above: 0 }, meanInterval([1, 1.1, 0.9])); // "reproduced"
 */
export function verdictOf(expected: Expectation, found?: Interval): Verdict {
  if (expected !== "unknown" && "notTestable" in expected) return "not testable here";
  if (!found) throw new RangeError("verdictOf: expected an interval but found none; measure it or say notTestable");
  if (expected === "unknown") return "reported";
  const [least, most] = rangeOf(expected);
  const inside = (value: number) => value > least && value < most;
  if (!inside(found.mean)) return "not reproduced";
  return inside(found.low) && inside(found.high) ? "reproduced" : "partly";
}

/**
 * An expectation in words.
 *
 * @example
 * expectationText({ below: 0 }); // "< 0"
 */
export function expectationText(expected: Expectation): string {
  if (expected === "unknown") return "unknown";
  if ("notTestable" in expected) return `not testable: ${expected.notTestable}`;
  if ("above" in expected) return `> ${expected.above}`;
  if ("below" in expected) return `< ${expected.below}`;
  return `${expected.between[0]} … ${expected.between[1]}`;
}

function rangeOf(expected: Exclude<Expectation, "unknown" | { notTestable: string }>): readonly [number, number] {
  if ("above" in expected) return [expected.above, Infinity];
  if ("below" in expected) return [-Infinity, expected.below];
  return expected.between;
}
