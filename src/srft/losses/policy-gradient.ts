/**
 * The policy-gradient core that GRPO and its relatives share. With advantages Â_t and r = π / π_old:
 *
 *   surrogate "clip"             −min(r Â, clip(r, 1 − ε_low, 1 + ε_high) Â)            PPO, arXiv 1707.06347
 *   surrogate "clipped-weight"   −sg(clip(r, 1 − ε_low, 1 + ε_high)) Â log π            CISPO, arXiv 2506.13585
 *   surrogate "ratio"            −r Â
 *   surrogate "logprob"          −Â log π                                               REINFORCE
 *
 * ratioOver "sequence": r = exp(mean_t log(π / π_old)) for all tokens of a row, arXiv 2507.18071 (GSPO). Without
 * oldLogprobs (the first update of a batch) r = 1 and all four have the same gradient. Optional terms: + β · KL
 * estimate to the reference policy on the rollouts, − c · E[H] (the mean over the tokens that take part).
 */

import { type Batch, checkBatch, countTokens, type Metrics, type Objective, rowsOf, tokenRatios } from "../batch.ts";
import { type Reduction, ratioMetrics, type TokenLoss, tokenMean } from "../reduction.ts";
import type { TokenAdvantages } from "./advantage-estimators.ts";
import { trainedTokens } from "./high-entropy.ts";
import { checkKl, type KlTermOptions, klEstimate, referenceOf } from "./kl-estimators.ts";
import { entropyTerm, lossOf, type Term, tokenTerm } from "./terms.ts";

export interface PolicyGradientOptions {
  /** Default "clip". */
  readonly surrogate?: "clip" | "clipped-weight" | "ratio" | "logprob";
  /** How far the ratio may fall below and rise above 1 before its gradient stops. Default [0.2, 0.2]. */
  readonly clipRange?: readonly [low: number, high: number];
  /** Default "token". */
  readonly ratioOver?: "token" | "sequence";
  /** Default "sequence-mean". */
  readonly reduction?: Reduction;
  /** β and the estimator; needs a reference policy. Default: no KL term. */
  readonly kl?: KlTermOptions;
  /** c of the entropy bonus, ≥ 0. Default 0. */
  readonly entropyBonus?: number;
  /** Only this share of the rollout tokens, those of highest entropy, is trained; in (0, 1]. Default 1. */
  readonly entropyShare?: number;
  /** Which end `entropyShare` keeps; "lowest" is the counter-test of arXiv 2506.01939. Default "highest". */
  readonly entropyEnd?: "highest" | "lowest";
  /** Rollout tokens of a larger probability are not trained (SRFT, appendix A.2: 0.5, 0.8, 0.9); in (0, 1]. Default 1. */
  readonly largestProbability?: number;
}

export interface PolicyTermInputs {
  /** The objective, for messages. */
  readonly name: string;
  /** The rollouts. */
  readonly rows: readonly number[];
  /** Rows the mean of the policy term runs over; those without rollouts must have advantage 0. Default: `rows`. */
  readonly over?: readonly number[];
  /** Â, [N]. */
  readonly advantages: Float64Array;
  readonly options: PolicyGradientOptions;
}

/**
 * An objective over rollouts alone: the terms `policy` and, where asked, `kl` and `entropyBonus`.
 *
 * @throws {RangeError} If an option is out of range.
 * @example
 * policyGradient({ name: "grpo", advantages: groupRelative() }, { clipRange: [0.2, 0.28] });
 */
export function policyGradient(
  { name, advantages }: { readonly name: string; readonly advantages: TokenAdvantages },
  options: PolicyGradientOptions,
): Objective {
  checkPolicyGradient(name, options);
  return {
    name,
    rollouts: true,
    demonstrations: "none",
    reference: options.kl !== undefined,
    loss: (batch) => {
      checkBatch(name, batch);
      const rows = rowsOf(batch, { source: "rollout", required: name });
      return lossOf(batch, policyTerms(batch, { name, rows, advantages: advantages(batch, rows), options }));
    },
  };
}

