/**
 * Where models stand between references (SRFT, arXiv 2506.19767, figure 3): d(M) = (d_R1(M), …, d_Rk(M)), equation A11,
 * over texts y that each reference R_i wrote, on prompts x that are the same for all. The paper's first version says
 * "the distance between the probabilities assigned by M to the reference tokens" and gives no formula; its later
 * version is reported to take the cross-entropy. So there are three, with M read on R_i's text (teacher forcing):
 *
 *   "cross-entropy"  CE_i(M) = mean_y (1/|y|) Σ_t −log p_M(y_t | x, y_<t)       the reported one, nats a token
 *   "excess"         CE_i(M) − CE_i(R_i)                                       nats a token; Monte-Carlo KL(R_i‖M)
 *   "probability"    mean_y (1/|y|) Σ_t |p_M(y_t | x, y_<t) − p_Ri(y_t | x, y_<t)|            in [0, 1]
 *
 * The first two differ by a constant an axis. The last two are 0 where M is the reference; "excess" is an estimate of a
 * number >= 0 and can come out below 0 by chance, and the estimate of a KL holds where the texts were sampled at
 * temperature 1. Means are over texts of their means over tokens, so a long text weighs no more than a short one.
 * Intervals are bootstrapped over texts, which is over prompts where there is one text a prompt.
 */

import type { Policy, Sequence } from "../../srft/policy.ts";
import { checkResampling, type Interval, mean, type ResampleOptions, resampleInterval } from "../views/resample.ts";

/** The part of a policy that the maps need. */
export type Scorer = Pick<Policy, "score">;

export interface NamedModel {
  readonly name: string;
  readonly policy: Scorer;
}

export interface MapReference {
  readonly name: string;
  /** What the reference wrote; each completion has a token or more. */
  readonly texts: readonly Sequence[];
  /**
   * Who wrote it, for "excess" and "probability"; "certain" is a writer that gives each of these texts probability 1,
   * such as a program that has one answer a prompt.
   */
  readonly writer?: Scorer | "certain";
}

export type MapDistance = "cross-entropy" | "excess" | "probability";

export interface DynamicsMapOptions extends ResampleOptions {
  /** The axes, with different names. */
  readonly references: readonly MapReference[];
  /** Default "excess". */
  readonly distance?: MapDistance;
}

/** One coordinate of one model. */
export interface MapCoordinate {
  readonly model: string;
  readonly reference: string;
  /** Nats a token, or for "probability" in [0, 1]. */
  readonly distance: number;
  readonly interval: Interval;
  /** The text's own distance, [texts], in the order of the reference's texts. */
  readonly perText: Float64Array;
}

/**
 * The coordinates of each model, model by model in the order of the references.
 *
 * @throws {TypeError} If a reference has no `writer` and the distance needs one.
 * @throws {RangeError} If there are no models, references or texts, a completion is empty, names are not different, or a
 *   distance is not finite; names the model, the reference and the text.
 * @example
 * const references = [{ name: "expert", texts: texts.slice(0, 4), writer: "certain" }, { name: "base", texts: texts.slice(0, 4), writer: base }];
 * const map = await dynamicsMap([{ name: "base", policy: base }], { references });
 * map.map(({ reference }) => reference); // ["expert", "base"]
 * map[1].distance; // 0
 */
export async function dynamicsMap(
  models: readonly NamedModel[],
  { references, distance = "excess", ...resampling }: DynamicsMapOptions,
): Promise<MapCoordinate[]> {
  checkNames("models", models);
  checkNames("references", references);
  checkResampling("dynamicsMap", resampling);
  for (const reference of references) checkReference(reference, distance);
  const written = [];
  for (const reference of references) written.push(await writerLogprobs(reference, distance));
  const coordinates: MapCoordinate[] = [];
  for (const { name, policy } of models) {
    for (const [i, reference] of references.entries()) {
      const scores = await policy.score(reference.texts);
      const perText = distances({ ...scores, written: written[i] }, distance);
      checkFinite(perText, `of ${name} on text INDEX of ${reference.name}`);
      const interval = resampleInterval(perText.length, (texts) => meanAt(perText, texts), resampling);
      coordinates.push({ model: name, reference: reference.name, distance: mean(perText), interval, perText });
    }
  }
  return coordinates;
}

/** The writer's log-probs of its texts, packed; undefined where the distance needs none or all are 0. */
async function writerLogprobs({ texts, writer }: MapReference, distance: MapDistance) {
  if (distance === "cross-entropy" || writer === undefined || writer === "certain") return undefined;
  return (await writer.score(texts)).logprobs;
}

interface Read {
  readonly logprobs: Float32Array;
  readonly offsets: Int32Array;
  readonly written: Float32Array | undefined;
}

function distances({ logprobs, offsets, written }: Read, distance: MapDistance): Float64Array {
  const at = (t: number) => {
    const [model, writer] = [logprobs[t]!, written?.[t] ?? 0];
    switch (distance) {
      case "cross-entropy":
        return -model;
      case "excess":
        return writer - model;
      case "probability":
        return Math.abs(Math.exp(model) - Math.exp(writer));
      default:
        throw new TypeError(`dynamicsMap: expected a distance but found ${distance satisfies never}`);
    }
  };
  return Float64Array.from({ length: offsets.length - 1 }, (_, text) => {
    let sum = 0;
    for (let t = offsets[text]!; t < offsets[text + 1]!; t++) sum += at(t);
    return sum / (offsets[text + 1]! - offsets[text]!);
  });
}

function checkNames(what: string, all: readonly { readonly name: string }[]) {
  const names = all.map(({ name }) => name);
  if (all.length > 0 && new Set(names).size === all.length) return;
  throw new RangeError(
    `dynamicsMap: expected at least one of the ${what}, with different names, but found ${JSON.stringify(names)}`,
  );
}

function checkReference({ name, texts, writer }: MapReference, distance: MapDistance) {
  if (!["cross-entropy", "excess", "probability"].includes(distance)) {
    throw new TypeError(
      `dynamicsMap: expected a distance "cross-entropy", "excess" or "probability" but found ${JSON.stringify(distance)}`,
    );
  }
  if (texts.length === 0) throw new RangeError(`dynamicsMap: expected texts of ${name} but found none`);
  const empty = texts.findIndex(({ completion }) => completion.length === 0);
  if (empty >= 0) {
    throw new RangeError(
      `dynamicsMap: expected a completion but found no token in text ${empty} of ${name}: leave it out`,
    );
  }
  if (distance !== "cross-entropy" && writer === undefined) {
    throw new TypeError(
      `dynamicsMap: expected the writer of the texts of ${name} for the distance "${distance}" but found none: ` +
        'give a policy or "certain", or use "cross-entropy"',
    );
  }
}

function checkFinite(values: Float64Array, where: string) {
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return;
  throw new RangeError(
    `dynamicsMap: expected a finite distance ${where.replace("INDEX", String(bad))} but found ${values[bad]}: ` +
      'a token has probability 0; use "probability" or other texts',
  );
}

const meanAt = (values: Float64Array, texts: Int32Array) =>
  texts.reduce((sum, text) => sum + values[text]!, 0) / texts.length;
