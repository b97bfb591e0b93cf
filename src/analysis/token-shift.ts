/**
 * What fine-tuning changed, token by token: several models read the same texts, and at every completion token the
 * distribution of each is compared with the base's over the whole vocabulary, or, where a reader tells only the likeliest
 * tokens, bounded from below and above.
 *
 * Texts are read in blocks, so that the logits of a few rows, not of all texts, are held at a time. A reader without
 * `logitBlocks` gives a text's [tokens, V] logits at once; these must fit in memory once for each model.
 * Vocabularies below 4,096 tokens are compared in float64; larger ones by the kernels of token-stats, errors below 1e-5.
 */

import type { Random } from "../random.ts";
import type { SampleOptions } from "../srft/policy.ts";
import type { Provenance, Reader } from "../srft/reader.ts";
import { checkComparable, provenanceOf } from "./evidence/comparable.ts";
import type { RoleRule } from "./roles.ts";
import { textColumns } from "./table/fill-columns.ts";
import { readColumns } from "./table/read-columns.ts";
import { gatherTexts, type Text } from "./table/texts.ts";
import { createTokenTable, type TokenTable } from "./token-table.ts";

export type { Reader } from "../srft/reader.ts";
export { type Text, wholeText } from "./table/texts.ts";

export interface TokenShiftOptions {
  /**
   * The texts; each completion has a token or more. A list of them, lists by source, or "own": every model writes to
   * `prompts`, and all read what each wrote.
   */
  readonly on: readonly Text[] | Readonly<Record<string, readonly Text[]>> | "own";
  /** Whose text a list is, in words such as "base rollouts", "sft rollouts", "demonstrations"; every figure says it. */
  readonly source?: string;
  /** Whatever the models' own texts begin with. */
  readonly prompts?: readonly ArrayLike<number>[];
  /** How the models' own texts are sampled. */
  readonly sample?: SampleOptions & { readonly random?: Random };
  /** One name a model, all different. Default "base", "model 1", "model 2", … */
  readonly names?: readonly string[];
  /** How many of the likeliest tokens to keep at each position, 0 … min(V, 1024). Default min(V, 5); with lists min(V, 20). */
  readonly topK?: number;
  /** Largest error of a log-prob in a reader's lists, nats: it widens their bounds. Default 1e-6. */
  readonly tolerance?: number;
  /** Texts a block. Default: as many, up to 64, as keep the block's logits below 2^24 numbers (64 MiB). */
  readonly batchSize?: number;
  /** Text of a token id. Default "#12" for 12. */
  readonly decode?: (id: number) => string;
  /** Finds the roles of texts that have none. Default: all are "answer". */
  readonly roles?: RoleRule;
}

/**
 * Reads texts with several models and tables what each says of every completion token.
 *
 * @param readers The base first, then one tuned model or more, all of one vocabulary.
 * @throws {TypeError} If it is not said whose text it is, a reader gives no [N, V] logits, or own texts lack prompts.
 * @throws {RangeError} If there are fewer than two readers or no texts; vocabularies, tokenizers, chat templates or the
 *   mode, temperature or top-p of log-probs differ; a completion is empty; a token lies outside the vocabulary, a text is
 *   longer than a context, or a logit is NaN or +Infinity.
 * @example
 * const table = await tokenShift([base, sft, grpo], { on: texts, source: "base rollouts", names: ["base", "sft", "grpo"] });
 * table.models[0].kl; // Float32Array, KL(sft‖base) at every token, in nats
 */
export async function tokenShift(readers: readonly Reader[], options: TokenShiftOptions): Promise<TokenTable> {
  const { decode = (id) => `#${id}`, roles } = options;
  const names = options.names ?? readers.map((_, i) => (i === 0 ? "base" : `model ${i}`));
  checkReaders(readers, names);
  const provenances = readers.map(provenanceOf);
  checkComparable(provenances, names);
  const { texts, sources, sourceIds } = await gatherTexts(readers, names, options);
  checkTexts(readers, { ...options, texts });
  const rows = textColumns(texts, { decode, roles });
  const filling = { texts, names, rows, ...options };
  const { base, models } = await readColumns(readers, filling);
  const prompts = texts.map(({ prompt }) => Int32Array.from(prompt));
  const described = <T>(model: T, m: number) => ({ ...model, provenance: provenances[m] as Provenance });
  return createTokenTable({
    source: sources.join(", "),
    sources,
    sourceIds,
    prompts,
    ...rows,
    base: described(base, 0),
    models: models.map((model, m) => described(model, m + 1)),
    decode,
  });
}

function checkReaders(readers: readonly Reader[], names: readonly string[]) {
  if (readers.length < 2) {
    throw new RangeError(
      `tokenShift: expected a base and at least one other model but found ${readers.length}: tokenShift([base, tuned], …)`,
    );
  }
  for (const [i, reader] of readers.entries()) {
    if (reader.logits || reader.logitBlocks || reader.topLogprobs) continue;
    throw new TypeError(`tokenShift: expected ${names[i]} to have logits or topLogprobs but found neither`);
  }
  const sizes = readers.map(({ vocabularySize }) => vocabularySize);
  if (new Set(sizes).size > 1) {
    throw new RangeError(
      `tokenShift: expected models of one vocabulary but found sizes ${sizes.join(", ")}: ` +
        "compare models that share a tokenizer",
    );
  }
  if (names.length !== readers.length || new Set(names).size !== names.length) {
    throw new RangeError(
      `tokenShift: expected ${readers.length} different names but found ${JSON.stringify(names)}: one for each policy`,
    );
  }
}

function checkTexts(
  readers: readonly Reader[],
  { texts, topK = 0, batchSize = 1 }: TokenShiftOptions & { readonly texts: readonly Text[] },
) {
  if (texts.length === 0) throw new RangeError("tokenShift: expected at least one text but found none in `on`");
  if (!(Number.isInteger(batchSize) && batchSize >= 1)) {
    throw new RangeError(`tokenShift: expected an integer batchSize >= 1 but found ${batchSize}`);
  }
  const vocabularySize = readers[0]!.vocabularySize;
  const most = Math.min(vocabularySize, 1024);
  if (!(Number.isInteger(topK) && topK >= 0 && topK <= most)) {
    throw new RangeError(`tokenShift: expected an integer topK in [0, ${most}] but found ${topK}`);
  }
  const contextLength = Math.min(...readers.map((reader) => reader.contextLength));
  for (const [i, text] of texts.entries()) {
    checkText(text, { where: `tokenShift: text ${i}`, contextLength, vocabularySize });
  }
}

function checkText(
  { prompt, completion }: Text,
  { where, contextLength, vocabularySize }: { where: string; contextLength: number; vocabularySize: number },
) {
  if (completion.length === 0) throw new RangeError(`${where}: expected a completion but found no token: leave it out`);
  const length = prompt.length + completion.length;
  if (length > contextLength) {
    throw new RangeError(`${where}: expected at most ${contextLength} tokens but found ${length}: shorten the text`);
  }
  for (const id of [...Array.from(prompt), ...Array.from(completion)]) {
    if (!(Number.isInteger(id) && id >= 0 && id < vocabularySize)) {
      throw new RangeError(
        `${where}: expected token ids in [0, ${vocabularySize}) but found ${id}: encode it with the policies' tokenizer`,
      );
    }
  }
}
