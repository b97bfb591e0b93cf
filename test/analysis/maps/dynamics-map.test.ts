import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type DynamicsMapOptions, dynamicsMap, type MapDistance } from "../../../src/analysis/maps/dynamics-map.ts";
import { near, unigram } from "./maps.ts";

const half = unigram([0.5, 0.5]);
const quarter = unigram([0.25, 0.75]);
const texts = [
  { prompt: [0], completion: [0] },
  { prompt: [0], completion: [0, 1, 1] },
];
const models = [
  { name: "half", policy: half },
  { name: "quarter", policy: quarter },
];
const references = [{ name: "R", texts, writer: half }];
const distances: readonly MapDistance[] = ["cross-entropy", "excess", "probability"];

// text 0: −log 1/4; text 1: (−log 1/4 − 2 log 3/4) / 3
const crossEntropies = [Math.log(4), (Math.log(4) + 2 * Math.log(4 / 3)) / 3];

test("dynamicsMap's three distances are those worked out by hand", async () => {
  const expected = {
    "cross-entropy": [Math.LN2, (crossEntropies[0]! + crossEntropies[1]!) / 2],
    excess: [0, (crossEntropies[0]! + crossEntropies[1]!) / 2 - Math.LN2],
    probability: [0, 0.25],
  };
  for (const distance of distances) {
    const map = await dynamicsMap(models, { references, distance });
    assert.deepEqual(
      map.map(({ model, reference }) => [model, reference]),
      [
        ["half", "R"],
        ["quarter", "R"],
      ],
    );
    for (const [i, one] of map.entries()) assert.ok(near(one.distance, expected[distance][i]!), `${distance} ${i}`);
  }
});

test("dynamicsMap gives each text its own distance, so a long text weighs no more", async () => {
  const [, { perText }] = (await dynamicsMap(models, { references, distance: "cross-entropy" })) as [
    unknown,
    { perText: Float64Array },
  ];
  assert.ok(perText.every((value, i) => near(value, crossEntropies[i]!)));
});

test("dynamicsMap takes a certain writer's probabilities for 1", async () => {
  const certain = [{ name: "expert", texts, writer: "certain" }] as const;
  const excess = await dynamicsMap(models, { references: certain, distance: "excess" });
  const entropy = await dynamicsMap(models, { references: certain, distance: "cross-entropy" });
  assert.deepEqual(
    excess.map(({ perText }) => perText),
    entropy.map(({ perText }) => perText),
  );
  const [, probability] = await dynamicsMap(models, { references: certain, distance: "probability" });
  assert.ok(near(probability!.perText[0]!, 0.75) && near(probability!.perText[1]!, (0.75 + 2 * 0.25) / 3));
});

const share = fc.double({ min: 0.05, max: 0.95, noNaN: true });
const completion = fc.array(fc.nat(1), { minLength: 1, maxLength: 6 });
const someTexts = fc.array(fc.record({ prompt: fc.constant([0]), completion }), { minLength: 1, maxLength: 8 });

test("dynamicsMap's excess and probability are 0 at the reference, and the probability is symmetric", async () => {
  await fc.assert(
    fc.asyncProperty(share, share, someTexts, async (p, q, on) => {
      const [one, other] = [unigram([p, 1 - p]), unigram([q, 1 - q])];
      const of = async (policy: typeof one, writer: typeof one, distance: MapDistance) =>
        (
          await dynamicsMap([{ name: "M", policy }], {
            references: [{ name: "R", texts: on, writer }],
            distance,
            resamples: 5,
          })
        )[0]!;
      for (const distance of ["excess", "probability"] as const) {
        const self = await of(one, one, distance);
        assert.deepEqual([self.distance, self.interval], [0, { low: 0, high: 0 }]);
      }
      assert.equal((await of(one, other, "probability")).distance, (await of(other, one, "probability")).distance);
      const gap = (await of(one, other, "cross-entropy")).distance - (await of(other, other, "cross-entropy")).distance;
      assert.ok(near((await of(one, other, "excess")).distance, gap, 1e-5));
    }),
    { numRuns: 50 },
  );
});

test("dynamicsMap's excess estimates KL(R‖M) on texts that the reference wrote", async () => {
  let state = 1;
  const draw = () => {
    state = (state * 48271) % 2147483647; // Lehmer
    return state / 2147483647 < 0.5 ? 0 : 1;
  };
  const written = Array.from({ length: 4000 }, () => ({ prompt: [0], completion: [draw(), draw(), draw()] }));
  const [, { distance, interval }] = (await dynamicsMap(models, {
    references: [{ name: "R", texts: written, writer: half }],
    resamples: 200,
  })) as [unknown, { distance: number; interval: { low: number; high: number } }];
  const kl = 0.5 * Math.log(2) + 0.5 * Math.log(2 / 3);
  assert.ok(near(distance, kl, 0.02), `${distance} and ${kl}`);
  assert.ok(interval.low < kl && kl < interval.high && interval.high - interval.low < 0.05);
});

const refusals: Record<string, [Partial<DynamicsMapOptions>, RegExp]> = {
  "no references": [{ references: [] }, /^RangeError: .*at least one of the references, .*found \[\]$/],
  "equal names": [{ references: [...references, ...references] }, /^RangeError: .*found \["R","R"\]$/],
  "no texts": [{ references: [{ name: "R", texts: [], writer: half }] }, /^RangeError: .*texts of R but found none$/],
  "an empty completion": [
    { references: [{ name: "R", texts: [...texts, { prompt: [0], completion: [] }], writer: half }] },
    /^RangeError: .*no token in text 2 of R: leave it out$/,
  ],
  "a reference without a writer": [
    { references: [{ name: "R", texts }], distance: "probability" },
    /^TypeError: .*the writer of the texts of R for the distance "probability" but found none: .*"cross-entropy"$/,
  ],
  "an unknown distance": [{ distance: "cosine" as "excess" }, /^TypeError: .*found "cosine"$/],
  "a confidence of 2": [{ confidence: 2 }, /^RangeError: dynamicsMap: expected a confidence/],
};
for (const [what, [options, message]] of Object.entries(refusals)) {
  test(`dynamicsMap refuses ${what}`, () => assert.rejects(dynamicsMap(models, { references, ...options }), message));
}

test("dynamicsMap refuses no models, and names the text in which a token has probability 0", async () => {
  await assert.rejects(dynamicsMap([], { references }), /^RangeError: .*at least one of the models/);
  await assert.rejects(
    dynamicsMap([{ name: "M", policy: unigram([1, 0]) }], { references }),
    /^RangeError: dynamicsMap: expected a finite distance of M on text 1 of R but found Infinity/,
  );
  const [found] = await dynamicsMap([{ name: "M", policy: unigram([1, 0]) }], { references, distance: "probability" });
  assert.ok(near(found!.distance, 0.5));
});
