import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { checked, claimsMime, claimTable } from "../../src/reproduction/claims.ts";
import { meanInterval, pairedInterval } from "../../src/reproduction/interval.ts";
import { type Expectation, verdictOf } from "../../src/reproduction/verdict.ts";

const near = (found: number, expected: number) => assert.ok(Math.abs(found - expected) < 1e-3, `${found}`);

test("meanInterval is Student's: 1, 2, 3 give 2 ± 4.3027 / √3", () => {
  const { mean, sd, low, high, n } = meanInterval([1, 2, 3]);
  assert.deepEqual([mean, sd, n], [2, 1, 3]);
  near(low, 2 - 4.3027 / Math.sqrt(3));
  near(high, 2 + 4.3027 / Math.sqrt(3));
  near(meanInterval([0, 1]).high, 0.5 + (12.7062 * Math.SQRT1_2) / Math.SQRT2);
  assert.deepEqual(meanInterval([5]), { mean: 5, sd: 0, low: -Infinity, high: Infinity, n: 1 });
});

test("meanInterval covers the mean of normal values about 95 times in 100", () => {
  let state = 1;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  let covered = 0;
  for (let i = 0; i < 4000; i++) {
    const { low, high } = meanInterval([normal(), normal(), normal()]);
    if (low <= 0 && high >= 0) covered++;
  }
  assert.ok(Math.abs(covered / 4000 - 0.95) < 0.012, `${covered / 4000}`);
});

test("pairedInterval takes what seeds have in common out of a comparison", () => {
  const [a, b] = [
    [10, 20, 30],
    [9, 19, 29],
  ];
  assert.deepEqual(pairedInterval(a, b), { mean: 1, sd: 0, low: 1, high: 1, n: 3 });
  assert.throws(() => pairedInterval([1], [1, 2]), /expected as many values of both but found 1 and 2/);
  assert.throws(() => meanInterval([1, Number.NaN]), /expected finite values but found NaN at 1/);
  assert.throws(() => meanInterval([]), /expected 1 to 31 values but found 0/);
});

const interval = (low: number, high: number) => ({ mean: (low + high) / 2, sd: 1, low, high, n: 3 });

test("verdictOf follows the written rule", () => {
  const rows: readonly (readonly [Expectation, number, number, string])[] = [
    [{ above: 0 }, 1, 3, "reproduced"],
    [{ above: 0 }, -1, 3, "partly"],
    [{ above: 0 }, -3, 1, "not reproduced"],
    [{ above: 0 }, -3, -1, "not reproduced"],
    [{ below: 0.5 }, 0, 0.4, "reproduced"],
    [{ below: 0.5 }, 0, 0.6, "partly"],
    [{ between: [0, 1] }, 0.2, 0.4, "reproduced"],
    [{ between: [0, 1] }, -1, 1.5, "partly"],
    [{ between: [0, 1] }, 2, 3, "not reproduced"],
    ["unknown", -9, 9, "reported"],
    [{ notTestable: "7 B" }, 1, 2, "not testable here"],
  ];
  for (const [expected, low, high, verdict] of rows) assert.equal(verdictOf(expected, interval(low, high)), verdict);
  assert.equal(verdictOf({ notTestable: "7 B" }), "not testable here");
  assert.throws(() => verdictOf({ above: 0 }), /expected an interval but found none/);
});

test("verdictOf never calls a claim and its opposite reproduced", () => {
  fc.assert(
    fc.property(
      fc.double({ min: -5, max: 5, noNaN: true }),
      fc.double({ min: 0, max: 5, noNaN: true }),
      (mean, half) => {
        const found = interval(mean - half, mean + half);
        const both = [verdictOf({ above: 0 }, found), verdictOf({ below: 0 }, found)];
        assert.ok(both.includes("not reproduced"), both.join());
      },
    ),
  );
});

const claim = {
  id: "a",
  claim: "<b>more</b> steps",
  paper: "figure 5",
  measure: "steps",
  expected: { above: 0 },
} as const;

test("claimTable judges, escapes and gives its data", () => {
  const table = claimTable([{ ...claim, found: interval(1, 3) }]);
  assert.equal(table.claims[0]!.verdict, "reproduced");
  const bundle = (table as unknown as Record<symbol, () => Record<string, unknown>>)[Symbol.for("Jupyter.display")]!();
  assert.match(bundle["text/html"] as string, /&#60;b&#62;more/);
  assert.doesNotMatch(bundle["text/html"] as string, /<b>/);
  assert.match(bundle["text/plain"] as string, /^REPRODUCED .*2 \[1, 3\], n = 3$/);
  assert.deepEqual(bundle[claimsMime], { claims: table.claims });
  assert.throws(() => claimTable([claim, claim]), /expected each id once but found a again/);
  assert.throws(() => claimTable([claim]), /expected an interval but found none/);
});

test("checked gives the rows back, or names those that do not hold", () => {
  const right = { what: "sum", expected: 1, got: 1.05, within: 0.1 };
  assert.deepEqual(checked([right]), [{ ...right, ok: true }]);
  const wrong = { what: "KL", expected: 0, got: Number.NaN, within: 1 };
  assert.throws(() => checked([right, wrong]), /checked: KL: expected 0, got NaN. Run the notebook again/);
});
