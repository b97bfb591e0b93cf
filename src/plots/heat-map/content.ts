/** What a static token heat map shows, before it is drawn as HTML or SVG. Texts are visible ones, not yet escaped. */

import { categoryOf } from "../../analysis/category.ts";
import { type HeatMeasure, markOf, measureLabels, type Scale, type Shade, shadeOf } from "./colors.ts";
import type { HeatMapPayload, HeatModel, HeatNumber, HeatText } from "./payload.ts";
import { oneLine, visibleText } from "./text.ts";

/** One token on its background. */
export interface HeatToken {
  readonly text: string;
  readonly shade: Shade;
  /** Numbers for the tooltip, one a line. */
  readonly details: string;
  /** Whether the token holds a line break. */
  readonly endsLine: boolean;
}

/** One text read by one model. */
export interface HeatBlock {
  readonly heading: string;
  readonly prompt: string;
  readonly tokens: readonly HeatToken[];
}

/** All that is drawn. */
export interface HeatMapContent {
  readonly title: string;
  readonly caption: string;
  readonly measure: HeatMeasure;
  readonly limit: number;
  readonly blocks: readonly HeatBlock[];
}

/** A drawing has an element a token and model; what is longer is cut. */
const mostTokens = 1500;

/**
 * Reads what is drawn from a payload; of very long texts the first tokens, which the caption then says.
 *
 * @example
 * contentOf(payload).blocks.length; // 1
 */
export function contentOf(payload: HeatMapPayload): HeatMapContent {
  const { measure, source } = payload;
  const limit = measure === "class" ? payload.limits.deltaLogprob : payload.limits[measure];
  const starts = startsOf(payload.texts);
  const drawn = Math.ceil(mostTokens / Math.max(payload.models.length, 1));
  const blocks = payload.texts.flatMap((text, t) => {
    const end = Math.min(text.tokens.length, drawn - starts[t]!);
    const at = { text, first: starts[t]!, end, scale: { measure, limit } };
    return end <= 0 ? [] : payload.models.map((model) => blockOf(payload, { ...at, model }));
  });
  const all = starts.at(-1)!;
  const cut = all > drawn ? `; drawn: the first ${drawn} of ${all} tokens` : "";
  const title = `What tuning changed, token by token, on ${oneLine(source)}`;
  return { title, caption: oneLine(payload.caption) + cut, measure, limit, blocks };
}

/** The row where each text begins, and the number of rows. */
function startsOf(texts: readonly HeatText[]) {
  const starts = [0];
  for (const { tokens } of texts) starts.push(starts.at(-1)! + tokens.length);
  return starts;
}

interface BlockOptions {
  readonly text: HeatText;
  readonly model: HeatModel;
  readonly first: number;
  readonly end: number;
  readonly scale: Scale;
}

function blockOf(payload: HeatMapPayload, { text, model, first, end, scale }: BlockOptions): HeatBlock {
  const { pieces, base } = payload;
  const tokens = text.tokens.slice(0, end).map((piece, t) => ({
    text: visibleText(pieces[piece]!),
    shade: shadeOf(heatValue(payload, { model, row: first + t, measure: scale.measure }), scale),
    details: details(payload, { model, row: first + t, piece }),
    endsLine: pieces[piece]!.includes("\n"),
  }));
  const step = model.step === undefined ? "" : `, step ${model.step},`;
  const prompt = text.prompt.map((piece) => visibleText(pieces[piece]!)).join("");
  return { heading: oneLine(`${model.name}${step} against ${base.name} · ${text.name}`), prompt, tokens };
}

function heatValue(
  payload: HeatMapPayload,
  { model, row, measure }: { model: HeatModel; row: number; measure: HeatMeasure },
) {
  switch (measure) {
    case "deltaLogprob":
      return toNumber(model.deltaLogprobs[row]);
    case "kl":
      return toNumber(model.kl[row]);
    case "class":
      return toNumber(model.baseRanks[row]);
    case "entropy":
      return toNumber(model.entropies[row]);
    case "advantage":
      return toNumber(payload.advantages?.[row]);
    default:
      return measure satisfies never;
  }
}

function toNumber(value: HeatNumber | undefined) {
  if (value === "inf") return Infinity;
  if (value === "-inf") return -Infinity;
  return value ?? Number.NaN;
}

function details({ base, pieces, advantages }: HeatMapPayload, at: { model: HeatModel; row: number; piece: number }) {
  const { model, row, piece } = at;
  const baseRank = toNumber(model.baseRanks[row]);
  const choice = model.firstChoices?.[row];
  const category = Number.isNaN(baseRank) ? "class unknown" : `base rank ${baseRank}, ${categoryOf(baseRank)}`;
  return [
    `token ${visibleText(pieces[piece]!)}`,
    `logprob ${number(model.logprobs[row])} (base ${number(base.logprobs[row])}) nats`,
    `rank ${rank(model.ranks[row])} (base ${rank(base.ranks[row])})`,
    `KL(model‖base) ${number(model.kl[row])} nats`,
    `entropy ${number(model.entropies[row])} (base ${number(base.entropies[row])}) nats`,
    `first choice${choice === undefined ? "" : ` ${visibleText(pieces[choice]!)}`}: ${category}`,
    ...(advantages ? [`advantage ${number(advantages[row])}`] : []),
  ].join("\n");
}

const rank = (found: HeatNumber | undefined) => `${toNumber(found) || "unknown"}`;

function number(found: HeatNumber | undefined) {
  const value = toNumber(found);
  if (Number.isNaN(value)) return "unknown";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  return value === 0 ? "0" : value.toPrecision(3).replace("-", "−");
}

/**
 * The texts with a mark at each changed token, for terminals.
 *
 * @example
 * contentText(content); // "What tuning changed …"
 */
export function contentText({ title, caption, measure, limit, blocks }: HeatMapContent): string {
  const third = Number((limit / 3).toPrecision(2));
  const marks = {
    deltaLogprob: `▲ higher, ▼ lower by ${third} nats or more`,
    advantage: `${measureLabels.advantage}: ▲ positive, ▼ negative by ${third} or more`,
    kl: `● KL of ${third} nats or more`,
    entropy: `● entropy of ${third} nats or more`,
    class: "● changed",
  }[measure];
  const lines = blocks.map(({ heading, prompt, tokens }) => {
    const text = tokens.map((token) => token.text + markOf(token.shade, measure)).join(" ");
    return `${heading}: ${prompt} | ${text}`;
  });
  return [`${title} (${caption}; ${marks})`, ...lines].join("\n");
}
