/**
 * Supervised reinforcement fine-tuning: imitation and reinforcement in one stage (SRFT, arXiv 2506.19767).
 *
 *   (13) L = L_SFT^demo + L_RL^demo + L_RL^self
 *   (8)  L_SFT^demo = w_SFT · E_demo[ −log π(y|x) ],                     w_SFT = 0.5 · sg(exp(−H))
 *   (9)  L_RL^demo  = −E_demo[ Â · π(y_t|x, y_<t) ]                      behaviour policy set to 1 (10), clip omitted
 *   (12) L_RL^self  = w_RL · E_y+[ −log π(y+|x) ] + E_y−[ log π(y−|x) ], w_RL = 0.1 · sg(exp(+H)), R ∈ {1, −1} (11)
 *   (7)  Â is taken over the rollouts and the demonstration of a prompt together.
 *
 * sg = stop-gradient. Positive and negative rollouts share one denominator, the number of all rollouts (or of their
 * tokens), as the single expectation of (11) demands. A demonstration in no group enters (8) only.
 *
 * What the paper leaves open is an option, and the defaults are:
 * - what H is averaged over: "batch", the demonstrations for w_SFT and the rollouts for w_RL;
 * - the deviation in (7): "population", nothing added to it;
 * - the average over tokens: the equations have none (that is "sequence-sum"). We DEPART from them with "token-mean":
 *   with sums, log π(y−), which has no lower bound, outweighs the other terms in proportion to the answer's length;
 * - one group size: groupSize rollouts plus the demonstration; for 7 + 1 ask `train` for groupSize 7.
 * The forms of the released code and of an independent implementation are srft-presets.ts.
 */

import { advantages, type Deviation } from "../advantages.ts";
import { type Batch, checkBatch, type Loss, type Objective, rowsOf, tokenRatios } from "../batch.ts";
import { type EntropyWeightOptions, entropyWeights } from "../entropy-weights.ts";
import { checkShaping, type Shaping, shapedProbability } from "../losses/shaping.ts";
import { entropyTerm, lossOf, tokenTerm } from "../losses/terms.ts";
import { type Reduction, ratioMetrics, type TokenLoss, tokenMean } from "../reduction.ts";

export interface SrftOptions extends EntropyWeightOptions {
  /**
   * What H is the mean of: the token itself, its sequence, all demonstration (for w_SFT) or rollout (for w_RL) tokens
   * of the batch, or all rollout tokens for both weights. Default "batch".
   */
  readonly entropyOver?: "token" | "sequence" | "batch" | "rollouts";
  /** A constant in place of w_SFT (the paper's ablation: 1; without the term: 0). */
  readonly sftWeight?: number;
  /** A constant in place of w_RL (the paper's ablation: 1). */
  readonly rlWeight?: number;
  /** Factor of L_RL^demo. Default 1; without the term: 0. */
  readonly demonstrationScale?: number;
  /** What a rollout is reinforced by: R = ±1, equation 12, or −Â · π/π_old with w_RL where Â > 0. Default "rewards". */
  readonly signal?: "rewards" | "advantages";
  /** f(p) in L_RL^demo = −Â f(p): p, or p / (p + gamma) as in LUFFY, arXiv 2504.14945. Default "none". */
  readonly shaping?: Shaping;
  /** Default "population". */
  readonly std?: Deviation;
  /** Added to the deviation. Default 0. */
  readonly epsilon?: number;
  /** Whether the demonstration counts in its group's mean and deviation. Default "inside", equation 6. */
  readonly demonstrations?: "inside" | "beside";
  /** Default "token-mean". */
  readonly reduction?: Reduction;
  /** Of the imitation term (8). Default: `reduction`. */
  readonly sftReduction?: Reduction;
  /** c in − c · E[H] over the rollouts; not in the paper. Default 0. */
  readonly entropyBonus?: number;
}