/**
 * The terms of the rollouts, for objectives that add terms of their own.
 *
 * @throws {RangeError} If a ratio or a KL estimate overflows, or an advantage is not finite; names the row.
 * @throws {TypeError} If a KL term is asked for and the batch has no referenceLogprobs.
 * @example
 * policyTerms(batch, { name: "chord", rows, advantages, options: {} }).terms[0].name; // "policy"
 */
export function policyTerms(batch: Batch, inputs: PolicyTermInputs): { terms: Term[]; metrics: Metrics } {
  const { name, rows, over = rows, options } = inputs;
  const { reduction = "sequence-mean", kl, entropyBonus = 0 } = options;
  checkAdvantages(batch, inputs);
  const ratios = ratiosOf(batch, inputs);
  const all = rows.flatMap((row) => tokensOf(batch, row));
  const trained = trainedTokens(batch, all, options);
  const surrogate = surrogateOf(batch, { ratios, trained, inputs });
  const terms = [tokenTerm(batch, { name: "policy", rows: over, reduction }, surrogate)];
  if (kl) terms.push(klTerm(batch, { name, rows, reduction, kl }));
  if (entropyBonus > 0) terms.push(bonusTerm(batch, { rows, trained, entropyBonus }));
  return {
    terms,
    metrics: {
      meanEntropy: tokenMean(batch, rows, (t) => batch.entropies[t]!),
      weights: { sft: 0, rl: 1 },
      ...ratioMetrics(batch, rows, ratios),
      clippedShare: tokenMean(batch, rows, (t) => (isClipped(t, ratios, inputs) ? 1 : 0)),
    },
  };
}

/**
 * min(r Â, clip(r) Â) and its derivative with respect to log π; ∂r/∂log π = r.
 *
 * @example
 * clippedSurrogate({ ratio: 1.5, advantage: 1, clipRange: [0.2, 0.2] }); // { objective: 1.2, slope: 0, clipped: true }
 */
export function clippedSurrogate(inputs: {
  readonly ratio: number;
  readonly advantage: number;
  readonly clipRange: readonly [low: number, high: number];
}) {
  const { ratio, advantage, clipRange } = inputs;
  const clippedRatio = clip(ratio, clipRange);
  const clipped = clippedRatio * advantage < ratio * advantage;
  return clipped
    ? { objective: clippedRatio * advantage, slope: 0, clipped }
    : { objective: ratio * advantage, slope: ratio * advantage, clipped };
}

const clip = (ratio: number, [low, high]: readonly [number, number]) => Math.min(Math.max(ratio, 1 - low), 1 + high);

interface SurrogateInputs {
  readonly ratios: Float64Array;
  readonly trained: Uint8Array | undefined;
  readonly inputs: PolicyTermInputs;
}

function surrogateOf({ logprobs }: Batch, { ratios, trained, inputs }: SurrogateInputs): TokenLoss {
  const { advantages, options } = inputs;
  const { surrogate = "clip", clipRange = [0.2, 0.2] } = options;
  const lossAt: TokenLoss = (t) => {
    const [ratio, advantage] = [ratios[t]!, advantages[t]!];
    switch (surrogate) {
      case "clip": {
        const { objective, slope } = clippedSurrogate({ ratio, advantage, clipRange });
        return { value: -objective, slope: -slope };
      }
      case "clipped-weight": {
        const weight = clip(ratio, clipRange) * advantage;
        return { value: -weight * logprobs[t]!, slope: -weight };
      }
      case "ratio":
        return { value: -ratio * advantage, slope: -ratio * advantage };
      case "logprob":
        return { value: -advantage * logprobs[t]!, slope: -advantage };
      default:
        throw new TypeError(`${inputs.name}: expected a surrogate but found ${surrogate satisfies never}`);
    }
  };
  return trained ? (t, row) => (trained[t] === 1 ? lossAt(t, row) : { value: 0, slope: 0 }) : lossAt;
}

function isClipped(t: number, ratios: Float64Array, { advantages, options }: PolicyTermInputs) {
  const { surrogate = "clip", clipRange = [0.2, 0.2] } = options;
  return surrogate === "clip" && clippedSurrogate({ ratio: ratios[t]!, advantage: advantages[t]!, clipRange }).clipped;
}

