/**
 * Estimates of KL(π‖π_ref) from the log-probabilities of drawn tokens (J. Schulman, "Approximating KL divergence",
 * 2020; the names are those of verl, core_algos.py, `kl_penalty`). With u = log π − log π_ref:
 *
 *   k1 = u              slope 1             unbiased for y ~ π, of either sign; its expected gradient as a loss is 0
 *   k2 = u² / 2         slope u             biased, small variance; its gradient as a loss is that of the KL itself
 *   k3 = e^−u − 1 + u   slope 1 − e^−u      unbiased for y ~ π, ≥ 0
 *   abs = |u|           slope sign(u)
 *
 * "reference-policy" is the other direction, KL(π_ref‖π): u changes its sign, and the estimates are unbiased for
 * y ~ π_ref. On an expert's tokens, which neither distribution drew, all of them only measure how far the two are apart.
 * We DEPART from verl in clamping nothing: verl clamps −u to [−20, 20] and k3 to [−10, 10]; we report an overflow.
 */

import type { Batch } from "../batch.ts";

export type KlEstimator = "k1" | "k2" | "k3" | "abs";

export interface KlOptions {
  /** Default "k3". */
  readonly estimator?: KlEstimator;
  /** KL(π‖π_ref) or KL(π_ref‖π). Default "policy-reference". */
  readonly direction?: "policy-reference" | "reference-policy";
}

/** A KL term of a loss. */
export interface KlTermOptions extends KlOptions {
  /** Factor of the term, ≥ 0. */
  readonly coefficient: number;
}

/**
 * The estimate at one token and its derivative with respect to log π.
 *
 * @param logprob log π(y) in nats.
 * @param referenceLogprob log π_ref(y) in nats.
 * @example
 * klEstimate(Math.log(0.5), Math.log(0.25)).value; // 0.193…: k3 is 1/2 − 1 + ln 2
 */
export function klEstimate(logprob: number, referenceLogprob: number, options: KlOptions = {}) {
  const { estimator = "k3", direction = "policy-reference" } = options;
  const sign = direction === "policy-reference" ? 1 : -1;
  const { value, slope } = estimate(sign * (logprob - referenceLogprob), estimator);
  return { value, slope: sign * slope };
}

function estimate(u: number, estimator: KlEstimator) {
  switch (estimator) {
    case "k1":
      return { value: u, slope: 1 };
    case "k2":
      return { value: (u * u) / 2, slope: u };
    case "k3":
      return { value: Math.expm1(-u) + u, slope: -Math.expm1(-u) };
    case "abs":
      return { value: Math.abs(u), slope: Math.sign(u) };
    default:
      throw new TypeError(`klEstimate: expected k1, k2, k3 or abs but found ${estimator satisfies never}`);
  }
}

/**
 * The reference log-probabilities of a batch.
 *
 * @throws {TypeError} If there are none.
 * @example
 * referenceOf("grpo", batch)[0]; // log π_ref of the first token, in nats
 */
export function referenceOf(name: string, { referenceLogprobs }: Batch) {
  if (!referenceLogprobs) {
    throw new TypeError(
      `${name}: expected referenceLogprobs but found none; give train a reference policy, as in { reference: await policy.clone() }`,
    );
  }
  return referenceLogprobs;
}

/**
 * Checks the coefficient of a KL term.
 *
 * @throws {RangeError} If it is negative or not finite.
 * @example
 * checkKl("grpo", { coefficient: 0.001 }); // nothing
 */
export function checkKl(name: string, kl: KlTermOptions | undefined): void {
  if (kl && !(kl.coefficient >= 0 && kl.coefficient < Infinity)) {
    throw new RangeError(`${name}: expected a finite kl.coefficient >= 0 but found ${kl.coefficient}`);
  }
}