/**
 * Imitates and reinforces at once.
 *
 * @returns An objective with the terms `sft`, `demonstration`, `positive`, `negative` and, where asked, `entropyBonus`.
 * @throws {RangeError} If a scale, weight or gamma is out of range; by its loss, if a reward is neither 1, 0 nor −1
 *   while the signal is "rewards" (1 is a success, 0 and −1 a failure).
 * @example
 * const atHalf = { ...batch, entropies: batch.entropies.fill(0.5) };
 * srft({ sftSign: 1 }).loss(atHalf).metrics.weights; // { sft: 0.824…, rl: 0.164… }
 */
export function srft(options: SrftOptions = {}): Objective {
  checkOptions(options);
  return {
    name: "srft",
    rollouts: true,
    demonstrations: options.demonstrations ?? "inside",
    loss: (batch) => srftLoss(batch, options),
  };
}

function srftLoss(batch: Batch, options: SrftOptions): Loss {
  checkBatch("srft", batch);
  const view = viewOf(batch, options);
  const terms = [...demonstrationTerms(view), ...rolloutTerms(view), ...entropyBonus(view)];
  return lossOf(batch, { terms, metrics: metricsOf(view) });
}

type View = ReturnType<typeof viewOf>;

function viewOf(batch: Batch, options: SrftOptions) {
  const rollouts = rowsOf(batch, { source: "rollout", required: "srft" });
  const demonstrations = rowsOf(batch, { source: "demonstration", required: "srft" });
  return {
    batch,
    options,
    rollouts,
    demonstrations,
    reduction: options.reduction ?? "token-mean",
    advantage: groupAdvantages(batch, options),
    ratios: tokenRatios("srft", batch, rollouts),
    weights: tokenEntropyWeights(batch, { rollouts, demonstrations, options }),
  };
}

/** Equations 8 and 9. */
function demonstrationTerms({ batch, demonstrations, reduction, ...view }: View) {
  const { weights, advantage, options } = view;
  const scale = options.demonstrationScale ?? 1;
  const grouped = demonstrations.filter((row) => batch.groups[row]! >= 0);
  const imitation: TokenLoss = (t) => ({ value: -weights.sft[t]! * batch.logprobs[t]!, slope: -weights.sft[t]! });
  const reinforcement: TokenLoss = (t, row) => {
    const { value, slope } = shapedProbability(batch.logprobs[t]!, options.shaping);
    return { value: -scale * advantage[row]! * value, slope: -scale * advantage[row]! * slope };
  };
  const sftReduction = options.sftReduction ?? reduction;
  return [
    tokenTerm(batch, { name: "sft", rows: demonstrations, reduction: sftReduction }, imitation),
    tokenTerm(batch, { name: "demonstration", rows: grouped, reduction }, reinforcement),
  ];
}

/** Equation 12, or its form with advantages and ratios. */
function rolloutTerms({ batch, rollouts, reduction, ...view }: View) {
  const { weights, ratios, options } = view;
  const byAdvantage = options.signal === "advantages";
  const signal = byAdvantage ? view.advantage : signs(batch, rollouts);
  const weighted = (t: number, weight: number) =>
    byAdvantage
      ? { value: weight * ratios[t]!, slope: weight * ratios[t]! }
      : { value: weight * batch.logprobs[t]!, slope: weight };
  const positive: TokenLoss = (t, row) => weighted(t, -weights.rl[t]! * Math.max(signal[row]!, 0));
  const negative: TokenLoss = (t, row) => weighted(t, -Math.min(signal[row]!, 0));
  return [
    tokenTerm(batch, { name: "positive", rows: rollouts, reduction }, positive),
    tokenTerm(batch, { name: "negative", rows: rollouts, reduction }, negative),
  ];
}

function entropyBonus({ batch, rollouts, reduction, options }: View) {
  const { entropyBonus: coefficient = 0 } = options;
  return coefficient === 0
    ? []
    : [entropyTerm(batch, { name: "entropyBonus", rows: rollouts, reduction }, coefficient)];
}