function klTerm(
  batch: Batch,
  options: { name: string; rows: readonly number[]; reduction: Reduction; kl: KlTermOptions },
): Term {
  const { name, rows, reduction, kl } = options;
  const reference = referenceOf(name, batch);
  return tokenTerm(batch, { name: "kl", rows, reduction }, (t, row) => {
    const { value, slope } = klEstimate(batch.logprobs[t]!, reference[t]!, kl);
    if (!Number.isFinite(value)) {
      throw new RangeError(
        `${name}: expected a finite KL estimate but found ${value} in row ${row}; the policy is too far from its reference`,
      );
    }
    return { value: kl.coefficient * value, slope: kl.coefficient * slope };
  });
}

function bonusTerm(
  batch: Batch,
  { rows, trained, entropyBonus }: { rows: readonly number[]; trained: Uint8Array | undefined; entropyBonus: number },
): Term {
  const mask = trained?.map((one, t) => (batch.mask?.[t] === 0 ? 0 : one));
  const view = mask ? { ...batch, mask } : batch;
  const counted = rows.filter((row) => countTokens(view, row) > 0);
  return entropyTerm(view, { name: "entropyBonus", rows: counted, reduction: "token-mean" }, entropyBonus);
}

function ratiosOf(batch: Batch, { name, rows, options }: PolicyTermInputs) {
  if (options.ratioOver !== "sequence" || !batch.oldLogprobs) return tokenRatios(name, batch, rows);
  const ratios = new Float64Array(batch.logprobs.length).fill(1);
  for (const row of rows) {
    const mean = tokenMean(batch, [row], (t) => batch.logprobs[t]! - batch.oldLogprobs![t]!);
    const ratio = Math.exp(mean);
    if (ratio === Infinity) {
      throw new RangeError(`${name}: expected a finite ratio but found exp(${mean}) in row ${row}`);
    }
    ratios.fill(ratio, batch.offsets[row], batch.offsets[row + 1]);
  }
  return ratios;
}

function tokensOf({ offsets, mask }: Batch, row: number) {
  const tokens: number[] = [];
  for (let t = offsets[row]!; t < offsets[row + 1]!; t++) if (mask?.[t] !== 0) tokens.push(t);
  return tokens;
}

function checkAdvantages({ offsets }: Batch, { name, rows, advantages }: PolicyTermInputs) {
  for (const row of rows) {
    for (let t = offsets[row]!; t < offsets[row + 1]!; t++) {
      if (!Number.isFinite(advantages[t])) {
        throw new RangeError(`${name}: expected finite advantages but found ${advantages[t]} in row ${row}`);
      }
    }
  }
}

/**
 * Checks the options once, where the objective is made.
 *
 * @throws {RangeError} If the clip range is not two numbers ≥ 0, the lower one ≤ 1, or another number is out of range.
 * @example
 * checkPolicyGradient("grpo", { clipRange: [0.2, 0.28] }); // nothing
 */
export function checkPolicyGradient(name: string, options: PolicyGradientOptions): void {
  const { clipRange = [0.2, 0.2], kl, entropyBonus = 0, entropyShare = 1, largestProbability = 1 } = options;
  const [low, high] = clipRange;
  if (!(low >= 0 && low <= 1 && high >= 0)) {
    throw new RangeError(`${name}: expected a clipRange [low in [0, 1], high >= 0] but found [${low}, ${high}]`);
  }
  checkKl(name, kl);
  if (!(entropyBonus >= 0 && entropyBonus < Infinity)) {
    throw new RangeError(`${name}: expected a finite entropyBonus >= 0 but found ${entropyBonus}`);
  }
  if (!(entropyShare > 0 && entropyShare <= 1)) {
    throw new RangeError(`${name}: expected an entropyShare in (0, 1] but found ${entropyShare}`);
  }
  if (!(largestProbability > 0 && largestProbability <= 1)) {
    throw new RangeError(`${name}: expected a largestProbability in (0, 1] but found ${largestProbability}`);
  }
}
