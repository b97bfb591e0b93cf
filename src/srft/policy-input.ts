/** What every policy asks of its callers' gradients and sampling options, and how it lays out its answers. */

import type { SampleOptions, TokenGradients } from "./policy.ts";

/**
 * @param tokens Number of completion tokens of the batch.
 * @throws {RangeError} If an array has another length or a number that is not finite; the message names the token.
 * @example
 * checkGradients({ logprobs: Float32Array.of(0.5, -1) }, 2); // nothing
 */
export function checkGradients({ logprobs, entropies }: TokenGradients, tokens: number): void {
  for (const [name, array] of Object.entries({ logprobs, entropies })) {
    if (array === undefined) continue;
    if (array.length !== tokens) {
      throw new RangeError(
        `backward: expected ${tokens} gradients of ${name}, one a completion token, but found ${array.length}`,
      );
    }
    const bad = array.findIndex((one) => !Number.isFinite(one));
    if (bad >= 0)
      throw new RangeError(`backward: expected finite gradients of ${name} but found ${array[bad]} at token ${bad}`);
  }
}

/**
 * @throws {RangeError} If a count is no whole number > 0 or the temperature is negative or not finite.
 * @throws {TypeError} If random numbers are needed and missing.
 * @example
 * checkSampling({ maxTokens: 8, temperature: 0 }); // nothing
 */
export function checkSampling({ groupSize = 1, maxTokens, temperature = 1, random }: SampleOptions): void {
  for (const [name, count] of Object.entries({ groupSize, maxTokens })) {
    if (!(Number.isInteger(count) && count > 0)) {
      throw new RangeError(`sample: expected a whole ${name} > 0 but found ${count}`);
    }
  }
  if (!(temperature >= 0 && temperature < Infinity)) {
    throw new RangeError(`sample: expected a finite temperature >= 0 but found ${temperature}`);
  }
  if (temperature > 0 && !random) {
    throw new TypeError("sample: expected random numbers but found none; pass random: createRandom(seed)");
  }
}

/**
 * Where each row begins in a packed array, [rows + 1].
 *
 * @example
 * offsetsOf([[7, 7], [7]]); // Int32Array [0, 2, 3]
 */
export function offsetsOf(rows: readonly ArrayLike<unknown>[]): Int32Array {
  const offsets = new Int32Array(rows.length + 1);
  for (const [row, { length }] of rows.entries()) offsets[row + 1] = offsets[row]! + length;
  return offsets;
}
