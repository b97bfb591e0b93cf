import assert from "node:assert/strict";
import { test } from "node:test";
import { bootstrapMean } from "../../src/analysis/evidence/bootstrap.ts";
import { noiseFloor } from "../../src/analysis/evidence/noise-floor.ts";
import { validate } from "../../src/analysis/evidence/validate.ts";
import { type Reader, tokenShift } from "../../src/analysis/token-shift.ts";
import { createTokenTable, type TokenColumns } from "../../src/analysis/token-table.ts";
import { SoftmaxTable } from "../../src/models/softmax-table.ts";
import { createRandom } from "../../src/random.ts";
import type { Sequence } from "../../src/srft/policy.ts";

const V = 12;
const logitRows = (scale: number) => Array.from({ length: V * V }, (_, i) => 2 * Math.sin(scale * (i * i + 3)));
const policy = (scale: number) =>
  new SoftmaxTable({ vocabularySize: V, contextLength: 64, endToken: V - 1 }, [
    ...logitRows(scale),
    ...Array(V).fill(0),
  ]);
const random = createRandom(5);
const prompts = Array.from({ length: 12 }, (_, i) => [i]);
const sample = { maxTokens: 12, groupSize: 3, random };
const own = await tokenShift([policy(1), policy(1.1)], { on: "own", prompts, sample, names: ["base", "sft"], topK: 3 });
const table = own.of("base rollouts");

/** One model whose KL is given, one text a prompt with as many tokens as values. */
function tableOf(clusters: readonly (readonly number[])[], promptOf = (s: number) => s) {
  const kl = Float32Array.from(clusters.flat());
  const n = kl.length;
  const offsets = Int32Array.from([0, ...clusters.map((_, s) => clusters.slice(0, s + 1).flat().length)]);
  const base = {
    name: "base",
    logprobs: new Float32Array(n),
    entropies: new Float32Array(n),
    ranks: new Int32Array(n).fill(1),
    greedyTokens: new Int32Array(n),
  };
  const zeros = () => new Float32Array(n);
  const shift = { deltaLogprobs: zeros(), deltaProbs: zeros(), kl, reverseKl: zeros(), js: zeros(), tv: zeros() };
  return createTokenTable({
    source: "x",
    prompts: clusters.map((_, s) => Int32Array.of(promptOf(s))),
    offsets,
    sequences: Int32Array.from(clusters.flatMap((values, s) => values.map(() => s))),
    positions: new Int32Array(n),
    tokens: new Int32Array(n),
    base,
    models: [{ ...base, name: "sft", ...shift, baseRanks: Int32Array.from(kl, (value) => (value > 1 ? 4 : 1)) }],
    decode: String,
  });
}

test("bootstrapMean is the mean over tokens, with the same interval for the same seed", () => {
  const tokens = tableOf([[1, 2, 3], [10], [4, 4]]);
  const options = { measure: "kl", draws: 500 } as const;
  const [one, two] = [1, 1].map((seed) => bootstrapMean(tokens, "sft", { ...options, random: createRandom(seed) }));
  assert.equal(one!.value, 4);
  assert.equal(one!.prompts, 3);
  assert.deepEqual(one, two);
  assert.notDeepEqual(one, bootstrapMean(tokens, "sft", { ...options, random: createRandom(2) }));
  assert.equal(bootstrapMean(tokens, "sft", { measure: "shifted", random }).value, 5 / 6);
});

test("bootstrapMean's interval has no width where all prompts agree, and is that of the two where there are two", () => {
  const options = { measure: "kl", random: createRandom(1) } as const;
  assert.deepEqual(bootstrapMean(tableOf([[2, 2], [2], [2]]), "sft", options).interval, [2, 2]);
  assert.deepEqual(bootstrapMean(tableOf([[0], [1]]), "sft", options).interval, [0, 1]);
});

test("bootstrapMean draws prompts, not tokens or texts: repeating a text does not narrow the interval", () => {
  const values = Array.from({ length: 20 }, (_, i) => [Math.sin(i) + 1]);
  const width = (clusters: number[][], promptOf?: (s: number) => number) => {
    const [low, high] = bootstrapMean(tableOf(clusters, promptOf), "sft", {
      measure: "kl",
      random: createRandom(1),
    }).interval;
    return high - low;
  };
  const once = width(values);
  const tokens = width(values.map(([value]) => Array(9).fill(value)));
  const texts = width([...values, ...values, ...values], (s) => s % 20);
  assert.ok(Math.abs(tokens - once) < 1e-6 && Math.abs(texts - once) < 1e-6);
  assert.ok(width([...values, ...values, ...values]) < 0.75 * once);
});

