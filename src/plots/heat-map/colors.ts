/**
 * Measures a token heat map can show and their colours: blue and vermillion of the Okabe–Ito palette, laid over the
 * page's background, the stronger the larger the value; what is beyond the limit has the colour of the limit.
 */

import { categoryOf } from "../../analysis/category.ts";

export type HeatMeasure = "deltaLogprob" | "kl" | "class" | "entropy" | "advantage";

/** A background: red, green, blue in 0 … 255 and an opacity in [0, 0.6]. */
export interface Shade {
  readonly rgb: readonly [number, number, number];
  readonly opacity: number;
}

/** What a measure is called, with its unit. */
export const measureLabels: Readonly<Record<HeatMeasure, string>> = {
  deltaLogprob: "change of log-probability (nats)",
  kl: "KL(model‖base) (nats)",
  class: "class: base rank of the first choice",
  entropy: "entropy (nats)",
  advantage: "advantage",
};

const blue = [0, 114, 178] as const;
const orange = [230, 159, 0] as const;
const vermillion = [213, 94, 0] as const;

/** Above this, grey or black text on the colour is hard to read. */
const maxOpacity = 0.6;

const clear: Shade = { rgb: blue, opacity: 0 };

/** What a shade depends on beside the value; `limit`: the value at which the colour is strongest. */
export interface Scale {
  readonly measure: HeatMeasure;
  readonly limit: number;
}

/**
 * The shade of a value: of a class, the rank under the base of the model's first choice. What is not known (NaN) is clear.
 *
 * @example
 * shadeOf(3, { measure: "kl", limit: 3 }); // { rgb: [213, 94, 0], opacity: 0.6 }
 */
export function shadeOf(value: number, { measure, limit }: Scale): Shade {
  if (Number.isNaN(value)) return clear;
  switch (measure) {
    case "deltaLogprob":
    case "advantage":
      return { rgb: value < 0 ? vermillion : blue, opacity: strength(Math.abs(value) / limit) };
    case "kl":
    case "entropy":
      return { rgb: vermillion, opacity: strength(Math.max(value, 0) / limit) };
    case "class":
      return classShade(value);
    default:
      return measure satisfies never;
  }
}

/**
 * What the colours mean: shades with their words, from one end of the scale to the other.
 *
 * @example
 * legendOf({ measure: "class", limit: 3 })[0].label; // "unshifted (base rank 1)"
 */
export function legendOf({ measure, limit }: Scale): readonly { readonly shade: Shade; readonly label: string }[] {
  const at = (value: number) => shadeOf(value, { measure, limit });
  const half = Number((limit / 2).toPrecision(3));
  switch (measure) {
    case "deltaLogprob":
      return [
        { shade: at(-limit), label: `≤ −${limit} nats: lower probability than base` },
        { shade: at(-limit / 2), label: `−${half}` },
        { shade: clear, label: "0: equal" },
        { shade: at(limit / 2), label: `+${half}` },
        { shade: at(limit), label: `≥ +${limit} nats: higher` },
      ];
    case "advantage":
      return [
        { shade: at(-limit), label: `advantage ≤ −${limit}` },
        { shade: clear, label: "0" },
        { shade: at(limit), label: `≥ +${limit}` },
      ];
    case "kl":
      return risingLegend("KL(model‖base) 0 nats", { at, limit, half });
    case "entropy":
      return risingLegend("entropy 0 nats", { at, limit, half });
    case "class":
      return [
        { shade: classShade(1), label: "unshifted (base rank 1)" },
        { shade: classShade(2), label: "marginal (2–3)" },
        { shade: classShade(4), label: "shifted (> 3)" },
      ];
    default:
      return measure satisfies never;
  }
}

function risingLegend(zero: string, { at, limit, half }: { at(value: number): Shade; limit: number; half: number }) {
  return [
    { shade: clear, label: zero },
    { shade: at(limit / 2), label: `${half}` },
    { shade: at(limit), label: `≥ ${limit} nats` },
  ];
}

function classShade(baseRank: number): Shade {
  const category = categoryOf(baseRank);
  if (category === "unshifted") return clear;
  return category === "marginal" ? { rgb: orange, opacity: 0.35 } : { rgb: vermillion, opacity: maxOpacity };
}

function strength(value: number) {
  return Number((maxOpacity * Math.min(value, 1)).toFixed(2));
}

/**
 * The mark that stands for a shade where there are no colours: ▲ higher, ▼ lower, ● more, from a third of the limit on.
 *
 * @example
 * markOf(shadeOf(-3, { measure: "deltaLogprob", limit: 3 }), "deltaLogprob"); // "▼"
 */
export function markOf({ rgb, opacity }: Shade, measure: HeatMeasure): string {
  if (opacity < maxOpacity / 3) return "";
  if (measure !== "deltaLogprob" && measure !== "advantage") return "●";
  return rgb[2] > rgb[0] ? "▲" : "▼";
}
