import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { topLogprobsOf } from "../../../src/data/dumps/position-scores.ts";
import { vllmChoices } from "../../../src/data/dumps/vllm-response.ts";

/** Different log-probs of V tokens, as many positions, a text and k. */
const cases = fc.integer({ min: 3, max: 9 }).chain((V) =>
  fc.record({
    k: fc.integer({ min: 1, max: V - 1 }),
    positions: fc.array(
      fc.record({
        logprobs: fc.uniqueArray(fc.integer({ min: -40, max: -1 }), { minLength: V, maxLength: V }),
        token: fc.integer({ min: 0, max: V - 1 }),
      }),
      { minLength: 1, maxLength: 4 },
    ),
  }),
);

interface Position {
  readonly logprobs: readonly number[];
  readonly token: number;
}

/** Ids in descending order of their log-probs. */
const order = ({ logprobs }: Position) => logprobs.map((_, id) => id).sort((a, b) => logprobs[b]! - logprobs[a]!);
const rankOf = (position: Position) => order(position).indexOf(position.token) + 1;

/** The ids vLLM lists: the k likeliest, and the text's token behind them if it is none of them. */
function listed(position: Position, k: number): number[] {
  const top = order(position).slice(0, k);
  return top.includes(position.token) ? top : [...top, position.token];
}

function promptAnswer(positions: readonly Position[], k: number) {
  const entries = positions.map((position) =>
    Object.fromEntries(
      listed(position, k).map((id) => [
        id,
        { logprob: position.logprobs[id], rank: order(position).indexOf(id) + 1, decoded_token: `${id}` },
      ]),
    ),
  );
  const ids = [1, ...positions.map(({ token }) => token)];
  return { choices: [{ index: 0, text: "", prompt_token_ids: ids, prompt_logprobs: [null, ...entries] }] };
}

function sampledAnswer(positions: readonly Position[], k: number) {
  const lists = positions.map((position) =>
    Object.fromEntries(listed(position, k).map((id) => [`token_id:${id}`, position.logprobs[id]])),
  );
  const logprobs = {
    tokens: positions.map(({ token }) => `token_id:${token}`),
    token_logprobs: positions.map(({ logprobs: all, token }) => all[token]),
    top_logprobs: lists,
  };
  return { choices: [{ index: 0, text: "", finish_reason: "stop", logprobs }] };
}

test("vllmChoices and topLogprobsOf give the likeliest tokens of prompts and samples, for every k", () => {
  fc.assert(
    fc.property(cases, ({ k, positions }) => {
      const prompt = vllmChoices(promptAnswer(positions, k))[0]!.promptScores!;
      const sampled = vllmChoices(sampledAnswer(positions, k))[0]!.scores!;
      for (const scores of [prompt, sampled]) {
        const found = topLogprobsOf(scores, { topK: k });
        assert.deepEqual(
          [...found.logprobs],
          positions.map(({ logprobs, token }) => logprobs[token]),
        );
        assert.deepEqual(
          [...found.topIds],
          positions.flatMap((position) => order(position).slice(0, k)),
        );
      }
      assert.deepEqual([...topLogprobsOf(prompt, { topK: k }).ranks], positions.map(rankOf));
      const known = positions.map((position) => (rankOf(position) <= k ? rankOf(position) : 0));
      assert.deepEqual([...topLogprobsOf(sampled, { topK: k }).ranks], known);
    }),
  );
});

test("topLogprobsOf without k takes none but likeliest tokens, whatever k was asked for", () => {
  fc.assert(
    fc.property(cases, ({ k, positions }) => {
      for (const answer of [promptAnswer(positions, k), sampledAnswer(positions, k)]) {
        const [choice] = vllmChoices(answer);
        const found = topLogprobsOf(choice!.promptScores ?? choice!.scores!);
        assert.ok(found.topK <= k + 1);
        assert.deepEqual(
          [...found.topIds],
          positions.flatMap((position) => order(position).slice(0, found.topK)),
        );
      }
    }),
  );
});

test("topLogprobsOf shares the best rank among equals and says where a list is too short", () => {
  const position = { token: 7, logprob: -1, rank: 9, certain: 3 };
  const equal = [
    [5, -1],
    [7, -1],
    [8, -1],
  ] as const;
  assert.deepEqual([...topLogprobsOf([{ ...position, top: equal }]).ranks], [1]);
  assert.deepEqual([...topLogprobsOf([{ ...position, top: equal }], { topK: 1 }).ranks], [9]);
  assert.throws(
    () => topLogprobsOf([{ ...position, top: [] }], { topK: 1 }),
    /expected 1 likeliest tokens at position 0 but found 0/,
  );
  assert.equal(topLogprobsOf([]).topK, 0);
});

test("vllmChoices names the field that is wrong", () => {
  const choice = { index: 0, text: "", finish_reason: "stop" };
  const answers: [unknown, RegExp][] = [
    [null, /expected an object but found nothing in answer/],
    [{ error: { message: "no such model" } }, /expected an array but found nothing in choices/],
    [{ choices: [{ ...choice, text: 3 }] }, /expected text but found number 3 in choices\[0\]\.text/],
    [
      { choices: [{ ...choice, token_ids: [1.5] }] },
      /expected a token id .* found number 1\.5 in choices\[0\]\.token_ids\[0\]/,
    ],
    [
      { choices: [{ ...choice, token_ids: [1], logprobs: { token_logprobs: [null] } }] },
      /expected a number but found nothing in choices\[0\]\.logprobs\.token_logprobs\[0\]/,
    ],
    [
      { choices: [{ ...choice, token_ids: [1], logprobs: { token_logprobs: [-1], top_logprobs: [] } }] },
      /expected 1 entries but found 0 in choices\[0\]\.logprobs\.top_logprobs/,
    ],
    [
      { choices: [{ ...choice, prompt_token_ids: [1, 2], prompt_logprobs: [null, { 3: { logprob: -1, rank: 1 } }] }] },
      /expected the log-prob of token 2 but found those of others in choices\[0\]\.prompt_logprobs\[1\]/,
    ],
  ];
  for (const [answer, message] of answers) assert.throws(() => vllmChoices(answer), message);
});

test("vllmChoices leaves out ids that are given as text, for texts are not unique", () => {
  const logprobs = { tokens: [" a"], token_logprobs: [-0.5], top_logprobs: [{ " a": -0.5 }] };
  const [without] = vllmChoices({ choices: [{ index: 0, text: " a", logprobs }] });
  assert.deepEqual([without!.tokens, without!.scores], [undefined, undefined]);
  const [named] = vllmChoices({ choices: [{ index: 0, text: " a", token_ids: [4], logprobs }] });
  assert.deepEqual(named!.scores, [{ token: 4, logprob: -0.5, rank: 0, top: [], certain: 0 }]);
});
