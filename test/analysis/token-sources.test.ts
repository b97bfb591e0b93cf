import assert from "node:assert/strict";
import { test } from "node:test";
import { divergences, entropy, logSoftmax, rankOf, topK } from "../../src/analysis/divergences.ts";
import { markerRoles } from "../../src/analysis/roles.ts";
import { type Reader, tokenShift, wholeText } from "../../src/analysis/token-shift.ts";
import { SoftmaxTable } from "../../src/models/softmax-table.ts";
import { createRandom } from "../../src/random.ts";

const rows = (scale: number) => Array.from({ length: 4 * 4 }, (_, i) => scale * Math.sin(7 * i + scale));
/** Logits depend on the token before; 3 ends a text, and every prompt below has a token or more. */
const policy = (scale: number) =>
  new SoftmaxTable({ vocabularySize: 4, contextLength: 16, endToken: 3 }, [...rows(scale), 0, 0, 0, 0]);
const [base, sft, grpo] = [policy(1), policy(2), policy(3)];
const names = ["base", "sft", "grpo"];
const prompts = [[0], [1], [2]];

test('tokenShift on "own" has every model read what each wrote, and says whose it is', async () => {
  const sample = { maxTokens: 5, random: createRandom(1) };
  const table = await tokenShift([base, sft, grpo], { on: "own", prompts, sample, names });
  assert.deepEqual(table.sources, ["base rollouts", "sft rollouts", "grpo rollouts"]);
  assert.deepEqual([...table.sourceIds], [0, 0, 0, 1, 1, 1, 2, 2, 2]);
  assert.deepEqual(
    new Set(Array.from(table.rows(), ({ source, model }) => `${model} on ${source}`)),
    new Set(["sft", "grpo"].flatMap((model) => names.map((name) => `${model} on ${name} rollouts`))),
  );
});

test("tokenShift's ratio is 1 for a model on its own text and exp of the change on the base's", async () => {
  const sample = { maxTokens: 5, random: createRandom(2) };
  const table = await tokenShift([base, sft], { on: "own", prompts, sample, names: ["base", "sft"] });
  for (const { source, ratio, deltaLogprob } of table.rows()) {
    const expected = source === "sft rollouts" ? 1 : Math.exp(deltaLogprob);
    assert.ok(Math.abs(ratio - expected) < 1e-6 * expected, `${source}: ${ratio}, not ${expected}`);
  }
});

const bySource = {
  demonstrations: [{ prompt: [0], completion: [1, 2, 3] }],
  "base rollouts": [
    { prompt: [1], completion: [2] },
    { prompt: [2], completion: [0, 0] },
  ],
};

test("a table of several sources refuses to average over them and gives each by itself", async () => {
  const table = await tokenShift([base, sft], { on: bySource });
  assert.throws(() => table.summary(), /^RangeError: .*expected one source but found demonstrations, base rollouts/);
  assert.throws(() => table.source, /do not mix, take one with table\.of\("demonstrations"\) or group by source$/);
  assert.throws(() => table.of("sft rollouts"), /^RangeError: .*expected one of demonstrations, base rollouts/);
  for (const [source, on] of Object.entries(bySource)) {
    const [part, alone] = [table.of(source), await tokenShift([base, sft], { on, source })];
    assert.deepEqual(part.summary(), alone.summary());
    assert.deepEqual([...part.rows()], [...alone.rows()]);
    assert.equal(part.models[0]!.kl.buffer, table.models[0]!.kl.buffer);
  }
});

test("toArquero says the source in every row, so that groups keep sources apart", async () => {
  const table = await tokenShift([base, sft], { on: bySource });
  const counts = table.toArquero().groupby("source").count().objects();
  assert.deepEqual(counts, [
    { source: "demonstrations", count: 3 },
    { source: "base rollouts", count: 3 },
  ]);
});

test("tokenShift keeps reward, advantage, roles and behaviour log-probs, and NaN where there are none", async () => {
  const on = [
    {
      prompt: [0],
      completion: [1, 2],
      reward: 1,
      advantage: [0.5, -0.5],
      roles: ["think", "answer"] as const,
      behaviorLogprobs: [-1, -2],
    },
    { prompt: [0], completion: [1], advantage: 2 },
  ];
  const table = await tokenShift([base, sft], { on, source: "rollouts" });
  assert.deepEqual([...table.rewards], [1, Number.NaN]);
  assert.deepEqual([...table.advantages], [0.5, -0.5, 2]);
  assert.deepEqual([...table.behaviorLogprobs], [-1, -2, Number.NaN]);
  assert.deepEqual(
    Array.from(table.rows(), ({ role }) => role),
    ["think", "answer", "answer"],
  );
  const [ratio] = Array.from(table.rows(), (row) => row.ratio);
  assert.equal(ratio, Math.exp(table.models[0]!.logprobs[0]! + 1));
});

