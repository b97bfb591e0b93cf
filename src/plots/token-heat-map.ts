/**
 * The token heat map: texts laid out as text, once for each model, every token on a background that says how much the
 * model changed it (after SRFT, arXiv 2506.19767, figure 2a, which does not say its measure; ours is in the legend).
 *
 * Four forms of one payload: data for front ends that draw the interactive view, HTML that carries that view inside it,
 * SVG without script, and text; whose text was scored is in the heading of each. Token texts and names are shown
 * literally: markup is escaped, and invisible letters are made visible.
 */

import type { TokenColumns } from "../analysis/token-table.ts";
import { display } from "./figure.ts";
import type { HeatMeasure } from "./heat-map/colors.ts";
import { contentOf, contentText } from "./heat-map/content.ts";
import { payloadOf } from "./heat-map/from-table.ts";
import { heatMapPage } from "./heat-map/page.ts";
import { type HeatMapPayload, heatMapMime } from "./heat-map/payload.ts";
import { heatMapSvg } from "./heat-map/svg.ts";

export interface TokenHeatMapOptions {
  /** What is shown first. Default "deltaLogprob", log P(y) − log P_base(y). */
  readonly measure?: HeatMeasure;
  /** Nats at which the colour is strongest. Default 3: a probability 20 times as large or small. */
  readonly limit?: number;
  /** Indices of the texts to show, of one source or several. Default: the first four. */
  readonly sequences?: readonly number[];
  /** Names of the models to show. Default: all. A name "srft@40" is the checkpoint of step 40, chosen by a slider. */
  readonly models?: readonly string[];
}

export interface TokenHeatMap {
  /** What the interactive view draws. */
  readonly payload: HeatMapPayload;
  /** The texts with a mark at each changed token, for terminals. */
  readonly text: string;
  /** A `<div>` with the static drawing, and the interactive one where scripts run; it loads nothing. */
  html(): string;
  /** An `<svg>` element on a white card, without script. */
  svg(): string;
  /** application/vnd.srft.token-heat-map+json, text/html, image/svg+xml and text/plain. */
  [display](): Readonly<Record<string, unknown>>;
}

/**
 * Lays out the texts of a token table.
 *
 * @throws {RangeError} If a text or a model is not in the table, the limit is not a positive number, or the
 *   advantages are to be shown and the table has none.
 * @example
 * tokenHeatMap(table, { measure: "class", sequences: [0] }); // as a cell's last value: the heat map
 */
export function tokenHeatMap(table: TokenColumns, options: TokenHeatMapOptions = {}): TokenHeatMap {
  const { measure = "deltaLogprob", limit = 3 } = options;
  if (!(limit > 0 && limit < Infinity)) {
    throw new RangeError(`tokenHeatMap: expected a finite limit > 0 nats but found ${limit}`);
  }
  checkAdvantages(table, measure);
  const payload = payloadOf(table, {
    measure,
    limit,
    sequences: chosenSequences(table, options.sequences),
    models: chosenModels(table, options.models),
  });
  const content = contentOf(payload);
  const [text, html, svg] = [contentText(content), () => heatMapPage(payload), () => heatMapSvg(content)];
  const bundle = () => ({ [heatMapMime]: payload, "text/html": html(), "image/svg+xml": svg(), "text/plain": text });
  return Object.freeze({ payload, text, html, svg, [display]: bundle });
}

function checkAdvantages({ advantages }: TokenColumns, measure: HeatMeasure) {
  if (measure !== "advantage" || advantages?.some((value) => !Number.isNaN(value))) return;
  throw new RangeError("tokenHeatMap: expected a table with advantages for this measure but found none");
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
