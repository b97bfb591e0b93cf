import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { createRandom } from "../../src/random.ts";
import { divergenceStatistics } from "../../src/token-stats/divergence-statistics.ts";
import type { LogitType } from "../../src/token-stats/logits.ts";
import { createTokenThreads } from "../../src/token-stats/threads.ts";
import { assertColumns } from "./close.ts";
import { plainDivergenceStatistics } from "./twin.ts";

const threads = createTokenThreads(2);
after(() => threads.close());

const golden = JSON.parse(readFileSync(join(import.meta.dirname, "../../../test/golden/token-stats.json"), "utf8"));
const names = ["kl", "reverseKl", "js", "tv"];

/** P and Q with `noise` between them, [rows, V]. */
function randomPair({ rows, vocabularySize, noise }: { rows: number; vocabularySize: number; noise: number }) {
  const random = createRandom(vocabularySize);
  const p = Float32Array.from({ length: rows * vocabularySize }, () => 8 * (random() + random() + random() - 1.5));
  return [p, p.map((logit) => logit + noise * (random() - 0.5))] as const;
}

async function assertLikeTwin(p: Float32Array, q: Float32Array, vocabularySize: number) {
  const got = await divergenceStatistics(p, q, { vocabularySize, threads });
  const expected = plainDivergenceStatistics(p, q, { vocabularySize, dtype: "float32" });
  assertColumns({ ...got }, expected, `V ${vocabularySize}`);
}

for (const [dtype, expected] of Object.entries<Record<string, (number | string)[]>>(golden.cases)) {
  test(`divergenceStatistics of ${dtype} logits are PyTorch's in float64`, async () => {
    const ArrayType = dtype === "float32" ? Float32Array : Uint16Array;
    const [p, q] = [ArrayType.from(expected.p!.map(Number)), ArrayType.from(expected.q!.map(Number))];
    const options = { vocabularySize: golden.vocabularySize, dtype: dtype as LogitType, threads };
    const columns = Object.fromEntries(names.map((name) => [name, expected[name]!.map(Number)]));
    assertColumns({ ...(await divergenceStatistics(p, q, options)) }, columns, dtype);
  });
}

for (const vocabularySize of [1, 2, 3, 7, 8, 9, 21, 4095, 4096, 4097, 151936, 262144]) {
  test(`divergenceStatistics over ${vocabularySize} tokens are the plain formula's`, async () => {
    for (const noise of [1e-3, 1, 20]) {
      const [p, q] = randomPair({ rows: vocabularySize > 5000 ? 2 : 9, vocabularySize, noise });
      await assertLikeTwin(p, q, vocabularySize);
    }
  });
}

test("divergenceStatistics of huge, shifted and masked logits are the plain formula's", async () => {
  const p = Float32Array.of(1e4, 1e4 + 1, 1e4 - 2, 0, 0, -Infinity, -Infinity, 2, 1, 1e4, -1e4, 0);
  const q = Float32Array.of(-1e4, -1e4 + 2, -1e4, 0, -Infinity, 0, -Infinity, 1, 2, -1e4, -1e4, 0);
  await assertLikeTwin(p, q, 3);
});

test("divergenceStatistics of disjoint supports are infinite, ln 2 and 1", async () => {
  const [p, q] = [Float32Array.of(0, -Infinity), Float32Array.of(-Infinity, 0)];
  const { kl, reverseKl, js, tv } = await divergenceStatistics(p, q, { vocabularySize: 2, threads });
  assert.deepEqual([kl[0], reverseKl[0], tv[0]], [Infinity, Infinity, 1]);
  assert.ok(Math.abs(js[0]! - Math.LN2) < 1e-6);
});

test("divergenceStatistics is in range for all logits, symmetric, and 0 for equal rows", async () => {
  const logit = fc.oneof(
    { weight: 9, arbitrary: fc.float({ min: -100, max: 100, noNaN: true }) },
    fc.constant(-Infinity),
  );
  const row = (length: number) =>
    fc.array(logit, { minLength: length, maxLength: length }).filter((logits) => logits.some(Number.isFinite));
  const pair = fc.integer({ min: 1, max: 30 }).chain((length) => fc.tuple(row(length), row(length)));
  await fc.assert(
    fc.asyncProperty(pair, async ([a, b]) => {
      const options = { vocabularySize: a.length, threads };
      const [p, q] = [Float32Array.of(...a, ...b, ...a), Float32Array.of(...b, ...a, ...a)];
      const { kl, reverseKl, js, tv } = await divergenceStatistics(p, q, options);
      assert.ok(kl[0]! >= 0 && reverseKl[0]! >= 0 && kl[0] === reverseKl[1]);
      assert.ok(js[0]! >= 0 && js[0]! <= Math.LN2 && tv[0]! >= 0 && tv[0]! <= 1);
      assert.ok(Math.abs(js[0]! - js[1]!) < 1e-6 && tv[0] === tv[1]);
      assert.ok(kl[2] === 0 && js[2]! < 1e-6 && tv[2] === 0);
    }),
    { numRuns: 200 },
  );
});

test("divergenceStatistics refuses what is no distribution, and names the row and whose it is", async () => {
  const [p, q] = randomPair({ rows: 9, vocabularySize: 2000, noise: 1 });
  const options = { vocabularySize: 2000, threads };
  const payload = new Float32Array(Uint32Array.of(0x7fc00001).buffer)[0]!;
  for (const bad of [Number.NaN, payload, Infinity]) {
    const at = (name: string) => new RegExp(`: row 7 of ${name}: expected finite .* found (NaN|Infinity) at token 5$`);
    await assert.rejects(divergenceStatistics(p.with(14_005, bad), q, options), at("p"));
    await assert.rejects(divergenceStatistics(p, q.with(14_005, bad), options), at("q"));
  }
  const masked = q.slice().fill(-Infinity, 2000, 4000);
  await assert.rejects(
    divergenceStatistics(p, masked, options),
    /: row 1 of q: expected a finite logit but found none$/,
  );
});

test("divergenceStatistics refuses inputs of different lengths", async () => {
  const [two, three] = [new Float32Array(4), new Float32Array(6)];
  const options = { vocabularySize: 2, threads };
  await assert.rejects(
    divergenceStatistics(two, three, options),
    /^RangeError: .* one length but found 4 and 6 logits$/,
  );
  await assert.rejects(divergenceStatistics([two], [three], options), /^RangeError: .* found p to end after 2 rows$/);
});
