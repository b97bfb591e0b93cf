/**
 * What a demonstration token's probability counts for in − Â f(p), when the behaviour policy is set to 1:
 *
 *   "none"      f = p                 slope p                      SRFT's equations, arXiv 2506.19767, (9) and (10)
 *   { gamma }   f = p / (p + gamma)   slope gamma p / (p + gamma)² LUFFY, arXiv 2504.14945; gamma 0.1 there
 *
 * The slope is ∂f/∂log p = p f'(p). Shaping lifts rare tokens: at p = 0.01 and gamma 0.1 the slope is 8 times as large.
 */

export type Shaping = "none" | { readonly gamma: number };

/**
 * f(p) and its derivative with respect to log p.
 *
 * @param logprob log p in nats.
 * @example
 * shapedProbability(Math.log(0.1), { gamma: 0.1 }); // { value: 0.5, slope: 0.25 }
 */
export function shapedProbability(logprob: number, shaping: Shaping = "none") {
  const p = Math.exp(logprob);
  if (shaping === "none") return { value: p, slope: p };
  const { gamma } = shaping;
  return { value: p / (p + gamma), slope: (gamma * p) / (p + gamma) ** 2 };
}

/**
 * Checks a shaping once, where the objective is made.
 *
 * @throws {RangeError} If gamma is not a positive finite number.
 * @example
 * checkShaping("luffy", { gamma: 0.1 }); // nothing
 */
export function checkShaping(name: string, shaping: Shaping | undefined): void {
  if (typeof shaping === "object" && !(shaping.gamma > 0 && shaping.gamma < Infinity)) {
    throw new RangeError(`${name}: expected a positive shaping.gamma but found ${shaping.gamma}`);
  }
}
