/** What every trained policy over a vocabulary of 9 tokens (2 ends) with a context of 40 must hold to. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createRandom } from "../../src/random.ts";
import type { Policy, Rollouts, Sequence } from "../../src/srft/policy.ts";

type Arrays = Readonly<Record<string, Float32Array>>;

export interface TrainedPolicy extends Policy {
  clone(): Promise<TrainedPolicy>;
  parameters(): Promise<Arrays>;
  gradients(): Promise<Arrays>;
}

export const prompts = [[1, 3], [1, 4, 5, 6], [1], [1, 8, 8]];
export const texts: readonly Sequence[] = [
  { prompt: [1, 3], completion: [4, 5, 2] },
  { prompt: [1], completion: [6, 6, 6, 6, 2] },
  { prompt: [1, 7, 3, 3], completion: [2] },
  { prompt: [1, 5], completion: [0, 8] },
];
export const sequencesOf = ({ completions }: Rollouts, groupSize: number): Sequence[] =>
  completions.map((completion, row) => ({ prompt: prompts[Math.floor(row / groupSize)]!, completion }));
export const largest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((worst, one, i) => Math.max(worst, Math.abs(one - b[i]!)), 0);

/** A slope for each completion token that depends on its row and place alone. */
export const joined = (rows: readonly Sequence[]) =>
  Float32Array.from(
    rows.flatMap(({ prompt, completion }) =>
      Array.from(completion, (_, t) => Math.sin(prompt.length + 3 * t + completion.length)),
    ),
  );

/** The gradient that a copy accumulates over some batches, from slopes of log-probabilities and entropies. */
export async function gradientOf(policy: TrainedPolicy, batches: readonly (readonly Sequence[])[]): Promise<Arrays> {
  const copy = await policy.clone();
  for (const batch of batches) await copy.backward(batch, { logprobs: joined(batch), entropies: joined(batch) });
  return copy.gradients();
}

interface Subject {
  /** Gives the policy, whose distributions must not be nearly uniform; called within a test. */
  readonly policy: () => TrainedPolicy;
  /** Of gradients of sums in another order. */
  readonly tolerance: number;
}

export function testPolicyInvariants(subject: Subject): void {
  describe("sample", () => testSampling(subject));
  describe("backward and step", () => testTraining(subject));
  describe("bad input", () => testBadInput(subject));
}

function testSampling({ policy }: Subject): void {
  test("gives log-probabilities and entropies equal to those of score", async () => {
    const rollouts = await policy().sample(prompts, { groupSize: 3, maxTokens: 8, random: createRandom(1) });
    const scores = await policy().score(sequencesOf(rollouts, 3));
    assert.deepEqual(rollouts.offsets, scores.offsets);
    assert.ok(largest(rollouts.logprobs, scores.logprobs) < 5e-6);
    assert.ok(largest(rollouts.entropies, scores.entropies) < 5e-6);
    assert.deepEqual(rollouts.behaviorLogprobs, rollouts.logprobs);
  });

  test("ends each completion at the end token or at maxTokens", async () => {
    const { completions } = await policy().sample(prompts, { groupSize: 20, maxTokens: 6, random: createRandom(2) });
    assert.ok(new Set(completions.map((one) => one.length)).size > 2);
    for (const one of completions) {
      assert.ok(one.indexOf(2) === one.length - 1 || (one.length === 6 && !one.includes(2)));
    }
  });

  test("repeats itself with the same seed and differs with another", async () => {
    const draw = (seed: number) => policy().sample(prompts, { groupSize: 3, maxTokens: 8, random: createRandom(seed) });
    assert.deepEqual(await draw(3), await draw(3));
    assert.notDeepEqual((await draw(3)).completions, (await draw(4)).completions);
  });

  test("at temperature 0 takes the likeliest token at every position", async () => {
    const rollouts = await policy().sample(prompts, { maxTokens: 8, temperature: 0 });
    const logits = await policy().logits(sequencesOf(rollouts, 1));
    const tokens = rollouts.completions.flatMap((one) => [...one]);
    for (const [i, token] of tokens.entries()) {
      const row = logits.subarray(9 * i, 9 * i + 9);
      assert.equal(token, row.indexOf(Math.max(...row)));
    }
    assert.ok(rollouts.behaviorLogprobs.every((one) => one === 0));
  });

  test("at temperature 2 reports the tempered log-probability beside the policy's own", async () => {
    const rollouts = await policy().sample(prompts, { maxTokens: 4, temperature: 2, random: createRandom(6) });
    const logits = await policy().logits(sequencesOf(rollouts, 1));
    const tokens = rollouts.completions.flatMap((one) => [...one]);
    for (const [i, token] of tokens.entries()) {
      const row = Array.from(logits.subarray(9 * i, 9 * i + 9), (x) => Math.exp(x / 2));
      const expected = Math.log(row[token]! / row.reduce((a, b) => a + b));
      assert.ok(Math.abs(rollouts.behaviorLogprobs[i]! - expected) < 1e-5);
    }
    assert.ok(largest(rollouts.behaviorLogprobs, rollouts.logprobs) > 0.01);
  });
}

