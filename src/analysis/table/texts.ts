/** The texts that a token table is of, whose they are, and what is known of each. */

import type { Sequence } from "../../srft/policy.ts";
import type { Reader } from "../../srft/reader.ts";
import type { TokenRole } from "../roles.ts";
import type { TokenShiftOptions } from "../token-shift.ts";

/** A text with what is known of it. */
export interface Text extends Sequence {
  /** One a completion token. */
  readonly roles?: readonly TokenRole[];
  readonly reward?: number;
  /** Of the text, or one a completion token. */
  readonly advantage?: number | ArrayLike<number>;
  /** What the policy that wrote the completion said of each token as it sampled, nats. */
  readonly behaviorLogprobs?: ArrayLike<number>;
}

/** Texts of one source after the other. */
export interface SourcedTexts {
  readonly sources: readonly string[];
  readonly sourceIds: Int32Array;
  readonly texts: readonly Text[];
}

/**
 * A text whose prompt is scored too, all but its first token, with role "prompt".
 *
 * @example
 * wholeText({ prompt: [1, 2], completion: [3] }); // { prompt: [1], completion: [2, 3], roles: ["prompt", "answer"] }
 */
export function wholeText(text: Text): Text {
  const [first, ...rest] = Array.from(text.prompt);
  if (first === undefined) throw new RangeError("wholeText: expected a prompt of a token or more but found none");
  if (typeof text.advantage === "object" || text.behaviorLogprobs) {
    throw new TypeError(
      "wholeText: expected a text without numbers for each token but found some: the prompt has none",
    );
  }
  const completion = [...rest, ...Array.from(text.completion)];
  const given = text.roles ?? Array.from<TokenRole>({ length: text.completion.length }).fill("answer");
  return { ...text, prompt: [first], completion, roles: [...rest.map((): TokenRole => "prompt"), ...given] };
}

/** The texts of `on`; each model's own are sampled now. */
export async function gatherTexts(
  readers: readonly Reader[],
  names: readonly string[],
  options: TokenShiftOptions,
): Promise<SourcedTexts> {
  const { on, source } = options;
  if (on === "own") return inOrder(await ownTexts(readers, names, options));
  if (isList(on)) return inOrder([[checkedSource(source), on]]);
  if (source !== undefined) {
    throw new TypeError(`tokenShift: expected no source beside texts by source but found ${JSON.stringify(source)}`);
  }
  return inOrder(Object.entries(on).map(([name, texts]) => [checkedSource(name), texts]));
}

const isList = (on: Exclude<TokenShiftOptions["on"], "own">): on is readonly Text[] => Array.isArray(on);

function checkedSource(source: string | undefined): string {
  if (typeof source === "string" && source.trim() !== "") return source;
  throw new TypeError(
    `tokenShift: expected source to say whose text it is but found ${JSON.stringify(source)}: give "base rollouts", for example`,
  );
}

function inOrder(entries: readonly (readonly [string, readonly Text[]])[]): SourcedTexts {
  const ids = entries.flatMap(([, texts], id) => texts.map(() => id));
  return {
    sources: entries.map(([source]) => source),
    sourceIds: Int32Array.from(ids),
    texts: entries.flatMap(([, texts]) => texts),
  };
}

async function ownTexts(readers: readonly Reader[], names: readonly string[], options: TokenShiftOptions) {
  const { prompts, sample } = options;
  if (!prompts || prompts.length === 0 || !sample) {
    throw new TypeError(
      'tokenShift: expected prompts and sample with on: "own" but found none: ' +
        "give { prompts, sample: { maxTokens, random } }",
    );
  }
  const entries: [string, Text[]][] = [];
  for (const [i, reader] of readers.entries()) {
    if (!reader.sample) {
      throw new TypeError(`tokenShift: expected ${names[i]} to have sample but found none: give its text in \`on\``);
    }
    const rollouts = await reader.sample(prompts, sample);
    const groupSize = sample.groupSize ?? 1;
    const texts = rollouts.completions.map((completion, row) => ({
      prompt: prompts[Math.floor(row / groupSize)]!,
      completion,
      behaviorLogprobs: rollouts.behaviorLogprobs.subarray(rollouts.offsets[row], rollouts.offsets[row + 1]),
    }));
    entries.push([`${names[i]} rollouts`, texts]);
  }
  return entries;
}