test("markerRoles calls markers format, what they enclose think and the rest answer", () => {
  const rule = markerRoles({ think: ["[", "]"], format: [">"] });
  assert.deepEqual(rule(["[", "1", ">", "]", ">", "8"]), ["format", "think", "format", "format", "format", "answer"]);
  assert.deepEqual(rule(["8", " [ ", "1"]), ["answer", "format", "think"]);
  assert.deepEqual(rule([]), []);
});

test("tokenShift finds roles by a rule on the tokens' texts, and a given role goes before it", async () => {
  const on = [
    { prompt: [0], completion: [0, 1, 2, 3] },
    { prompt: [0], completion: [1], roles: ["prompt"] as const },
  ];
  const options = { decode: (id: number) => "[1]$"[id]!, roles: markerRoles({ think: ["[", "]"] }) };
  const table = await tokenShift([base, sft], { on, source: "demonstrations", ...options });
  const roles = Array.from(table.rows(), ({ role }) => role);
  assert.deepEqual(roles, ["format", "think", "format", "answer", "prompt"]);
});

test("wholeText scores the prompt after its first token, and the completion's numbers stay what they were", async () => {
  const text = { prompt: [0, 1, 2], completion: [3, 0] };
  const [whole, alone] = [
    await tokenShift([base, sft], { on: [wholeText(text)], source: "demonstrations" }),
    await tokenShift([base, sft], { on: [text], source: "demonstrations" }),
  ];
  assert.deepEqual(
    Array.from(whole.rows(), ({ role }) => role),
    ["prompt", "prompt", "answer", "answer"],
  );
  assert.deepEqual(whole.models[0]!.kl.subarray(2), alone.models[0]!.kl);
  assert.throws(() => wholeText({ prompt: [], completion: [1] }), /^RangeError: wholeText: expected a prompt/);
  assert.throws(() => wholeText({ ...text, advantage: [1, 2] }), /^TypeError: wholeText: expected a text without/);
});

test("tokenShift keeps the likeliest tokens of every model", async () => {
  const { base: q, models } = await tokenShift([base, sft], { on: bySource.demonstrations, source: "x", topK: 3 });
  for (const [model, scale] of [
    [q, 1],
    [models[0]!, 2],
  ] as const) {
    for (const [row, previous] of [0, 1, 2].entries()) {
      const logits = Float32Array.from(rows(scale).slice(4 * previous, 4 * previous + 4));
      const ids = topK(logits, 3);
      assert.deepEqual(model.topIds!.subarray(3 * row, 3 * row + 3), ids);
      assert.deepEqual(
        model.topLogprobs!.subarray(3 * row, 3 * row + 3),
        Float32Array.from(ids, (id) => logSoftmax(logits)[id]!),
      );
    }
  }
});

test("tokenShift over a wide vocabulary, in blocks cut anywhere, is within 1e-5 of float64", async () => {
  const vocabularySize = 5000;
  const on = [
    { prompt: [0], completion: [1, 2, 3, 4] },
    { prompt: [0], completion: [4999, 2, 0] },
  ];
  const logits = (seed: number, row: number) => {
    const random = createRandom(1000 * seed + row);
    return Float32Array.from({ length: vocabularySize }, () => 12 * random() ** 3);
  };
  const reader = (seed: number, cuts: readonly number[]): Reader => ({
    vocabularySize,
    contextLength: 16,
    async *logitBlocks() {
      const buffer = new Float32Array(7 * vocabularySize);
      for (let row = 0, cut = 0; row < 7; cut++) {
        const size = cuts[cut]!;
        for (let i = 0; i < size; i++) buffer.set(logits(seed, row++), i * vocabularySize);
        yield buffer.subarray(0, size * vocabularySize);
      }
    },
  });
  const table = await tokenShift([reader(1, [3, 3, 1]), reader(2, [1, 6])], { on, source: "demonstrations", topK: 2 });
  const [model, tokens] = [table.models[0]!, on.flatMap(({ completion }) => completion)];
  for (const [row, token] of tokens.entries()) {
    const [baseLogits, ownLogits] = [logits(1, row), logits(2, row)];
    const [q, p] = [logSoftmax(baseLogits), logSoftmax(ownLogits)];
    const expected = { ...divergences(p, q), logprobs: p[token]!, entropies: entropy(p) };
    for (const [column, value] of Object.entries(expected)) {
      const got = model[column as keyof typeof expected][row]!;
      assert.ok(Math.abs(got - value) < 1e-5 * Math.max(1, value), `${column}, row ${row}: ${got}, not ${value}`);
    }
    const likeliest = topK(ownLogits, 2);
    assert.deepEqual(model.topIds!.subarray(2 * row, 2 * row + 2), likeliest);
    assert.deepEqual([model.ranks[row], model.greedyTokens[row]], [rankOf(ownLogits, token), likeliest[0]]);
    assert.equal(model.baseRanks[row], rankOf(baseLogits, likeliest[0]!));
  }
});

