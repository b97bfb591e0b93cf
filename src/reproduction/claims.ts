/**
 * The end of a notebook: what was claimed, what came out, and what follows by the rule of verdict.ts. The table is also
 * data (MIME type application/vnd.srft.claims+json), from which `npm run reproduce` makes its index.
 */

import type { Interval } from "./interval.ts";
import { type Expectation, expectationText, type Verdict, verdictOf } from "./verdict.ts";

export interface Claim {
  /** Stands for the claim in the index: "2b-sft-shifts-more". */
  readonly id: string;
  /** In a sentence. */
  readonly claim: string;
  /** What the paper says: a figure or table and its numbers. */
  readonly paper: string;
  /** What others measured; default "not found". */
  readonly independent?: string;
  /** What is measured here, with its unit. */
  readonly measure: string;
  readonly expected: Expectation;
  /** Over the seeds; absent where the claim is not testable here. */
  readonly found?: Interval;
}

export interface JudgedClaim extends Claim {
  readonly verdict: Verdict;
}

export const claimsMime = "application/vnd.srft.claims+json";

/** Claims with their verdicts; a notebook draws them as a table. */
export interface ClaimTable {
  readonly claims: readonly JudgedClaim[];
}

const display: unique symbol = Symbol.for("Jupyter.display");

const columns = ["claim", "paper", "independent", "measured", "expected", "got", "verdict"] as const;

/**
 * Judges the claims.
 *
 * @throws {RangeError} If an id occurs twice, or a claim that can be tested has nothing measured.
 * @example
 * const found = meanInterval([12, 15, 11]);
 * const claim = { id: "x", claim: "GRPO needs more steps", paper: "figure 5", measure: "steps", expected: { above: 0 }, found };
 * claimTable([claim]).claims[0].verdict; // "reproduced"
 */
export function claimTable(claims: readonly Claim[]): ClaimTable {
  const ids = claims.map(({ id }) => id);
  const twice = ids.find((id, i) => ids.indexOf(id) !== i);
  if (twice !== undefined) throw new RangeError(`claimTable: expected each id once but found ${twice} again`);
  const judged = claims.map((claim) => ({ ...claim, verdict: verdictOf(claim.expected, claim.found) }));
  const table: ClaimTable & { [display](): object } = {
    claims: judged,
    [display]: () => ({
      [claimsMime]: { claims: judged },
      "text/html": htmlOf(judged),
      "text/plain": judged
        .map((claim) => `${claim.verdict.toUpperCase()}  ${claim.claim}: ${gotText(claim)}`)
        .join("\n"),
    }),
  };
  return table;
}

/** A check of a number that must come out: expected, got, within. */
export interface Check {
  readonly what: string;
  readonly expected: number;
  readonly got: number;
  /** Largest deviation. */
  readonly within: number;
}

/**
 * The checks as rows with `ok`, if all hold.
 *
 * @throws {Error} If one does not, or a number is NaN; the message names them and says what helps.
 * @example
 * checked([{ what: "sum of shares", expected: 1, got: 1, within: 1e-9 }])[0].ok; // true
 */
export function checked(checks: readonly Check[]): readonly (Check & { readonly ok: boolean })[] {
  const rows = checks.map((check) => ({ ...check, ok: Math.abs(check.got - check.expected) <= check.within }));
  const failed = rows
    .filter(({ ok }) => !ok)
    .map(({ what, expected, got }) => `${what}: expected ${expected}, got ${got}`);
  if (failed.length > 0) {
    throw new Error(
      `checked: ${failed.join("; ")}. Run the notebook again from the top; if it stays, report it with your seeds`,
    );
  }
  return rows;
}

function htmlOf(claims: readonly JudgedClaim[]): string {
  const head = columns.map((column) => `<th style="text-align:left">${column}</th>`).join("");
  const rows = claims.map(
    (claim) =>
      `<tr>${cellsOf(claim)
        .map((cell) => `<td style="text-align:left">${escaped(cell)}</td>`)
        .join("")}</tr>`,
  );
  return `<table><thead><tr>${head}</tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

const cellsOf = (claim: JudgedClaim) => [
  claim.claim,
  claim.paper,
  claim.independent ?? "not found",
  claim.measure,
  expectationText(claim.expected),
  gotText(claim),
  claim.verdict,
];

function gotText({ found }: Claim): string {
  if (!found) return "–";
  const short = (value: number) => (Number.isFinite(value) ? `${Number(value.toPrecision(3))}` : `${value}`);
  return `${short(found.mean)} [${short(found.low)}, ${short(found.high)}], n = ${found.n}`;
}

const escaped = (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
