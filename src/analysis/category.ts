/**
 * The three classes of URIAL (arXiv 2312.01552, section 2.2) for what tuning did at a position: with η the rank, under
 * the base, of the tuned model's first choice, it is unshifted (η = 1), marginal (1 < η ≤ 3) or shifted (η > 3).
 */

export type Category = "unshifted" | "marginal" | "shifted";

/** In ascending order of the rank. */
export const categories: readonly Category[] = ["unshifted", "marginal", "shifted"];

/**
 * The class of a position.
 *
 * @param baseRank Rank, under the base, of the tuned model's first choice; 1 is the base's own first choice.
 * @throws {RangeError} If the rank is not an integer >= 1.
 * @see URIAL, arXiv 2312.01552, section 2.2
 * @example
 * [1, 2, 3, 4].map(categoryOf); // ["unshifted", "marginal", "marginal", "shifted"]
 */
export function categoryOf(baseRank: number): Category {
  if (!(Number.isInteger(baseRank) && baseRank >= 1)) {
    throw new RangeError(`categoryOf: expected a rank >= 1 but found ${baseRank}`);
  }
  if (baseRank === 1) return "unshifted";
  return baseRank <= 3 ? "marginal" : "shifted";
}
