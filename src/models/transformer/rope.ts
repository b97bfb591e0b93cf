/**
 * Rotary frequencies and the ways in which published models stretch them to longer contexts. The formulas are those of
 * the models' reference implementation (Hugging Face transformers, modeling_rope_utils): "linear" divides positions;
 * "llama3" slows only the low frequencies (Llama 3.1); "yarn" blends by frequency and scales the waves
 * (arXiv 2309.00071, equations 17–22).
 */

export type RopeScaling =
  | { readonly kind: "none" }
  | { readonly kind: "linear"; readonly factor: number }
  | {
      readonly kind: "llama3";
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      /** Context length of the model before it was stretched. */
      readonly originalLength: number;
    }
  | {
      readonly kind: "yarn";
      readonly factor: number;
      readonly originalLength: number;
      readonly betaFast: number;
      readonly betaSlow: number;
      /** Factor of cos and sin; the paper's is 0.1 ln(factor) + 1. */
      readonly magnitude: number;
    };

export interface Rope {
  readonly headWidth: number;
  readonly ropeBase: number;
  readonly ropeScaling: RopeScaling;
}

const numbersOf: Readonly<Record<RopeScaling["kind"], readonly string[]>> = {
  none: [],
  linear: ["factor"],
  llama3: ["factor", "lowFrequencyFactor", "highFrequencyFactor", "originalLength"],
  yarn: ["factor", "originalLength", "betaFast", "betaSlow", "magnitude"],
};

/**
 * @throws {RangeError} If the scaling is of no known kind or one of its numbers is not finite and > 0.
 * @example
 * checkRopeScaling({ kind: "linear", factor: 2 }); // the same object
 */
export function checkRopeScaling(scaling: RopeScaling): RopeScaling {
  const given = Object(scaling) as Record<string, unknown>;
  const kind = String(given.kind) as RopeScaling["kind"];
  if (!Object.hasOwn(numbersOf, kind)) {
    throw new RangeError(
      `checkRopeScaling: expected a kind of ${Object.keys(numbersOf).join(" | ")} but found ${kind}`,
    );
  }
  for (const name of numbersOf[kind]) {
    const number = given[name];
    if (!(typeof number === "number" && number > 0 && number < Infinity)) {
      throw new RangeError(`checkRopeScaling: expected a finite ${name} > 0 but found ${number}`);
    }
  }
  return scaling;
}

/**
 * Angle a position for each pair of a head, [headWidth / 2] radians, and the factor of cos and sin.
 *
 * @example
 * ropeFrequencies({ headWidth: 4, ropeBase: 100, ropeScaling: { kind: "none" } }).frequencies; // [1, 0.1]
 */
export function ropeFrequencies({ headWidth, ropeBase, ropeScaling }: Rope) {
  const half = headWidth / 2;
  const plain = Float64Array.from({ length: half }, (_, i) => ropeBase ** (-i / half));
  switch (ropeScaling.kind) {
    case "none":
      return { frequencies: plain, magnitude: 1 };
    case "linear":
      return { frequencies: plain.map((frequency) => frequency / ropeScaling.factor), magnitude: 1 };
    case "llama3":
      return { frequencies: plain.map((frequency) => llama3(frequency, ropeScaling)), magnitude: 1 };
    case "yarn":
      return { frequencies: yarn(plain, { headWidth, ropeBase, ...ropeScaling }), magnitude: ropeScaling.magnitude };
    default:
      return ropeScaling satisfies never;
  }
}

function llama3(frequency: number, scaling: Extract<RopeScaling, { kind: "llama3" }>): number {
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalLength } = scaling;
  const turns = (originalLength * frequency) / (2 * Math.PI);
  const share = Math.min(1, Math.max(0, (turns - low) / (high - low)));
  return ((1 - share) * frequency) / factor + share * frequency;
}

interface Yarn {
  readonly headWidth: number;
  readonly ropeBase: number;
  readonly factor: number;
  readonly originalLength: number;
  readonly betaFast: number;
  readonly betaSlow: number;
}

function yarn(plain: Float64Array, { headWidth, ropeBase, factor, originalLength, betaFast, betaSlow }: Yarn) {
  const pairAt = (turns: number) =>
    (headWidth * Math.log(originalLength / (turns * 2 * Math.PI))) / (2 * Math.log(ropeBase));
  const low = Math.max(Math.floor(pairAt(betaFast)), 0);
  const high = Math.max(Math.min(Math.ceil(pairAt(betaSlow)), headWidth - 1), low + 0.001);
  return plain.map((frequency, i) => {
    const stretched = Math.min(1, Math.max(0, (i - low) / (high - low)));
    return (stretched * frequency) / factor + (1 - stretched) * frequency;
  });
}
