/**
 * Dynamic fine-tuning (arXiv 2508.05629): each demonstration token counts by its probability,
 *
 *   L = −sg(p_t) log p_t,   gradient −∇p_t
 *
 * so what the policy finds impossible does not pull. TRL's SFTTrainer has it as `loss_type="dft"`.
 */

import type { Objective } from "../../batch.ts";
import { type ImitationOptions, imitation } from "./imitation.ts";

/**
 * @returns An objective with the single term `sft`.
 * @example
 * dft().loss(batch).gradients.logprobs[0]; // −p / number of demonstration tokens
 */
export function dft(options: ImitationOptions = {}): Objective {
  return imitation(
    {
      name: "dft",
      tokenLoss:
        ({ logprobs }) =>
        (t) => {
          const p = Math.exp(logprobs[t]!);
          return { value: -p * logprobs[t]!, slope: -p };
        },
    },
    options,
  );
}
