import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { htmlReport } from "../../kernel/notebook/report.ts";
import { together } from "../../notebooks/reproduce.ts";
import { committed, notebooks, paperNotebooks } from "../../notebooks/reproduction/executed.ts";
import {
  codeHash,
  type FullRun,
  fullRunOf,
  fullRuns,
  lastFullRun,
  madeHere,
  writeFullRun,
} from "../../notebooks/reproduction/full-run.ts";
import { ablationFigure } from "../../notebooks/reproduction/readme.ts";
import { fullRunText, verdictTable } from "../../notebooks/reproduction/verdict-tables.ts";
import { claimsMime, type JudgedClaim } from "../../src/reproduction/claims.ts";
import { type Interval, meanInterval } from "../../src/reproduction/interval.ts";
import { verdictOf } from "../../src/reproduction/verdict.ts";

const folder = mkdtempSync(join(tmpdir(), "srft-full-run-"));
after(() => rmSync(folder, { recursive: true }));
const runs = [...fullRuns().values()];
const key = "0123456789abcdef";
const ablation = paperNotebooks(["08"])[0]!;

/** What a claim says, without what was found. */
const saidBy = ({ found: _, verdict: __, ...said }: JudgedClaim) => said;

/** The half-width of an interval over n values is t(n) · sd / √n, so the mean, sd and n of a file give its ends. */
function endsOf({ mean, sd, n }: Interval) {
  const values = Array.from({ length: n }, (_, i) => (i === 0 ? 1 : 0));
  const unit = meanInterval(values);
  const half = ((unit.high - unit.mean) / unit.sd) * sd;
  return [mean - half, mean + half] as const;
}

for (const run of runs) {
  describe(`the long run of ${run.notebook}`, () => {
    test("makes the claims of the committed notebook, from the same code", () => {
      const { notebook, claims } = committed(run.notebook);
      assert.deepEqual(run.claims.map(saidBy), claims.map(saidBy));
      assert.equal(run.provenance.code, codeHash(notebook), "run it anew with SRFT_FULL=1, then --full-data");
    });

    test("has the verdicts and the intervals that follow from mean, deviation and n", () => {
      for (const { id, expected, found, verdict } of run.claims) {
        assert.equal(verdict, verdictOf(expected, found), id);
        if (!found) continue;
        const [low, high] = endsOf(found);
        const near = 1e-9 * Math.max(1, Math.abs(found.mean), found.sd);
        assert.ok(Math.abs(low - found.low) < near && Math.abs(high - found.high) < near, id);
        assert.equal(found.n, run.provenance.seeds.length, id);
      }
    });

    test("says where it comes from", () => {
      const { key: hash, date, wallSeconds, cores, node, onnxruntime, package: library } = run.provenance;
      const { seeds, steps, parameters } = run.provenance;
      assert.deepEqual([seeds, steps, parameters], [[1, 2, 3, 4, 5], 300, { SRFT_FULL: "1" }]);
      assert.match(hash, /^[0-9a-f]{16}$/);
      assert.equal(new Date(date).toISOString().slice(0, 10), date);
      assert.ok(wallSeconds > 0 && cores >= 1);
      assert.match(`${library} ${node} ${onnxruntime}`, /^srft \d+\.\d+\.\d+ v\d+\.\d+\.\d+ \d+\.\d+\.\d+$/);
      assert.equal(
        readFileSync(join(notebooks, "data/full", run.notebook.replace("ipynb", "json")), "utf8").at(-1),
        "\n",
      );
    });
  });
}

/** The committed ablation as if it had been run with more seeds. */
function executed(n: number, edit: (notebook: ReturnType<typeof committed>["notebook"]) => void = () => {}) {
  const { notebook } = structuredClone(committed(ablation));
  for (const output of notebook.cells.flatMap(({ outputs = [] }) => outputs)) {
    const bundle = "data" in output ? (output.data[claimsMime] as { claims: { found?: { n: number } }[] }) : undefined;
    for (const { found } of bundle?.claims ?? []) if (found) found.n = n;
  }
  edit(notebook);
  const file = join(folder, ablation.replace(".ipynb", `-${key}.ipynb`));
  writeFileSync(file, JSON.stringify(notebook));
  return file;
}

