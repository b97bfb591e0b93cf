/** What every policy's `step` makes of `optimizer` and `skipNorm`. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Policy, Sequence, StepOptions } from "../../src/srft/policy.ts";

interface Subject<P extends Policy> {
  readonly name: string;
  readonly create: () => P | Promise<P>;
  /** All parameters as they are now. */
  readonly read: (policy: P) => Promise<Readonly<Record<string, ArrayLike<number>>>>;
  readonly sequences: readonly Sequence[];
}

export function testStepSettings<P extends Policy>({ name, create, read, sequences }: Subject<P>): void {
  const tokens = sequences.reduce((sum, { completion }) => sum + completion.length, 0);
  const take = async (policy: P, scale: number, options: StepOptions) => {
    const logprobs = Float32Array.from({ length: tokens }, (_, t) => (scale * (t % 3)) / tokens);
    await policy.backward(sequences, { logprobs });
    return policy.step(options);
  };
  const after = async (...steps: readonly (readonly [number, StepOptions])[]) => {
    const policy = await create();
    for (const [scale, options] of steps) await take(policy, scale, options);
    return structuredClone(await read(policy));
  };
  const rate = { learningRate: 0.01 };

  test(`${name}.step keeps the moments of one optimizer out of another's`, async () => {
    const idle = { learningRate: 0 };
    const alone = await after([-1, rate], [-1, rate]);
    assert.deepEqual(await after([-1, rate], [5, { ...idle, optimizer: "imitation" }], [-1, rate]), alone);
    assert.notDeepEqual(await after([-1, rate], [5, idle], [-1, rate]), alone);
  });

  test(`${name}.step leaves out a step whose norm is above skipNorm, moments included`, async () => {
    const policy = await create();
    const { gradNorm, skipped } = await take(policy, -1, rate);
    assert.equal(skipped, false);
    const before = structuredClone(await read(policy));
    assert.equal((await take(policy, -100, { ...rate, skipNorm: 10 * gradNorm })).skipped, true);
    assert.deepEqual(await read(policy), before);
    await take(policy, -1, { ...rate, skipNorm: 10 * gradNorm });
    assert.deepEqual(await read(policy), await after([-1, rate], [-1, rate]));
    await assert.rejects(take(policy, -1, { ...rate, skipNorm: 0 }), /expected skipNorm > 0 but found 0/);
    await assert.rejects(take(policy, -1, { ...rate, betas: [1, 0.9] }), /expected betas in \[0, 1\) but found 1, 0.9/);
  });
}
