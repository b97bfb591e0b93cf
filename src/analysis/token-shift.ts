/**
 * What fine-tuning changed, token by token: several policies read the same texts, and at every completion token the
 * distribution of each is compared with the base's, over the whole vocabulary and in float64.
 *
 * Texts are read in blocks, so that the logits of all policies for one block, not for all texts, are held at a time.
 * A single text is not divided: its completion's [tokens, V] logits must fit in memory once for each policy.
 */

import type { Policy, Sequence } from "../srft/policy.ts";
import { divergences, entropy, logSoftmax, rankOf, topK } from "./divergences.ts";
import { createTokenTable, type ModelColumns, type ShiftColumns, type TokenTable } from "./token-table.ts";

/** The part of a policy that reading needs. */
export type Reader = Pick<Policy, "vocabularySize" | "contextLength" | "logits">;

export interface TokenShiftOptions {
  /** The texts; each completion has a token or more. */
  readonly on: readonly Sequence[];
  /** Whose text it is, in words such as "base rollouts", "sft rollouts", "demonstrations"; every figure says it. */
  readonly source: string;
  /** One name a policy, all different. Default "base", "model 1", "model 2", … */
  readonly names?: readonly string[];
  /** Texts a block. Default: as many, up to 64, as keep the block's logits below 2^24 numbers (64 MiB). */
  readonly batchSize?: number;
  /** Text of a token id. Default "#12" for 12. */
  readonly decode?: (id: number) => string;
}

const maxBlockLogits = 2 ** 24;

/**
 * Reads texts with several policies and tables what each says of every completion token.
 *
 * @param policies The base first, then one tuned policy or more, all of one vocabulary.
 * @throws {TypeError} If `source` does not say whose text it is, or a policy gives no [N, V] logits.
 * @throws {RangeError} If there are fewer than two policies or no texts; vocabularies differ; a completion is empty; a
 *   token lies outside the vocabulary, a text is longer than a context, or a logit is NaN or +Infinity.
 * @example
 * const table = await tokenShift([base, sft, grpo], { on: texts, source: "base rollouts", names: ["base", "sft", "grpo"] });
 * table.models[0].kl; // Float32Array, KL(sft‖base) at every token, in nats
 */
export async function tokenShift(policies: readonly Reader[], options: TokenShiftOptions): Promise<TokenTable> {
  const { on, source, decode = (id) => `#${id}` } = options;
  const names = options.names ?? policies.map((_, i) => (i === 0 ? "base" : `model ${i}`));
  checkPolicies(policies, names);
  checkTexts(policies, options);
  const rows = rowColumns(on);
  const base = modelColumns(names[0]!, rows.tokens.length);
  const models = names.slice(1).map((name) => shiftColumns(name, rows.tokens.length));
  const blockSize = options.batchSize ?? defaultBatchSize(policies, on);
  for (let first = 0; first < on.length; first += blockSize) {
    const block = on.slice(first, first + blockSize);
    const firstRow = rows.offsets[first]!;
    const tokens = rows.tokens.subarray(firstRow, rows.offsets[first + block.length]);
    const logits = await readBlock(policies, { block, tokens: tokens.length, names });
    compareBlock(logits, { base, models, tokens, firstRow });
  }
  const prompts = on.map(({ prompt }) => Int32Array.from(prompt));
  return createTokenTable({ source, prompts, ...rows, base, models, decode });
}

function checkPolicies(policies: readonly Reader[], names: readonly string[]) {
  if (policies.length < 2) {
    throw new RangeError(
      `tokenShift: expected a base and at least one other policy but found ${policies.length}: tokenShift([base, tuned], …)`,
    );
  }
  const sizes = policies.map(({ vocabularySize }) => vocabularySize);
  if (new Set(sizes).size > 1) {
    throw new RangeError(
      `tokenShift: expected policies of one vocabulary but found sizes ${sizes.join(", ")}: ` +
        "compare models that share a tokenizer",
    );
  }
  if (names.length !== policies.length || new Set(names).size !== names.length) {
    throw new RangeError(
      `tokenShift: expected ${policies.length} different names but found ${JSON.stringify(names)}: one for each policy`,
    );
  }
}

function checkTexts(policies: readonly Reader[], { on, source, batchSize = 1 }: TokenShiftOptions) {
  if (typeof source !== "string" || source.trim() === "") {
    throw new TypeError(
      `tokenShift: expected source to say whose text it is but found ${JSON.stringify(source)}: give "base rollouts", for example`,
    );
  }
  if (on.length === 0) throw new RangeError("tokenShift: expected at least one text but found none in `on`");
  if (!(Number.isInteger(batchSize) && batchSize >= 1)) {
    throw new RangeError(`tokenShift: expected an integer batchSize >= 1 but found ${batchSize}`);
  }
  const contextLength = Math.min(...policies.map((policy) => policy.contextLength));
  for (const [i, text] of on.entries()) {
    checkText(text, { where: `tokenShift: text ${i}`, contextLength, vocabularySize: policies[0]!.vocabularySize });
  }
}