test("fullRunOf takes claims, seeds, steps and times from an executed notebook, and the key from its name", () => {
  const run = fullRunOf(executed(5))!;
  const { seeds, steps, code, wallSeconds } = run.provenance;
  const { notebook, claims } = committed(ablation);
  assert.deepEqual([run.notebook, run.provenance.key, steps], [ablation, key, 300]);
  assert.deepEqual([seeds, run.claims.map(saidBy)], [[1, 2, 3, 4, 5], claims.map(saidBy)]);
  assert.ok(code === codeHash(notebook) && wallSeconds > 0);
  const said = { ...madeHere({ SRFT_FULL: "1", SRFT_STEPS: "2", HOME: "x" }), node: "v20.0.0" };
  const saying = executed(5, ({ metadata }) => void Object.assign(metadata, { srft: said }));
  const { provenance } = fullRunOf(saying)!;
  assert.deepEqual({ ...provenance, ...said }, provenance);
  assert.equal(provenance.steps, 2);
  assert.deepEqual(said.parameters, { SRFT_FULL: "1", SRFT_STEPS: "2" });
  const path = writeFullRun(run, folder);
  assert.deepEqual(JSON.parse(readFileSync(path, "utf8")), JSON.parse(JSON.stringify(run)));
});

test("fullRunOf sees changed code, not changed text, and takes no default run", () => {
  const add = (cell_type: "code" | "markdown") =>
    executed(5, ({ cells }) => void cells.push({ cell_type, source: "1", metadata: {} } as (typeof cells)[number]));
  const same = fullRunOf(executed(5))!.provenance.code;
  assert.equal(fullRunOf(add("markdown"))!.provenance.code, same);
  assert.notEqual(fullRunOf(add("code"))!.provenance.code, same);
  assert.equal(fullRunOf(executed(3)), undefined);
  assert.throws(() => fullRunOf("08.ipynb"), /expected NAME-KEY.ipynb but found 08.ipynb/);
  const untrained = paperNotebooks(["02"])[0]!;
  const copy = join(folder, untrained.replace(".ipynb", `-${key}.ipynb`));
  copyFileSync(join(notebooks, untrained), copy);
  assert.equal(fullRunOf(copy), undefined);
});

test("lastFullRun finds the newest long run of a name, and passes over default runs", () => {
  const older = executed(5);
  const [newer, newest] = ["f", "e"].map((letter) => older.replace(key, key.replace("0", letter)));
  copyFileSync(older, newer!);
  copyFileSync(join(notebooks, ablation), newest!);
  utimesSync(newer!, 2e9, 2e9);
  utimesSync(newest!, 3e9, 3e9);
  assert.equal(lastFullRun(ablation, folder)?.provenance.key, key.replace("0", "f"));
  assert.equal(lastFullRun("07-srft-against-all.ipynb", folder), undefined);
});

test("ablationFigure has a row a variant, and a panel for the long run where there is one", () => {
  const { notebook, claims } = committed(ablation);
  const own = { name: ablation, notebook, claims };
  const [points, ...none] = ablationFigure(own).data;
  const steps = claims.filter(({ id }) => id.endsWith("-steps"));
  assert.deepEqual(
    points!.x,
    steps.map(({ found }) => found!.mean),
  );
  assert.deepEqual([none, points!.y?.length], [[], 8]);
  const both = ablationFigure(own, fullRunOf(executed(5))!);
  assert.deepEqual([both.data.length, both.data[1]!.x], [2, points!.x]);
  assert.match(both.summary, /w_SFT = 1, default, 3 seeds: .*w_SFT = 1, long, 5 seeds, 300 steps: /);
});

test("README's table and the report show a long run beside the default one", () => {
  const default_ = committed(ablation);
  const [first, ...others] = default_.claims;
  const found = { mean: -2, sd: 1, low: -3.25, high: -0.75, n: 5 };
  const long: FullRun = {
    ...fullRunOf(executed(5))!,
    claims: [{ ...first!, found, verdict: "not reproduced" }, ...others.slice(1)],
  };
  const full = new Map([[ablation, long]]);
  const [head, , row, without] = verdictTable([default_], full).split("\n");
  assert.match(head!, /\| verdict \| 5 seeds, 300 steps \|$/);
  assert.match(row!, /\| -2 \[-3.25, -0.75\], not reproduced \|$/);
  assert.match(without!, /\| – \|$/);
  assert.doesNotMatch(verdictTable([default_]), /300 steps/);
  assert.match(fullRunText(default_, long), /Node v\d+.*ONNX Runtime \d+/);
  const report = htmlReport(together([default_], full), { name: "x" });
  assert.match(report, /The long run: 5 seeds, 300 steps/);
});
