/**
 * Three forms of SRFT that differ. Each names every switch, so a preset can be spread and one switch changed:
 *
 *   switch              paper            released             independent
 *   H is the mean of    not stated       the token itself     its sequence
 *   w_SFT               0.5 exp(−H)      0.5 exp(+H)          0.5 exp(−H)
 *   rollouts by         R = ±1           Â · π/π_old          R = ±1
 *   f(p) of the         p                p / (p + 0.1)        p / (p + 0.1)
 *   demonstration
 *   deviation in Â      std              std                  none
 *   entropy bonus       none             0.001                0.001
 *   mean over tokens    none (sums)      token mean           SFT: token mean; else sum / longest completion
 *
 * paper: arXiv 2506.19767, equations 5–13. What it leaves open is as in srft(): H over the batch, token means.
 * released: the authors' training code as three independent readers report it (mix_core_alg.py, train.sh); we have not
 *   seen it ourselves. Whether its deviation is the unbiased one is not reported; verl's, on which it is built, is.
 * independent: TsinghuaC3I/Unify-Post-Training (mix_core_alg.py, srft_type "paper"), written for arXiv 2509.04419
 *   before the authors' code was public. Its constant is the longest completion, which a preset cannot know:
 *   srft({ ...srftPresets.independent, reduction: { constant: maxTokens } }). Its sum is over a micro-batch and is not
 *   divided by the rows; ours is, so that the size of the batch does not change the loss.
 */

import type { SrftOptions } from "./srft.ts";

/**
 * Options of `srft`, by the form they are of.
 *
 * @example
 * srft({ ...srftPresets.released, sftSign: -1 }); // the released form with the paper's sign
 */
export const srftPresets = {
  paper: {
    entropyOver: "batch",
    sftSign: -1,
    signal: "rewards",
    shaping: "none",
    std: "population",
    entropyBonus: 0,
    reduction: "token-mean",
  },
  released: {
    entropyOver: "token",
    sftSign: 1,
    signal: "advantages",
    shaping: { gamma: 0.1 },
    std: "unbiased",
    epsilon: 1e-6,
    entropyBonus: 0.001,
    reduction: "token-mean",
  },
  independent: {
    entropyOver: "sequence",
    sftSign: -1,
    signal: "rewards",
    shaping: { gamma: 0.1 },
    std: "none",
    entropyBonus: 0.001,
    sftReduction: "token-mean",
  },
} as const satisfies Record<string, SrftOptions>;