function checkText(
  { prompt, completion }: Sequence,
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

function defaultBatchSize(policies: readonly Reader[], on: readonly Sequence[]) {
  const longest = on.reduce((most, { completion }) => Math.max(most, completion.length), 0);
  const fitting = Math.floor(maxBlockLogits / (longest * policies[0]!.vocabularySize * policies.length));
  return Math.min(Math.max(fitting, 1), 64);
}

function rowColumns(on: readonly Sequence[]) {
  const offsets = new Int32Array(on.length + 1);
  for (const [s, { completion }] of on.entries()) offsets[s + 1] = offsets[s]! + completion.length;
  const n = offsets[on.length]!;
  const [sequences, positions, tokens] = [new Int32Array(n), new Int32Array(n), new Int32Array(n)];
  for (const [s, { completion }] of on.entries()) {
    sequences.fill(s, offsets[s], offsets[s + 1]);
    tokens.set(completion, offsets[s]);
    for (let t = 0; t < completion.length; t++) positions[offsets[s]! + t] = t;
  }
  return { offsets, sequences, positions, tokens };
}

function modelColumns(name: string, n: number): ModelColumns {
  return {
    name,
    logprobs: new Float32Array(n),
    entropies: new Float32Array(n),
    ranks: new Int32Array(n),
    greedyTokens: new Int32Array(n),
  };
}

function shiftColumns(name: string, n: number): ShiftColumns {
  return {
    ...modelColumns(name, n),
    deltaLogprobs: new Float32Array(n),
    deltaProbs: new Float32Array(n),
    kl: new Float32Array(n),
    reverseKl: new Float32Array(n),
    js: new Float32Array(n),
    tv: new Float32Array(n),
    baseRanks: new Int32Array(n),
  };
}

async function readBlock(
  policies: readonly Reader[],
  { block, tokens, names }: { block: readonly Sequence[]; tokens: number; names: readonly string[] },
) {
  const all: Float32Array[] = [];
  for (const [i, policy] of policies.entries()) {
    const logits = await policy.logits(block);
    if (logits.length !== tokens * policy.vocabularySize) {
      throw new TypeError(
        `tokenShift: expected [${tokens}, ${policy.vocabularySize}] logits of ${names[i]} but found ${logits.length} numbers`,
      );
    }
    all.push(logits);
  }
  return all;
}

interface Block {
  readonly base: ModelColumns;
  readonly models: readonly ShiftColumns[];
  /** The block's token ids. */
  readonly tokens: Int32Array;
  /** Where the block begins in the columns. */
  readonly firstRow: number;
}

function compareBlock(logits: readonly Float32Array[], { base, models, tokens, firstRow }: Block) {
  const vocabularySize = logits[0]!.length / tokens.length;
  const [logP, logQ] = [new Float64Array(vocabularySize), new Float64Array(vocabularySize)];
  for (const [t, token] of tokens.entries()) {
    const row = firstRow + t;
    const rowOf = (all: Float32Array) => all.subarray(t * vocabularySize, (t + 1) * vocabularySize);
    const baseLogits = rowOf(logits[0]!);
    writeModel(base, { row, token, logits: baseLogits, logprobs: logQ });
    for (const [m, model] of models.entries()) {
      writeModel(model, { row, token, logits: rowOf(logits[m + 1]!), logprobs: logP });
      writeShift(model, { row, token, logP, logQ, baseLogits });
    }
  }
}

/** Fills `logprobs` with the row's log softmax and writes what the model says by itself. */
function writeModel(
  model: ModelColumns,
  at: { row: number; token: number; logits: Float32Array; logprobs: Float64Array },
) {
  const { row, token, logits } = at;
  const logprobs = namedLogSoftmax(model.name, at);
  model.logprobs[row] = logprobs[token]!;
  model.entropies[row] = entropy(logprobs);
  model.ranks[row] = rankOf(logits, token);
  model.greedyTokens[row] = topK(logits, 1)[0]!;
}

function writeShift(
  model: ShiftColumns,
  at: { row: number; token: number; logP: Float64Array; logQ: Float64Array; baseLogits: Float32Array },
) {
  const { row, logP, logQ } = at;
  const [logprob, baseLogprob] = [logP[at.token]!, logQ[at.token]!];
  const { kl, reverseKl, js, tv } = divergences(logP, logQ);
  model.deltaLogprobs[row] = logprob === baseLogprob ? 0 : logprob - baseLogprob;
  model.deltaProbs[row] = Math.exp(logprob) - Math.exp(baseLogprob);
  model.kl[row] = kl;
  model.reverseKl[row] = reverseKl;
  model.js[row] = js;
  model.tv[row] = tv;
  model.baseRanks[row] = rankOf(at.baseLogits, model.greedyTokens[row]!);
}

function namedLogSoftmax(
  name: string,
  { row, logits, logprobs }: { row: number; logits: Float32Array; logprobs: Float64Array },
) {
  try {
    return logSoftmax(logits, logprobs);
  } catch (cause) {
    throw new RangeError(`tokenShift: ${name}, row ${row}: ${(cause as Error).message}`, { cause });
  }
}
