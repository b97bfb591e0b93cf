/**
 * SFT with a KL regulariser to the base policy (SFT_KL of SRFT, arXiv 2506.19767, section 5.1; λ = 0.2 there):
 *
 *   L = −log π(y|x) + λ · KL
 *
 * The paper says neither in which direction nor over which texts. Both directions are here, estimated from the
 * demonstration's tokens (losses/kl-estimators.ts); drawn from neither policy, they are a distance, not an unbiased KL.
 * The default is k3 of KL(π‖π_ref). With "reference-policy" and k1 the term is −λ log π plus a constant: more SFT.
 */

import type { Objective } from "../../batch.ts";
import { checkKl, type KlOptions, klEstimate, referenceOf } from "../../losses/kl-estimators.ts";
import { tokenTerm } from "../../losses/terms.ts";
import { type ImitationOptions, imitation } from "./imitation.ts";

export interface SftKlOptions extends ImitationOptions, KlOptions {
  /** λ ≥ 0. Default 0.2. */
  readonly coefficient?: number;
}

/**
 * @returns An objective with the terms `sft` and `kl`; needs a reference policy.
 * @throws {RangeError} If the coefficient is negative or not finite.
 * @throws {TypeError} By its loss, if the batch has no referenceLogprobs.
 * @example
 * sftKl({ estimator: "k2" }).loss({ ...batch, referenceLogprobs: batch.logprobs }).terms.kl; // 0
 */
export function sftKl({ coefficient = 0.2, estimator, direction, ...options }: SftKlOptions = {}): Objective {
  checkKl("sftKl", { coefficient });
  const kl: KlOptions = { ...(estimator && { estimator }), ...(direction && { direction }) };
  return imitation(
    {
      name: "sftKl",
      reference: true,
      tokenLoss:
        ({ logprobs }) =>
        (t) => ({ value: -logprobs[t]!, slope: -1 }),
      more: (batch, rows, reduction) => {
        const reference = referenceOf("sftKl", batch);
        return [
          tokenTerm(batch, { name: "kl", rows, reduction }, (t, row) => {
            const { value, slope } = klEstimate(batch.logprobs[t]!, reference[t]!, kl);
            if (!Number.isFinite(value)) {
              throw new RangeError(`sftKl: expected a finite KL estimate but found ${value} in row ${row}`);
            }
            return { value: coefficient * value, slope: coefficient * slope };
          }),
        ];
      },
    },
    options,
  );
}
