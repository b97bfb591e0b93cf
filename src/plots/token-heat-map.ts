/**
 * The token heat map: texts laid out as text, once for each model, every token on a background that says how much the
 * model changed it (after SRFT, arXiv 2506.19767, figure 2a, which does not say its measure; ours is in the legend).
 *
 * HTML without script and SVG, both from the same lines; whose text was scored is in the heading of both. Token texts
 * and names are shown literally: markup is escaped, invisible letters are made visible, and right-to-left letters are
 * isolated, so that no token moves another.
 */

import { categoryOf } from "../analysis/category.ts";
import type { ShiftColumns, TokenColumns } from "../analysis/token-table.ts";
import { display } from "./figure.ts";
import { type HeatMeasure, type Shade, shadeOf } from "./heat-map/colors.ts";
import type { HeatBlock, HeatMapContent } from "./heat-map/content.ts";
import { heatMapHtml } from "./heat-map/html.ts";
import { heatMapSvg } from "./heat-map/svg.ts";
import { oneLine, visibleText } from "./heat-map/text.ts";

export interface TokenHeatMapOptions {
  /** Default "deltaLogprob", log P(y) − log P_base(y). */
  readonly measure?: HeatMeasure;
  /** Nats at which the colour is strongest. Default 3: a probability 20 times as large or small. */
  readonly limit?: number;
  /** Indices of the texts to show. Default: the first four. */
  readonly sequences?: readonly number[];
  /** Names of the models to show. Default: all. */
  readonly models?: readonly string[];
}

export interface TokenHeatMap {
  /** The texts with a mark at each changed token, for terminals. */
  readonly text: string;
  /** A `<figure>` element with its style, no script. */
  html(): string;
  /** An `<svg>` element on a white card. */
  svg(): string;
  /** text/html, image/svg+xml and text/plain. */
  [display](): Readonly<Record<string, string>>;
}

/**
 * Lays out the texts of a token table.
 *
 * @throws {RangeError} If a text or a model is not in the table, or the limit is not a positive number.
 * @example
 * tokenHeatMap(table, { measure: "class", sequences: [0] }); // as a cell's last value: the heat map
 */
export function tokenHeatMap(table: TokenColumns, options: TokenHeatMapOptions = {}): TokenHeatMap {
  const { measure = "deltaLogprob", limit = 3 } = options;
  if (!(limit > 0 && limit < Infinity)) {
    throw new RangeError(`tokenHeatMap: expected a finite limit > 0 nats but found ${limit}`);
  }
  const sequences = chosenSequences(table, options.sequences);
  const blocks = sequences.flatMap((sequence) =>
    chosenModels(table, options.models).map((model) => heatBlock(table, { model, sequence, measure, limit })),
  );
  const content: HeatMapContent = {
    title: `What tuning changed, token by token, on ${oneLine(table.source)}`,
    caption: `${sequences.length} of ${table.prompts.length} texts shown; base: ${oneLine(table.base.name)}; prompts in grey`,
    measure,
    limit,
    blocks,
  };
  const [text, html, svg] = [plainText(content), () => heatMapHtml(content), () => heatMapSvg(content)];
  const bundle = () => ({ "text/html": html(), "image/svg+xml": svg(), "text/plain": text });
  return Object.freeze({ text, html, svg, [display]: bundle });
}

function chosenSequences({ prompts }: TokenColumns, sequences: readonly number[] = [...prompts.keys()].slice(0, 4)) {
  for (const sequence of sequences) {
    if (!(Number.isInteger(sequence) && sequence >= 0 && sequence < prompts.length)) {
      throw new RangeError(`tokenHeatMap: expected texts in [0, ${prompts.length}) but found ${sequence}`);
    }
  }
  return sequences;
}

function chosenModels({ models }: TokenColumns, names: readonly string[] = models.map(({ name }) => name)) {
  return names.map((name) => {
    const model = models.find((candidate) => candidate.name === name);
    if (model === undefined) {
      const known = models.map((candidate) => candidate.name).join(", ");
      throw new RangeError(`tokenHeatMap: expected one of the models ${known} but found ${name}`);
    }
    return model;
  });
}

function heatBlock(
  table: TokenColumns,
  options: { model: ShiftColumns; sequence: number; measure: HeatMeasure; limit: number },
): HeatBlock {
  const { model, sequence } = options;
  const [first, end] = [table.offsets[sequence]!, table.offsets[sequence + 1]!];
  const tokens = Array.from({ length: end - first }, (_, t) => {
    const text = table.decode(table.tokens[first + t]!);
    return {
      text: visibleText(text),
      shade: shadeOf(model, first + t, options),
      details: details(table, { model, row: first + t }),
      endsLine: text.includes("\n"),
    };
  });
  const prompt = Array.from(table.prompts[sequence]!, (id) => visibleText(table.decode(id))).join("");
  return { heading: oneLine(`${model.name} against ${table.base.name} · text ${sequence}`), prompt, tokens };
}

function details({ base, tokens, decode }: TokenColumns, { model, row }: { model: ShiftColumns; row: number }) {
  const shown = (id: number) => visibleText(decode(id));
  const baseRank = model.baseRanks[row]!;
  return [
    `token ${shown(tokens[row]!)}`,
    `logprob ${number(model.logprobs[row]!)} (base ${number(base.logprobs[row]!)}) nats`,
    `rank ${model.ranks[row]} (base ${base.ranks[row]})`,
    `KL(model‖base) ${number(model.kl[row]!)} nats`,
    `entropy ${number(model.entropies[row]!)} (base ${number(base.entropies[row]!)}) nats`,
    `first choice ${shown(model.greedyTokens[row]!)}: base rank ${baseRank}, ${categoryOf(baseRank)}`,
  ].join("\n");
}

/** ▲ higher, ▼ lower, by a third of the limit or more; ● KL or class likewise. */
function plainText({ title, caption, measure, limit, blocks }: HeatMapContent) {
  const marks = measure === "deltaLogprob" ? `▲ higher, ▼ lower by ${number(limit / 3)} nats or more` : "● changed";
  const lines = blocks.map(({ heading, prompt, tokens }) => {
    const text = tokens.map((token) => token.text + mark(token.shade, measure)).join(" ");
    return `${heading}: ${prompt} | ${text}`;
  });
  return [`${title} (${caption}; ${marks})`, ...lines].join("\n");
}

function mark({ rgb, opacity }: Shade, measure: HeatMeasure) {
  if (opacity < 0.2) return "";
  if (measure !== "deltaLogprob") return "●";
  return rgb[2] > rgb[0] ? "▲" : "▼";
}

function number(value: number) {
  return value === 0 ? "0" : value.toPrecision(3).replace("-", "−");
}