test("bootstrapMean's 95 % intervals hold the true mean in about 95 of 100 samples of clustered tokens", () => {
  const noise = createRandom(11);
  const normal = () => Math.sqrt(-2 * Math.log(1 - noise())) * Math.cos(2 * Math.PI * noise());
  let held = 0;
  for (let turn = 0; turn < 300; turn++) {
    const clusters = Array.from({ length: 40 }, () => {
      const shift = normal();
      return Array.from({ length: 5 }, () => 5 + shift + 0.2 * normal());
    });
    const { interval } = bootstrapMean(tableOf(clusters), "sft", { measure: "kl", random: noise, draws: 400 });
    if (interval[0] <= 5 && 5 <= interval[1]) held++;
  }
  assert.ok(held >= 0.9 * 300 && held <= 0.985 * 300, `${held} of 300`);
});

test("bootstrapMean refuses several sources, one prompt, unknown values and models, and odd options", () => {
  const options = { measure: "kl", random } as const;
  assert.throws(() => bootstrapMean(own, "sft", options), /expected one source but found base rollouts, sft rollouts/);
  assert.throws(() => bootstrapMean(tableOf([[1, 2]]), "sft", options), /^RangeError: .*two prompts or more/);
  assert.throws(
    () => bootstrapMean(tableOf([[1], [Number.NaN]]), "sft", options),
    /found none of kl in row 1: use bounds$/,
  );
  assert.throws(() => bootstrapMean(table, "rl", options), /expected a model of sft on base rollouts but found rl$/);
  assert.throws(() => bootstrapMean(table, "sft", { ...options, draws: 10 }), /draws >= 100 but found 10$/);
  assert.throws(
    () => bootstrapMean(table, "sft", { ...options, confidence: 1 }),
    /confidence in \(0, 1\) but found 1$/,
  );
});

test("noiseFloor is 0 for a model that says the same twice, and asks for one text at a time the second time", async () => {
  const asked: number[] = [];
  const reader: Reader = {
    vocabularySize: V,
    contextLength: 64,
    logits(sequences: readonly Sequence[]) {
      asked.push(sequences.length);
      return policy(1).logits(sequences);
    },
  };
  const on = Array.from({ length: 5 }, (_, i) => ({ prompt: [i], completion: [1, 2, 3] }));
  const still = { median: 0, p95: 0, largest: 0 };
  assert.deepEqual(await noiseFloor(reader, { on, source: "x" }), {
    tokens: 15,
    deltaLogprob: still,
    kl: still,
    firstChoiceChanged: 0,
  });
  assert.deepEqual(asked, [5, 1, 1, 1, 1, 1]);
});

test("noiseFloor says how far another engine is from the first", async () => {
  const rounded: Reader = {
    vocabularySize: V,
    contextLength: 64,
    logits: async (sequences) => (await policy(1).logits(sequences)).map((logit) => Math.round(logit * 16) / 16),
  };
  const on = Array.from({ length: 8 }, (_, i) => ({ prompt: [i], completion: [1, 2, 3, i] }));
  const floor = await noiseFloor(policy(1), { on, source: "x", again: rounded });
  const { deltaLogprobs, kl } = (await tokenShift([policy(1), rounded], { on, source: "x" })).models[0]!;
  assert.equal(floor.deltaLogprob.largest, Math.max(...deltaLogprobs.map(Math.abs)));
  assert.equal(floor.kl!.largest, Math.max(...kl));
  assert.ok(floor.deltaLogprob.median > 0 && floor.deltaLogprob.median <= floor.deltaLogprob.p95);
  assert.ok(floor.deltaLogprob.largest <= 1 / 16);
});

test("validate finds nothing in tables of policies on their own text", () => {
  assert.deepEqual(validate(own), []);
  assert.ok(own.tokens.length > 100);
});

