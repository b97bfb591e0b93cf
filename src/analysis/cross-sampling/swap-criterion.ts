/**
 * Where tokens are swapped: positions at which two policies a and b, reading the same text, differ by more than a
 * threshold, or at which the writer has a choice, or, as a control, positions taken at random.
 *
 * "kl" is KL(b‖a) and "reverseKl" KL(a‖b), whichever of the two is writing: with a base and a tuned policy as a and b
 * these are the columns of the token table. Distributions are those at temperature 1, over the whole vocabulary.
 */

import type { Random } from "../../random.ts";
import type { Policy, Sequence } from "../../srft/policy.ts";
import { divergences, entropy, logSoftmax } from "../divergences.ts";

/** Nats, tv a probability; "entropy" is the writer's. */
export type SwapMeasure = "kl" | "reverseKl" | "js" | "tv" | "entropy";

/**
 * `above`: measure > above. `topShare`: the share of highest measure among all positions of the writer's own, unswapped
 * completions; of equals at the border none. `share`: each position with this probability, whatever the policies say.
 */
export type SwapCriterion =
  | { readonly measure: SwapMeasure; readonly above: number }
  | { readonly measure: SwapMeasure; readonly topShare: number }
  | { readonly measure: "random"; readonly share: number };

export const swapMeasures: readonly SwapMeasure[] = ["kl", "reverseKl", "js", "tv", "entropy"];

/** Two policies and which of them writes. */
export interface Pair {
  readonly a: Pick<Policy, "vocabularySize" | "logits">;
  readonly b: Pick<Policy, "vocabularySize" | "logits">;
  readonly writer: "a" | "b";
}

const maxBlockLogits = 2 ** 24;

/**
 * The measure at every completion token, one array a text.
 *
 * @example
 * await measureTexts({ a: base, b: base, writer: "a" }, [{ prompt: a.prompt, completion: [17, 11] }], { measure: "js" });
 * // [[0, 0]]
 */
export async function measureTexts(
  pair: Pair,
  texts: readonly Sequence[],
  { measure }: { readonly measure: SwapMeasure },
): Promise<Float64Array[]> {
  const measured: Float64Array[] = [];
  for (const block of blocksOf(texts, pair.a.vocabularySize)) {
    const logits = { a: await pair.a.logits(block), b: await pair.b.logits(block) };
    let row = 0;
    for (const { completion } of block) {
      const values = new Float64Array(completion.length);
      for (let t = 0; t < values.length; t++, row++) values[t] = measureRow(pair, { logits, row, measure });
      measured.push(values);
    }
  }
  return measured;
}

/**
 * The threshold that the top share of the values exceeds; −Infinity if that is all of them.
 *
 * @param share In (0, 1]; ⌈share · N⌉ values exceed the threshold, fewer where equals lie at the border.
 * @example
 * topThreshold([0.3, 0.1, 0.2, 0.4], 0.5); // 0.2
 */
export function topThreshold(values: ArrayLike<number>, share: number): number {
  const sorted = Float64Array.from(values).sort();
  const rest = sorted.length - Math.ceil(share * sorted.length);
  return rest > 0 ? sorted[rest - 1]! : -Infinity;
}

/**
 * Index of the first value that lies above the threshold, or −1.
 *
 * @example
 * firstAbove([0.1, 0.5, 0.9], 0.2); // 1
 */
export function firstAbove(values: ArrayLike<number>, threshold: number): number {
  for (let t = 0; t < values.length; t++) if (values[t]! > threshold) return t;
  return -1;
}

/**
 * Values of which those above 0 are the positions taken at random.
 *
 * @example
 * randomMarks(3, { share: 1, random: createRandom(7) }); // Float64Array [1, 1, 1]
 */
export function randomMarks(
  length: number,
  { share, random }: { readonly share: number; readonly random: Random },
): Float64Array {
  return Float64Array.from({ length }, () => (random() < share ? 1 : 0));
}

/**
 * Checks a criterion at the door of the function that is named.
 *
 * @throws {TypeError} If the measure is none of those there are.
 * @throws {RangeError} If a share is not in (0, 1] or `above` is not a number >= 0.
 * @example
 * checkCriterion({ measure: "js", above: 0.1 }, "crossSample"); // nothing
 */
export function checkCriterion(when: SwapCriterion, name: string): void {
  if (when.measure !== "random" && !swapMeasures.includes(when.measure)) {
    const choices = [...swapMeasures, "random"].join(", ");
    throw new TypeError(`${name}: expected when.measure ${choices} but found ${JSON.stringify(when.measure)}`);
  }
  if ("above" in when) {
    if (when.above >= 0) return;
    throw new RangeError(`${name}: expected when.above >= 0 but found ${when.above}`);
  }
  const [field, share] = "topShare" in when ? ["topShare", when.topShare] : ["share", when.share];
  if (!(share > 0 && share <= 1)) {
    throw new RangeError(`${name}: expected when.${field} in (0, 1] but found ${share}`);
  }
}

function measureRow(
  { a, writer }: Pair,
  at: { logits: { a: Float32Array; b: Float32Array }; row: number; measure: SwapMeasure },
) {
  const { logits, row, measure } = at;
  const rowOf = (of: "a" | "b") => logits[of].subarray(row * a.vocabularySize, (row + 1) * a.vocabularySize);
  if (measure === "entropy") return entropy(logSoftmax(rowOf(writer)));
  return divergences(logSoftmax(rowOf("b")), logSoftmax(rowOf("a")))[measure];
}

/** Consecutive texts whose logits, of both policies, stay below 2^24 numbers; a text is not divided. */
function* blocksOf(texts: readonly Sequence[], vocabularySize: number): Generator<readonly Sequence[]> {
  let [from, tokens] = [0, 0];
  for (const [i, { completion }] of texts.entries()) {
    if (i > from && 2 * (tokens + completion.length) * vocabularySize > maxBlockLogits) {
      yield texts.slice(from, i);
      [from, tokens] = [i, 0];
    }
    tokens += completion.length;
  }
  if (texts.length > from) yield texts.slice(from);
}
