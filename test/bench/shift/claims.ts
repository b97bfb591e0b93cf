/**
 * What the study of this lab in another engine found (torch, one seed, other checkpoints of the same recipe), and
 * whether it comes out here. A claim that does not is said not to.
 */

import { accuracyAt, type Base, type Method, type Outcome } from "./experiment.ts";

export interface Claim {
  readonly text: string;
  readonly base: Base;
  readonly method: Method;
  /** The study's numbers. */
  readonly found: string;
  /** Ours, [before, after] or one number. */
  readonly of: (outcome: Outcome) => readonly number[];
  readonly holds: (values: readonly number[]) => boolean;
}

const alone = (writer: "a" | "b", budget: number) => (outcome: Outcome) => [
  accuracyAt(outcome.cross, writer, 0),
  accuracyAt(outcome.cross, writer, budget),
];
const rises = ([before, after]: readonly number[]) => after! > before!;
const halves = ([before, after]: readonly number[]) => after! < 0.5 * before!;

export const claims: readonly Claim[] = [
  {
    ...{ text: "SFT shifts most positions of its own text", base: "foreign", method: "SFT", found: "0.64" },
    of: ({ own }) => [own.shifted],
    holds: ([shifted]) => shifted! > 0.5,
  },
  {
    ...{ text: "GRPO shifts few positions of its own text", base: "foreign", method: "GRPO", found: "0.017" },
    of: ({ own }) => [own.shifted],
    holds: ([shifted]) => shifted! < 0.1,
  },
  {
    ...{ text: "SFT's KL does not prefer the forks (0.2 by chance)", base: "foreign", method: "SFT", found: "0.18" },
    of: ({ own }) => [own.forks],
    holds: ([forks]) => Math.abs(forks! - 0.2) < 0.1,
  },
  {
    ...{ text: "GRPO's KL lies at the forks (0.2 by chance)", base: "foreign", method: "GRPO", found: "0.54" },
    of: ({ own }) => [own.forks],
    holds: ([forks]) => forks! > 0.4,
  },
  {
    ...{ text: "one SFT token destroys the base's answers", base: "foreign", method: "SFT", found: "0.57 → 0.13" },
    of: alone("a", 1),
    holds: halves,
  },
  {
    ...{ text: "SFT's tokens without limit restore them", base: "foreign", method: "SFT", found: "0.13 → 0.63" },
    of: ({ cross }) => [accuracyAt(cross, "a", 1), accuracyAt(cross, "a", Infinity)],
    holds: ([one, all]) => all! > 2 * one!,
  },
  {
    ...{ text: "one base token destroys SFT's answers", base: "foreign", method: "SFT", found: "0.68 → 0.18" },
    of: alone("b", 1),
    holds: halves,
  },
  {
    ...{ text: "one GRPO token lifts the base", base: "foreign", method: "GRPO", found: "0.57 → 0.68" },
    of: alone("a", 1),
    holds: rises,
  },
  {
    ...{
      text: "GRPO's tokens carry most of its gain (carried → whole)",
      base: "foreign",
      method: "GRPO",
      found: "0.21 → 0.30",
    },
    of: ({ cross }) => [
      accuracyAt(cross, "a", Infinity) - accuracyAt(cross, "a", 0),
      accuracyAt(cross, "b", 0) - accuracyAt(cross, "a", 0),
    ],
    holds: ([carried, gain]) => gain! > 0 && carried! > 0.5 * gain!,
  },
  {
    ...{ text: "base tokens take GRPO's gain away", base: "foreign", method: "GRPO", found: "0.87 → 0.52 with two" },
    of: alone("b", 2),
    holds: ([before, after]) => after! < before!,
  },
  {
    ...{ text: "SFT forgets ×", base: "foreign", method: "SFT", found: "0.79 → 0.19" },
    of: ({ baseOodOp, oodOp }) => [baseOodOp, oodOp],
    holds: halves,
  },
  {
    ...{ text: "GRPO keeps ×", base: "foreign", method: "GRPO", found: "0.79 → 0.87" },
    of: ({ baseOodOp, oodOp }) => [baseOodOp, oodOp],
    holds: ([before, after]) => after! >= before!,
  },
  {
    ...{ text: "GRPO solves the task", base: "foreign", method: "GRPO", found: "0.63 → 0.90" },
    of: ({ baseId, id }) => [baseId, id],
    holds: ([, after]) => after! > 0.8,
  },
  ...(["SFT", "GRPO", "SRFT"] as const).map(
    (method): Claim => ({
      ...{ text: `${method} changes forks only`, base: "in-support", method, found: "0.997" },
      of: ({ own }) => [own.forks],
      holds: ([forks]) => forks! > 0.9,
    }),
  ),
  {
    ...{ text: "SFT keeps ×", base: "in-support", method: "SFT", found: "0.61 → 1.00" },
    of: ({ baseOodOp, oodOp }) => [baseOodOp, oodOp],
    holds: ([before, after]) => after! >= before!,
  },
  {
    ...{ text: "one GRPO token lifts the base", base: "in-support", method: "GRPO", found: "0.46 → 0.64" },
    of: alone("a", 1),
    holds: rises,
  },
  {
    ...{ text: "one base token about halves GRPO's", base: "in-support", method: "GRPO", found: "0.97 → 0.47" },
    of: alone("b", 1),
    holds: ([before, after]) => after! < 0.6 * before!,
  },
];
