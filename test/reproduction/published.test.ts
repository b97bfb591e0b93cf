import assert from "node:assert/strict";
import { test } from "node:test";
import { independentlyMeasured, paperSays, published, publishedValue } from "../../src/reproduction/published.ts";

const { tables, independent, statements, cameraReady } = published();
const mean = (values: readonly number[]) => values.reduce((sum, one) => sum + one, 0) / values.length;

for (const [name, table] of Object.entries(tables)) {
  test(`published: the printed averages of ${name} are the means of their columns, to the last digit printed`, () => {
    const pairs = [
      [table.columns, table.average],
      [table.oodColumns ?? [], table.oodAverage],
    ] as const;
    for (const row of table.rows) {
      for (const [columns, average] of pairs) {
        if (columns.length === 0) continue;
        const values = columns.map((column) => row[column] as number);
        assert.ok(
          values.every((value) => value >= 0 && value <= 100),
          row.method,
        );
        assert.ok(Math.abs(mean(values) - (row[average!] as number)) < 0.06, `${row.method}: ${mean(values)}`);
      }
    }
  });
}

test("published: the sentences' differences are those of the tables", () => {
  const average = (method: string) => publishedValue("T2", method, "average");
  const ood = (method: string) => publishedValue("T2", method, "OOD average");
  const srft = publishedValue("T3", "SRFT", "average");
  const near = (found: number, expected: number) => assert.ok(Math.abs(found - expected) < 0.051, `${found}`);
  near(srft - average("Oat-Zero"), 9.0);
  near(srft - average("SFT"), 4.8);
  near(srft - average("TAPO"), 3.4);
  near(ood("SRFT") - ood("OpenReasoner-Zero"), 10.9);
  near(ood("SRFT") - ood("LUFFY"), 4.7);
  near(publishedValue("T3", "without w_SFT (fixed at 1)", "average") - srft, -4.0);
  near(publishedValue("T3", "without w_RL (fixed at 1)", "average") - srft, -2.9);
});

test("published: everything has a source, and the independent numbers of SRFT are lower than the paper's", () => {
  for (const { source } of [...Object.values(tables), ...independent, ...Object.values(statements), cameraReady]) {
    assert.ok(source.length > 10);
  }
  const numbers = independent.flatMap(({ values }) => values.filter(({ method }) => method === "SRFT"));
  assert.deepEqual(
    numbers.map(({ average }) => average),
    [44.2, 53.2, 16.2],
  );
  assert.ok(numbers.every(({ average }) => (average as number) < publishedValue("T2", "SRFT", "average")));
  assert.match(independentlyMeasured("SRFT"), /^44.2 \(HPT.*; 53.2 \(Limozin/);
  assert.equal(independentlyMeasured("nobody's method"), "not found");
});

test("paperSays and publishedValue name what there is", () => {
  assert.match(paperSays("fig5"), /figure 5: one stage/);
  assert.throws(() => paperSays("fig99"), { name: "TypeError", message: /expected fig2a, .* but found fig99/ });
  assert.throws(() => publishedValue("T1", "LUFFY", "average"), {
    name: "TypeError",
    message: /found undefined for LUFFY/,
  });
});