function metricsOf({ batch, rollouts, demonstrations, weights, ratios }: View) {
  return {
    meanEntropy: tokenMean(batch, rollouts, (t) => batch.entropies[t]!),
    weights: {
      sft: tokenMean(batch, demonstrations, (t) => weights.sft[t]!),
      rl: tokenMean(batch, rollouts, (t) => weights.rl[t]!),
    },
    ...ratioMetrics(batch, rollouts, ratios),
  };
}

function groupAdvantages(batch: Batch, { demonstrations = "inside", std = "population", epsilon = 0 }: SrftOptions) {
  if (demonstrations === "inside") return advantages(batch.rewards, batch.groups, { std, epsilon });
  const mask = batch.sources.map((source) => (source === "rollout" ? 1 : 0));
  return advantages(batch.rewards, batch.groups, { std, epsilon, mask });
}

function signs(batch: Batch, rollouts: readonly number[]) {
  const result = new Float64Array(batch.sources.length);
  for (const row of rollouts) {
    const reward = batch.rewards[row]!;
    if (reward !== 1 && reward !== 0 && reward !== -1) {
      throw new RangeError(
        `srft: expected a reward of 1, 0 or -1 but found ${reward} in row ${row}; use signal: "advantages" for graded rewards`,
      );
    }
    result[row] = reward === 1 ? 1 : -1;
  }
  return result;
}

interface WeightInputs {
  readonly rollouts: readonly number[];
  readonly demonstrations: readonly number[];
  readonly options: SrftOptions;
}

function tokenEntropyWeights(batch: Batch, { rollouts, demonstrations, options }: WeightInputs) {
  const sft = new Float64Array(batch.logprobs.length);
  const rl = new Float64Array(batch.logprobs.length);
  const weightsAt = (entropy: number) => entropyWeights(Math.max(entropy, 0), options); // float32 rounds below 0
  forEachEntropy(batch, { rows: demonstrations, rollouts, options }, (t, entropy) => {
    sft[t] = options.sftWeight ?? weightsAt(entropy).sft;
  });
  forEachEntropy(batch, { rows: rollouts, rollouts, options }, (t, entropy) => {
    rl[t] = options.rlWeight ?? weightsAt(entropy).rl;
  });
  return { sft, rl };
}

interface EntropyInputs {
  readonly rows: readonly number[];
  readonly rollouts: readonly number[];
  readonly options: SrftOptions;
}

function forEachEntropy(batch: Batch, inputs: EntropyInputs, visit: (token: number, entropy: number) => void) {
  const entropyOf = entropySource(batch, inputs);
  for (const row of inputs.rows) {
    const ofRow = entropyOf(row);
    for (let t = batch.offsets[row]!; t < batch.offsets[row + 1]!; t++) visit(t, ofRow(t));
  }
}

/** Row → token → the H its weight is made of. */
function entropySource(batch: Batch, { rows, rollouts, options }: EntropyInputs) {
  const own = (t: number) => batch.entropies[t]!;
  const mean = (over: readonly number[]) => {
    const entropy = tokenMean(batch, over, own);
    return () => entropy;
  };
  const over = options.entropyOver ?? "batch";
  switch (over) {
    case "token":
      return () => own;
    case "sequence":
      return (row: number) => mean([row]);
    case "batch": {
      const shared = mean(rows);
      return () => shared;
    }
    case "rollouts": {
      const shared = mean(rollouts);
      return () => shared;
    }
    default:
      throw new TypeError(`srft: expected entropyOver but found ${over satisfies never}`);
  }
}

function checkOptions(options: SrftOptions) {
  const { sftScale, rlScale, sftWeight, rlWeight, demonstrationScale, entropyBonus } = options;
  const numbers = { sftScale, rlScale, sftWeight, rlWeight, demonstrationScale, entropyBonus };
  for (const [name, value] of Object.entries(numbers)) {
    if (value !== undefined && !(value >= 0 && value < Infinity)) {
      throw new RangeError(`srft: expected a finite ${name} >= 0 but found ${value}`);
    }
  }
  checkShaping("srft", options.shaping);
}