const described = (provenance: Reader["provenance"]): Reader => ({
  vocabularySize: 4,
  contextLength: 16,
  logits: (sequences) => base.logits(sequences),
  ...(provenance && { provenance }),
});
const on = bySource.demonstrations;
const different = {
  tokenizerHash: ["a", "b"],
  templateHash: ["a", "b"],
  mode: ["raw", "processed"],
  temperature: [1, 0.7],
  topP: [1, 0.95],
};
for (const [entry, [one, other]] of Object.entries(different)) {
  test(`tokenShift refuses models whose ${entry} differs, and takes one that is not known`, async () => {
    const pair = [described({ [entry]: one }), described({ [entry]: other })];
    await assert.rejects(tokenShift(pair, { on, source: "x" }), (error: Error) => {
      assert.match(
        error.message,
        new RegExp(`expected log-probs of one ${entry} but found ${one} of base and ${other}`),
      );
      return error instanceof RangeError;
    });
    if (!entry.endsWith("Hash")) return;
    const table = await tokenShift([described({ [entry]: one }), described({})], { on, source: "x" });
    assert.equal(table.base.provenance![entry as "tokenizerHash"], one);
  });
}

const refusals: Record<string, [() => Promise<unknown>, RegExp]> = {
  "own texts without prompts": [
    () => tokenShift([base, sft], { on: "own", sample: { maxTokens: 3 } }),
    /^TypeError: .*expected prompts and sample with on: "own"/,
  ],
  "own texts of a model that cannot sample": [
    () => tokenShift([base, described({})], { on: "own", prompts, sample: { maxTokens: 3, random: createRandom(1) } }),
    /^TypeError: .*expected model 1 to have sample but found none: give its text in `on`$/,
  ],
  "a source beside texts by source": [
    () => tokenShift([base, sft], { on: bySource, source: "x" }),
    /^TypeError: .*no source beside texts by source/,
  ],
  "a blank name of a source": [
    () => tokenShift([base, sft], { on: { " ": on } }),
    /^TypeError: .*whose text it is but found " "/,
  ],
  "roles that are not one a token": [
    () => tokenShift([base, sft], { on: [{ ...on[0]!, roles: ["answer"] }], source: "x" }),
    /^RangeError: tokenShift: text 0: expected 3 roles of prompt \| think \| answer \| format but found \["answer"\]$/,
  ],
  "advantages that are not one a token": [
    () => tokenShift([base, sft], { on: [{ ...on[0]!, advantage: [1] }], source: "x" }),
    /^RangeError: tokenShift: text 0: expected 3 advantages, one a token, but found 1$/,
  ],
  "a topK beyond the vocabulary": [
    () => tokenShift([base, sft], { on, source: "x", topK: 5 }),
    /^RangeError: tokenShift: expected an integer topK in \[0, 4\] but found 5$/,
  ],
  "blocks of too few rows": [
    () =>
      tokenShift([base, { vocabularySize: 4, contextLength: 16, logitBlocks: () => [new Float32Array(8)] }], {
        on,
        source: "x",
      }),
    /^TypeError: tokenShift: expected \[3, 4\] logits of model 1 but found 8 numbers$/,
  ],
};
for (const [what, [call, message]] of Object.entries(refusals)) {
  test(`tokenShift refuses ${what}`, () => assert.rejects(call, message));
}