function testTraining({ policy, tolerance }: Subject): void {
  test("backward over one batch of four equals four batches of one, in any order", async () => {
    const whole = await gradientOf(policy(), [texts]);
    const parts = await gradientOf(
      policy(),
      texts.map((row) => [row]),
    );
    const reversed = await gradientOf(policy(), [texts.toReversed()]);
    for (const name of Object.keys(whole)) {
      assert.ok(largest(whole[name]!, parts[name]!) < tolerance, name);
      assert.ok(largest(whole[name]!, reversed[name]!) < tolerance, name);
    }
  });

  test("score does not depend on what else is in the batch", async () => {
    const together = await policy().score(texts);
    const alone = await policy().score([texts[1]!]);
    assert.ok(largest(together.logprobs.subarray(3, 8), alone.logprobs) < 5e-6);
  });

  test("step keeps the parameters when the gradient overflows, and goes on", async () => {
    const copy = await policy().clone();
    await copy.backward(texts, { logprobs: joined(texts).fill(3e38) });
    await assert.rejects(
      copy.step({ learningRate: 0.01 }),
      /expected a finite gradient norm but found .*; the parameters were kept/,
    );
    assert.deepEqual(await copy.parameters(), await policy().parameters());
    await copy.backward(texts, { logprobs: joined(texts) });
    await copy.step({ learningRate: 0.01 });
    for (const data of Object.values(await copy.parameters())) assert.ok(data.every(Number.isFinite));
  });

  test("step lowers the loss of a demonstration until it is certain", async () => {
    const copy = await policy().clone();
    for (let step = 0; step < 60; step++) {
      await copy.backward(texts.slice(0, 1), { logprobs: new Float32Array(3).fill(-0.3) });
      await copy.step({ learningRate: 0.02 });
    }
    const { logprobs } = await copy.score(texts.slice(0, 1));
    assert.ok(Math.exp(logprobs[0]!) > 0.95, `probability ${Math.exp(logprobs[0]!)}`);
  });
}

function testBadInput({ policy }: Subject): void {
  test("score names the row that is empty, too long or in another vocabulary", async () => {
    const score = (...rows: Sequence[]) => policy().score(rows);
    await assert.rejects(score(texts[0]!, { prompt: [1], completion: [] }), /found an empty completion in row 1/);
    await assert.rejects(score({ prompt: [], completion: [1] }), /found an empty prompt .* row 0/);
    await assert.rejects(
      score({ prompt: [1], completion: new Array(40).fill(3) }),
      /expected at most 40 tokens but found 41 in row 0/,
    );
    await assert.rejects(score({ prompt: [1, -1], completion: [3] }), /found -1 at position 1 of the prompt of row 0/);
    await assert.rejects(score({ prompt: [1, 9], completion: [3] }), /expected a token id in \[0, 9\) but found 9/);
    await assert.rejects(score(), /expected one sequence or more but found none/);
  });

  test("sample names what it cannot sample", async () => {
    const random = createRandom(1);
    const sample = (rows: number[][], options: object) => policy().sample(rows, { maxTokens: 3, random, ...options });
    await assert.rejects(
      sample([[1], [1, 9]], {}),
      /expected a token id in \[0, 9\) but found 9 at position 1 .* row 1/,
    );
    await assert.rejects(sample([[]], {}), /found an empty prompt in row 0/);
    await assert.rejects(sample([], {}), /expected one prompt or more but found none/);
    await assert.rejects(sample([[1]], { maxTokens: 40 }), /expected prompt \+ maxTokens <= 40 but found 1 \+ 40/);
    await assert.rejects(sample([[1]], { maxTokens: 0 }), /expected a whole maxTokens > 0 but found 0/);
    await assert.rejects(sample([[1]], { random: undefined }), /expected random numbers but found none/);
    await assert.rejects(
      sample([[1]], { temperature: Number.NaN }),
      /expected a finite temperature >= 0 but found NaN/,
    );
  });

  test("backward and step refuse gradients that are NaN, of another length or missing", async () => {
    const copy = await policy().clone();
    await assert.rejects(
      copy.backward(texts, { logprobs: joined(texts).fill(Number.NaN) }),
      /expected finite gradients of logprobs but found NaN at token 0/,
    );
    await assert.rejects(
      copy.backward(texts, { logprobs: new Float32Array(3) }),
      /expected 11 gradients of logprobs, one a completion token, but found 3/,
    );
    await assert.rejects(copy.step({ learningRate: 0.01 }), /expected a gradient but found none; call backward first/);
    await assert.rejects(copy.step({ learningRate: Number.NaN }), /expected learningRate >= 0 but found NaN/);
  });
}
