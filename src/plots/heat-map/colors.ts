/**
 * Measures a token heat map can show and their colours: blue and vermillion of the Okabe–Ito palette, laid over the
 * page's background, the stronger the larger the value; what is beyond the limit has the colour of the limit.
 */

import { categoryOf } from "../../analysis/category.ts";
import type { ShiftColumns } from "../../analysis/token-table.ts";

export type HeatMeasure = "deltaLogprob" | "kl" | "class";

/** A background: red, green, blue in 0 … 255 and an opacity in [0, 0.6]. */
export interface Shade {
  readonly rgb: readonly [number, number, number];
  readonly opacity: number;
}

const blue = [0, 114, 178] as const;
const orange = [230, 159, 0] as const;
const vermillion = [213, 94, 0] as const;

/** Above this, grey or black text on the colour is hard to read. */
const maxOpacity = 0.6;

const clear: Shade = { rgb: blue, opacity: 0 };

/**
 * The shade of a model's token.
 *
 * @param row Row of the token table.
 * @param options `limit`: nats at which the colour is strongest; no effect on "class".
 * @example
 * shadeOf(table.models[0], 0, { measure: "kl", limit: 3 }); // for example { rgb: [213, 94, 0], opacity: 0.6 }
 */
export function shadeOf(model: ShiftColumns, row: number, options: { measure: HeatMeasure; limit: number }): Shade {
  const { measure, limit } = options;
  switch (measure) {
    case "deltaLogprob": {
      const value = model.deltaLogprobs[row]!;
      return { rgb: value < 0 ? vermillion : blue, opacity: strength(Math.abs(value) / limit) };
    }
    case "kl":
      return { rgb: vermillion, opacity: strength(model.kl[row]! / limit) };
    case "class":
      return classShade(model.baseRanks[row]!);
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
export function legendOf({ measure, limit }: { measure: HeatMeasure; limit: number }) {
  switch (measure) {
    case "deltaLogprob":
      return [
        { shade: { rgb: vermillion, opacity: maxOpacity }, label: `≤ −${limit} nats: lower probability than base` },
        { shade: { rgb: vermillion, opacity: maxOpacity / 2 }, label: `−${limit / 2}` },
        { shade: clear, label: "0: equal" },
        { shade: { rgb: blue, opacity: maxOpacity / 2 }, label: `+${limit / 2}` },
        { shade: { rgb: blue, opacity: maxOpacity }, label: `≥ +${limit} nats: higher` },
      ];
    case "kl":
      return [
        { shade: clear, label: "KL(model‖base) 0 nats" },
        { shade: { rgb: vermillion, opacity: maxOpacity / 2 }, label: `${limit / 2}` },
        { shade: { rgb: vermillion, opacity: maxOpacity }, label: `≥ ${limit} nats` },
      ];
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

function classShade(baseRank: number): Shade {
  const category = categoryOf(baseRank);
  if (category === "unshifted") return clear;
  return category === "marginal" ? { rgb: orange, opacity: 0.35 } : { rgb: vermillion, opacity: maxOpacity };
}

function strength(value: number) {
  return Number((maxOpacity * Math.min(value, 1)).toFixed(2));
}
