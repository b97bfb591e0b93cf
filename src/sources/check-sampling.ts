/** What sources that sample with a top-p ask of the options. */

import type { SampleOptions } from "../srft/policy.ts";

/**
 * @throws {RangeError} If a count is no integer >= 1, the temperature is negative or not finite, or topP is not in (0, 1].
 * @throws {TypeError} If random numbers are needed and missing.
 * @example
 * checkNucleusSampling({ groupSize: 2, maxTokens: 8, temperature: 0, topP: 0.9 }); // nothing
 */
export function checkNucleusSampling(
  options: Required<Omit<SampleOptions, "random">> & Pick<SampleOptions, "random"> & { readonly topP: number },
): void {
  const { groupSize, maxTokens, temperature, topP, random } = options;
  for (const [name, value] of Object.entries({ groupSize, maxTokens })) {
    if (!(Number.isInteger(value) && value >= 1)) {
      throw new RangeError(`sample: expected an integer ${name} >= 1 but found ${value}`);
    }
  }
  if (!(temperature >= 0 && temperature < Infinity)) {
    throw new RangeError(`sample: expected a finite temperature >= 0 but found ${temperature}`);
  }
  if (!(topP > 0 && topP <= 1)) throw new RangeError(`sample: expected topP in (0, 1] but found ${topP}`);
  if (temperature > 0 && !random) {
    throw new TypeError(`sample: expected random at temperature ${temperature} but found none: createRandom(7)`);
  }
}