/** The table with one model's columns changed. */
function changed(
  change: (model: TokenColumns["base"]) => Partial<TokenColumns["base"]>,
  of: TokenColumns = own,
): TokenColumns {
  const { base, models, tokens, prompts, offsets, sequences, positions, decode, sources, sourceIds, behaviorLogprobs } =
    of;
  const columns = { source: "", tokens, prompts, offsets, sequences, positions, decode, models };
  return {
    ...columns,
    ...(sources && { sources }),
    ...(sourceIds && { sourceIds }),
    ...(behaviorLogprobs && { behaviorLogprobs }),
    base: { ...base, ...change(base) },
  };
}
const kinds = (columns: TokenColumns) =>
  validate(columns).map(({ kind, severity, column }) => `${severity}: ${kind}, ${column}`);

test("validate finds logits in place of log-probs, and names the rows", () => {
  const [found] = validate(
    changed(({ logprobs }) => ({ logprobs: logprobs.map((x, row) => (row === 7 ? 2.5 : x)), topK: 0 })),
  );
  assert.deepEqual([found!.kind, found!.column, found!.rows, found!.count], ["unnormalised", "base.logprobs", [7], 1]);
});

test("validate finds lists that sum to more than 1, or are out of order", () => {
  const more = changed(({ topLogprobs }) => ({
    topLogprobs: topLogprobs!.map((x, i) => (i === 4 ? 0 : x)),
    ranks: own.base.ranks.map(() => 9),
  }));
  const [sum, order] = validate(more);
  assert.deepEqual([sum!.kind, sum!.rows], ["unnormalised", [1]]);
  assert.deepEqual([order!.kind, order!.rows], ["unnormalised", [1]]);
});

test("validate finds renormalised lists, as AlignTDS saves them", () => {
  const renormalised = changed(({ topLogprobs, topK, logprobs }) => {
    const scaled = topLogprobs!.map((x, i) => {
      const row = Math.floor(i / topK!) * topK!;
      const mass = topLogprobs!.subarray(row, row + topK!).reduce((sum, y) => sum + Math.exp(y), 0);
      return x - Math.log(mass);
    });
    const ranks = own.base.ranks.map((rank) => (rank <= 3 ? rank : 0));
    const own3 = logprobs.map((x, row) => (ranks[row]! > 0 ? scaled[row * 3 + ranks[row]! - 1]! : x));
    return { topLogprobs: scaled, ranks, logprobs: own3, coverage: "top-k", topK: 3 };
  });
  assert.deepEqual(kinds(renormalised), [
    "error: truncated, base.topLogprobs",
    "error: mistempered, base.logprobs",
    "warning: truncated, base.topLogprobs",
  ]);
});

test("validate finds lists of the row after, and log-probs that are not the list's", () => {
  const shifted = changed(({ topIds, topLogprobs }) => ({
    topIds: Int32Array.from([...topIds!.subarray(-3), ...topIds!.subarray(0, -3)]),
    topLogprobs: Float32Array.from([...topLogprobs!.subarray(-3), ...topLogprobs!.subarray(0, -3)]),
  }));
  assert.ok(kinds(shifted).includes("error: misaligned, base.topIds"));
  assert.ok(kinds(shifted).includes("error: misaligned, base.logprobs"));
});

test("validate finds text that was sampled at another temperature than it is scored at", async () => {
  const hot: Reader = {
    vocabularySize: V,
    contextLength: 64,
    logits: (sequences) => policy(1).logits(sequences),
    async sample(asked, options) {
      const rollouts = await policy(1).sample(asked, { ...options, temperature: 0.5 });
      return rollouts;
    },
  };
  const columns = await tokenShift([hot, policy(1.1)], { on: "own", prompts, sample, names: ["base", "sft"] });
  const [found, ...others] = validate(columns);
  assert.deepEqual([found!.kind, found!.column, others], ["mistempered", "base.logprobs", []]);
  assert.match(found!.message, /sampled at another temperature/);
});

test("validate finds raw log-probs that claim a temperature, top-p and unknown provenance", () => {
  const provenance = own.base.provenance!;
  assert.deepEqual(kinds(changed(() => ({ provenance: { ...provenance, temperature: 0.7 } }))), [
    "error: mistempered, base",
  ]);
  assert.deepEqual(kinds(changed(() => ({ provenance: { ...provenance, mode: "processed", topP: 0.9 } }))), [
    "warning: truncated, base",
  ]);
  const { provenance: _, ...rest } = own.base;
  assert.deepEqual(kinds({ ...changed(() => ({})), base: rest }), ["warning: unknown provenance, base"]);
});
